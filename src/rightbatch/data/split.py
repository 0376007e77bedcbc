"""Which rows train, validate and test."""

from dataclasses import dataclass

import numpy as np
from sklearn.model_selection import train_test_split

from rightbatch import rng
from rightbatch.data.label import Target
from rightbatch.records import Array

HELD_OUT = 0.15
"""Share of the rows for validation, and again for the test."""
MOST_HELD_OUT = 10_000
"""Rows for each at most: an accuracy is then known to half a percent, and evaluating stays cheap."""
FEWEST_ROWS = 20
"""With fewer, a hold-out of three rows would tell nothing."""
FEWEST_OF_A_CLASS = 3
"""Rows of a class expected among those held out, so that validation and test both get some."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Split:
    """Row numbers in ascending order, int64."""

    train: Array
    validation: Array
    test: Array
    note: str
    """What was done, in a line."""


def split_rows(target: Target, *, seed: int, teaching: bool) -> Split:
    """70 % train, 15 % validation, 15 % test (10,000 rows each at most), stratified for classes.

    A class with too few rows to be shared out is drawn together with the most frequent one. Under 20 rows
    and for teaching problems nothing is held out: all rows are in each of the three parts.

    Args:
        target: the label, whose classes are shared out evenly.
        seed: of the drawing.
        teaching: hold nothing out.
    """
    rows = len(target.values)
    if teaching or rows < FEWEST_ROWS:
        why = "this is a teaching problem" if teaching else f"{rows} rows are too few to hold any out"
        everything = np.arange(rows)
        note = f"Split: none, as {why}; validation and test are the {rows} training rows."
        return Split(train=everything, validation=everything, test=everything, note=note)
    size = min(MOST_HELD_OUT, round(HELD_OUT * rows))
    strata, how = _strata(target, 2 * size)
    state = rng.key("split", seed) % 2**32
    train, rest = _cut(np.arange(rows), strata, 2 * size, state)
    validation, test = _cut(rest, strata, size, state)
    sizes = f"{len(train):,} train, {len(validation):,} validation, {len(test):,} test"
    note = f"Split: {sizes} ({how}, seed {seed})."
    return Split(train=train, validation=validation, test=test, note=note)


def _strata(target: Target, held_out: int) -> tuple[Array | None, str]:
    """The group of each row, every group large enough to be shared out, and how to call it."""
    if target.task == "regression":
        return None, "at random"
    counts = np.bincount(target.values, minlength=len(target.classes))
    rare = counts * held_out < FEWEST_OF_A_CLASS * len(target.values)
    strata = np.where(rare[target.values], counts.argmax(), target.values)
    few = f" but {int(rare.sum())} with too few rows" if rare.any() else ""
    return strata, f"stratified by class{few}"


def _cut(rows: Array, strata: Array | None, size: int, state: int) -> tuple[Array, Array]:
    groups = None if strata is None else strata[rows]
    first, second = train_test_split(rows, test_size=size, random_state=state, stratify=groups)
    return np.sort(first), np.sort(second)
