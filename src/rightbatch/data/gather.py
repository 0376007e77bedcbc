"""Rows of arrays, gathered into memory that is used again, by several threads where that pays."""

import math
import sys
from collections import deque
from collections.abc import Callable
from typing import Any

import numpy as np

from rightbatch.records import Array

SPLIT_BYTES = 2**17
"""Bytes of a part that are worth a thread of its own: handing one over takes about 20 µs."""

_ONE = [object()]
_NOBODY = sys.getrefcount(_ONE[0])
"""What is counted of an object that a list holds and nobody else."""


class Spare:
    """Memory for arrays of one kind, handed out again when nobody holds anything of it.

    Every view of an array, and every view of a view, holds the array that owns the memory, and so does
    a tensor made of one: memory whose owner is held by this list alone is free. A fresh page costs
    more than copying a page's worth of rows into one that is in use.

    Args:
        most: pieces of memory that are kept; beyond them the oldest is left to those who hold it.
        empty: makes a piece, of a number of bytes.

    Example:
        >>> spare = Spare(2)
        >>> one = spare.array((2, 3), np.dtype(np.float32))
        >>> where, view = one.ctypes.data, one[0]
        >>> del one
        >>> spare.array((2, 3), np.dtype(np.float32)).ctypes.data == where  # the view is still held
        False
        >>> del view
        >>> spare.array((2, 3), np.dtype(np.float32)).ctypes.data == where
        True
    """

    def __init__(self, most: int, empty: Callable[[int], Array]) -> None:
        self._kept: deque[Array] = deque(maxlen=most)
        self._empty = empty

    def array(self, shape: tuple[int, ...], dtype: np.dtype[Any]) -> Array:
        """An array whose values are left from before, and whose memory nobody else holds."""
        needed = math.prod(shape) * dtype.itemsize
        return self._piece(needed)[:needed].view(dtype).reshape(shape)

    def _piece(self, needed: int) -> Array:
        kept = self._kept
        for _ in range(len(kept)):
            kept.rotate(-1)
            if kept[-1].nbytes >= needed and sys.getrefcount(kept[-1]) == _NOBODY:
                return kept[-1]
        kept.append(self._empty(needed))
        return kept[-1]
