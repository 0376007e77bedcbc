"""Tables: named columns, and what no table may hold."""

import numpy as np
import pytest

from rightbatch.data.table import Column, Kind, Table, listed, text_column
from rightbatch.errors import DataError


def numbers(name: str, *values: float) -> Column:
    """A column of numbers."""
    return Column(name=name, kind=Kind.NUMBER, values=np.array(values))


def test_levels_are_sorted_whatever_order_they_came_in() -> None:
    """Two encodings of red, blue, missing, red give the same column."""
    one = text_column("color", np.array([0, 1, -1, 0]), ["red", "blue"])
    two = text_column("color", np.array([1, 0, -1, 1]), ["blue", "red"])
    assert one.levels == two.levels == ("blue", "red")
    assert one.values.tolist() == two.values.tolist() == [1, 0, -1, 1]


def test_missing_is_nan_in_numbers_and_minus_one_in_text() -> None:
    """Both kinds of column tell where a value is missing."""
    assert numbers("a", 1.0, np.nan).missing.tolist() == [False, True]
    assert text_column("a", np.array([-1, 0]), ["x"]).missing.tolist() == [True, False]
    assert text_column("a", np.array([-1, -1]), []).missing.tolist() == [True, True]


def test_same_names_are_refused() -> None:
    """The name that occurs twice is named once."""
    with pytest.raises(DataError) as caught:
        Table(name="t.csv", columns=(numbers("a", 1, 2), numbers("b", 1, 2), numbers("a", 1, 2)))
    assert str(caught.value) == 't.csv has more than one column named "a"; give every column its own name.'


@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        ((), "t.csv has column names but no rows; write one row per sample below them."),
        ((1.0,), "t.csv has one row, and one row cannot show a trend; give at least 2 rows."),
        (
            (1.0, np.inf),
            (
                't.csv has inf in column "a", row 2 (the first row is 1);'
                " write a finite number, or nothing where it is not known."
            ),
        ),
        (
            (-1e101, 1.0),
            (
                't.csv has -1e+101 in column "a", row 1 (the first row is 1);'
                " write a finite number, or nothing where it is not known."
            ),
        ),
    ],
)
def test_what_cannot_be_learnt_from_is_refused(values: tuple[float, ...], sentence: str) -> None:
    """No row, one row, and numbers without end are each refused in a sentence."""
    with pytest.raises(DataError) as caught:
        Table(name="t.csv", columns=(numbers("a", *values),))
    assert str(caught.value) == sentence


def test_a_long_list_of_names_is_cut() -> None:
    """Ten names are written, the others counted."""
    names = [f"x{i}" for i in range(1012)]
    assert listed(names) == ", ".join(f'"x{i}"' for i in range(10)) + " and 1,002 more"
    assert listed(names[:10]).endswith('"x9"')
