"""Which rows, in which sequence: a pure function of the order's settings, the epoch and the position."""

from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable

from rightbatch.checks import whole_number
from rightbatch.records import Array
from rightbatch.rng import generator


class RowNumbers(Protocol):
    """The row numbers of one epoch, by position; any window of it can be had alone."""

    def __getitem__(self, window: slice, /) -> Any:
        """The row numbers of a window: an int64 array, or a `range` where rows are neighbours.

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
        """Positions of one epoch over a data set of so many rows."""

    def row_numbers(self, epoch: int, rows: int) -> RowNumbers:
        """The row number at each of the `length(rows)` positions of an epoch, each in [0, rows)."""


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

    def row_numbers(self, epoch: int, rows: int) -> RowNumbers:
        """0, 1, ..., rows - 1."""
        del epoch
        return range(rows)


@dataclass(frozen=True, slots=True)
class Shuffled:
    """Each row once, in an exactly uniform random permutation, drawn anew for every epoch.

    Args:
        seed: whole number, at least 0; permutations of different (seed, epoch) are independent.

    Raises:
        SettingError: the seed is no whole number or negative.

    Example:
        >>> Shuffled(seed=3).row_numbers(0, 5)[:]
        array([4, 2, 3, 1, 0])

    Source:
        R. Durstenfeld, Algorithm 235: Random permutation, Communications of the ACM 7 (1964), p. 420.
    """

    seed: int = 0

    def __post_init__(self) -> None:
        seed = whole_number("seed", self.seed, at_least=0, instead="write a whole number such as 0")
        object.__setattr__(self, "seed", seed)

    def length(self, rows: int) -> int:
        """Each row once."""
        return rows

    def row_numbers(self, epoch: int, rows: int) -> Array:
        """The permutation of the epoch, read-only, int64, shape `(rows,)`."""
        permutation = generator("order", self.seed, epoch).permutation(rows)
        permutation.flags.writeable = False
        return permutation
