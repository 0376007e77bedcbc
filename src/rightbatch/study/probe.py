"""What a step costs at every batch size, in seconds and bytes, without training to a target."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from rightbatch.stats.steptime import StepTime, fit_step_time
from rightbatch.stats.typical import typical
from rightbatch.study.problem import Problem


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """One batch size."""

    batch_size: int
    seconds_per_step: float
    """Typical of the rounds."""
    seconds_per_epoch: float
    samples_per_second: float
    memory_bytes: int
    """Most bytes allocated at once beyond the data set."""


def probe(
    problem: Problem, batch_sizes: Sequence[int], *, rounds: int = 20
) -> tuple[list[Cost], StepTime | None]:
    """Time a step and measure its memory at every batch size.

    Args:
        problem: what would be trained.
        batch_sizes: sizes to measure.
        rounds: how often each is timed, in turn with the others.

    Returns:
        The cost of each size, and t(B) = a + b B fitted to them; `None` with a single size.
    """
    measured = list(problem.time_steps(batch_sizes, rounds=rounds))
    seconds = {
        size: [timing.seconds for row in measured for timing in row if timing.batch_size == size]
        for size in batch_sizes
    }
    costs = [_cost(problem, size, float(typical(seconds[size]))) for size in batch_sizes]
    if len(batch_sizes) < 2:
        return costs, None
    return costs, fit_step_time(batch_sizes, np.array([seconds[size] for size in batch_sizes]).T)


def _cost(problem: Problem, batch_size: int, seconds: float) -> Cost:
    return Cost(
        batch_size=batch_size,
        seconds_per_step=seconds,
        seconds_per_epoch=seconds * math.ceil(problem.samples / batch_size),
        samples_per_second=batch_size / seconds,
        memory_bytes=problem.peak_bytes(batch_size),
    )
