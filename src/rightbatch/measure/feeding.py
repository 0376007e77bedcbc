"""How much of a training step is spent waiting for its batch, with a small and with a larger model."""

import time
from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np

from rightbatch.learners.mlp import MLP
from rightbatch.learners.updates import SGD
from rightbatch.measure.rivals import Epoch, Rival
from rightbatch.records import Array, Batch, Shape

CLASSES = 10
HIDDEN = {"small": (32,), "larger": (512, 512)}
"""Hidden units of the models that are fed."""

_SECONDS = 0.25
"""How long each is trained in a round."""

_ROUNDS = 4


class Feeding(NamedTuple):
    """One model fed in one way."""

    name: str
    """The way."""
    model: str
    batch_size: int
    waiting: float
    """Seconds of a step that pass until the batch is there, median over the rounds."""
    computing: float
    """Seconds of a step after that."""

    @property
    def step(self) -> float:
        """Seconds of a step."""
        return self.waiting + self.computing

    @property
    def share(self) -> float:
        """Of the step that is spent waiting."""
        return self.waiting / self.step


def feed(rivals: list[Rival], arrays: tuple[Array, Array], batch_size: int) -> list[Feeding]:
    """Train both models by every way, in turn, and tell waiting from computing.

    Args:
        rivals: the ways.
        arrays: x and y as `rightbatch.measure.race.made_up` makes them; trained on as float32 and 10 classes.
        batch_size: rows of a step.

    Returns:
        For each model, one entry a way.
    """
    x = arrays[0].reshape(len(arrays[0]), -1).astype(np.float32) / 100
    y = arrays[1] % CLASSES
    runs = {
        (model, rival.name): _Run(hidden, x.shape[1], rival.epochs(x, y, batch_size))
        for model, hidden in HIDDEN.items()
        for rival in rivals
    }
    times = [{key: run.round() for key, run in runs.items()} for _ in range(_ROUNDS)]
    return [
        Feeding(name, model, batch_size, *np.median([row[model, name] for row in times], axis=0).tolist())
        for model, name in runs
    ]


class _Run:
    """One model in training."""

    def __init__(self, hidden: tuple[int, ...], features: int, epoch: Epoch) -> None:
        shape = Shape(features=features, outputs=CLASSES, task="classification")
        self._learner = MLP(hidden=hidden).build(shape, SGD())
        self._state = self._learner.start([0])
        self._batches = _endless(epoch)
        self._lr = np.full(1, 1e-3, np.float32)

    def round(self) -> tuple[float, float]:
        """Seconds of a step waiting and computing."""
        waiting = computing = 0.0
        steps, started = 0, time.perf_counter()
        asked = started
        while asked - started < _SECONDS:
            batch = next(self._batches)
            got = time.perf_counter()
            self._state, _ = self._learner.step(self._state, batch, self._lr)
            waiting += got - asked
            asked = time.perf_counter()
            computing += asked - got
            steps += 1
        return waiting / steps, computing / steps


def _endless(epoch: Epoch) -> Iterator[Batch]:
    step = 0
    while True:
        for x, y in epoch():
            yield Batch(_pair(x, y), np.empty(len(y), np.int64), None, 0, step)
            step += 1


def _pair(x: Any, y: Any) -> tuple[Array, Array]:
    """As NumPy arrays; a tensor in main memory is not copied."""
    return np.asarray(x), np.asarray(y)
