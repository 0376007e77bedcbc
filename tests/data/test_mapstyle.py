"""Map-style data sets of PyTorch as a source."""

from typing import Any

import numpy as np
import pandas as pd
import pytest

from rightbatch.data.loader import Loader
from rightbatch.data.mapstyle import MapStyle, is_map_style, stacked
from rightbatch.errors import DataError

torch = pytest.importorskip("torch")


class Rows(torch.utils.data.Dataset):  # type: ignore[misc, name-defined]
    """Row i is ({"x": [i, i]}, i)."""

    def __init__(self, rows: int = 20) -> None:
        self.rows = rows
        self.asked: list[Any] = []

    def __len__(self) -> int:
        return self.rows

    def __getitem__(self, number: int) -> Any:
        self.asked.append(number)
        return {"x": torch.full((2,), float(number))}, number


class Many(Rows):
    """The same, many at once."""

    def __getitems__(self, numbers: list[int]) -> list[Any]:
        self.asked.append(numbers)
        return [({"x": torch.full((2,), float(number))}, number) for number in numbers]


@pytest.mark.parametrize("kind", [Rows, Many])
@pytest.mark.parametrize("settings", [{}, {"shuffle": True}, {"shuffle": True, "prefetch": 2}], ids=str)
def test_every_row_comes_once(kind: type[Rows], settings: dict[str, Any]) -> None:
    """As arrays of the same tree."""
    loader = Loader(kind(), 6, **settings)
    batches = list(loader)
    rows = np.concatenate([labels for _, labels in batches])
    assert sorted(rows) == list(range(20))
    for fields, labels in batches:
        assert np.array_equal(fields["x"], np.stack([labels, labels], axis=1))
    assert np.array_equal(rows, np.concatenate(list(Loader(np.arange(20), 6, **settings))))


def test_many_rows_are_asked_for_at_once() -> None:
    """By one call a block, where the data set takes one."""
    data = Many()
    list(Loader(data, 5, shuffle=True))
    assert [len(numbers) for numbers in data.asked if isinstance(numbers, list)] == [20]


def test_a_tensor_dataset_is_its_tensors() -> None:
    """They are gathered as arrays, without a copy of the whole."""
    x, y = torch.arange(12.0).reshape(6, 2), torch.arange(6)
    loader = Loader(torch.utils.data.TensorDataset(x, y), 2)
    assert np.shares_memory(loader.data[0], x.numpy())
    assert [labels.tolist() for _, labels in loader] == [[0, 1], [2, 3], [4, 5]]


def test_a_state_of_another_length_is_refused() -> None:
    """The fingerprint knows type, length and form of a row."""
    assert MapStyle(Rows()).fingerprint() == MapStyle(Rows()).fingerprint()
    assert len({MapStyle(data).fingerprint() for data in (Rows(), Rows(19), Many())}) == 3


def test_rows_that_differ_are_refused() -> None:
    """One sentence, with a way out."""
    with pytest.raises(DataError) as caught:
        stacked([np.zeros(2), np.zeros(3)])
    assert str(caught.value) == (
        "Rows of the data set differ in shape; pad them to one shape, or write them into a Ragged."
    )


def test_an_empty_data_set_is_refused() -> None:
    """By its name."""
    with pytest.raises(DataError) as caught:
        Loader(Rows(0), 2)
    assert str(caught.value) == "Rows has no rows; write data with at least one."


class Plain:
    """Rows by number, of no kind that PyTorch or NumPy knows, and without an end to iterating over it."""

    def __len__(self) -> int:
        return 20

    def __getitem__(self, number: int) -> Any:
        return np.full(2, number), number


def test_a_data_set_need_not_be_pytorchs() -> None:
    """Whatever has a length and gives rows by number is one; NumPy would ask it for rows for ever."""
    rows = [labels for _, labels in Loader(Plain(), 6, shuffle=True)]
    assert sorted(np.concatenate(rows)) == list(range(20))


@pytest.mark.parametrize("data", [range(20), pd.Series(range(20)), np.arange(20), torch.arange(20)], ids=type)
def test_what_numpy_reads_is_no_data_set(data: Any) -> None:
    """It is read as an array, once."""
    assert not is_map_style(data)
    assert len(Loader(data, 6)) == 4


def test_a_stream_is_refused() -> None:
    """Its rows have no numbers."""

    class Stream(torch.utils.data.IterableDataset):  # type: ignore[misc, name-defined]
        def __iter__(self) -> Any:
            return iter(range(3))

    with pytest.raises(DataError) as caught:
        Loader(Stream(), 2)
    assert str(caught.value) == (
        "Stream is an IterableDataset, whose rows cannot be asked for by number; "
        "write arrays, or a data set with __len__ and __getitem__."
    )
