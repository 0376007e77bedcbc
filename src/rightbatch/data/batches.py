"""How the positions of an epoch are cut into batches."""

import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple, Protocol

import numpy as np

from rightbatch.checks import one_of, whole_number
from rightbatch.errors import SettingError
from rightbatch.records import Array

LAST = ("keep", "drop", "pad", "spread")


class Run(NamedTuple):
    """Neighbouring batches of the same size."""

    start: int
    """Position of the first sample."""
    size: int
    """Samples of each batch."""
    batches: int
    """How many."""
    filled: int
    """Rows that each batch is filled up to by padding; `size` where there is none."""


class Cut(Protocol):
    """The cut of one epoch; all is counted in samples, so that it can be cut anew from any position."""

    @property
    def length(self) -> int:
        """Positions of the epoch."""

    @property
    def batch_size(self) -> int:
        """Samples of the largest batch."""

    @property
    def last(self) -> str:
        """What becomes of the samples left over, one of `LAST`."""

    def runs(self, start: int = 0) -> Iterator[Run]:
        """The batches from position `start` on, those of one size together."""

    def whole(self) -> tuple[Run, ...]:
        """What an order may know: all batches of the epoch, those also that are left out."""


def count(cut: Cut, start: int = 0) -> int:
    """Batches from position `start` to the end of the epoch.

    Example:
        >>> count(Batches(10, 4)), count(Batches(10, 4, "drop"))
        (3, 2)
    """
    return sum(run.batches for run in cut.runs(start))


def located(cut: Cut, number: int) -> tuple[Run, int]:
    """The run that batch `number` of the epoch belongs to, and its place there.

    Raises:
        IndexError: the epoch has no such batch.

    Example:
        >>> located(Batches(10, 4), 2)
        (Run(start=8, size=2, batches=1, filled=2), 0)
    """
    place = number
    for run in cut.runs(0) if number >= 0 else ():
        if place < run.batches:
            return run, place
        place -= run.batches
    raise IndexError(f"there is no batch {number} of {count(cut)}")


def warned_of_a_single_row(rows: Sequence[int], *, stacklevel: int) -> bool:
    """Warn where the last of several batches, of so many rows each, has one row; whether it does."""
    single = len(rows) > 1 and rows[-1] == 1
    if single:
        warnings.warn(
            "the last batch of this epoch will have one row, of which batch normalisation can make "
            "nothing; write last='spread', 'drop' or 'pad', or another batch_size.",
            stacklevel=stacklevel,
        )
    return single


@dataclass(frozen=True, slots=True)
class Batches:
    """Batches of one size, as far as it goes.

    No cut remembers the batches before `start`: whoever stops after any batch and goes on from
    there with the same settings makes the same batches.

    Args:
        length: positions of the epoch, at least 1.
        batch_size: samples of a batch, from 1 to `length`.
        last: what becomes of the samples left over: ``"keep"`` makes a smaller batch of them,
            ``"drop"`` leaves them out, ``"pad"`` makes a batch of them that is filled up,
            ``"spread"`` makes as many batches as ``"keep"``, whose sizes differ by at most 1.

    Raises:
        SettingError: `batch_size` or `last` cannot be used.

    Example:
        >>> [(run.size, run.batches) for run in Batches(10, 4).runs()]
        [(4, 2), (2, 1)]
        >>> [(run.size, run.batches) for run in Batches(10, 4, "spread").runs()]
        [(4, 1), (3, 2)]
    """

    length: int
    batch_size: int
    last: str = "keep"

    def __post_init__(self) -> None:
        object.__setattr__(self, "batch_size", whole_number("batch_size", self.batch_size, at_least=1))
        one_of("last", self.last, LAST)
        if self.batch_size > self.length:
            raise SettingError(
                "batch_size",
                f"must be at most {self.length}, the rows of an epoch",
                self.batch_size,
                f"write a whole number from 1 to {self.length}",
            )

    def runs(self, start: int = 0) -> Iterator[Run]:
        """The batches from position `start` on, those of one size together."""
        if self.last == "spread":
            yield from self._even(start)
            return
        full, left = divmod(self.length - start, self.batch_size)
        if full:
            yield Run(start, self.batch_size, full, self.batch_size)
        if left and self.last != "drop":
            yield Run(self.length - left, left, 1, self.batch_size if self.last == "pad" else left)

    def whole(self) -> tuple[Run, ...]:
        """What an order may know: all batches of the epoch, those also that are left out."""
        return tuple((replace(self, last="keep") if self.last == "drop" else self).runs())

    def _even(self, start: int) -> Iterator[Run]:
        left = self.length - start
        batches = -(-left // self.batch_size)
        size, larger = divmod(left, batches) if batches else (0, 0)
        if larger:
            yield Run(start, size + 1, larger, size + 1)
        if batches > larger:
            yield Run(self.length - size * (batches - larger), size, batches - larger, size)


@dataclass(frozen=True, slots=True, eq=False)
class GivenBatches:
    """Batches whose sizes are given, one by one.

    Args:
        sizes: samples of each batch, int64, shape `(batches,)`.

    Example:
        >>> list(GivenBatches(np.array([3, 2])).runs(3))
        [Run(start=3, size=2, batches=1, filled=2)]
    """

    sizes: Array

    @property
    def length(self) -> int:
        """Positions of the epoch."""
        return int(self.sizes.sum())

    @property
    def batch_size(self) -> int:
        """Samples of the largest batch."""
        return int(self.sizes.max())

    @property
    def last(self) -> str:
        """Nothing is left over."""
        return "keep"

    def runs(self, start: int = 0) -> Iterator[Run]:
        """The batches from position `start` on, each a run of its own."""
        ends = np.cumsum(self.sizes)
        for end in ends[np.searchsorted(ends, start, side="right") :].tolist():
            yield Run(start, end - start, 1, end - start)
            start = end

    def whole(self) -> tuple[Run, ...]:
        """Nothing: the order that has batches of its own knows them."""
        return ()
