"""What the batches of a pass held, counted from their row numbers alone: batches may be dropped at once."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from rightbatch.data.arrays import LABEL_KEYS
from rightbatch.data.perrow import check_rows, per_row
from rightbatch.data.ragged import Ragged
from rightbatch.data.tree import fields
from rightbatch.records import Array, Tree

MOST_CLASSES = 1000
"""Whole numbers that range over more values than this are quantities, unless they are given as labels."""

FOLD_ROWS = 2**16
"""Rows counted by one call: enough that the call costs nothing, few enough that row numbers take 512 kB."""

FOLD_CELLS = 2**18
"""Most entries, batches times classes, of the table that one call fills."""


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


class Tally:
    """A fold over the batches of one pass.

    Args:
        data: the tree of arrays that the batches are rows of.
        rows: of the data.
        labels: the class of each row; `None`: classes are not counted.

    Example:
        >>> tally = Tally(np.zeros(5), 5, None)
        >>> tally.fold([np.array([0, 1, 2]), np.array([3, 4, 3])], [np.ones(3), np.array([1, 1, 0])])
        >>> tally.times.tolist(), tally.batches, tally.padding
        ([1, 1, 1, 1, 1], 2, 1)
    """

    def __init__(self, data: Tree, rows: int, labels: Labels | None) -> None:
        every = [field for _, field in fields(data)]
        self._ragged = [field for field in every if isinstance(field, Ragged)]
        self._row_bytes = sum(field.nbytes // len(field) for field in every if not isinstance(field, Ragged))
        self._labels = labels
        self.times = np.zeros(rows, np.int32)
        """How often each row was seen, padding apart."""
        self.sizes: Counter[int] = Counter()
        """How many batches there were of each number of rows."""
        self.batches = self.delivered = self.padding = self.bytes = self.cells = self.values = 0
        classes = 0 if labels is None else len(labels.names)
        self.least = np.full(classes, np.iinfo(np.int64).max)
        """Fewest rows of each class in a batch."""
        self.most, self.total = np.zeros(classes, np.int64), np.zeros(classes, np.int64)
        self._last: tuple[Array, Array] = (np.zeros(0, np.int64), np.zeros(0, np.int64))

    def most_batches(self, size: int) -> int:
        """How many batches of about `size` rows may be folded by one call."""
        return max(1, min(FOLD_ROWS // size, FOLD_CELLS // max(1, len(self.total))))

    def fold(self, index: Sequence[Array], weight: Sequence[Array | None]) -> None:
        """Count some batches.

        Args:
            index: row numbers of each batch.
            weight: weight of each row of each batch, or `None` for every batch.
        """
        sizes = np.fromiter(map(len, index), np.int64, len(index))
        rows, owner = np.concatenate(index), self._owners(sizes)
        self._count(sizes, len(rows))
        self._count_cells(rows, sizes)
        if weight[0] is not None:
            real = np.concatenate([part for part in weight if part is not None]) > 0
            rows, owner = rows[real], owner[real]
        self._count_rows(rows)
        if self._labels is not None:
            self._count_classes(self._labels, rows, owner, len(index))

    def _owners(self, sizes: Array) -> Array:
        """For each row, the first entry of its batch in the table of batches and classes."""
        if not np.array_equal(sizes, self._last[0]):  # all folds but the first and the last are alike
            self._last = sizes, np.repeat(len(self.total) * np.arange(len(sizes)), sizes)
        return self._last[1]

    def _count(self, sizes: Array, rows: int) -> None:
        self.sizes.update(sizes.tolist())
        self.batches += len(sizes)
        self.delivered += rows
        self.padding += rows
        self.bytes += rows * self._row_bytes

    def _count_cells(self, rows: Array, sizes: Array) -> None:
        """What ragged fields are padded to."""
        for field in self._ragged:
            longest = np.maximum.reduceat(field.lengths[rows], np.cumsum(sizes) - sizes)
            cells, one = int((longest * sizes).sum()), field.values[:1].nbytes
            self.cells += cells
            self.bytes += cells * (one + 1) + 8 * len(rows)  # with the mask and the lengths

    def _count_rows(self, rows: Array) -> None:
        """Rows that are no padding."""
        self.padding -= len(rows)
        self.values += sum(int(field.lengths[rows].sum()) for field in self._ragged)
        np.add.at(self.times, rows, np.int32(1))

    def _count_classes(self, labels: Labels, rows: Array, owner: Array, batches: int) -> None:
        classes = len(labels.names)
        cells = np.bincount(owner + labels.codes.take(rows), minlength=batches * classes)
        table = cells.reshape(batches, classes)
        self.least = np.minimum(self.least, table.min(axis=0))
        self.most = np.maximum(self.most, table.max(axis=0))
        self.total += table.sum(axis=0)
