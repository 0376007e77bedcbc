"""Steps to target: when to evaluate a run, and where its curve crosses the target."""

import math
from collections.abc import Sequence

from rightbatch.train.target import Target

SPACING = 1.06
"""Evaluations are 6 % apart in steps; the crossing is interpolated between them."""


def next_check(step: int) -> int:
    """The step of the next evaluation after this one: every step at first, then 6 % further on.

    Example:
        >>> [next_check(step) for step in (0, 1, 16, 17, 100)]
        [1, 2, 17, 19, 106]
    """
    return max(step + 1, math.ceil(step * SPACING - 1e-9))


def last_check(step: float) -> int:
    """The step of the last evaluation that is not after this one; 0: there is none.

    Example:
        >>> [last_check(step) for step in (0.5, 16.9, 18, 105)]
        [0, 16, 17, 102]
    """
    last = 0
    while next_check(last) <= step:
        last = next_check(last)
    return last


def smoothed(values: Sequence[float], *, worst: float = math.inf) -> list[float]:
    """The median of every value and its two neighbours; the last, which has but one, is left out.

    One lucky evaluation is no training: the first of many noisy values to meet a target is
    optimistic, and the more so the noisier, that is the smaller, the batch. The median of three
    sees through one outlier in either direction. Before the first value the metric counts as the worst:
    it was not there before it was trained.

    Args:
        values: a metric at evaluations that follow each other.
        worst: what NaN and infinity count as, and what was before.

    Example:
        >>> smoothed([0.9, 0.2, 0.7, 0.4])
        [0.9, 0.7, 0.4]
    """
    finite = [worst, *(value if math.isfinite(value) else worst for value in values)]
    return [sorted(finite[i - 1 : i + 2])[1] for i in range(1, len(finite) - 1)]


def crossing(steps: Sequence[float], values: Sequence[float], target: Target) -> float | None:
    """The step at which a curve, smoothed, reaches the target; `None` if it does not.

    Between two evaluations the smoothed metric is taken to be linear in the step.

    Args:
        steps: steps of the evaluations, rising.
        values: the metric at each.
        target: what to reach.

    Example:
        >>> crossing([1, 2, 3, 4, 5], [0.9, 0.6, 0.4, 0.2, 0.1], Target("loss", "validation", 0.5))
        2.5
        >>> crossing([100, 200], [0.4, 0.3], Target("loss", "validation", 0.5))
        100.0
        >>> crossing([1, 2, 3, 4, 5], [0.9, 0.1, 0.8, 0.7, 0.6], Target("loss", "validation", 0.5))
    """
    curve = smoothed(values, worst=math.inf if target.falls else -math.inf)
    first = next((i for i, value in enumerate(curve) if target.met(value)), None)
    if first is None:
        return None
    here = float(steps[first])
    if first == 0 or not math.isfinite(curve[first - 1]):
        return here
    before, after = curve[first - 1], curve[first]
    return steps[first - 1] + (target.value - before) / (after - before) * (here - steps[first - 1])
