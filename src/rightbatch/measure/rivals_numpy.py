"""Batches by this package, by a loop written by hand, and by scikit-learn."""

from collections.abc import Iterable, Iterator
from importlib.metadata import version
from typing import Any

import numpy as np
import sklearn
from sklearn.utils import gen_batches, shuffle

from rightbatch.data.loader import Loader
from rightbatch.measure.rivals import OURS, Epoch, Rival
from rightbatch.records import Array


def _ours(x: Array, y: Array, batch_size: int) -> Epoch:
    loader = Loader((x, y), batch_size, shuffle=True)
    return lambda: iter(loader)


def _two_threads(x: Array, y: Array, batch_size: int) -> Epoch:
    loader = Loader((x, y), batch_size, shuffle=True, threads=2)
    return lambda: iter(loader)


def _loop(x: Array, y: Array, batch_size: int) -> Epoch:
    draw = np.random.default_rng(0)

    def epoch() -> Iterator[Any]:
        rows = draw.permutation(len(x))
        for start in range(0, len(x), batch_size):
            index = rows[start : start + batch_size]
            yield x[index], y[index]

    return epoch


def _scikit_learn(x: Array, y: Array, batch_size: int) -> Epoch:
    draw = np.random.RandomState(0)

    def epoch() -> Iterable[Any]:
        shuffled_x, shuffled_y = shuffle(x, y, random_state=draw)
        return ((shuffled_x[part], shuffled_y[part]) for part in gen_batches(len(x), batch_size))

    return epoch


_COPIES = "shuffle(x, y), then gen_batches: copies all data"

_VERSION = f"rightbatch {version('rightbatch')}"

RIVALS = (
    Rival(OURS, _VERSION, "Loader((x, y), batch_size, shuffle=True)", _ours),
    Rival(f"{OURS} threads=2", _VERSION, "the same, made ahead by two threads", _two_threads),
    Rival("NumPy loop", f"numpy {np.__version__}", "rows = permutation(n); x[rows[i:i + b]]", _loop),
    Rival("scikit-learn", f"scikit-learn {sklearn.__version__}", _COPIES, _scikit_learn),
)
