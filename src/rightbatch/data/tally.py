"""What the batches of passes held, counted from their row numbers alone: batches may be dropped at once."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from rightbatch.data.arrays import LABEL_KEYS
from rightbatch.data.perrow import check_rows, per_row
from rightbatch.data.ragged import Ragged
from rightbatch.data.tree import fields
from rightbatch.records import Array, Tree

MOST_CLASSES = 1000
"""Whole numbers that range over more values than this are quantities, unless they are given as labels."""

FOLD_ROWS = 2**15
"""Rows counted by one call: enough that the call costs nothing, few enough that row numbers take 256 kB."""

FOLD_CELLS = 2**18
"""Most entries of a table: of the one that a call fills, batches times classes, and of that of the rows of
the passes that are counted side by side."""


@dataclass(frozen=True, slots=True, eq=False)
class Labels:
    """The class of each row."""

    names: tuple[str, ...]
    codes: Array
    """Number of the class of each row, shape `(rows,)`."""


def labels_of(data: Tree, labels: Any, rows: int) -> Labels | None:
    """The labels given, or those found in the data.

    Without any given, the last field of a tuple or list of several counts, or the field ``y``, ``label`` or
    ``target`` of a dict, if it holds booleans or whole numbers that range over at most 1000 values.

    Args:
        data: the tree of arrays.
        labels: the class of each row, shape `(rows,)`; `None`: found in the data, if there.
        rows: of the data.

    Raises:
        DataError: the labels given are no such array.

    Example:
        >>> labels_of((np.zeros((3, 2)), np.array([1, 0, 1])), None, 3).names
        ('0', '1')
    """
    if labels is not None:
        array = per_row("labels", labels, "label")
        check_rows("labels", len(array), rows, "label")
        return _coded(array)
    found = _label_field(data)
    return _coded(found) if _may_be_labels(found) else None


def _label_field(data: Tree) -> Any:
    if isinstance(data, dict):
        return next((data[name] for name in LABEL_KEYS if name in data), None)
    return data[-1] if isinstance(data, (tuple, list)) and len(data) > 1 else None


def _may_be_labels(field: Any) -> bool:
    if not isinstance(field, np.ndarray) or field.ndim != 1 or field.dtype.kind not in "biu":
        return False
    return int(field.max()) - int(field.min()) < MOST_CLASSES


def _coded(array: Array) -> Labels:
    if _may_be_labels(array) and int(array.max()) < 2**63:  # ten times as fast as sorting them
        numbers = array.astype(np.int64) - int(array.min())
        present = np.flatnonzero(np.bincount(numbers))
        place = np.zeros(present[-1] + 1, np.int64)
        place[present] = np.arange(len(present))
        levels, codes = present + int(array.min()), place[numbers]
    else:
        levels, codes = np.unique(array, return_inverse=True)
    # few bytes a row, so that they stay in the cache: half the time of counting
    return Labels(_names(levels, array.dtype), codes.astype(np.min_scalar_type(len(levels) - 1)))


def _names(levels: Array, dtype: np.dtype[Any]) -> tuple[str, ...]:
    return tuple(str(level) for level in levels.astype(dtype).tolist())


@dataclass(frozen=True, slots=True, kw_only=True)
class Counts:
    """What the batches of one pass held; rows of weight 0 are padding."""

    seen: int
    """Different rows seen."""
    repeated: int
    """Different rows seen more than once."""
    most_often: int
    """Times that the row seen most often was seen."""
    batches: int
    sizes: dict[int, int]
    """How many batches there were of each number of rows, the largest first."""
    delivered: int
    """Rows of all batches, repeats and padding counted."""
    padding: int
    """Rows of all batches that are padding."""
    value_padding: float | None
    """Share of the values of `Ragged` fields that is padding; `None` where there is no such field."""
    bytes: int
    """Of all batches."""


class ByClass(NamedTuple):
    """Rows of each class, repeats counted, padding apart."""

    total: list[int]
    least: list[int]
    """In a batch."""
    most: list[int]
    """In a batch."""


class _Part(NamedTuple):
    """Batches of one pass that are still to be counted."""

    place: int
    numbers: Sequence[Array]
    weight: Sequence[Array]


class Tally:
    """A fold over the batches of several passes, each of which has a place.

    Many batches are counted by one call: it takes 0.1 ms, and an epoch of small data may take less than ten
    times that.

    Args:
        data: the tree of arrays that the batches are rows of.
        rows: of the data.
        labels: the class of each row; `None`: classes are not counted.

    Example:
        >>> tally = Tally(np.zeros(5), 5, None)
        >>> place = tally.begin()
        >>> tally.add(place, [np.array([0, 1, 2]), np.array([3, 4, 3])], [np.ones(3), np.array([1, 1, 0])])
        >>> tally.end()
        >>> counts = tally.counts(place)
        >>> counts.seen, counts.repeated, counts.batches, counts.padding
        (5, 0, 2, 1)
    """

    def __init__(self, data: Tree, rows: int, labels: Labels | None) -> None:
        every = [field for _, field in fields(data)]
        self._ragged = [field for field in every if isinstance(field, Ragged)]
        self._row_bytes = sum(field.nbytes // len(field) for field in every if not isinstance(field, Ragged))
        self._labels, self._classes = labels, 0 if labels is None else len(labels.names)
        self.places = max(1, FOLD_CELLS // rows)
        """Passes that there is room for."""
        self.begun = self._ended = 0
        self._times = np.zeros((self.places, rows), np.int32)
        """How often each row was seen, padding apart."""
        self._seen: Array = np.zeros((3, self.places), np.int64)
        """Rows seen, rows seen more than once, and times of the one seen most often."""
        self._sums = np.zeros((6, self.places), np.int64)
        """Batches, rows delivered, rows that are no padding, bytes, cells, values."""
        self._sizes: list[Counter[int]] = [Counter() for _ in range(self.places)]
        shape = self.places, self._classes
        self._least = np.full(shape, np.iinfo(np.int64).max)
        self._most, self._total = np.zeros(shape, np.int64), np.zeros(shape, np.int64)
        self._parts: list[_Part] = []
        self._waiting = 0

    def begin(self) -> int:
        """The place of a pass that begins; there are `places` of them."""
        self.begun += 1
        return self.begun - 1

    def end(self) -> None:
        """A pass has ended. After the last one only counts are kept."""
        self._ended += 1
        if self._ended == self.places:
            self._fold()
            self._seen, self._times = _seen(self._times), self._times[:0]

    def most_batches(self, size: int) -> int:
        """How many batches of about `size` rows may be counted by one call."""
        return max(1, min(FOLD_ROWS // size, FOLD_CELLS // max(1, self._classes)))

    def add(self, place: int, index: Sequence[Array], weight: Sequence[Array]) -> None:
        """Some batches of a pass, at least one; they are counted now or later.

        Args:
            place: of the pass.
            index: row numbers of each batch.
            weight: weight of each row of each batch; empty: all count.
        """
        self._parts.append(_Part(place, index, weight))
        self._waiting += len(index)
        if self._waiting >= self.most_batches(len(index[0])):
            self._fold()

    def counts(self, place: int) -> Counts:
        """What the batches of a pass held so far."""
        self._fold()
        seen = self._seen[:, place] if not len(self._times) else _seen(self._times[place : place + 1])[:, 0]
        batches, delivered, real, size, cells, values = self._sums[:, place].tolist()
        return Counts(
            seen=int(seen[0]),
            repeated=int(seen[1]),
            most_often=int(seen[2]),
            batches=batches,
            sizes=dict(sorted(self._sizes[place].items(), reverse=True)),
            delivered=delivered,
            padding=delivered - real,
            value_padding=1 - values / cells if cells else None,
            bytes=size,
        )

    def by_class(self, place: int) -> ByClass:
        """How many rows of each class the batches of a pass held so far."""
        self._fold()
        return ByClass(*(table[place].tolist() for table in (self._total, self._least, self._most)))

    def _fold(self) -> None:
        """Count what waits."""
        if not self._parts:
            return
        parts, self._parts, self._waiting = self._parts, [], 0
        index = [rows for part in parts for rows in part.numbers]
        sizes, rows = np.fromiter(map(len, index), np.int64, len(index)), np.concatenate(index)
        starts = np.cumsum([0, *(len(part.numbers) for part in parts)])
        place = np.repeat([part.place for part in parts], np.diff(starts))
        self._count(place, sizes, rows)
        owner = np.repeat(np.arange(len(index)), sizes)
        weight = [rows for part in parts for rows in part.weight]
        if weight:
            real = np.concatenate(weight) > 0
            rows, owner = rows[real], owner[real]
            sizes = np.bincount(owner, minlength=len(index))
        self._count_rows(place, sizes, rows)
        if self._labels is not None:
            self._count_classes(self._labels, rows, owner, place, starts[:-1])

    def _count(self, place: Array, sizes: Array, rows: Array) -> None:
        """What batches of these sizes are, padding counted."""
        for where, size, times in zip(*_pairs(place, sizes), strict=True):
            self._sizes[where][size] += times
        delivered = self._sum(place, sizes)
        self._sums[:2] += self._sum(place), delivered
        self._sums[3] += delivered * self._row_bytes
        for field in self._ragged:
            longest = np.maximum.reduceat(field.lengths[rows], np.cumsum(sizes) - sizes)
            cells, one = self._sum(place, longest * sizes), field.values[:1].nbytes
            self._sums[4] += cells
            self._sums[3] += cells * (one + 1) + 8 * delivered  # with the mask and the lengths

    def _sum(self, place: Array, values: Array | None = None) -> Array:
        """Sum of the values at every place, or how often it is named."""
        return np.bincount(place, values, minlength=self.places).astype(np.int64)

    def _count_rows(self, place: Array, sizes: Array, rows: Array) -> None:
        """Rows that are no padding, so many in each batch."""
        self._sums[2] += self._sum(place, sizes)
        for field in self._ragged:
            self._sums[5] += self._sum(np.repeat(place, sizes), field.lengths[rows])
        first = np.repeat(place * self._times.shape[1], sizes)
        np.add.at(self._times.reshape(-1), first + rows, np.int32(1))

    def _count_classes(self, labels: Labels, rows: Array, owner: Array, place: Array, starts: Array) -> None:
        """Of each part, whose batches begin there."""
        classes, batches = self._classes, len(place)
        cells = np.bincount(owner * classes + labels.codes.take(rows), minlength=batches * classes)
        table, where = cells.reshape(batches, classes), place[starts]
        np.minimum.at(self._least, where, np.minimum.reduceat(table, starts))
        np.maximum.at(self._most, where, np.maximum.reduceat(table, starts))
        np.add.at(self._total, where, np.add.reduceat(table, starts))


def _seen(times: Array) -> Array:
    """Of each pass the rows seen, those seen more than once, and the times of that seen most often."""
    return np.array([(times > 0).sum(axis=1), (times > 1).sum(axis=1), times.max(axis=1)])


def _pairs(place: Array, sizes: Array) -> tuple[list[int], list[int], list[int]]:
    """Every place and size there is, and how often."""
    step = int(sizes.max()) + 1
    codes, times = np.unique(place * step + sizes, return_counts=True)
    where, size = np.divmod(codes, step)
    return where.tolist(), size.tolist(), times.tolist()
