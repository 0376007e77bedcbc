"""Copies of arrays in memory that is used again: fresh pages cost more than the copying."""

import numpy as np

from rightbatch.records import Array


class Copies:
    """Makes copies one after the other; after `again` they are made into the same memory, in the same order.

    Example:
        >>> copies = Copies()
        >>> first = copies.copy(np.ones(3))
        >>> copies.again()
        >>> copies.copy(np.zeros(3)) is first
        True
    """

    def __init__(self) -> None:
        self._made: list[Array] = []
        self._count = 0

    def again(self) -> None:
        """Those made so far are needed no longer."""
        self._count = 0

    def copy(self, array: Array) -> Array:
        """A copy; in the memory of the one that was made at this place before, where it is alike."""
        place = self._count
        self._count += 1
        if place == len(self._made):
            self._made.append(np.empty(array.shape, array.dtype))
        into = self._made[place]
        if into.shape != array.shape or into.dtype != array.dtype:
            into = self._made[place] = np.empty(array.shape, array.dtype)
        np.copyto(into, array)
        return into
