"""Which rows of a batch one of several processes gets."""

from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from rightbatch.checks import whole_number
from rightbatch.data.batches import Run
from rightbatch.errors import SettingError
from rightbatch.records import Array

WAY_OUT = "write shard=(rank, world) such as (0, 2)"


class Part(NamedTuple):
    """The rows of each batch of a run that one process gets, by their place in the batch."""

    rows: int
    """How many, padding included."""
    columns: slice | Array
    """Their places: a slice where none is padding, otherwise int64, shape `(rows,)`."""
    weight: Array | None
    """1 for a row of the epoch, 0 for padding, float32, shape `(rows,)`; `None` where none can be padding."""


@dataclass(frozen=True, slots=True)
class Shard:
    """One of `world` processes that share every batch.

    Each gets neighbouring rows of every batch, as many as the others to within one, and all get
    arrays of the same length. Where there is no row left to fill one, a row is repeated with weight 0.

    Args:
        rank: number of this process, from 0.
        world: processes.

    Raises:
        SettingError: they are no whole numbers, or `rank` is not below `world`.

    Example:
        >>> run = Run(start=0, size=5, batches=1, filled=5)
        >>> Shard(0, 2).part(run)
        Part(rows=3, columns=slice(0, 3, None), weight=array([1., 1., 1.], dtype=float32))
        >>> Shard(1, 2).part(run)
        Part(rows=3, columns=array([3, 4, 3]), weight=array([1., 1., 0.], dtype=float32))
    """

    rank: int = 0
    world: int = 1

    def __post_init__(self) -> None:
        world = whole_number("shard[1]", self.world, at_least=1, instead=WAY_OUT)
        rank = whole_number("shard[0]", self.rank, at_least=0, instead=WAY_OUT)
        if rank >= world:
            raise SettingError("shard[0]", f"must be below {world}, the number of processes", rank, WAY_OUT)
        object.__setattr__(self, "rank", rank)
        object.__setattr__(self, "world", world)

    def part(self, run: Run, *, weighted: bool = True) -> Part:
        """What this process gets of each batch of a run.

        Args:
            run: batches of the same size.
            weighted: whether to give weights; without, no row may be padding.
        """
        rows = -(-run.filled // self.world)
        first, end = (-(-run.size * rank // self.world) for rank in (self.rank, self.rank + 1))
        weight = _weight(end - first, rows) if weighted else None
        if end - first == rows:
            return Part(rows, slice(first, end), weight)
        # a process without a row repeats one of another process
        own = np.arange(rows) % max(1, end - first)
        return Part(rows, np.minimum(first + own, run.size - 1), weight)


def shard_of(shard: Any) -> Shard:
    """The shard that a pair `(rank, world)` tells; `None`: all there is.

    Raises:
        SettingError: it is no such pair.

    Example:
        >>> shard_of((1, 4))
        Shard(rank=1, world=4)
    """
    if shard is None:
        return Shard()
    if not isinstance(shard, (tuple, list)) or len(shard) != 2:
        raise SettingError("shard", "must be a pair of whole numbers", shard, WAY_OUT)
    return Shard(*shard)


def _weight(real: int, rows: int) -> Array:
    weight = (np.arange(rows) < real).astype(np.float32)
    weight.flags.writeable = False
    return weight
