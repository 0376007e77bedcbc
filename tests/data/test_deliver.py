"""Batches in other libraries' arrays: the same numbers, and memory shared where it can be."""

import importlib.util
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from sklearn.linear_model import SGDClassifier

from rightbatch.data.loader import Loader
from rightbatch.data.ragged import Padded, Ragged
from rightbatch.errors import DataError, MissingExtraError, SettingError

X = np.arange(60, dtype=np.float32).reshape(20, 3)
Y = np.arange(20)


WAY_OUT = 'write output="torch" with it, or leave it out'


def needs(name: str) -> pytest.MarkDecorator:
    """Skipped without the library."""
    return pytest.mark.skipif(importlib.util.find_spec(name) is None, reason=f"{name} is not installed")


WAYS: list[dict[str, Any]] = [{"shuffle": True}, {}, {"shuffle": True, "prefetch": 2, "threads": 2}]
LIBRARIES = [pytest.param(name, marks=needs(name)) for name in ("torch", "jax")]


@pytest.mark.parametrize("output", LIBRARIES)
@pytest.mark.parametrize("settings", WAYS, ids=str)
def test_the_numbers_are_those_of_numpy(output: str, settings: dict[str, Any]) -> None:
    """Every batch, as a tuple and by `batches()`, with its dtype (but for JAX's 32 bits)."""
    plain, made = Loader((X, Y), 6, **settings), Loader((X, Y), 6, **settings, output=output)
    for (x, y), (theirs, labels) in zip(plain, made, strict=True):
        assert type(theirs).__module__.partition(".")[0] in {output, "jaxlib"}
        assert np.array_equal(x, np.asarray(theirs))
        assert np.array_equal(y, np.asarray(labels))
        assert output == "jax" or np.asarray(theirs).dtype == x.dtype
    for one, two in zip(plain.batches(), made.batches(), strict=True):
        assert np.array_equal(one.data[0], np.asarray(two.data[0]))
        assert np.array_equal(one.index, two.index)


@pytest.mark.parametrize("output", LIBRARIES)
def test_trees_and_ragged_rows_are_delivered(output: str) -> None:
    """A dictionary stays one, and a padded batch has values, mask and lengths in the library's arrays."""
    data = {"words": Ragged([[1, 2, 3], [4], [5, 6], []]), "y": np.array([0, 1, 0, 1])}
    for one, two in zip(Loader(data, 2), Loader(data, 2, output=output), strict=True):
        assert isinstance(two["words"], Padded)
        for ours, theirs in zip(one["words"], two["words"], strict=True):
            assert np.array_equal(ours, np.asarray(theirs))
            assert not isinstance(theirs, np.ndarray)


@pytest.mark.parametrize("order", [{}, {"shuffle": True}])
@pytest.mark.parametrize("last", ["keep", "drop", "pad", "spread"])
def test_any_batch_by_its_number(order: dict[str, Any], last: str) -> None:
    """The same as in a pass, for any epoch."""
    loader = Loader(Y, 6, last=last, **order)
    for epoch in range(2):
        for number, batch in enumerate(loader):
            assert np.array_equal(loader.batch_at(epoch, number), batch)
    for number in (-1, len(loader)):
        with pytest.raises(IndexError):
            loader.batch_at(0, number)


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        ({"output": "torhc"}, "output is not known, got 'torhc'; write one of torch, numpy, jax."),
        ({"device": "cuda"}, f"device is for tensors, got 'cuda'; {WAY_OUT}."),
        ({"prefetch": -1}, "prefetch must be at least 0, got -1; write blocks such as 2."),
        ({"threads": 0}, "threads must be at least 1, got 0; write threads such as 2."),
    ],
)  # fmt: skip
def test_bad_settings(settings: dict[str, Any], sentence: str) -> None:
    """One sentence each."""
    with pytest.raises(SettingError) as caught:
        Loader(X, 5, **settings)
    assert str(caught.value) == sentence


@pytest.mark.parametrize("output", LIBRARIES)
def test_text_cannot_be_delivered(output: str) -> None:
    """The dtype is named."""
    with pytest.raises(DataError) as caught:
        list(Loader(np.array(["a", "b"]), 1, shuffle=True, output=output))
    assert str(caught.value).startswith("A field of dtype <U1 cannot be a ")
    assert str(caught.value).endswith('; write output="numpy", or numbers instead.')


@pytest.mark.parametrize(("output", "title"), [("torch", "PyTorch"), ("jax", "JAX")])
def test_a_missing_library_is_named(output: str, title: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """With what to install."""

    def missing(name: str) -> Iterator[Any]:
        raise ModuleNotFoundError(name=output)

    monkeypatch.setattr("rightbatch.data.deliver.importlib.import_module", missing)
    with pytest.raises(MissingExtraError) as caught:
        Loader(X, 5, output=output)
    assert str(caught.value) == f'{title} is not installed; write pip install "rightbatch[{output}]".'


@pytest.mark.parametrize("output", ["numpy", *LIBRARIES])
@pytest.mark.parametrize("settings", [{}, {"prefetch": 2, "threads": 2}], ids=str)
def test_batches_that_are_kept_do_not_change(output: str, settings: dict[str, Any]) -> None:
    """All or some of an epoch, of blocks whose memory is used again."""
    x = np.arange(400_000, dtype=np.float32).reshape(1000, 400)
    loader = Loader((x, np.arange(1000)), 40, shuffle=True, output=output, **settings)
    for step in (1, 3):
        for _ in range(2):
            kept = [batch for number, batch in enumerate(loader) if number % step == 0]
            for rows, labels in kept:
                assert np.array_equal(np.asarray(rows), x[np.asarray(labels)])


def test_partial_fit_takes_batches() -> None:
    """An epoch in scikit-learn gives the model of the same rows taken by hand."""
    x, y = np.random.default_rng(0).random((200, 5)), np.arange(200) % 2
    ours, by_hand = SGDClassifier(random_state=0), SGDClassifier(random_state=0)
    loader, twin = Loader((x, y), 32, shuffle=True), Loader((x, y), 32, shuffle=True)
    for batch, labels in loader:
        ours.partial_fit(batch, labels, classes=[0, 1])
    for index in [batch.index for batch in twin.batches()]:
        by_hand.partial_fit(x[index], y[index], classes=[0, 1])
    assert np.array_equal(ours.coef_, by_hand.coef_)
