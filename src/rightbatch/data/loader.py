"""Mini-batches of arrays in memory: every row exactly once, resumable anywhere."""

import copy
import warnings
from collections.abc import Iterator, Mapping
from typing import Any

from rightbatch.checks import whole_number
from rightbatch.data.audit import EpochAudit, audited
from rightbatch.data.batches import Batches, Cut, GivenBatches, count
from rightbatch.data.blocks import Block, blocks
from rightbatch.data.order import Order, OwnBatches, Sequential, Shuffled
from rightbatch.data.position import Position
from rightbatch.data.shard import shard_of
from rightbatch.data.source import ArraySource
from rightbatch.data.tree import entries
from rightbatch.errors import SettingError
from rightbatch.records import Batch, Tree

BATCH_SIZE = 64
"""Rows of a batch where none are asked for and there are as many."""


class Loader:
    """Mini-batches of a tree of arrays: one pass is one epoch, and the next pass is the next epoch.

    Rows of many batches are gathered by one call into a block, and batches are views of it. NumPy
    keeps the block until nobody holds a batch of it any more, so batches may be kept and written
    into. In sequential order batches are read-only views of the data, without a copy.

    Passes are independent of each other: two at once are fine. A pass begins when its first
    batch is asked for; `epoch` and `state_dict` tell of the pass begun last.

    Args:
        data: one array, or tuples, lists and dicts of such, all `(rows, ...)` with the same rows.
            Rows that differ in length go into a `Ragged`; batches of it are padded.
        batch_size: rows of a batch, from 1 to the samples of an epoch, of all shards together; none: 64,
            or as many as the order says. It may be set to another value at any time: that
            counts from the next batch on, and no row is lost or repeated.
        shuffle: whether every epoch has its own random order; the same as `order=Shuffled(seed)`.
        order: which rows, in which sequence, instead of `shuffle` and `seed`.
        seed: whole number, at least 0, of the shuffle.
        last: what becomes of the rows left over at the end of an epoch: ``"keep"`` makes a
            smaller batch of them; ``"drop"`` leaves them out; ``"pad"`` fills their batch up to
            `batch_size` by repeating its rows, with `Batch.weight` 0; ``"spread"`` makes batches whose
            sizes differ by at most 1, as few as ``"keep"``.
        drop_last: the same as ``last="drop"``.
        shard: `(rank, world)`: each of `world` processes gets its part of every batch, as many steps
            and as many rows in each as the others; where rows do not suffice, some are repeated with
            `Batch.weight` 0.

    Raises:
        DataError: a field is no array of rows, fields differ in length, or the order is for other data.
        SettingError: a setting cannot be used.

    Example:
        >>> import numpy as np
        >>> loader = Loader((np.arange(10.0).reshape(5, 2), np.arange(5)), batch_size=3, shuffle=True)
        >>> for x, t in loader:
        ...     print(x.shape, t)
        (3, 2) [0 1 4]
        (2, 2) [2 3]
        >>> len(loader)
        2
    """

    def __init__(
        self,
        data: Tree,
        batch_size: int | None = None,
        *,
        shuffle: bool = False,
        order: Order | None = None,
        seed: int = 0,
        last: str = "keep",
        drop_last: bool = False,
        shard: tuple[int, int] | None = None,
    ) -> None:
        self._source = ArraySource(data)
        self._order = _one_order(order, shuffle=shuffle, seed=seed)
        self._shard = shard_of(shard)
        self._own = self._order if isinstance(self._order, OwnBatches) else None
        length, last = self._order.length(self.rows), _one_last(last, drop_last=drop_last)
        own = self._own_cut(0)
        if own is not None:
            _check_left_to_the_order(batch_size, last)
        size = min(BATCH_SIZE, length) if batch_size is None else batch_size
        self._cut: Cut = own or Batches(length, size, last)
        self._now = self._next = Position(self._cut)
        self._warned = False

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
        """Rows of a full batch, of all shards together.

        It may be set at any time, inside a pass also: by a schedule, or by what was measured. The next
        batch has the new size, and the pass goes on where it is.

        Example:
            >>> import numpy as np
            >>> loader, sizes = Loader(np.ones(20), batch_size=2), []
            >>> for batch in loader:
            ...     sizes.append(len(batch))
            ...     loader.batch_size = min(2 * loader.batch_size, 16)
            >>> sizes
            [2, 4, 8, 6]
        """
        return self._cut.batch_size

    @batch_size.setter
    def batch_size(self, batch_size: int) -> None:
        if not isinstance(self._cut, Batches):
            _check_left_to_the_order(batch_size, self._cut.last)
        if whole_number("batch_size", batch_size, at_least=1) != self.batch_size:
            self._cut = Batches(self._cut.length, batch_size, self._cut.last)

    @property
    def shard(self) -> tuple[int, int]:
        """`(rank, world)`: the part of every batch that is given out.

        It may be set between two passes: where a loader is made before it is known which process it is in.
        """
        return self._shard.rank, self._shard.world

    @shard.setter
    def shard(self, shard: tuple[int, int]) -> None:
        self._shard = shard_of(shard)

    @property
    def epoch(self) -> int:
        """Passes completed, up to and with the one begun last once it is complete."""
        return self._now.epoch

    def __len__(self) -> int:
        """Batches of a whole epoch, the same for every shard."""
        return count(self._cut)

    def __repr__(self) -> str:
        settings = f"batch_size={self.batch_size}, order={self._order!r}, last={self._cut.last!r}"
        shard = f", shard=({self._shard.rank}, {self._shard.world})" if self._shard.world > 1 else ""
        return f"Loader({self.rows} rows, {settings}{shard})"

    def __iter__(self) -> Iterator[Tree]:
        """The batches of one epoch, each the same tree as the data."""
        now = self._begin()
        self._warn_of_a_single_row(now)
        for block in self._blocks(now):
            cut, size = self._cut, block.size
            for batch in entries(block.data):
                now.samples += size
                now.step += 1
                yield batch
                if self._cut is not cut:
                    break
        now.complete()

    def batches(self) -> Iterator[Batch]:
        """The same pass with what a batch tells about itself: row numbers, weights, epoch and step.

        Example:
            >>> import numpy as np
            >>> [(batch.step, batch.index) for batch in Loader(np.ones(5), 3).batches()]
            [(0, array([0, 1, 2])), (1, array([3, 4]))]
            >>> [batch.weight for batch in Loader(np.ones(5), 3, last="pad").batches()]
            [array([1., 1., 1.], dtype=float32), array([1., 1., 0.], dtype=float32)]
        """
        now = self._begin()
        for block in self._blocks(now):
            cut, size, weight = self._cut, block.size, block.part.weight
            whole = size if self._shard.world > 1 else None
            for data, index in zip(entries(block.data), block.row_numbers, strict=True):
                batch = Batch(data, index, weight, now.epoch, now.step, whole)
                now.samples += size
                now.step += 1
                yield batch
                if self._cut is not cut:
                    break
        now.complete()

    def state_dict(self) -> dict[str, Any]:
        """Where the pass begun last is: a dictionary of under 1 kB that JSON can write.

        All is counted in samples of all shards together, so that a loader with another batch size, or
        as many as there are then shards, can go on from there.

        Example:
            >>> import numpy as np
            >>> loader = Loader(np.ones(6), 2)
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

    def audit(self, labels: Any = None) -> EpochAudit:
        """What the batches of the next epoch hold: which rows how often, classes in a batch, padding, bytes.

        A pass of its own is made and timed; this loader stays where it is. `Audit` tells the same of a
        training while it runs.

        Args:
            labels: the class of each row, shape `(rows,)`; none: the last field of a tuple, or the field
                ``y`` of a dict, where it holds whole numbers or booleans.

        Raises:
            DataError: the labels are not one for each row.

        Example:
            >>> import numpy as np
            >>> account = Loader((np.zeros((6, 2)), np.array([0, 0, 0, 0, 1, 1])), 3, shuffle=True).audit()
            >>> account.coverage, account.repeated, account.padding, account.bytes
            (1.0, 0, 0, 144)
        """
        other = copy.copy(self)
        other._now = other._next = Position(self._cut_of(self._next.epoch), self._next.epoch)
        return audited(other, labels)

    def _belongs(self) -> dict[str, Any]:
        return {"rows": self.rows, "data": self._source.fingerprint(), "order": repr(self._order)}

    def _settled(self, position: Position) -> Position:
        """The position, or the start of the next epoch where no batch is left in this one."""
        if not position.samples:
            return Position(self._cut_of(position.epoch), position.epoch)
        left = next(self._cut_of(position.epoch).runs(position.samples), None)
        return position if left else Position(self._cut_of(position.epoch + 1), position.epoch + 1)

    def _cut_of(self, epoch: int) -> Cut:
        return self._own_cut(epoch) or self._cut

    def _own_cut(self, epoch: int) -> GivenBatches | None:
        sizes = None if self._own is None else self._own.batch_sizes(epoch)
        return None if sizes is None else GivenBatches(sizes)

    def _begin(self) -> Position:
        now = self._next
        if not now.samples:
            now.meant = self._cut_of(now.epoch)
        self._now, self._next = now, Position(self._cut, now.epoch + 1)
        return now

    def _blocks(self, now: Position) -> Iterator[Block]:
        """The blocks from a position on, cut anew from where it is when the batch size changes."""
        numbers = self._order.row_numbers(now.epoch, self.rows, now.meant)
        weighted = self._shard.world > 1 or self._cut.last == "pad"
        cut = None
        while cut is not self._cut:
            cut = self._cut
            runs = self._cut_of(now.epoch).runs(now.samples)
            for block in blocks(self._source, numbers, runs, self._shard, weighted=weighted):
                yield block
                if self._cut is not cut:
                    break

    def _warn_of_a_single_row(self, now: Position) -> None:
        if self._warned or not isinstance(self._cut, Batches):
            return
        rows = [self._shard.part(run).rows for run in self._cut.runs(now.samples)]
        if len(rows) > 1 and rows[-1] == 1:
            self._warned = True
            warnings.warn(
                "the last batch of this epoch will have one row, of which batch normalisation can make "
                "nothing; write last='spread', 'drop' or 'pad', or another batch_size.",
                stacklevel=3,
            )


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


def _check_left_to_the_order(batch_size: int | None, last: str) -> None:
    if batch_size is not None:
        raise SettingError(
            "batch_size",
            "must be left out where the order has a token budget",
            batch_size,
            "write another budget into the order",
        )
    if last != "keep":
        raise SettingError(
            "last", "must be left out where the order has a token budget", last, "nothing is left over"
        )
