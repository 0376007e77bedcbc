"""What an order is told of every row."""

from typing import Any

import numpy as np
import pandas as pd
import pytest

from rightbatch.data.perrow import check_rows, described, per_row
from rightbatch.errors import DataError
from rightbatch.records import Array


@pytest.mark.parametrize("values", [[0, 1, 1], pd.Series([0, 1, 1]), np.array([0, 1, 1], np.int32)], ids=type)
def test_anything_that_is_an_array_is_read(values: Any) -> None:
    """Lists, columns and tensors."""
    assert per_row("labels", values, "label").tolist() == [0, 1, 1]


@pytest.mark.parametrize(
    ("values", "text"),
    [
        (np.zeros((3, 1)), "has shape (3, 1); write an array of one dimension, one label for each row."),
        (5, "has shape (); write an array of one dimension, one label for each row."),
        ([], "is empty; write one label for each row."),
        ([1.0, np.nan], "[1] is nan; write a label for each row."),
    ],
)
def test_what_is_not_one_entry_a_row_is_refused(values: Any, text: str) -> None:
    """The sentence uses the caller's words."""
    with pytest.raises(DataError) as caught:
        per_row("labels", values, "label")
    assert str(caught.value).removeprefix("labels").lstrip() == text


def test_ragged_lists_are_refused() -> None:
    """NumPy's reason is told."""
    with pytest.raises(DataError, match=r"^labels cannot be read as an array \(setting an array element"):
        per_row("labels", [[1], [1, 2]], "label")


def test_entries_must_be_as_many_as_rows() -> None:
    """The sentence gives both numbers."""
    check_rows("labels", 9, 9, "label")
    with pytest.raises(DataError) as caught:
        check_rows("labels", 9, 10, "label")
    assert str(caught.value) == (
        "labels has 9 entries but the data have 10 rows; write one label for each row."
    )


def test_a_description_differs_where_the_content_does() -> None:
    """Every entry counts, and memory layout does not."""
    array = np.arange(1000)
    texts = {described("labels", array)}
    for row in (0, 500, 999):
        other: Array = array.copy()
        other[row] += 1
        texts.add(described("labels", other))
    assert len(texts) == 4
    assert described("labels", np.arange(2000)[::2] // 2) in texts
