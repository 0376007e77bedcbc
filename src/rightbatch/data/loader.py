"""Mini-batches of arrays in memory: every row exactly once, resumable anywhere."""

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from rightbatch.data.batches import Batches
from rightbatch.data.order import Order, Sequential, Shuffled
from rightbatch.data.position import Position
from rightbatch.data.source import ArraySource
from rightbatch.data.tree import entries, map_fields
from rightbatch.errors import SettingError
from rightbatch.records import Array, Batch, Tree

BLOCK_BYTES = 2**18
"""Bytes gathered by one call, and up to one batch more.

Enough that the cost of the call vanishes; few enough to stay in the second-level cache until the
rows are used, and to come back from `malloc` without fresh pages. Measured with float32, 1 to 784
columns and batches of 1 to 1024 rows: 64 kB is up to 1.3 times slower, 1 MB up to 1.1 times.
"""

INDEX_BYTES = 8
"""Of one row number; all that a row of a view costs."""


class Loader:
    """Mini-batches of a tree of arrays: one pass is one epoch, and the next pass is the next epoch.

    Rows of many batches are gathered by one call into a block, and batches are views of it. NumPy
    keeps the block until nobody holds a batch of it any more, so batches may be kept and written
    into. In sequential order batches are read-only views of the data, without a copy.

    Passes are independent of each other: two at once are fine. A pass begins when its first
    batch is asked for; `epoch` and `state_dict` tell of the pass begun last.

    Args:
        data: one array, or tuples, lists and dicts of such, all `(rows, ...)` with the same rows.
        batch_size: rows of a batch, from 1 to the rows of the data.
        shuffle: whether every epoch has its own random order; the same as `order=Shuffled(seed)`.
        order: which rows, in which sequence, instead of `shuffle` and `seed`.
        seed: whole number, at least 0, of the shuffle.
        last: what becomes of the rows left over at the end of an epoch: ``"keep"`` makes a
            smaller batch of them, ``"drop"`` leaves them out.
        drop_last: the same as ``last="drop"``.

    Raises:
        DataError: a field is no array of rows, or fields differ in length.
        SettingError: a setting cannot be used.

    Example:
        >>> loader = Loader((np.arange(10.0).reshape(5, 2), np.arange(5)), batch_size=2, shuffle=True)
        >>> for x, t in loader:
        ...     print(x.shape, t)
        (2, 2) [0 1]
        (2, 2) [4 2]
        (1, 2) [3]
        >>> len(loader)
        3
    """

    def __init__(
        self,
        data: Tree,
        batch_size: int = 64,
        *,
        shuffle: bool = False,
        order: Order | None = None,
        seed: int = 0,
        last: str = "keep",
        drop_last: bool = False,
    ) -> None:
        self._source = ArraySource(data)
        self._order = _one_order(order, shuffle=shuffle, seed=seed)
        self._cut = Batches(self._order.length(self.rows), batch_size, _one_last(last, drop_last=drop_last))
        self._now = self._next = Position()

    @property
    def data(self) -> Tree:
        """The whole data, every field a read-only view of it."""
        return self._source.tree

    @property
    def rows(self) -> int:
        """Rows of the data."""
        return self._source.rows

    @property
    def batch_size(self) -> int:
        """Rows of a full batch."""
        return self._cut.batch_size

    @property
    def epoch(self) -> int:
        """Passes completed, up to and with the one begun last once it is complete."""
        return self._now.epoch

    def __len__(self) -> int:
        """Batches of a whole epoch."""
        return len(self._cut)

    def __repr__(self) -> str:
        settings = f"batch_size={self.batch_size}, order={self._order!r}, last={self._cut.last!r}"
        return f"Loader({self.rows} rows, {settings})"

    def __iter__(self) -> Iterator[Tree]:
        """The batches of one epoch, each the same tree as the data."""
        now = self._begin()
        for size, block, _ in self._blocks(now):
            for batch in entries(block):
                now.samples += size
                now.step += 1
                yield batch
        now.complete()

    def batches(self) -> Iterator[Batch]:
        """The same pass with what a batch tells about itself: row numbers, epoch and step.

        Example:
            >>> [(batch.step, batch.index) for batch in Loader(np.ones(5), 3).batches()]
            [(0, array([0, 1, 2])), (1, array([3, 4]))]
        """
        now = self._begin()
        for size, block, window in self._blocks(now):
            for data, index in zip(entries(block), _numbers(window, size), strict=True):
                batch = Batch(data, index, None, now.epoch, now.step)
                now.samples += size
                now.step += 1
                yield batch
        now.complete()

    def state_dict(self) -> dict[str, Any]:
        """Where the pass begun last is: a dictionary of under 1 kB that JSON can write.

        All is counted in samples, so that a loader with another batch size can go on from there.

        Example:
            >>> loader = Loader(np.ones(5), 2)
            >>> for batch in loader:
            ...     state = loader.state_dict()
            ...     break
            >>> loader.load_state_dict(state)
            >>> len(list(loader))
            2
        """
        return self._settled(self._now).state(self._belongs())

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Let the next pass begin where the state says; passes that have begun are left alone.

        Raises:
            SettingError: the state is of other data or another order; names the field that differs.
        """
        position = Position.from_state(state, self._belongs(), self._cut.length)
        self._now = self._next = self._settled(position)

    def _belongs(self) -> dict[str, Any]:
        return {"rows": self.rows, "data": self._source.fingerprint(), "order": repr(self._order)}

    def _settled(self, position: Position) -> Position:
        """The position, or the start of the next epoch where no batch is left in this one."""
        return position if self._cut.count(position.samples) else Position(position.epoch + 1)

    def _begin(self) -> Position:
        self._now, self._next = self._next, Position(self._next.epoch + 1)
        return self._now

    def _blocks(self, now: Position) -> Iterator[tuple[int, Tree, range | Array]]:
        """For one block after the other: rows of a batch, fields `(batches, size, ...)`, row numbers."""
        numbers = self._order.row_numbers(now.epoch, self.rows)
        row_bytes = INDEX_BYTES if isinstance(numbers, range) else INDEX_BYTES + self._source.row_bytes
        for start, size, batches in self._cut.runs(now.samples):
            stop = start + size * batches
            # never less than two batches where they are smaller than a block
            block = size * (1 + BLOCK_BYTES // (size * row_bytes))
            for first in range(start, stop, block):
                window = numbers[first : min(first + block, stop)]
                yield size, self._block(window, size), window

    def _block(self, window: range | Array, size: int) -> Tree:
        if isinstance(window, range):
            rows = self._source.slice(window.start, window.stop)
            return map_fields(lambda field: field.reshape(len(field) // size, size, *field.shape[1:]), rows)
        return self._source.take(_numbers(window, size))


def _numbers(window: range | Array, size: int) -> Array:
    """Row numbers, int64, shape `(batches, size)`."""
    numbers = np.arange(window.start, window.stop) if isinstance(window, range) else window
    return numbers.reshape(-1, size)


def _one_order(order: Order | None, *, shuffle: bool, seed: int) -> Order:
    if order is None:
        return Shuffled(seed) if shuffle else Sequential()
    if isinstance(order, type) or not isinstance(order, Order):
        raise SettingError("order", "must be an order", order, "write one such as Shuffled(seed=0)")
    if shuffle:
        raise SettingError(
            "shuffle", "must be left out where order is given", shuffle, "write one of the two"
        )
    if seed:
        raise SettingError(
            "seed", "must be left out where order is given", seed, f"write order=Shuffled(seed={seed!r})"
        )
    return order


def _one_last(last: str, *, drop_last: bool) -> str:
    if drop_last and last not in {"keep", "drop"}:
        raise SettingError(
            "last", "must be left out where drop_last=True is given", last, "write one of the two"
        )
    return "drop" if drop_last else last
