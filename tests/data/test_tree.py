"""Trees: fields, their names, and what is refused."""

from collections import OrderedDict
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import pytest
from scipy.sparse import csr_array

from rightbatch.data.dataset import load_data
from rightbatch.data.ragged import Ragged, RaggedBlock
from rightbatch.data.tree import as_arrays, common_rows, entries, fields, map_fields
from rightbatch.errors import DataError


class Pair(NamedTuple):
    x: object
    y: object


def test_an_array_is_taken_as_it_is() -> None:
    """No copy is made of an array, alone or deep in a tree."""
    array = np.arange(6, dtype=np.float16)
    assert as_arrays(array) is array
    assert as_arrays({"a": [(array,)]})["a"][0][0] is array


def test_other_libraries_give_arrays() -> None:
    """Columns of pandas and tensors of torch are read with their dtype; the tensor keeps its memory."""
    torch = pytest.importorskip("torch")
    tensor = torch.arange(3, dtype=torch.int16)
    column, read = as_arrays((pd.Series([1.5, 2.5], dtype="float32"), tensor))
    assert (column.dtype, read.dtype) == (np.float32, np.int16)
    read[0] = 7
    assert tensor[0] == 7


def test_a_ragged_field_is_a_field() -> None:
    """It is taken as it is, counted by its rows, and its batches are the entries of a block."""
    ragged = Ragged([[1, 2], [3]])
    tree = {"words": ragged, "y": np.zeros(2)}
    assert as_arrays(tree)["words"] is ragged
    assert [name for name, _ in fields(tree)] == ["data['words']", "data['y']"]
    assert map_fields(len, tree) == {"words": 2, "y": 2}
    block = {"words": RaggedBlock(ragged, np.array([[0], [1]])), "y": np.zeros((2, 1))}
    assert [batch["words"].values.tolist() for batch in entries(block)] == [[[1, 2]], [[3]]]
    with pytest.raises(DataError) as caught:
        common_rows({**tree, "z": np.zeros(3)})
    assert str(caught.value) == (
        "data['words'] has shape (2, None) but data['z'] has shape (3,); "
        "write fields with the same number of rows."
    )


def test_the_form_of_a_tree_is_kept() -> None:
    """Tuples, named tuples, lists and dicts come back as what they were, keys in their order."""
    a, b = np.zeros(2), np.ones(2)
    result = map_fields(lambda field: int(field[0]), [(a, b), Pair(a, b), {"b": b, "a": a}, OrderedDict(z=a)])
    assert result == [(0, 1), Pair(0, 1), {"b": 1, "a": 0}, {"z": 0}]
    assert [type(part) for part in result] == [tuple, Pair, dict, dict]
    assert list(result[2]) == ["b", "a"]


def test_another_tuple_becomes_a_plain_one() -> None:
    """A tuple class that cannot be made from children comes back as a tuple."""

    class Odd(tuple[Any, ...]):
        __slots__ = ()

        def __new__(cls, first: Any, second: Any) -> Any:
            return super().__new__(cls, (first, second))

    assert type(as_arrays(Odd(np.zeros(2), np.zeros(2)))) is tuple


def test_fields_are_named_as_python_writes_them() -> None:
    """The name of a field is the expression that reaches it."""
    data = ({"x": np.zeros(1), 3: np.ones(1)}, [np.full(1, 2.0)])
    names = [name for name, _ in fields(data)]
    assert names == ["data[0]['x']", "data[0][3]", "data[1][0]"]
    assert [eval(name, {"data": data}) for name in names] == [0, 1, 2]


@pytest.mark.parametrize(
    "form",
    [
        lambda a, b: a,
        lambda a, b: (a, b),
        lambda a, b: [a, b],
        lambda a, b: {"a": a, "b": b},
        Pair,
        lambda a, b: ({"a": a, "n": (b,)}, [a, b]),
    ],
)
def test_entries_are_those_of_indexing(form: Callable[..., Any]) -> None:
    """Entry i of a tree has entry i of every array, as views, and all of them can be kept."""
    a, b = np.arange(12).reshape(3, 2, 2), np.arange(6.0).reshape(3, 2)
    kept = list(entries(form(a, b)))
    assert len(kept) == 3
    for i, entry in enumerate(kept):
        expected = form(a[i], b[i])
        assert type(entry) is type(expected)
        assert repr(entry) == repr(expected)
        assert all(
            np.shares_memory(x, y) for (_, x), (_, y) in zip(fields(entry), fields(expected), strict=True)
        )


