"""All runs of a study as one table: log steps to target by seed, batch size and learning rate."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from rightbatch.records import Array, Outcome
from rightbatch.study.sweep import Run

NOT_REACHED = 1e3
"""Score of a run that did not arrive, above ln of any number of steps; how far off it ended is added."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pool:
    """Runs of the seeds that were run at every batch size, as arrays."""

    batch_sizes: tuple[int, ...]
    seeds: tuple[int, ...]
    points: tuple[int, ...]
    log_steps: Array
    """ln of steps to target, float64 `(seeds, batch sizes, points)`; infinite: not reached; NaN: not run."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """The best learning rate at one batch size, over all seeds."""

    point: int
    steps: float
    """Geometric mean of the steps to target over the seeds that reached it."""
    reached: int
    """Seeds that reached the target with this learning rate."""


def pool(runs: Sequence[Run], batch_sizes: Sequence[int]) -> Pool:
    """The table of the runs at these batch sizes.

    A seed that a spent budget left undone at some of the sizes that reached the target is left
    out: resamples that draw it would compare the other sizes with nothing.
    """
    runs = [run for run in runs if run.batch_size in batch_sizes]
    seeds = _complete_seeds(runs)
    points = sorted({run.point for run in runs})
    table = np.full((len(seeds), len(batch_sizes), len(points)), np.nan)
    for run in runs:
        if run.seed in seeds:
            cell = seeds.index(run.seed), list(batch_sizes).index(run.batch_size), points.index(run.point)
            table[cell] = math.inf if run.steps_to_target is None else math.log(run.steps_to_target)
    return Pool(batch_sizes=tuple(batch_sizes), seeds=tuple(seeds), points=tuple(points), log_steps=table)


def scores_of(runs: Sequence[Run], target: float) -> dict[int, float]:
    """What one search found at each learning rate, less is better.

    ln of the steps to target; where it was not reached `NOT_REACHED` and how far off the run
    ended, so that a search without arrivals still moves towards them; infinite: diverged.

    Args:
        runs: runs at one batch size from one seed.
        target: the target's value.
    """
    return {run.point: _score(run, target) for run in runs}


def choices(table: Pool) -> dict[int, Choice]:
    """The best learning rate of every batch size at which any run reached the target.

    The one that reached it in the most seeds, and of these the one of the least mean ln steps: so
    one that was run in fewer seeds than another is chosen only where the other fails.
    """
    found = {}
    for column, batch_size in enumerate(table.batch_sizes):
        cells = table.log_steps[:, column, :]
        reached = np.isfinite(cells).sum(axis=0)
        if reached.max(initial=0) == 0:
            continue
        with np.errstate(invalid="ignore"):
            mean = np.where(np.isfinite(cells), cells, 0).sum(axis=0) / np.maximum(reached, 1)
        best = min(range(len(table.points)), key=lambda k: (-reached[k], mean[k]))
        found[batch_size] = Choice(
            point=table.points[best], steps=math.exp(mean[best]), reached=int(reached[best])
        )
    return found


def resampled_log_steps(table: Pool, rows: Array) -> Array:
    """Ln S of every batch size in every resample of the seeds, the learning rate chosen anew in each.

    Args:
        table: the runs.
        rows: seeds of each resample, `(resamples, seeds)`.

    Returns:
        float64 `(resamples, batch sizes)`; NaN where no learning rate reached the target in all
        seeds of the resample.
    """
    drawn = np.where(np.isnan(table.log_steps), np.inf, table.log_steps)[rows]
    best = drawn.mean(axis=1).min(axis=-1)
    return np.where(np.isfinite(best), best, np.nan)


def _complete_seeds(runs: Sequence[Run]) -> list[int]:
    """The seeds that were run at every batch size that reached the target; at every size while none did."""
    reached = [run for run in runs if run.steps_to_target is not None] or runs
    done = [{run.seed for run in runs if run.batch_size == size} for size in {r.batch_size for r in reached}]
    return sorted(set.intersection(*done)) if done else []


def _score(run: Run, target: float) -> float:
    if run.steps_to_target is not None:
        return math.log(run.steps_to_target)
    if run.outcome is Outcome.DIVERGED:
        return math.inf
    return NOT_REACHED + abs(run.curve[-1] - target)
