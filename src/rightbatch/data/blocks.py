"""Rows of many batches, gathered by one call into a block; batches are views of it."""

from collections.abc import Callable, Iterable, Iterator
from functools import partial
from typing import NamedTuple

import numpy as np

from rightbatch.data.batches import Run
from rightbatch.data.deliver import Convert
from rightbatch.data.gather import Memory
from rightbatch.data.order import RowNumbers
from rightbatch.data.shard import Part, Shard
from rightbatch.data.source import NUMBER_BYTES, Source
from rightbatch.data.tree import entries
from rightbatch.records import Array, Tree

BLOCK_BYTES = 2**20
"""Bytes gathered by one call, and up to one batch more.

Enough that the cost of the call, 10 µs, vanishes; few enough to stay in the second-level cache until the
rows are used. Measured with float32, 1 to 784 columns and batches of 1 to 1024 rows, whose sum was taken:
256 kB takes up to 1.08 times the seconds, and 2 MB 0.9 to 1.06 times where that cache holds 2 MB.
"""

SMALL_BLOCK_BYTES = 2**18
"""The same where it would be much of small data: the memory of a batch size is not to be that of a block."""

BLOCK_SHARE = 64
"""Blocks that data are of at least, unless these would be smaller than that."""

AHEAD_BYTES = 2**22
"""The same where blocks are made in other threads: to hand one over takes about 0.05 ms. With two threads
2 MB take up to 1.1 times the seconds, and 8 MB no fewer (float32, 32 columns)."""

LARGE_BYTES = 2**16
"""A batch of so many bytes is gathered by itself, when it is asked for: to gather several by one call saves
less than it costs that memory is in use for longer, and leaves the cache (up to 1.15 times the seconds)."""


class Block(NamedTuple):
    """Neighbouring batches of the same size."""

    data: Tree
    """The rows: fields `(batches, rows, ...)`, or iterators of batches that are still to be gathered."""
    window: range | Array
    """Row numbers of the batches as all shards together have them."""
    part: Part
    """Which rows of each batch are here."""
    size: int
    """Samples that each batch has in all shards together."""
    late: bool
    """Whether batches are gathered when they are asked for."""

    def batches(
        self, convert: Convert | None, waiting: Callable[[Iterator[Tree]], Iterator[Tree]]
    ) -> Iterator[Tree]:
        """The batches one by one.

        Args:
            convert: to arrays of another library; none: NumPy's.
            waiting: told of those that are still to be gathered, to count the seconds.
        """
        made = entries(self.data, convert, late=self.late)
        return waiting(made) if self.late else made

    @property
    def row_numbers(self) -> Array:
        """Row numbers, int64, shape `(batches, rows)`."""
        return _index(self.window, self.size, self.part)


def usual_bytes(data: int) -> int:
    """Bytes of a block of data of so many, where none is made ahead.

    Example:
        >>> [usual_bytes(data) // 1024 for data in (10_000, 30_000_000, 10**9)]
        [256, 457, 1024]
    """
    return min(max(data // BLOCK_SHARE, SMALL_BLOCK_BYTES), BLOCK_BYTES)


def blocks(
    source: Source,
    numbers: RowNumbers,
    runs: Iterable[Run],
    shard: Shard,
    *,
    weighted: bool,
    block_bytes: int = SMALL_BLOCK_BYTES,
    late: bool = False,
    memory: Memory | None = None,
) -> Iterator[Callable[[], Block]]:
    """What makes one block after the other, each when it is called, in any order and from any thread.

    Args:
        source: where the rows are.
        numbers: row number at each position.
        runs: the batches to make.
        shard: which part of each batch.
        weighted: whether batches have weights.
        block_bytes: gathered by one call.
        late: whether large batches may be left to be gathered when they are asked for.
        memory: where to; none: fresh memory for every block.
    """
    for run in runs:
        part = shard.part(run, weighted=weighted)
        views = isinstance(numbers, range) and isinstance(part.columns, slice)
        apart = late and source.one_by_one and not views and part.rows * source.row_bytes >= LARGE_BYTES
        row_bytes = NUMBER_BYTES if views or apart else NUMBER_BYTES + source.row_bytes
        # never less than two batches where they are smaller than a block
        most = 1 + block_bytes // (part.rows * row_bytes)
        take = partial(_block, source, numbers, memory, run.size, part, apart)
        for done in range(0, run.batches, most):
            start = run.start + done * run.size
            yield partial(take, slice(start, start + min(most, run.batches - done) * run.size))


def _block(  # noqa: PLR0917 (called once a block, by position)
    source: Source,
    numbers: RowNumbers,
    memory: Memory | None,
    size: int,
    part: Part,
    late: bool,
    where: slice,
) -> Block:
    window = numbers[where]
    if isinstance(window, range) and isinstance(part.columns, slice):
        rows = source.views(window.start, len(window) // size, size, part.columns)
    else:
        rows = (source.each if late else source.take)(_index(window, size, part), memory)
    return Block(rows, window, part, size, late)


def _index(window: range | Array, size: int, part: Part) -> Array:
    numbers = np.arange(window.start, window.stop) if isinstance(window, range) else window
    return numbers.reshape(-1, size)[:, part.columns]
