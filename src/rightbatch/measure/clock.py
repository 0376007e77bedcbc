"""Seconds per step against batch size: measured in rounds that take every size in turn."""

import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np

from rightbatch.data.loader import Loader
from rightbatch.learners.protocol import Learner
from rightbatch.records import StepEvent
from rightbatch.train.loop import endless, train

_BLOCK_SECONDS = 0.001
"""A round times at least this long at each size: a single step of 20 µs is within the clock's noise."""

_WARM_UP_STEPS = 3


class Timing(NamedTuple):
    """One measurement."""

    batch_size: int
    round: int
    steps: int
    """Steps timed together."""
    seconds: float
    """Seconds per step: the batch made and the step done, evaluation left out."""


def time_steps(
    learner: Learner[Any],
    loader_of: Callable[[int], Loader],
    batch_sizes: Sequence[int],
    *,
    rounds: int,
    lr: float,
    first_round: int = 0,
) -> Iterator[list[Timing]]:
    """One list of timings a round, every batch size in turn, so that a slow spell hits all alike.

    Args:
        learner: one replica of it is trained.
        loader_of: a loader of the training data for a batch size.
        batch_sizes: sizes to time.
        rounds: how many rounds there are in all.
        lr: a learning rate at which nothing overflows.
        first_round: rounds done before, by an interrupted study.

    Yields:
        The timings of each round.
    """
    if first_round >= rounds:
        return
    runs = {size: _warm(learner, loader_of(size), lr) for size in batch_sizes}
    for number in range(first_round, rounds):
        order = batch_sizes if number % 2 == 0 else batch_sizes[::-1]
        yield [_time(runs[size], size, number) for size in order]


def _warm(learner: Learner[Any], loader: Loader, lr: float) -> tuple[Iterator[StepEvent], int]:
    """A run past its first steps, and how many steps make a block."""
    events = train(learner, learner.start([0]), endless(loader), np.full(1, lr, np.float32))
    for _ in range(_WARM_UP_STEPS):
        next(events)
    started = time.perf_counter()
    next(events)
    return events, max(1, round(_BLOCK_SECONDS / max(time.perf_counter() - started, 1e-6)))


def _time(run: tuple[Iterator[StepEvent], int], batch_size: int, number: int) -> Timing:
    events, steps = run
    started = time.perf_counter()
    for _ in range(steps):
        next(events)
    return Timing(batch_size, number, steps, (time.perf_counter() - started) / steps)
