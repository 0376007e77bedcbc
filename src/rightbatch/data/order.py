"""Which rows, in which sequence: a pure function of the order's settings, the epoch and the position."""

from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable

import numpy as np

from rightbatch.checks import one_of, whole_number
from rightbatch.data.batches import Cut
from rightbatch.data.bijection import permuted
from rightbatch.records import Array
from rightbatch.rng import generator, key

EXACT_ROWS = 2**24
"""Most rows whose permutation is drawn and held.

From here on, drawing it takes longer per row than computing each place of a bijection (41 ns at 10
million rows, 48 ns at 33 million, and 35 ns), the first batch would wait for over 0.7 seconds, and the
permutation takes 128 MB.
"""

METHODS = ("auto", "exact", "bijection")


class RowNumbers(Protocol):
    """The row numbers of one epoch, by position; any window of it can be had alone."""

    def __getitem__(self, window: slice, /) -> Any:
        """The row numbers of a window: a read-only int64 array, or a `range` where rows are neighbours.

        A `range` lets the loader hand out views of the data instead of copies.
        """


@runtime_checkable
class Order(Protocol):
    """A sequence of rows for every epoch.

    An order knows nothing of the data but what its settings say (a seed, labels, lengths), so one
    order serves many loaders. What an epoch needs, such as its permutation, lives as long as
    the pass that asked for it: passes in different epochs cannot disturb each other.

    Its `repr` names the class and all settings in one short line: a loader's state
    remembers it, and is refused where it differs.
    """

    def length(self, rows: int) -> int:
        """Positions of one epoch over a data set of so many rows.

        Raises:
            DataError: the order is for a data set of another number of rows.
        """

    def row_numbers(self, epoch: int, rows: int, meant: Cut | None = None) -> RowNumbers:
        """The row number at each of the `length(rows)` positions of an epoch, each in [0, rows).

        Args:
            epoch: passes over the data before this one.
            rows: of the data set.
            meant: the cut of the epoch, as it was meant when the epoch began; most orders need not
                know it, and none needs it to be given.
        """


@runtime_checkable
class OwnBatches(Protocol):
    """An order that may have batches of its own instead of ones of a fixed size."""

    def batch_sizes(self, epoch: int) -> Array | None:
        """Samples of each batch of an epoch, int64, as many in every epoch; `None`: none of its own."""


@dataclass(frozen=True, slots=True)
class Sequential:
    """The rows as they are stored, in every epoch; batches are read-only views of the data.

    Example:
        >>> Sequential().row_numbers(0, 10)[3:6]
        range(3, 6)
    """

    def length(self, rows: int) -> int:
        """Each row once."""
        return rows

    def row_numbers(self, epoch: int, rows: int, meant: Cut | None = None) -> RowNumbers:
        """0, 1, ..., rows - 1."""
        del epoch, meant
        return range(rows)


@dataclass(frozen=True, slots=True, repr=False)
class Shuffled:
    """Each row once, in a random permutation, drawn anew for every epoch.

    Up to `EXACT_ROWS` = 2^24 rows all permutations are equally likely. Of more rows each place is
    computed alone, by a keyed bijection that takes no memory and passes the same tests for uniformity.

    Args:
        seed: whole number, at least 0; permutations of different (seed, epoch) are independent.
        method: ``"exact"`` draws the permutation for any number of rows (8 bytes a row),
            ``"bijection"`` computes it for any; ``"auto"`` is as told above.

    Raises:
        SettingError: the seed is no whole number or negative, or the method is not known.

    Example:
        >>> Shuffled(seed=3).row_numbers(0, 5)[:]
        array([4, 2, 3, 1, 0])
        >>> Shuffled(seed=3).row_numbers(0, 10**12)[500:503]
        array([...])

    Source:
        R. Durstenfeld, Algorithm 235: Random permutation, Communications of the ACM 7 (1964), p. 420;
        for the bijection see `rightbatch.data.bijection`.
    """

    seed: int = 0
    method: str = "auto"

    def __post_init__(self) -> None:
        object.__setattr__(self, "seed", seed_number(self.seed))
        one_of("method", self.method, METHODS)

    def __repr__(self) -> str:
        method = "" if self.method == "auto" else f", method={self.method!r}"
        return f"Shuffled(seed={self.seed}{method})"

    def length(self, rows: int) -> int:
        """Each row once."""
        return rows

    def row_numbers(self, epoch: int, rows: int, meant: Cut | None = None) -> RowNumbers:
        """The permutation of the epoch."""
        del meant
        if self.method == "bijection" or (self.method == "auto" and rows > EXACT_ROWS):
            return _Computed(rows, key("order", self.seed, epoch) % 2**64)
        return read_only(generator("order", self.seed, epoch).permutation(rows))


@dataclass(frozen=True, slots=True)
class _Computed:
    """A permutation of which nothing is stored."""

    rows: int
    key: int

    def __getitem__(self, window: slice) -> Array:
        start, stop, _ = window.indices(self.rows)
        # the last position of all may be 2^63 - 1, whose successor is no int64
        return read_only(permuted(start + np.arange(stop - start), self.rows, self.key))


def seed_number(seed: Any) -> int:
    """The seed, if it is a whole number, at least 0."""
    return whole_number("seed", seed, at_least=0, instead="write a whole number such as 0")


def read_only(array: Array) -> Array:
    """The array, which cannot be written from now on."""
    array.flags.writeable = False
    return array
