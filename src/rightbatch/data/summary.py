"""What is in the data: columns, missing values, classes, memory, and how many steps an epoch has."""

import math
from dataclasses import asdict, dataclass
from typing import Any, NamedTuple

import numpy as np

from rightbatch.data.dataset import Dataset
from rightbatch.data.table import Column, Kind, Table
from rightbatch.records import Array

USUAL_SIZES = (1, 8, 16, 32, 64, 128, 256, 512, 1024)
"""Batch sizes that people try."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ColumnSummary:
    """One column, over all rows."""

    name: str
    kind: str
    """`"numeric"`, `"boolean"`, `"date"` or `"text"`."""
    missing: int
    distinct: int
    """Different values, the missing apart."""
    least: str
    """The smallest value, or the text first in the alphabet; empty where all are missing."""
    mean: str
    """The mean, or the most frequent text."""
    most: str


class ClassRows(NamedTuple):
    """One class."""

    name: str
    rows: int


class Steps(NamedTuple):
    """An epoch of the training rows at one batch size."""

    batch_size: int
    steps: int
    last: int
    """Rows of the last batch."""
    bytes: int
    """Of a full batch."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Summary:
    """A data set at a glance; columns and classes are of all rows, steps of the training rows."""

    name: str
    rows: int
    notes: tuple[str, ...]
    """What was read, what was done to the columns, how the rows were split."""
    columns: tuple[ColumnSummary, ...]
    """The label among them."""
    label: str
    task: str
    classes: tuple[ClassRows, ...]
    """Empty for regression."""
    table_bytes: int
    """Of the columns as they were read."""
    features: int
    train_rows: int
    train_bytes: int
    """Of the training rows, as float32 features and labels."""
    steps: tuple[Steps, ...]

    @property
    def missing(self) -> int:
        """Values missing in all columns."""
        return sum(column.missing for column in self.columns)

    @property
    def imbalance(self) -> float | None:
        """Rows of the largest class for one of the smallest; `None` for regression."""
        rows = [count.rows for count in self.classes]
        return max(rows) / min(rows) if rows else None

    def to_dict(self) -> dict[str, Any]:
        """All of it as JSON can hold it."""
        classes, steps = ([entry._asdict() for entry in entries] for entries in (self.classes, self.steps))
        more = {"missing": self.missing, "imbalance": self.imbalance, "classes": classes, "steps": steps}
        return {**asdict(self), **more}


def summarise(table: Table, data: Dataset) -> Summary:
    """The summary of a table and of the data set made from it.

    Example:
        >>> from rightbatch.data.dataset import load_data
        >>> from rightbatch.data.read import read
        >>> summary = summarise(read("digits"), load_data("digits"))
        >>> summary.rows, summary.missing, summary.imbalance, summary.steps[4]
        (1797, 0, 1.0517241379310345, Steps(batch_size=64, steps=20, last=41, bytes=16896))
    """
    x, y = data.train
    return Summary(
        name=data.name,
        rows=table.rows,
        notes=data.notes,
        columns=tuple(_column(column) for column in table.columns),
        label=data.label,
        task=data.task,
        classes=_classes(data, table),
        table_bytes=sum(column.values.nbytes for column in table.columns),
        features=len(data.feature_names),
        train_rows=len(x),
        train_bytes=x.nbytes + y.nbytes,
        steps=_steps(len(x), (x.nbytes + y.nbytes) // len(x)),
    )


def _classes(data: Dataset, table: Table) -> tuple[ClassRows, ...]:
    if not data.classes:
        return ()
    label = next(column for column in table.columns if column.name == data.label)
    _, counts = np.unique(label.values, return_counts=True)  # the classes are in this sequence
    return tuple(ClassRows(name, rows) for name, rows in zip(data.classes, counts.tolist(), strict=True))


def _steps(rows: int, row_bytes: int) -> tuple[Steps, ...]:
    sizes = [size for size in USUAL_SIZES if size < rows]
    return tuple(
        Steps(size, math.ceil(rows / size), rows % size or size, size * row_bytes) for size in [*sizes, rows]
    )


def _column(column: Column) -> ColumnSummary:
    known = column.values[~column.missing]
    least, mean, most = _values(column, known) if len(known) else ("", "", "")
    return ColumnSummary(
        name=column.name,
        kind=str(column.kind),
        missing=len(column.values) - len(known),
        distinct=len(np.unique(known)),
        least=least,
        mean=mean,
        most=most,
    )


def _values(column: Column, known: Array) -> tuple[str, str, str]:
    """Least, mean and most; of text the first, the most frequent and the last."""
    if column.kind is Kind.TEXT:
        middle = np.bincount(known).argmax()
        return column.levels[known.min()], column.levels[middle], column.levels[known.max()]
    numbers = (float(known.min()), float(known.mean(dtype=np.float64)), float(known.max()))
    least, mean, most = (_day(days) if column.kind is Kind.DATE else f"{days:.6g}" for days in numbers)
    return least, mean, most


def _day(days: float) -> str:
    return str(np.datetime64(int(days // 1), "D"))
