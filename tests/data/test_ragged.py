"""Rows of different length."""

from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rightbatch.data.ragged import Ragged, RaggedBlock
from rightbatch.errors import DataError


def padded_by_hand(rows: list[list[int]]) -> tuple[list[list[int]], list[list[bool]]]:
    """The values and the mask, by adding zeros to lists."""
    longest = max(map(len, rows))
    values = [row + [0] * (longest - len(row)) for row in rows]
    return values, [[place < len(row) for place in range(longest)] for row in rows]


@given(st.lists(st.lists(st.integers(-9, 9), max_size=6), min_size=1, max_size=8), st.data())
def test_rows_are_padded_to_the_longest(rows: list[list[int]], data: st.DataObject) -> None:
    """Values, mask and lengths are those made by hand, for rows in any sequence."""
    index = data.draw(st.lists(st.integers(0, len(rows) - 1), min_size=1, max_size=9))
    batch = Ragged(rows).take(np.array(index))
    values, mask = padded_by_hand([rows[row] for row in index])
    assert batch.values.tolist() == values
    assert batch.mask.tolist() == mask
    assert batch.lengths.tolist() == [len(rows[row]) for row in index]
    assert batch.mask.dtype == np.bool_
    assert batch.lengths.dtype == np.int64


@pytest.mark.parametrize(
    ("rows", "dtype", "shape"),
    [
        ([np.zeros(2, np.float32), np.zeros(5, np.float32)], "f4", (2, None)),
        ([np.zeros((2, 3), np.uint8), np.zeros((1, 3), np.uint8)], "u1", (2, None, 3)),
        ([["a"], ["bcd", ""]], "U3", (2, None)),
        ([[], [1, 2]], "i8", (2, None)),
        ([[], []], "f8", (2, None)),
        (pd.Series([[1, 2], [3]]), "i8", (2, None)),
        (np.array([[True], [True, False]], dtype=object), "?", (2, None)),
    ],
)
def test_dtypes_and_shapes_are_kept(rows: Any, dtype: str, shape: tuple[Any, ...]) -> None:
    """Values may have columns; an empty list, whose dtype is an accident, has none."""
    ragged = Ragged(rows)
    assert (ragged.dtype, ragged.shape, len(ragged)) == (np.dtype(dtype), shape, 2)
    batch = ragged.take(np.array([1, 0]))
    assert batch.values.dtype == np.dtype(dtype)
    assert batch.values.shape == (*batch.mask.shape, *shape[2:])


def test_a_batch_is_memory_of_its_own() -> None:
    """Writing into it does not change the rows, and the rows cannot be written."""
    flat = np.arange(5)
    ragged = Ragged.from_flat(flat, [3, 2])
    assert np.shares_memory(ragged.values, flat)
    ragged.take(np.array([0, 1])).values[:] = 9
    assert flat.tolist() == [0, 1, 2, 3, 4]
    assert flat.flags.writeable
    with pytest.raises(ValueError, match="read-only"):
        ragged.values[0] = 9


def test_flat_values_are_the_rows() -> None:
    """The same field, made of lists or of all values."""
    one, other = Ragged([[1, 2], [], [3]]), Ragged.from_flat([1, 2, 3], [2, 0, 1])
    assert repr(one) == repr(other) == "Ragged(3 rows of 0 to 2, int64)"
    assert one.values.tolist() == other.values.tolist()
    assert one.lengths.tolist() == other.lengths.tolist()


def test_each_batch_of_a_block_is_padded_by_itself() -> None:
    """To its own longest row."""
    block = RaggedBlock(Ragged([[1], [2, 3], [], [4, 5, 6]]), np.array([[0, 1], [2, 3]]))
    assert [batch.values.tolist() for batch in block] == [[[1, 0], [2, 3]], [[0, 0, 0], [4, 5, 6]]]


@pytest.mark.parametrize(
    ("rows", "text"),
    [
        ([], "rows is empty; write at least one row."),
        ([[1], 2], "rows[1] is a single int, not an array; write [...] around it."),
        (
            [[1], [0.5, 2]],
            (
                "rows[1] is of shape (2,) and dtype float64, another row of shape (1,) and dtype int64; "
                "write rows that differ in length alone."
            ),
        ),
        (
            [np.zeros((2, 3), "f4"), np.zeros((2, 4), "f4")],
            (
                "rows[1] is of shape (2, 4) and dtype float32, "
                "another row of shape (2, 3) and dtype float32; write rows that differ in length alone."
            ),
        ),
    ],
)
def test_rows_that_are_not_alike_are_refused(rows: Any, text: str) -> None:
    """The sentence names the row."""
    with pytest.raises(DataError) as caught:
        Ragged(rows)
    assert str(caught.value) == text


def test_a_row_that_numpy_cannot_read_is_refused() -> None:
    """NumPy's reason is told."""
    with pytest.raises(DataError, match=r"^rows\[0\] cannot be read as an array \(setting an array element"):
        Ragged([[[1], [1, 2]]])


@pytest.mark.parametrize(
    ("values", "lengths", "text"),
    [
        (
            [1, 2, 3],
            [1, 1],
            "lengths add up to 2 but values has shape (3,); write the number of values of each row.",
        ),
        ([1, 2], [3, -1], "lengths is no array of whole numbers; write the number of values of each row."),
        ([1, 2], [1.0, 1.0], "lengths is no array of whole numbers; write the number of values of each row."),
        ([], [], "lengths is no array of whole numbers; write the number of values of each row."),
    ],
)
def test_lengths_that_do_not_fit_are_refused(values: Any, lengths: Any, text: str) -> None:
    """The sentence gives both sides."""
    with pytest.raises(DataError) as caught:
        Ragged.from_flat(values, lengths)
    assert str(caught.value) == text
