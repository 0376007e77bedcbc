"""What a step costs at every batch size, in seconds and bytes, without training to a target."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from rightbatch.stats.pace import paced
from rightbatch.stats.steptime import StepTime, fit_step_time
from rightbatch.study.problem import Problem
from rightbatch.study.rounds import rounds_of


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """One batch size."""

    batch_size: int
    seconds_per_step: float
    """At the usual pace of the machine."""
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
    table = rounds_of(
        [timing for row in problem.time_steps(batch_sizes, rounds=rounds) for timing in row], batch_sizes
    )
    seconds = paced(table).seconds.tolist()
    costs = [_cost(problem, size, each) for size, each in zip(batch_sizes, seconds, strict=True)]
    return costs, fit_step_time(batch_sizes, table) if len(batch_sizes) > 1 else None


def _cost(problem: Problem, batch_size: int, seconds: float) -> Cost:
    return Cost(
        batch_size=batch_size,
        seconds_per_step=seconds,
        seconds_per_epoch=seconds * math.ceil(problem.samples / batch_size),
        samples_per_second=batch_size / seconds,
        memory_bytes=problem.peak_bytes(batch_size),
    )
