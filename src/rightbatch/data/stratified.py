"""Batches with the class proportions of the whole data."""

import math
from collections.abc import Iterator
from typing import Any

import numpy as np

from rightbatch.data.batches import Batches, Cut, Run
from rightbatch.data.classes import Classes
from rightbatch.data.order import RowNumbers, read_only, seed_number
from rightbatch.records import Array
from rightbatch.rng import generator


class Stratified:
    """Each row once, and in every batch each class as often as its share of the data says.

    In a batch of B of all n rows, a class of m rows occurs floor(B m / n) or ceil(B m / n) times: less
    than one row from its share. That holds for every batch of an epoch, the last one also, and for
    every `last` and batch size.

    An epoch is laid out for the batch size with which it begins, because no sequence keeps every
    window of it within one row of all shares. (For three classes with the shares 1/2, 1/3 and 1/6 there
    is none already.) Where the batch size changes inside an epoch, or for one rank's part of a batch,
    classes are still spread evenly, but not that strictly: up to 3 rows from the share were seen, and 7
    in the worst of all windows of a million rows. The next epoch is laid out anew.

    Args:
        labels: the class of each row: numbers, strings or whatever can be sorted, shape `(rows,)`.
        seed: whole number, at least 0; epochs of different (seed, epoch) are independent.

    Raises:
        DataError: they are no labels.
        SettingError: the seed is no whole number or negative.

    Example:
        >>> labels = np.array(["cat"] * 6 + ["dog"] * 3)
        >>> order = Stratified(labels, seed=0)
        >>> rows = order.row_numbers(epoch=0, rows=9, meant=Batches(9, batch_size=3))
        >>> [sorted(labels[rows[start : start + 3]].tolist()) for start in (0, 3, 6)]
        [['cat', 'cat', 'dog'], ['cat', 'cat', 'dog'], ['cat', 'cat', 'dog']]

    Source:
        The strata and the common place in them are systematic sampling: W. Cochran, Sampling techniques,
        3rd edition 1977, chapter 8. That not every window can do: A. Fraenkel, Complementing and exactly
        covering sequences, Journal of Combinatorial Theory A 14 (1973), p. 8.
    """

    def __init__(self, labels: Any, seed: int = 0) -> None:
        self._classes = Classes(labels)
        self.seed = seed_number(seed)

    def __repr__(self) -> str:
        return f"Stratified({self._classes.described}, seed={self.seed})"

    def length(self, rows: int) -> int:
        """Each row once."""
        self._classes.check(rows)
        return rows

    def row_numbers(self, epoch: int, rows: int, meant: Cut | None = None) -> RowNumbers:
        """Each batch takes one row of each of its strata."""
        line, _ = self._classes.shuffled("stratified", self.seed, epoch)
        draw = generator("stratified batches", self.seed, epoch)
        parts = []
        for run in (meant or Batches(rows, rows)).whole():
            taken = _evenly(len(line), run.size * run.batches, draw)
            parts.append(_dealt(line[taken], run, draw))
            line = np.delete(line, taken)
        return read_only(np.concatenate(parts))


def _evenly(length: int, count: int, draw: np.random.Generator) -> Array:
    """`count` places of a line, as evenly spread as can be: any stretch has its share, rounded up or down."""
    return (np.arange(count) * length + draw.integers(length)) // max(1, count)


def _dealt(line: Array, run: Run, draw: np.random.Generator) -> Array:
    """The rows of a run, batch after batch, from rows in the sequence of their classes.

    The line is cut into strata of as many rows as there are batches, and each batch takes one row of
    each: all batches the row at the same place of the stratum. A class, which is a stretch of the line, is
    then a number of whole strata and, seen round a circle, one stretch of places more.
    """
    places = (_lattice(run.batches) + draw.integers(run.batches)) % run.batches
    strata = (_lattice(run.size) + draw.integers(run.size)) % run.size
    return line.reshape(run.size, run.batches)[strata, places[:, np.newaxis]].ravel()


def _lattice(length: int) -> Array:
    """A permutation of [0, length) any window of which is spread evenly: multiples of a step, modulo length.

    The best step is near length over the golden ratio, with small partial quotients.

    Source:
        L. Kuipers, H. Niederreiter, Uniform distribution of sequences, 1974, chapter 2, theorem 3.4.
    """
    near = round(length * (math.sqrt(5) - 1) / 2)
    steps = [step for step in range(max(1, near - 20), near + 21) if math.gcd(step, length) == 1]
    best = min(steps, key=lambda step: sum(_quotients(step, length)))
    return np.arange(length) * best % length


def _quotients(step: int, length: int) -> Iterator[int]:
    """The partial quotients of step / length."""
    while step:
        yield length // step
        step, length = length % step, step
