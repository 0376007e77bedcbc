"""Which column is the label, and whether predicting it is regression or classification."""

from dataclasses import dataclass

import numpy as np

from rightbatch.checks import nearest_first, one_of
from rightbatch.data.table import Column, Kind, Table, listed
from rightbatch.errors import DataError, SettingError
from rightbatch.records import Array

TASKS = ("regression", "classification")
MOST_CLASSES = 20
"""Whole numbers with more distinct values than this are quantities."""
ROWS_PER_CLASS = 5
"""Whole numbers that do not occur this often on average are quantities."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Target:
    """What is to be predicted."""

    name: str
    task: str
    """`"regression"` or `"classification"`."""
    values: Array
    """Shape `(rows,)`: float64 in the label's own units, or int64 class numbers."""
    classes: tuple[str, ...]
    """Name of each class number; empty for regression."""
    why: str
    """The task, and how it was recognised where that is open to doubt."""


def split_off(table: Table, label: str | int | None) -> tuple[tuple[Column, ...], Column]:
    """The feature columns and the label column.

    Args:
        table: the data.
        label: name of the column, or its place counted from 0 (-1 is the last); `None`: the last one.

    Raises:
        SettingError: there is no such column.
        DataError: the label has missing values, or is the only column.
    """
    place = _place(table, -1 if label is None else label) % len(table.columns)
    column = table.columns[place]
    if len(table.columns) == 1:
        raise DataError(
            f'{table.name} has only the column "{column.name}"; give at least one column beside the label.'
        )
    missing = column.missing
    if missing.any():
        raise DataError(
            f'{table.name} has no value for the label "{column.name}" in {_rows(int(missing.sum()))},'
            f" first in row {int(missing.argmax()) + 1} (the first row is 1);"
            " take these rows out or choose another label."
        )
    return table.columns[:place] + table.columns[place + 1 :], column


def target(table: Table, column: Column, task: str | None) -> Target:
    """The label as numbers to learn.

    Without a `task`, text and booleans are classes, and so are whole numbers with two distinct values, or
    with at most 20 that occur at least 5 times on average; all other numbers are regression.

    Args:
        table: where the column comes from.
        column: the label, no value missing.
        task: `"regression"`, `"classification"` or `None`: recognised.

    Raises:
        SettingError: the task is not known.
        DataError: there is one value only, or the values do not fit the task.
    """
    distinct, codes = np.unique(column.values, return_inverse=True)
    if len(distinct) == 1:
        raise DataError(
            f'{table.name} has {listed(_class_names(column, distinct))} as the label "{column.name}"'
            " in every row, so there is nothing to learn; choose another label."
        )
    chosen, why = _recognise(column, distinct) if task is None else (one_of("task", task, TASKS), task)
    if chosen == "classification":
        _check_classes(table, column, distinct)
        return Target(
            name=column.name,
            task=chosen,
            values=codes.astype(np.int64),
            classes=_class_names(column, distinct),
            why=why,
        )
    _check_numbers(table, column)
    return Target(name=column.name, task=chosen, values=column.values.astype(np.float64), classes=(), why=why)


def _place(table: Table, label: str | int) -> int:
    names = [column.name for column in table.columns]
    if label in names:
        return names.index(str(label))
    try:
        place = int(str(label))
    except ValueError:
        place = len(names)
    if not -len(names) <= place < len(names):
        near = listed(nearest_first(str(label), names))
        raise SettingError("label", f"is not a column of {table.name}", label, f"write one of {near}")
    return place


def _recognise(column: Column, distinct: Array) -> tuple[str, str]:
    if column.kind in {Kind.TEXT, Kind.BOOLEAN}:
        return "classification", "classification"
    if column.kind is Kind.DATE or np.any(distinct != np.floor(distinct)):
        return "regression", "regression"
    most = max(2, min(MOST_CLASSES, len(column.values) // ROWS_PER_CLASS))
    if len(distinct) <= most:
        return "classification", "classification: few whole numbers"
    return "regression", "regression: many whole numbers"


def _check_classes(table: Table, column: Column, distinct: Array) -> None:
    if 2 * len(distinct) > len(column.values) and len(distinct) > 2:
        raise DataError(
            f'{table.name} has {len(distinct):,} distinct values of the label "{column.name}" in'
            f" {_rows(len(column.values))}, too many to be classes;"
            " choose another label, or regression if they are quantities."
        )


def _check_numbers(table: Table, column: Column) -> None:
    if column.kind is Kind.TEXT:
        raise DataError(
            f'{table.name} has text such as "{column.levels[0]}" as the label "{column.name}", and regression'
            " takes numbers; choose another label, or classification."
        )


def _class_names(column: Column, distinct: Array) -> tuple[str, ...]:
    if column.kind is Kind.TEXT:
        return tuple(column.levels[code] for code in distinct)
    if column.kind is Kind.BOOLEAN:
        return tuple("true" if value else "false" for value in distinct)
    return tuple(str(int(value)) if value == int(value) else repr(float(value)) for value in distinct)


def _rows(count: int) -> str:
    return f"{count:,} row" + ("s" if count != 1 else "")
