"""Batches in which all classes are equally frequent."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from rightbatch.data.batches import Cut
from rightbatch.data.bijection import ROUNDS, permuted
from rightbatch.data.classes import Classes
from rightbatch.data.order import RowNumbers, read_only, seed_number
from rightbatch.records import Array
from rightbatch.rng import key


class Balanced:
    """Every class equally often in every batch, and every row in every epoch.

    The classes take turns, in a sequence that is drawn anew for every epoch. So in any window of
    positions, a batch of any size or one rank's part of it, the counts of two classes differ
    by at most 1. (No other sequence can do that: each window of as many positions as classes must
    hold each class once.) A class gives its rows in random permutations, one after the other, so how
    often two rows of a class occur in an epoch differs by at most 1.

    An epoch has as many positions as there are classes, times the rows of the largest: rows of the
    largest class occur once, those of a class of a tenth of its size ten times.

    Args:
        labels: the class of each row: numbers, strings or whatever can be sorted, shape `(rows,)`.
        seed: whole number, at least 0; epochs of different (seed, epoch) are independent.

    Raises:
        DataError: they are no labels.
        SettingError: the seed is no whole number or negative.

    Example:
        >>> labels = np.array(["cat", "cat", "cat", "cat", "dog", "owl"])
        >>> order = Balanced(labels, seed=0)
        >>> order.length(rows=6)
        12
        >>> labels[order.row_numbers(epoch=0, rows=6)[0:5]]
        array(['dog', 'cat', 'owl', 'dog', 'cat'], dtype='<U3')
    """

    def __init__(self, labels: Any, seed: int = 0) -> None:
        self._classes = Classes(labels)
        self.seed = seed_number(seed)

    def __repr__(self) -> str:
        return f"Balanced({self._classes.described}, seed={self.seed})"

    def length(self, rows: int) -> int:
        """Classes, times the rows of the largest."""
        self._classes.check(rows)
        return len(self._classes.sizes) * int(self._classes.sizes.max())

    def row_numbers(self, epoch: int, rows: int, meant: Cut | None = None) -> RowNumbers:
        """The classes in turn."""
        del meant
        members, classes = self._classes.shuffled("balanced", self.seed, epoch)
        sizes = self._classes.sizes[classes]
        repeats = key("balanced again", self.seed, epoch) % 2**64
        return _Turns(self.length(rows), members, sizes, np.cumsum(sizes) - sizes, repeats)


@dataclass(frozen=True, slots=True)
class _Turns:
    """The epoch, of which only one permutation of each class is stored."""

    length: int
    members: Array
    """Row numbers class by class, each in random sequence."""
    sizes: Array
    starts: Array
    key: int

    def __getitem__(self, window: slice) -> Array:
        turn, place = np.divmod(np.arange(*window.indices(self.length)), len(self.sizes))
        size = self.sizes[place]
        again, member = np.divmod(turn, size)
        (more,) = np.nonzero(again)
        # the first permutation is the stored one, each later one shuffles it by a key of its own
        member[more] = permuted(member[more], size[more], self._keys(again[more], place[more]), ROUNDS)
        return read_only(self.members[self.starts[place] + member])

    def _keys(self, again: Array, place: Array) -> Array:
        # the network adds multiples of an odd constant to a key and hashes the sum, so
        # neighbouring keys are as good as distant ones; these are distinct below 2^64 permutations
        number = (again * len(self.sizes) + place).astype(np.uint64)
        return number * np.uint64(0xD1342543DE82EF95) + np.uint64(self.key)
