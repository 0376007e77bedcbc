"""Rows of arrays, gathered into memory that is used again."""

import sys
from collections import deque
from collections.abc import Callable, Sequence
from functools import partial
from threading import Lock
from typing import Any, TypeAlias

import numpy as np

from rightbatch.data.ragged import Ragged, RaggedBlock
from rightbatch.records import Array

Take: TypeAlias = Callable[[Array], Any]
"""From row numbers `(batches, size)`, checked by `rightbatch.data.drawn`, to rows `(batches, size, ...)`."""

MOST_KEPT = 2**25
"""Bytes that are kept from one pass to the next: a pass need not begin with fresh pages."""

SMALL = 2**18
"""Bytes under which memory comes back from `malloc` without fresh pages, and sooner than it is found here."""

_PLAIN = "biufcmMSUV"
"""Kinds of dtypes whose values own nothing, so that those left from before may be written over."""

_ONE = [object()]
_NOBODY = sys.getrefcount(_ONE[0])
"""What is counted of an object that one container holds and nobody else."""


class Spare:
    """Rows of one field, gathered into memory that is used again when nobody holds anything of it.

    Every view of an array, and every view of a view, holds the array that owns the memory, and so does
    a tensor made of one: memory whose owner is held here alone is free. Fresh pages cost more than the
    rows that are copied into them.

    Args:
        field: in row order, of a dtype whose values own nothing.
        most: pieces of memory that are kept; beyond them the oldest is left to those who hold it.

    Example:
        >>> spare, index = Spare(np.ones((3, 99999)), most=2), np.array([[2, 0]])
        >>> block = spare.take(index)
        >>> where, batch = block.ctypes.data, block[0]
        >>> del block
        >>> other = spare.take(index)
        >>> other.ctypes.data == where  # a batch of the first block is still held
        False
        >>> del batch
        >>> spare.take(index).ctypes.data == where
        True
    """

    def __init__(self, field: Array, most: int) -> None:
        self._field, self._dtype, self._row = field, field.dtype, field.shape[1:]
        self._row_bytes = field.nbytes // len(field)
        self._kept: deque[Array] = deque(maxlen=most)
        self._lock = Lock()

    @property
    def nbytes(self) -> int:
        """Of all that is kept."""
        return sum(piece.nbytes for piece in self._kept)

    def take(self, index: Array) -> Array:
        """The rows of these numbers. Told to clip, NumPy writes them in place; to check, by a detour."""
        needed, kept = index.size * self._row_bytes, self._kept
        if needed < SMALL:
            return self._field.take(index, 0)
        with self._lock:  # nobody else may find the piece free before it is held
            for _ in range(len(kept)):
                if sys.getrefcount(kept[-1]) == _NOBODY and kept[-1].nbytes >= needed:
                    break
                kept.rotate(1)
            else:
                kept.append(np.empty(needed, np.uint8))
            into: Array = np.ndarray(index.shape + self._row, self._dtype, kept[-1])
        return self._field.take(index, 0, into, "clip")


class Memory:
    """Where a loader gathers blocks: a `Spare` for each field, kept from pass to pass.

    Args:
        most: blocks that are in use at once where no batch is kept.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._spares: list[Spare] = []
        self._takes: list[Take] | None = None

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self._most,)  # memory stays in its process

    def takes(self, fields: Sequence[Any]) -> list[Take]:
        """What takes rows of each field; the fields are the same in every call."""
        if self._takes is None:
            spares = [Spare(field, self._most) if _is_plain(field) else None for field in fields]
            self._spares = [spare for spare in spares if spare is not None]
            pairs = zip(fields, spares, strict=True)
            self._takes = [_anew(field) if spare is None else spare.take for field, spare in pairs]
        return self._takes

    def shrink(self) -> None:
        """Between two passes: keep nothing where it is much."""
        if sum(spare.nbytes for spare in self._spares) > MOST_KEPT:
            self._spares, self._takes = [], None


def _is_plain(field: Any) -> bool:
    kind = field.dtype
    plain = isinstance(field, np.ndarray) and kind.kind in _PLAIN and not kind.hasobject and kind.itemsize
    return bool(plain and _in_row_order(field))


def _anew(field: Any) -> Take:
    if isinstance(field, Ragged):
        return partial(RaggedBlock, field)
    # take() is up to three times as fast as field[index], but copies a field that is not in row order whole
    return partial(_row_by_row, field) if not _in_row_order(field) else partial(field.take, axis=0)


def _in_row_order(field: Array) -> bool:
    return field.flags.c_contiguous and field.flags.aligned


def _row_by_row(field: Array, index: Array) -> Array:
    return field[index]