@pytest.mark.parametrize(
    ("data", "text"),
    [
        (5, "data is a single int, not an array of rows; write np.array(...) around a list of numbers."),
        (
            ([1, 2], np.zeros(2)),
            "data[0][0] is a single int, not an array of rows; write np.array(...) around a list of numbers.",
        ),
        (
            {"x": None},
            (
                "data['x'] is a single NoneType, not an array of rows; "
                "write np.array(...) around a list of numbers."
            ),
        ),
        (
            "digits",
            (
                "data is a single str, not an array of rows; "
                "write load_data('digits').train for the rows of a file or a data set."
            ),
        ),
        (
            (csr_array(np.eye(2)),),
            "data[0] is a single csr_array, not an array of rows; write data[0].toarray().",
        ),
        (
            load_data("line"),
            "data is a single Dataset, not an array of rows; write data.train, one of its parts.",
        ),
        (
            {"x": np.ma.masked_greater(np.arange(5), 2)},
            (
                "data['x'] has 2 masked values, and batches have no mask; "
                "write data['x'].filled(...), and the mask as a field of its own if it is needed."
            ),
        ),
        ((), "data is an empty tuple; write arrays into it or leave it out."),
        ((np.zeros(2), {}), "data[1] is an empty dict; write arrays into it or leave it out."),
        (
            {"x": np.array([[1], [1, 2]], dtype=object)},
            (
                "data['x'] is ragged, it has rows of different shape; "
                "write Ragged(...) around it, and batches of it are padded."
            ),
        ),
        (
            (pd.Series([np.zeros(1), np.zeros(2)]),),
            (
                "data[0] is ragged, it has rows of different shape; "
                "write Ragged(...) around it, and batches of it are padded."
            ),
        ),
    ],
)
def test_what_is_no_array_of_rows_is_refused(data: Any, text: str) -> None:
    """The sentence names the field, what it is and what to write."""
    with pytest.raises(DataError) as caught:
        as_arrays(data)
    assert str(caught.value) == text


def test_a_tensor_that_numpy_cannot_read_is_refused() -> None:
    """The field and the reason of the other library are named."""
    torch = pytest.importorskip("torch")
    with pytest.raises(
        DataError, match=r"^data\[0\] cannot be read as an array \(Can't call numpy\(\) on Tensor"
    ):
        as_arrays((torch.ones(2, requires_grad=True),))


def test_objects_that_are_single_values_are_accepted() -> None:
    """An object array of strings, numbers and None is no ragged array."""
    array = np.array(["a", None, 1.5], dtype=object)
    assert as_arrays(array) is array


@pytest.mark.parametrize(
    ("data", "text"),
    [
        (
            (np.zeros((5, 2)), {"y": np.zeros(5), "z": np.zeros((4, 1))}),
            (
                "data[0] has shape (5, 2) but data[1]['z'] has shape (4, 1); "
                "write fields with the same number of rows."
            ),
        ),
        (
            [np.zeros(2), np.zeros(3)],
            (
                "data[0] has shape (2,) but data[1] has shape (3,); "
                "write fields with the same number of rows, or Ragged(...) around a list of rows."
            ),
        ),
        (
            {"x": np.zeros((0, 3))},
            "data['x'] has shape (0, 3), so there are no rows; write data with at least one.",
        ),
    ],
)
def test_fields_of_unequal_length_are_refused(data: Any, text: str) -> None:
    """The sentence names both fields with their shapes; no rows at all are refused too."""
    with pytest.raises(DataError) as caught:
        common_rows(data)
    assert str(caught.value) == text
