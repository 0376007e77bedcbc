"""Rows as often as their weights say."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from rightbatch.checks import whole_number
from rightbatch.data.batches import Cut
from rightbatch.data.order import RowNumbers, read_only, seed_number
from rightbatch.data.perrow import check_rows, described, per_row
from rightbatch.data.stretches import Stretches
from rightbatch.errors import DataError, SettingError
from rightbatch.records import Array
from rightbatch.rng import generator, key


class Weighted:
    """Rows drawn at random, each with a probability in proportion to its weight.

    With replacement every position is a draw of its own, P(row i) = w_i / sum(w). A probability is right
    to 2^-52, whatever the number of rows, and a row of weight 0 is never drawn.

    Without replacement each draw is among the rows that are left, again in proportion to their
    weights, so that heavy rows tend to come early in an epoch, and no row comes twice.

    Args:
        weights: of each row, at least 0, shape `(rows,)`; they need not add up to 1.
        replacement: whether a row can be drawn again in the same epoch.
        length: draws of an epoch; none: as many as there are rows, or, without replacement, rows
            whose weight is above 0.
        seed: whole number, at least 0; epochs of different (seed, epoch) are independent.

    Raises:
        DataError: they are no weights.
        SettingError: the seed or the length cannot be used.

    Example:
        >>> order = Weighted([0.0, 1.0, 3.0], length=1000)
        >>> np.bincount(order.row_numbers(epoch=0, rows=3)[0:1000])
        array([  0, 265, 735])
        >>> Weighted([0.0, 1.0, 3.0], replacement=False).row_numbers(epoch=0, rows=3)[0:2]
        array([2, 1])

    Source:
        Without replacement: P. Efraimidis, P. Spirakis, Weighted random sampling with a reservoir,
        Information Processing Letters 97 (2006), p. 181: rows in the sequence of E_i / w_i, with E_i
        exponential.
    """

    def __init__(
        self, weights: Any, *, replacement: bool = True, length: int | None = None, seed: int = 0
    ) -> None:
        self._weights = _checked(weights)
        self.replacement = bool(replacement)
        self.seed = seed_number(seed)
        self._length = len(self._weights) if self.replacement else int(np.count_nonzero(self._weights))
        if length is not None:
            self._length = _draws(length, self._length, replacement=self.replacement)
        # scaled, because a sum of large weights might overflow
        self._stretches = Stretches(self._weights / self._weights.max()) if self.replacement else None
        self._described = described("weights", self._weights)

    def __repr__(self) -> str:
        settings = f"replacement={self.replacement}, length={self._length}, seed={self.seed}"
        return f"Weighted({self._described}, {settings})"

    def length(self, rows: int) -> int:
        """The draws of an epoch."""
        check_rows("weights", len(self._weights), rows, "weight")
        return self._length

    def row_numbers(self, epoch: int, rows: int, meant: Cut | None = None) -> RowNumbers:
        """The draws of the epoch."""
        del rows, meant
        if self._stretches is not None:
            return _Draws(self._length, self._stretches, key("weighted", self.seed, epoch))
        return read_only(self._without_replacement(epoch))

    def _without_replacement(self, epoch: int) -> Array:
        (rows,) = np.nonzero(self._weights)
        waiting = generator("weighted once", self.seed, epoch).standard_exponential(len(rows))
        # a row whose weight vanishes beside the largest waits for ever
        with np.errstate(over="ignore", divide="ignore"):
            arrival = waiting / (self._weights[rows] / self._weights.max())
        return rows[np.argsort(arrival, kind="stable")][: self._length]


@dataclass(frozen=True, slots=True)
class _Draws:
    """Draws with replacement: the number of a draw is the counter of the generator (Philox)."""

    length: int
    stretches: Stretches
    key: int

    def __getitem__(self, window: slice) -> Array:
        start, stop, _ = window.indices(self.length)
        # a step of the counter makes four numbers
        skipped = start % 4
        bits = np.random.Philox(key=self.key).advance(start // 4).random_raw(skipped + max(0, stop - start))
        share = (bits[skipped:] >> np.uint64(11)) * 2.0**-53
        return read_only(self.stretches.rows(share))


def _checked(weights: Any) -> Array:
    array = per_row("weights", weights, "weight")
    if array.dtype.kind not in "buif":
        raise DataError(f"weights has dtype {array.dtype}; write numbers of at least 0.")
    array = array.astype(np.float64)
    (bad,) = np.nonzero(~(np.isfinite(array) & (array >= 0)))
    if len(bad):
        raise DataError(f"weights[{bad[0]}] is {array[bad[0]]:g}; write numbers of at least 0.")
    if not array.any():
        raise DataError("weights are all 0, so that no row can be drawn; write some above 0.")
    return array


def _draws(length: Any, most: int, *, replacement: bool) -> int:
    draws = whole_number("length", length, at_least=1)
    if draws > most and not replacement:
        instead = f"write a whole number from 1 to {most}, or replacement=True"
        raise SettingError("length", f"must be at most {most}, the rows of weight above 0", draws, instead)
    return draws
