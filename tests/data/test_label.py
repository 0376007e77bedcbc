"""The label: which column, and which task."""

from typing import Any

import numpy as np
import pytest

from rightbatch.data.label import split_off, target
from rightbatch.data.table import Column, Kind, Table, text_column
from rightbatch.errors import DataError, SettingError


def numbers(name: str, values: Any) -> Column:
    """A column of numbers."""
    return Column(name=name, kind=Kind.NUMBER, values=np.asarray(values))


def texts(name: str, values: list[str]) -> Column:
    """A column of text."""
    levels = sorted(set(values))
    return text_column(name, np.array([levels.index(value) for value in values]), levels)


def table_of(*columns: Column) -> Table:
    """The columns as a table."""
    return Table(name="t.csv", columns=columns)


TABLE = table_of(numbers("size", [1, 2]), numbers("age", [3, 4]), numbers("price", [5, 6]))


@pytest.mark.parametrize(
    ("label", "name"),
    [(None, "price"), ("age", "age"), (0, "size"), ("0", "size"), (-2, "age"), ("2", "price")],
)
def test_a_label_is_a_name_or_a_place(label: str | int | None, name: str) -> None:
    """Names, places from the start and from the end; by default the last column."""
    rest, column = split_off(TABLE, label)
    assert column.name == name
    assert [c.name for c in rest] == [n for n in ("size", "age", "price") if n != name]


def test_a_name_goes_before_a_place() -> None:
    """A column called 0 is found by its name, wherever it is."""
    assert split_off(table_of(numbers("a", [1, 2]), numbers("0", [3, 4])), "0")[1].name == "0"


@pytest.mark.parametrize(
    ("label", "sentence"),
    [
        ("prize", """label is not a column of t.csv, got 'prize'; write one of "price", "size", "age"."""),
        (3, """label is not a column of t.csv, got 3; write one of "size", "age", "price"."""),
        (1.5, """label is not a column of t.csv, got 1.5; write one of "size", "age", "price"."""),
    ],
)
def test_a_label_that_is_not_there_is_refused(label: Any, sentence: str) -> None:
    """The sentence lists the columns, the nearest name first."""
    with pytest.raises(SettingError) as caught:
        split_off(TABLE, label)
    assert str(caught.value) == sentence
    assert caught.value.sentence(command_line=True) == f"--{sentence}"


def test_a_label_with_missing_values_is_refused() -> None:
    """The sentence counts the rows and gives the first."""
    table = table_of(numbers("a", [1, 2, 3, 4]), numbers("b", [1, np.nan, 2, np.nan]))
    with pytest.raises(DataError) as caught:
        split_off(table, None)
    assert str(caught.value) == (
        't.csv has no value for the label "b" in 2 rows, first in row 2 (the first row is 1);'
        " take these rows out or choose another label."
    )


def test_a_label_alone_is_refused() -> None:
    """There must be a column to learn from."""
    with pytest.raises(DataError) as caught:
        split_off(table_of(numbers("b", [1, 2])), "b")
    assert str(caught.value) == 't.csv has only the column "b"; give at least one column beside the label.'


@pytest.mark.parametrize(
    ("column", "task", "why"),
    [
        (texts("y", ["a", "b"] * 50), "classification", "classification"),
        (
            Column(name="y", kind=Kind.BOOLEAN, values=np.array([0.0, 1.0])),
            "classification",
            "classification",
        ),
        (numbers("y", [0, 1]), "classification", "classification: few whole numbers"),
        (numbers("y", [0.0, 1.0, 2.0] * 5), "classification", "classification: few whole numbers"),
        (numbers("y", [0, 1, 2] * 4), "regression", "regression: many whole numbers"),
        (numbers("y", list(range(20)) * 5), "classification", "classification: few whole numbers"),
        (numbers("y", list(range(21)) * 50), "regression", "regression: many whole numbers"),
        (numbers("y", [0.5, 1.0] * 50), "regression", "regression"),
        (Column(name="y", kind=Kind.DATE, values=np.array([1.0, 2.0] * 50)), "regression", "regression"),
    ],
)
def test_the_task_is_recognised(column: Column, task: str, why: str) -> None:
    """Text, booleans and few whole numbers are classes; other numbers are quantities."""
    found = target(table_of(numbers("x", column.values), column), column, None)
    assert (found.task, found.why) == (task, why)


def test_class_numbers_follow_the_sorted_values() -> None:
    """Whole numbers are sorted as numbers and written without a point."""
    column = numbers("y", [10.0, 2.0, 10.0, -1.0, 2.0, 2.0])
    found = target(table_of(column), column, "classification")
    assert (found.classes, found.values.tolist()) == (("-1", "2", "10"), [2, 1, 2, 0, 1, 1])
    assert found.values.dtype == np.int64


def test_class_names_are_the_values_in_words() -> None:
    """Booleans and fractions have names too."""
    boolean = Column(name="y", kind=Kind.BOOLEAN, values=np.array([1.0, 0.0]))
    assert target(table_of(boolean), boolean, None).classes == ("false", "true")
    fraction = numbers("y", [0.25, 1.5, 1.5, 0.25])
    assert target(table_of(fraction), fraction, "classification").classes == ("0.25", "1.5")


def test_a_said_task_is_followed() -> None:
    """Whole numbers can be quantities if the user says so."""
    column = numbers("y", [0, 1] * 50)
    found = target(table_of(column), column, "regression")
    assert (found.task, found.why, found.classes) == ("regression", "regression", ())
    assert found.values.dtype == np.float64


@pytest.mark.parametrize(
    ("column", "task", "sentence"),
    [
        (
            texts("y", ["cat"] * 9),
            None,
            (
                't.csv has "cat" as the label "y" in every row, so there is nothing to learn;'
                " choose another label."
            ),
        ),
        (
            numbers("y", [7.0] * 9),
            "regression",
            (
                't.csv has "7" as the label "y" in every row, so there is nothing to learn;'
                " choose another label."
            ),
        ),
        (
            texts("y", ["dog", "cat"]),
            "regression",
            (
                't.csv has text such as "cat" as the label "y", and regression takes numbers;'
                " choose another label, or classification."
            ),
        ),
        (
            texts("y", [f"name {i}" for i in range(1200)]),
            None,
            (
                't.csv has 1,200 distinct values of the label "y" in 1,200 rows, too many to be classes;'
                " choose another label, or regression if they are quantities."
            ),
        ),
    ],
)
def test_a_label_that_does_not_fit_its_task_is_refused(
    column: Column, task: str | None, sentence: str
) -> None:
    """One class, text as a quantity, and a class per row are each refused in a sentence."""
    with pytest.raises(DataError) as caught:
        target(table_of(column), column, task)
    assert str(caught.value) == sentence


def test_an_unknown_task_is_refused() -> None:
    """The sentence gives the two there are, nearest first."""
    column = numbers("y", [0, 1])
    with pytest.raises(SettingError) as caught:
        target(table_of(column), column, "clasify")
    assert str(caught.value) == "task is not known, got 'clasify'; write one of classification, regression."
