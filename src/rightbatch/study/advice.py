"""What goes with a recommendation: learning rates that do as well, accumulation, and when a study pays."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from rightbatch.study.grid import lr_at
from rightbatch.study.pool import RACE, Choice, Pool

TOLERATED = 1.25
"""A learning rate does when it takes at most this many times the steps of the best."""

USUAL_GUESS = 32
"""What the study is compared with: the batch size that nearly everyone begins with."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Accumulation:
    """A batch that does not fit in memory, made of smaller ones that do."""

    batch_size: int
    micro_batch: int
    steps: int
    """Micro-batches of an update."""
    seconds_to_target: float


@dataclass(frozen=True, slots=True, kw_only=True)
class BreakEven:
    """What the study saves against training with the usual guess."""

    against: int
    saves_seconds: float
    """Of one training to the target."""
    trainings: int
    """After so many the study has paid for itself."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Advice:
    """All that goes with a recommended size."""

    rates: tuple[float, float]
    """Lowest and highest learning rate that do."""
    accumulation: Accumulation | None
    """Of the size that would be the fastest if it fitted; `None`: it fits."""
    break_even: BreakEven | None


def tolerated_rates(table: Pool, batch_size: int, choice: Choice) -> tuple[float, float]:
    """The lowest and the highest learning rate around the best that still do.

    A rate counts when all its runs reached the target; it is compared with the best over the seeds of both.

    Example: with rates of 1/4, 1/2, 1 and 2 that took 30, 21, 20 and 40 steps it is from 1/2 to 1.
    """
    best = table.points.index(choice.point)
    low = high = best
    ratios = _ratios(table, batch_size, best, min(choice.seeds, RACE))
    # rates of the coarse grid, run with fewer seeds, lie between those of the fine one
    known = [place for place in range(len(ratios)) if not math.isnan(ratios[place])]
    for place in reversed([place for place in known if place < best]):
        if ratios[place] > TOLERATED:
            break
        low = place
    for place in [place for place in known if place > best]:
        if ratios[place] > TOLERATED:
            break
        high = place
    return lr_at(table.points[low]), lr_at(table.points[high])


def accumulation(
    wanted: int, feasible: Sequence[int], steps: float, seconds_per_step: Mapping[int, float]
) -> Accumulation | None:
    """The cheapest way to make a batch of smaller ones; `None`: no smaller one divides it.

    Args:
        wanted: the batch size that does not fit.
        feasible: sizes that do.
        steps: updates to target at the wanted size.
        seconds_per_step: of each size.
    """
    ways = [size for size in feasible if size < wanted and wanted % size == 0]
    if not ways:
        return None
    micro = min(ways, key=lambda size: wanted // size * seconds_per_step[size])
    parts = wanted // micro
    return Accumulation(
        batch_size=wanted,
        micro_batch=micro,
        steps=parts,
        seconds_to_target=steps * parts * seconds_per_step[micro],
    )


def break_even(seconds: Mapping[int, float], best: int, study_seconds: float) -> BreakEven | None:
    """Trainings after which the study has paid; `None`: nothing is saved, or the usual guess is unknown.

    Args:
        seconds: to target at each size that reached it, at its own best learning rate.
        best: the recommended size.
        study_seconds: what the study took.

    Example:
        >>> break_even({32: 20.0, 128: 8.0}, 128, 41.0)
        BreakEven(against=32, saves_seconds=12.0, trainings=4)
    """
    saved = seconds.get(USUAL_GUESS, math.nan) - seconds[best]
    if not saved > 0:
        return None
    return BreakEven(
        against=USUAL_GUESS, saves_seconds=saved, trainings=max(1, math.ceil(study_seconds / saved))
    )


def _ratios(table: Pool, batch_size: int, best: int, seeds: int) -> list[float]:
    """Steps of every rate over those of the best; infinite: a run missed; NaN: too few seeds in common."""
    cells = table.log_steps[:, table.batch_sizes.index(batch_size), :]
    behind = cells - np.where(np.isinf(cells[:, [best]]), np.nan, cells[:, [best]])
    common = (~np.isnan(behind)).sum(axis=0)
    means = np.where(np.isnan(behind), 0, behind).sum(axis=0) / np.maximum(common, 1)
    return [math.exp(mean) if count >= seeds else math.nan for mean, count in zip(means, common, strict=True)]
