"""Batches of rows of similar length, for data that are padded."""

from typing import Any

import numpy as np

from rightbatch.checks import whole_number
from rightbatch.data.batches import Batches, Cut
from rightbatch.data.order import RowNumbers, read_only, seed_number
from rightbatch.data.perrow import check_rows, described, per_row
from rightbatch.errors import DataError, SettingError
from rightbatch.records import Array
from rightbatch.rng import generator

MIXING = 0.02
"""Rows whose lengths differ by up to this share may change places when rows are put in line.

It costs little padding (100,000 log-normal lengths with sigma 0.5 in batches of 32: 0.5 %, sorted 0.1 %) and
makes other rows meet in every epoch: of 10,000 such lengths, a row of the middle half meets 5 of its 31
companions again in the next epoch; only one of the longest 1 %, which nobody is like, meets 25.
"""


class ByLength:
    """Each row once, in batches of similar length; the batches and their sequence change every epoch.

    Rows are put in line by length, where lengths that differ by up to 2 % are mixed at random. The line
    is cut into batches, which come in random sequence; the smaller last batch, and so what
    ``last="drop"`` leaves out, is any of them.

    Of log-normal lengths with sigma 0.5, from 10,000 rows on and in batches of up to 64 rows, at most 5 %
    of the padded values of an epoch are padding; with sigma 1, from 100,000 rows on, or from 10,000 by
    a token budget of 100 times their mean. (`bench/padding.py` prints the shares: at most 3.1 %, 2.3 %
    and 3.0 %, where shuffled batches have 55 to 90 %.) With fewer rows a few very long ones cost more,
    because their batches are as large as the others; a token budget makes those batches small.

    Each epoch is laid out for the batch size with which it begins: where the size changes inside, later
    batches of the epoch may hold rows of two neighbours.

    Args:
        lengths: of each row, whole numbers, at least 0, shape `(rows,)`, such as `Ragged.lengths`.
        tokens: budget of a batch: its rows times the longest of them is at most this. Batches then have
            as many rows as the budget allows, and the loader's `batch_size` is left out.
        seed: whole number, at least 0; epochs of different (seed, epoch) are independent.

    Raises:
        DataError: they are no lengths.
        SettingError: the seed or the budget cannot be used.

    Example:
        >>> order = ByLength([5, 1, 4, 2, 5, 1], seed=0)
        >>> rows = order.row_numbers(epoch=0, rows=6, meant=Batches(6, batch_size=2))
        >>> [sorted(rows[start : start + 2].tolist()) for start in (0, 2, 4)]
        [[2, 3], [1, 5], [0, 4]]
        >>> ByLength([5, 1, 4, 2, 5, 1], tokens=8).batch_sizes(epoch=0)
        array([2, 2, 1, 1])
    """

    def __init__(self, lengths: Any, *, tokens: int | None = None, seed: int = 0) -> None:
        self._lengths = _checked(lengths)
        self.seed = seed_number(seed)
        self.tokens = None if tokens is None else _budget(tokens, int(self._lengths.max()))
        self._sizes = None if self.tokens is None else _filled(np.sort(self._lengths), self.tokens)
        self._described = described("lengths", self._lengths)

    def __repr__(self) -> str:
        return f"ByLength({self._described}, tokens={self.tokens}, seed={self.seed})"

    def length(self, rows: int) -> int:
        """Each row once."""
        check_rows("lengths", len(self._lengths), rows, "length")
        return rows

    def batch_sizes(self, epoch: int) -> Array | None:
        """Rows of each batch of an epoch where there is a token budget."""
        if self._sizes is None:
            return None
        return self._sizes[self._sequence(epoch, len(self._sizes))]

    def row_numbers(self, epoch: int, rows: int, meant: Cut | None = None) -> RowNumbers:
        """Batch after batch."""
        wanted = self.batch_sizes(epoch)
        if wanted is None:
            runs = (meant or Batches(rows, rows)).whole()
            wanted = np.repeat([run.size for run in runs], [run.batches for run in runs])
        sequence = self._sequence(epoch, len(wanted))
        in_line = np.empty_like(wanted)
        in_line[sequence] = wanted
        starts = (np.cumsum(in_line) - in_line)[sequence]
        places = np.arange(rows) + np.repeat(starts - (np.cumsum(wanted) - wanted), wanted)
        return read_only(self._line(epoch)[places])

    def _line(self, epoch: int) -> Array:
        """All rows, the shortest first, mixed a little."""
        draw = generator("by length", self.seed, epoch)
        mixed = (self._lengths + 1) * (1 + MIXING * draw.random(len(self._lengths)))
        return np.argsort(mixed, kind="stable")

    def _sequence(self, epoch: int, batches: int) -> Array:
        """The place in the line of each batch of an epoch."""
        return generator("by length, batches", self.seed, epoch).permutation(batches)


def _filled(lengths: Array, tokens: int) -> Array:
    """Rows of each batch of the line that keep the budget, the same in every epoch.

    The row at a place of the mixed line is at most so much longer than the one at the same place of
    the sorted line: all rows up to the latter are mixed to at most 1 + MIXING times its length, so
    that many rows at least lie before.
    """
    bound = np.minimum(np.floor((lengths + 1) * (1 + MIXING)).astype(np.int64) - 1, lengths[-1])
    fits = (tokens // np.maximum(bound, 1)).tolist()
    sizes, left = [], len(lengths)
    while left:
        sizes.append(min(left, fits[left - 1]))
        left -= sizes[-1]
    return np.array(sizes[::-1])


def _checked(lengths: Any) -> Array:
    array = per_row("lengths", lengths, "length")
    if array.dtype.kind not in "iu":
        raise DataError(f"lengths has dtype {array.dtype}; write whole numbers of at least 0.")
    if array.min() < 0:
        raise DataError(f"lengths[{np.argmin(array)}] is {array.min()}; write whole numbers of at least 0.")
    return array.astype(np.int64)


def _budget(tokens: Any, longest: int) -> int:
    budget = whole_number("tokens", tokens, at_least=1)
    if budget < longest:
        instead = f"write a whole number of at least {longest}"
        raise SettingError("tokens", f"must be at least {longest}, the longest row", budget, instead)
    return budget
