"""How the positions of an epoch are cut into batches."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

from rightbatch.checks import one_of, whole_number
from rightbatch.errors import SettingError

LAST = ("keep", "drop")


class Run(NamedTuple):
    """Neighbouring batches of the same size."""

    start: int
    """Position of the first sample."""
    size: int
    """Samples of each batch."""
    batches: int
    """How many."""


@dataclass(frozen=True, slots=True)
class Batches:
    """The cut of one epoch; all is counted in samples, so that it can be cut anew from any position.

    Args:
        length: positions of the epoch, at least 1.
        batch_size: samples of a batch, from 1 to `length`.
        last: what becomes of the samples left over: ``"keep"`` makes a smaller batch of them,
            ``"drop"`` leaves them out.

    Raises:
        SettingError: `batch_size` or `last` cannot be used.

    Example:
        >>> list(Batches(10, 4).runs())
        [Run(start=0, size=4, batches=2), Run(start=8, size=2, batches=1)]
        >>> len(Batches(10, 4)), len(Batches(10, 4, "drop"))
        (3, 2)
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

    def __len__(self) -> int:
        return self.count()

    def count(self, start: int = 0) -> int:
        """Batches from position `start` to the end of the epoch."""
        return sum(run.batches for run in self.runs(start))

    def runs(self, start: int = 0) -> Iterator[Run]:
        """The batches from position `start` on, those of one size together."""
        full, left = divmod(self.length - start, self.batch_size)
        if full:
            yield Run(start, self.batch_size, full)
        if left and self.last == "keep":
            yield Run(self.length - left, left, 1)
