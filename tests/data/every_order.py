"""Every order, over any number of rows, and what an epoch of each must hold."""

from collections.abc import Callable

import numpy as np

from rightbatch.data.balanced import Balanced
from rightbatch.data.bylength import ByLength
from rightbatch.data.order import Order, Sequential, Shuffled
from rightbatch.data.stratified import Stratified
from rightbatch.data.weighted import Weighted
from rightbatch.records import Array


def labels(rows: int) -> Array:
    """Up to four classes of very different size."""
    return np.array([0, 1, 1, 2, 2, 2, 2, 2, 3, 3] * rows)[np.arange(rows) * 7 % (10 * rows)]


def weights(rows: int) -> Array:
    """Weights of which every third is 0, but the first."""
    return np.where(np.arange(rows) % 3 == 1, 0.0, 1.0 + np.arange(rows) % 5)


def lengths(rows: int) -> Array:
    """Lengths between 0 and 12."""
    return np.arange(rows) * 5 % 13


EVERY: dict[str, Callable[[int, int], Order]] = {
    "sequential": lambda rows, seed: Sequential(),
    "shuffled": lambda rows, seed: Shuffled(seed),
    "bijection": lambda rows, seed: Shuffled(seed, method="bijection"),
    "balanced": lambda rows, seed: Balanced(labels(rows), seed),
    "stratified": lambda rows, seed: Stratified(labels(rows), seed),
    "weighted": lambda rows, seed: Weighted(weights(rows), seed=seed),
    "weighted, once": lambda rows, seed: Weighted(weights(rows), replacement=False, seed=seed),
    "by length": lambda rows, seed: ByLength(lengths(rows), seed=seed),
    "by tokens": lambda rows, seed: ByLength(lengths(rows), tokens=20, seed=seed),
}
"""Each made by `(rows, seed)`."""

CHOOSES_ITS_BATCHES = "by tokens"
RANDOM = [name for name in EVERY if name != "sequential"]


def times(name: str, rows: int) -> tuple[Array, Array]:
    """How often each row must occur in an epoch: at least and at most."""
    once = np.ones(rows, np.int64)
    if name == "balanced":
        classes, size = np.unique(labels(rows), return_inverse=True)[1], np.bincount(labels(rows))
        size = size[size > 0]
        return size.max() // size[classes], -(-size.max() // size[classes])
    if name == "weighted":
        return 0 * once, np.where(weights(rows) > 0, rows, 0)
    if name == "weighted, once":
        return (weights(rows) > 0).astype(np.int64), (weights(rows) > 0).astype(np.int64)
    return once, once


def holds_the_right_rows(name: str, rows: int, numbers: Array) -> bool:
    """Whether a whole epoch has each row as often as it must."""
    least, most = times(name, rows)
    found = np.bincount(numbers, minlength=rows)
    return len(found) == rows and bool(((least <= found) & (found <= most)).all())
