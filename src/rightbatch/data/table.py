"""A table in memory: named columns of numbers or of text, whatever they were read from."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from rightbatch.errors import DataError
from rightbatch.records import Array

LARGEST = 1e100
"""Numbers beyond this are refused: their squares, and sums of them, must stay finite."""
LISTED = 10
"""Names that a message lists before it says how many more there are."""


class Kind(StrEnum):
    """What the values of a column are."""

    NUMBER = "numeric"
    BOOLEAN = "boolean"
    DATE = "date"
    TEXT = "text"


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Column:
    """One named column; `text_column` makes those of text."""

    name: str
    kind: Kind
    values: Array
    """Shape `(rows,)`. Numbers, NaN where missing; booleans 0 and 1; dates and times in days (since
    1970); text as numbers into `levels`, -1 where missing."""
    levels: tuple[str, ...] = ()
    """The distinct texts, sorted."""
    unit: str = ""
    """Columns that share a named unit, such as the pixels of an image, are standardised together."""

    @property
    def missing(self) -> Array:
        """Where the value is missing, bool, shape `(rows,)`."""
        return self.values < 0 if self.kind is Kind.TEXT else np.isnan(self.values)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Table:
    """Columns of the same length under a name.

    Raises:
        DataError: a name occurs twice, there are fewer than two rows, or a number is infinite.
    """

    name: str
    """What the user typed, without folders; messages start with it."""
    columns: tuple[Column, ...]
    teaching: bool = False
    """A teaching problem: its few rows are all used for training."""

    def __post_init__(self) -> None:
        _check_names(self.name, [column.name for column in self.columns])
        if self.rows == 0:
            raise DataError(f"{self.name} has column names but no rows; write one row per sample below them.")
        if self.rows == 1:
            raise DataError(
                f"{self.name} has one row, and one row cannot show a trend; give at least 2 rows."
            )
        for column in self.columns:
            _check_range(self.name, column)

    @property
    def rows(self) -> int:
        """Number of rows."""
        return len(self.columns[0].values) if self.columns else 0


def text_column(name: str, codes: Array, levels: Sequence[str]) -> Column:
    """A column of text whose levels are sorted, so that it does not matter which library read it.

    Args:
        name: of the column.
        codes: per row the number of its text in `levels`, -1 where missing.
        levels: the distinct texts, in any order.

    Example:
        >>> column = text_column("color", np.array([0, 1, -1]), ["red", "blue"])
        >>> column.levels, column.values.tolist()
        (('blue', 'red'), [1, 0, -1])
    """
    order = sorted(range(len(levels)), key=levels.__getitem__)
    rank = np.full(len(levels) + 1, -1)  # the last one is what code -1 finds
    rank[order] = np.arange(len(levels))
    return Column(name=name, kind=Kind.TEXT, values=rank[codes], levels=tuple(levels[i] for i in order))


def listed(names: Iterable[str], *, limit: int = LISTED) -> str:
    """The names in quotes, the first few of them when there are many.

    Example:
        >>> listed(["size", "price", "age"], limit=2)
        '"size", "price" and 1 more'
    """
    quoted = [f'"{name}"' for name in names]
    more = len(quoted) - limit
    return ", ".join(quoted[:limit]) + (f" and {more:,} more" if more > 0 else "")


def is_number(text: str) -> bool:
    """Whether it can be read as a number.

    Example:
        >>> is_number("1e-3"), is_number("1,5")
        (True, False)
    """
    try:
        float(text)
    except ValueError:
        return False
    return True


def place(column: str, row: int) -> str:
    """Where a value is, for a message.

    Example:
        >>> place("size", 2)
        'column "size", row 3 (the first row is 1)'
    """
    return f'column "{column}", row {row + 1} (the first row is 1)'


def _check_names(table: str, names: list[str]) -> None:
    twice = (
        [name for name in dict.fromkeys(names) if names.count(name) > 1]
        if len(set(names)) < len(names)
        else []
    )
    if twice:
        raise DataError(
            f"{table} has more than one column named {listed(twice)}; give every column its own name."
        )


def _check_range(table: str, column: Column) -> None:
    if column.values.dtype.kind != "f":
        return
    outside = np.abs(column.values) > np.float64(LARGEST)
    if outside.any():
        row = int(outside.argmax())
        raise DataError(
            f"{table} has {column.values[row]:g} in {place(column.name, row)};"
            " write a finite number, or nothing where it is not known."
        )
