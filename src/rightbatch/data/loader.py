"""Mini-batches of arrays in memory: every row exactly once, resumable anywhere."""

import copy
from collections.abc import Callable, Generator, Iterator, Mapping
from contextlib import closing
from time import perf_counter
from typing import Any

from rightbatch.checks import whole_number
from rightbatch.data.ahead import Ahead
from rightbatch.data.audit import EpochAudit, audited
from rightbatch.data.batches import Batches, Cut, GivenBatches, Run, count, located, warned_of_a_single_row
from rightbatch.data.blocks import AHEAD_BYTES, Block, blocks, usual_bytes
from rightbatch.data.choices import Fixed, check_left_to_the_order, check_not_padded, one_last, one_order
from rightbatch.data.deliver import adapter, converter
from rightbatch.data.drawn import Drawn
from rightbatch.data.gather import Memory
from rightbatch.data.mapstyle import check_no_worker, register, source_of
from rightbatch.data.order import Order, OwnBatches, RowNumbers
from rightbatch.data.position import Position
from rightbatch.data.shard import shard_of
from rightbatch.data.tree import entries
from rightbatch.records import Batch, Tree

BATCH_SIZE = 64
"""Rows of a batch where none are asked for and there are as many."""


class Loader(Fixed):
    """Mini-batches of a tree of arrays: one pass is one epoch, and the next pass is the next epoch.

    Rows of many batches are gathered by one call into a block, and batches are views of it. NumPy
    keeps the block until nobody holds a batch of it any more, so batches may be kept and written
    into. In sequential order batches are read-only views of the data, without a copy.

    Passes are independent of each other: two at once are fine. A pass begins when its first
    batch is asked for; `epoch` and `state_dict` tell of the pass begun last.

    Args:
        data: one array, or tuples, lists and dicts of such, all `(rows, ...)` with the same rows.
            Rows that differ in length go into a `Ragged`; batches of it are padded. Or a map-style
            `torch.utils.data.Dataset`, of which rows are stacked (`__getitems__` is used where there is one).
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
        output: arrays of which library batches are: ``"numpy"``, ``"torch"`` or ``"jax"``. Tensors on the
            CPU share memory with the block, which is theirs alone. JAX has 32-bit numbers in place of
            64-bit ones unless told otherwise (`jax_enable_x64`). `Batch.index` and `.weight` stay NumPy's.
        device: of the tensors, such as ``"cuda"``; none: the CPU. Data that fit into half of a GPU's free
            memory are kept there and gathered there; others are copied from pinned memory.
        prefetch: blocks of batches to make ahead in the background.
        threads: how many make them. One: a thread in the background. More: one is that which asks for the
            batches; some are made ahead in any case, and so are the row numbers of the next epoch.

    Raises:
        DataError: a field is no array of rows, fields differ in length, or the order is for other data.
        SettingError: a setting cannot be used.
        MissingExtraError: the output's library is not installed.

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
        output: str = "numpy",
        device: str | None = None,
        prefetch: int = 0,
        threads: int = 1,
    ) -> None:
        self._convert = converter(output, device)
        self._source = source_of(data)
        self._gathered = (
            adapter("torch").resident(self._source, device) if output == "torch" else self._source
        )
        self._threads = whole_number("threads", threads, at_least=1, instead="write threads such as 2")
        self._depth = whole_number("prefetch", prefetch, at_least=0, instead="write blocks such as 2")
        if self._threads > 1:
            self._depth = max(self._depth, self._threads + 2)  # some are ready while all are at work
        self._order = one_order(order, shuffle=shuffle, seed=seed)
        self._shard = shard_of(shard)
        self._own = self._order if isinstance(self._order, OwnBatches) else None
        length, last = self._order.length(self.rows), one_last(last, drop_last=drop_last)
        own = self._own_cut(0)
        if own is not None:
            check_left_to_the_order(batch_size, last)
        size = min(BATCH_SIZE, length) if batch_size is None else batch_size
        self._cut: Cut = own or Batches(length, size, last)
        self._now = self._next = Position(self._cut)
        self._warned = False
        self._pass = 0
        register(type(self))
        self._drawn = Drawn(self._order, self.rows)
        self._memory = Memory(2 + self._depth)
        self._epoch_numbers: tuple[int, RowNumbers] | None = None

    @property
    def data(self) -> Tree:
        """The whole data, every field a read-only view of it; a map-style data set itself."""
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
            check_left_to_the_order(batch_size, self._cut.last)
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

    @property
    def waited(self) -> float:
        """Seconds that the pass begun last has waited for rows."""
        return self._now.waited

    def __len__(self) -> int:
        """Batches of a whole epoch, the same for every shard."""
        return count(self._cut)

    def __repr__(self) -> str:
        settings = f"batch_size={self.batch_size}, order={self._order!r}, last={self._cut.last!r}"
        shard = f", shard=({self._shard.rank}, {self._shard.world})" if self._shard.world > 1 else ""
        return f"Loader({self.rows} rows, {settings}{shard})"

    def __iter__(self) -> Iterator[Tree]:
        """The batches of one epoch, each the same tree as the data."""
        check_no_worker()
        now = self._begin()
        self._warn_of_a_single_row(now)
        with closing(self._blocks(now)) as blocks_:
            for block in blocks_:
                cut, size = self._cut, block.size
                for batch in block.batches(self._convert, now.waiting):
                    now.samples += size
                    now.step += 1
                    yield batch
                    if self._cut is not cut:
                        break
                del block, batch  # so that the next block takes the memory of this one, warm in the cache
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
        with closing(self._blocks(now)) as blocks_:
            for block in blocks_:
                cut, size, weight = self._cut, block.size, block.part.weight
                whole = size if self._shard.world > 1 else None
                for data, index in zip(
                    block.batches(self._convert, now.waiting), block.row_numbers, strict=True
                ):
                    batch = Batch(data, index, weight, now.epoch, now.step, whole)
                    now.samples += size
                    now.step += 1
                    yield batch
                    if self._cut is not cut:
                        break
                del block, data, index, batch
        now.complete()

    def batch_at(self, epoch: int, number: int) -> Tree:
        """Any batch of any epoch, by its number; passes are left alone.

        It is gathered by itself, so a whole pass is faster by iteration.

        Raises:
            IndexError: the epoch has no such batch.

        Example:
            >>> import numpy as np
            >>> Loader(np.arange(10), 4).batch_at(0, 2)
            array([8, 9])
        """
        run, place = located(self._cut_of(epoch), number)
        only = Run(run.start + place * run.size, run.size, 1, run.filled)
        if self._epoch_numbers is None or self._epoch_numbers[0] != epoch:
            numbers = self._drawn.numbers(epoch, self._cut_of(epoch))
            self._epoch_numbers = epoch, numbers
        (make,) = blocks(self._gathered, self._epoch_numbers[1], [only], self._shard, weighted=self._weighted)
        return next(entries(make().data, self._convert))

    def __getitem__(self, number: int) -> Tree:
        """The batch of this number of the pass that was begun by asking for number 0.

        So a loader goes under PyTorch's `DataLoader(loader, batch_size=None)` also where PyTorch was imported
        after the loader was made; otherwise the DataLoader iterates it, which is faster.

        Raises:
            SettingError: a DataLoader asks from worker processes: each would begin passes of its own.
        """
        check_no_worker()
        if number == 0:
            self._begin().complete()
            self._pass = self._now.epoch - 1
        return self.batch_at(self._pass, number)

    def keras(self) -> Any:
        """The loader as a `keras.utils.PyDataset`, for `model.fit`; each epoch of Keras is one of the loader.

        Raises:
            MissingExtraError: Keras is not installed.
            SettingError: batches are padded, which Keras would not know of.
        """
        check_not_padded(self._cut.last)
        return adapter("keras").KerasBatches(self)

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
        return {**self.position, **self._belongs()}

    @property
    def position(self) -> dict[str, Any]:
        """Where the pass begun last is: `state_dict` without the data and the order that it belongs to."""
        return self._settled(self._now).state({})

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

    def _blocks(self, now: Position) -> Generator[Block, None, None]:
        """The blocks from a position on, cut anew from where it is when the batch size changes."""
        asked, cut = perf_counter(), None
        numbers = self._drawn.of(now.epoch, now.meant)
        with Ahead(depth=self._depth, threads=self._threads) as ahead:
            if self._threads > 1:
                self._drawn.draw(now.epoch + 1, self._cut_of(now.epoch + 1), ahead.submit)
            while cut is not self._cut:
                cut = self._cut
                for block in ahead.made(self._jobs(numbers, now)):
                    now.waited += perf_counter() - asked
                    yield block
                    del block  # so that its memory may be used at once
                    asked = perf_counter()
                    if self._cut is not cut:
                        break
        self._memory.shrink()

    def _jobs(self, numbers: RowNumbers, now: Position) -> Iterator[Callable[[], Block]]:
        """What makes the blocks that are left of a pass."""
        return blocks(
            self._gathered,
            numbers,
            self._cut_of(now.epoch).runs(now.samples),
            self._shard,
            weighted=self._weighted,
            block_bytes=AHEAD_BYTES if self._depth else usual_bytes(self.rows * self._gathered.row_bytes),
            late=not self._depth,
            memory=self._memory,
        )

    @property
    def _weighted(self) -> bool:
        return self._shard.world > 1 or self._cut.last == "pad"

    def _warn_of_a_single_row(self, now: Position) -> None:
        if not self._warned and isinstance(self._cut, Batches):
            rows = [self._shard.part(run).rows for run in self._cut.runs(now.samples)]
            self._warned = warned_of_a_single_row(rows, stacklevel=4)
