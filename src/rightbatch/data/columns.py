"""Columns of any kind into standardised float32 features; all that is fitted is fitted on the training rows.

Each column becomes `Part`s, matrices with named columns: numbers with their gaps filled and marked, text
one-hot. What is then constant is dropped, and the rest standardised.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from sklearn.impute import SimpleImputer
from sklearn.preprocessing import OneHotEncoder

from rightbatch.data.scale import Scaled, standardise
from rightbatch.data.table import Column, Kind, is_number, listed, place
from rightbatch.errors import DataError
from rightbatch.records import Array

MOST_CATEGORIES = 32
"""Features that a text column becomes at most."""
RARE = 0.01
"""Texts on a smaller share of the training rows are put together as "other"."""
NEARLY_ALL = 0.9
"""A text column with a larger share of distinct values is a name or a number of the row, not a feature."""
NAMED = 3
"""Columns that the note names."""
NUMBERED = 10
"""Rows from which on a column that counts them does so on purpose, and not by chance."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Part:
    """Features made of some columns."""

    sources: tuple[str, ...]
    """The column that each feature comes from."""
    names: tuple[str, ...]
    units: tuple[str, ...]
    """The unit that a feature shares with others, or nothing."""
    values: Array
    """Shape `(rows, features)`, no value missing."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Features:
    """What the columns have become."""

    names: tuple[str, ...]
    scaled: Scaled
    """All rows, shape `(rows, features)`."""
    note: str
    """What was done, in a line."""


def prepare(table: str, columns: Sequence[Column], train: Array) -> Features:
    """Turn the columns into features.

    Numbers, booleans and dates stay one column each. A missing one becomes the median of the training rows,
    and where the training rows miss any, a column says which. Text becomes one column of 0 and 1 per
    category, in sorted order: at most 32, those on under 1 % of the training rows together as "(other)",
    missing as "(missing)". Columns that are empty, constant, or text with over 90 % distinct values are
    dropped. Every feature is then (value - mean) / standard deviation; features that share a unit, such as
    the pixels of an image, have these in common and stay together.

    Args:
        table: the name of the data.
        columns: the features' columns, all rows.
        train: numbers of the training rows; medians, categories, means and deviations come from these alone.

    Raises:
        DataError: no column is left to learn from, or a value is too far from the training rows.

    Example:
        >>> size = Column(name="size", kind=Kind.NUMBER, values=np.array([1.0, 3.0, 5.0]))
        >>> features = prepare("houses", [size], np.array([0, 1]))
        >>> features.names, features.scaled.values.ravel().tolist()
        (('size',), [-1.0, 1.0, 3.0])
    """
    dropped = {column.name: _useless(table, column, train) for column in columns}
    used = [column for column in columns if not dropped[column.name]]
    numbers = [column for column in used if column.kind is not Kind.TEXT]
    texts = [column for column in used if column.kind is Kind.TEXT]
    parts = [_numbers(numbers, train)] if numbers else []
    part = _varying(
        _join([*parts, *(_one_hot(column, train) for column in texts)], len(columns[0].values)), train
    )
    dropped |= {column.name: "constant" for column in used if column.name not in part.sources}
    if not part.names:
        raise DataError(f"{table} has no column to learn from ({_reasons(dropped)}); add one that varies.")
    return Features(
        names=part.names,
        scaled=standardise(table, part.sources, part.values, train, part.units),
        note=_note(columns, part, train, dropped),
    )


def _useless(table: str, column: Column, train: Array) -> str:
    """Why the column cannot be used, or nothing.

    Raises:
        DataError: it would be dropped for a few words among its numbers.
    """
    known = column.values[train][~column.missing[train]]
    if len(known) == 0:
        return "empty"
    if column.kind is Kind.TEXT and len(np.unique(known)) > max(2, NEARLY_ALL * len(known)):
        _check_words(table, column)
        return "different in nearly every row"
    return ""


def _check_words(table: str, column: Column) -> None:
    words = [code for code, level in enumerate(column.levels) if not is_number(level)]
    if len(column.levels) - len(words) < NEARLY_ALL * len(column.levels):
        return
    row = int(np.flatnonzero(np.isin(column.values, words))[0])
    raise DataError(
        f'{table} has "{column.levels[int(column.values[row])]}" among the numbers of '
        f"{place(column.name, row)}; write a number there, or nothing where it is missing."
    )


def _numbers(columns: Sequence[Column], train: Array) -> Part:
    """Gaps filled by the median, and a column that marks them."""
    values = _stack([column.values for column in columns])
    names = tuple(column.name for column in columns)
    whole = Part(sources=names, names=names, units=tuple(column.unit for column in columns), values=values)
    if not np.isnan(values).any():  # medians are slow, and there is nothing to fill
        return whole
    imputer = SimpleImputer(strategy="median", add_indicator=True, copy=False).fit(values[train])
    gaps = [names[i] for i in imputer.indicator_.features_]
    return Part(
        sources=(*names, *gaps),
        names=(*names, *(f"{name}=(missing)" for name in gaps)),
        units=(*whole.units, *("" for _ in gaps)),
        values=imputer.transform(values),
    )


def _stack(values: Sequence[Array]) -> Array:
    """One matrix; float32 where that holds every value, else float64 (float32 counts to 16 million only)."""
    single = np.result_type(np.float32, *(column.dtype for column in values)) == np.float32
    return np.stack(values, axis=1, dtype=np.float32 if single else np.float64, casting="same_kind")


def _one_hot(column: Column, train: Array) -> Part:
    """One column per category; rows without a value are 0 in all but the last."""
    missing = column.missing
    codes = column.values.reshape(-1, 1)
    encoder = OneHotEncoder(
        min_frequency=RARE,
        max_categories=MOST_CATEGORIES,
        handle_unknown="infrequent_if_exist",
        sparse_output=False,
        dtype=np.float32,
    ).fit(codes[train][~missing[train]])
    grouped = encoder.infrequent_categories_[0]
    kept = [code for code in encoder.categories_[0] if grouped is None or code not in grouped]
    levels = [column.levels[code] for code in kept] + ([] if grouped is None else ["(other)"])
    values = np.zeros((len(codes), len(levels)), np.float32)
    values[~missing] = encoder.transform(codes[~missing])
    if missing[train].any():
        levels.append("(missing)")
        values = np.column_stack([values, missing.astype(np.float32)])
    names = tuple(f"{column.name}={level}" for level in levels)
    count = len(names)
    return Part(sources=(column.name,) * count, names=names, units=("",) * count, values=values)


def _join(parts: Sequence[Part], rows: int) -> Part:
    return Part(
        sources=tuple(source for part in parts for source in part.sources),
        names=tuple(name for part in parts for name in part.names),
        units=tuple(unit for part in parts for unit in part.units),
        values=np.concatenate([np.empty((rows, 0), np.float32), *(part.values for part in parts)], axis=1),
    )


def _varying(part: Part, train: Array) -> Part:
    """The features that are not the same on all training rows, and all that share a unit that varies."""
    rows = part.values[train]
    varies = rows.min(axis=0) < rows.max(axis=0)
    shared = {unit for unit, used in zip(part.units, varies, strict=True) if used} - {""}
    kept = np.flatnonzero(varies | np.isin(part.units, list(shared)))
    return Part(
        sources=tuple(part.sources[i] for i in kept),
        names=tuple(part.names[i] for i in kept),
        units=tuple(part.units[i] for i in kept),
        values=part.values[:, kept],
    )


def _note(columns: Sequence[Column], part: Part, train: Array, dropped: dict[str, str]) -> str:
    kept = [column for column in columns if column.name in part.sources]
    total = f" of {len(columns)}" if len(kept) < len(columns) else ""
    features = f" as {len(part.names)} features" if len(part.names) != len(kept) else ""
    return (
        "; ".join(
            [
                f"Columns: {len(kept)}{total} kept{features} and standardised",
                *_together(part.units),
                *_filled(kept, train),
                *([f"dropped {_reasons(dropped)}"] if any(dropped.values()) else []),
            ]
        )
        + "."
        + _counting(kept, len(columns))
    )


def _counting(kept: Sequence[Column], columns: int) -> str:
    """That columns only count the rows, in a sentence; where there is no other column they are meant."""
    names = [column.name for column in kept if _counts(column)]
    if len(names) in {0, columns}:
        return ""
    if len(names) > 1:
        said = f"Columns {listed(names, limit=NAMED)} only count the rows, and are kept all the same"
        return f" {said}; take them out of the data if they mean nothing."
    which = f"Column {listed(names)}" if names[0] else "The column without a name"
    said = f"{which} only counts the rows, and is kept all the same"
    return f" {said}; take it out of the data if it means nothing."


def _counts(column: Column) -> bool:
    """Whether the values are 0, 1, 2 and so on, or 1, 2, 3."""
    rows = len(column.values)
    if column.kind is not Kind.NUMBER or column.unit or rows < NUMBERED or column.values[0] not in {0, 1}:
        return False
    return np.array_equal(column.values, np.arange(rows) + column.values[0])


def _together(units: Sequence[str]) -> list[str]:
    counts = Counter(unit for unit in units if unit)
    return [f"the {count} of unit {unit} with one mean and deviation" for unit, count in counts.items()]


def _filled(kept: Sequence[Column], train: Array) -> list[str]:
    texts = sum(column.kind is Kind.TEXT for column in kept)
    gaps = sum(column.kind is not Kind.TEXT and bool(column.missing[train].any()) for column in kept)
    phrases = {"of text, one-hot": texts, "with missing numbers, filled by the median and marked": gaps}
    return [f"{count} {phrase}" for phrase, count in phrases.items() if count]


def _reasons(dropped: dict[str, str]) -> str:
    """Such as: 2 constant ("a", "b"), 1 empty ("c")."""
    counts = Counter(reason for reason in dropped.values() if reason)
    return ", ".join(
        f"{count} {reason} ({listed((name for name in dropped if dropped[name] == reason), limit=NAMED)})"
        for reason, count in counts.items()
    )
