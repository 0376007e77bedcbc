"""All runs of a study as one table: log steps to target by seed, batch size and learning rate."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from rightbatch import units
from rightbatch.records import Array, Outcome
from rightbatch.study.grid import lr_at, middle
from rightbatch.study.subject import Run

NOT_REACHED = 1e3
"""Score of a run that did not arrive, above ln of any number of steps; how far off it ended is added."""

RACE = 3
"""Seeds after which, and after every so many more, a learning rate that is clearly worse gets no more."""

ARRIVES = 0.8
"""Share of the runs that must reach the target at a batch size that is recommended."""

_NO_ACCIDENT = 2
"""Misses from which a size is left out: one of three is no proof that more than a fifth miss."""

_ROUNDING = 1e-9
"""By which means of the same logs may differ."""

NEARLY_ALL = 0.9
"""Share of the runs that reach the target with another learning rate."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pool:
    """All runs, as arrays."""

    batch_sizes: tuple[int, ...]
    seeds: tuple[int, ...]
    points: tuple[int, ...]
    log_steps: Array
    """Log of steps to target, float64 `(seeds, batch sizes, points)`; infinite: missed; NaN: not run."""
    log_made: Array
    """Log of the steps made, likewise: where the target was missed, it takes more than these."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """The best learning rate at one batch size, over all seeds."""

    point: int
    steps: float
    """Geometric mean of the steps to target over the seeds that reached it."""
    reached: int
    """Seeds that reached the target with this learning rate."""
    seeds: int
    """Seeds that were run with it."""

    @property
    def doubted(self) -> bool:
        """Whether fewer runs reached the target than must at a batch size that is recommended."""
        return self.reached < ARRIVES * self.seeds

    @property
    def fails(self) -> bool:
        """The same, where it was no accident: the batch size is not recommended."""
        return self.doubted and self.seeds - self.reached >= _NO_ACCIDENT


def pool(runs: Sequence[Run], batch_sizes: Sequence[int]) -> Pool:
    """The table of the runs at these batch sizes."""
    sizes = {size: i for i, size in enumerate(batch_sizes)}
    runs = [run for run in runs if run.batch_size in sizes]
    seeds = {seed: i for i, seed in enumerate(sorted({run.seed for run in runs}))}
    points = {point: i for i, point in enumerate(sorted({run.point for run in runs}))}
    table = np.full((len(seeds), len(sizes), len(points)), np.nan)
    made = table.copy()
    for run in runs:
        cell = seeds[run.seed], sizes[run.batch_size], points[run.point]
        table[cell] = math.inf if run.steps_to_target is None else math.log(run.steps_to_target)
        made[cell] = math.log(run.steps)
    return Pool(
        batch_sizes=tuple(sizes), seeds=tuple(seeds), points=tuple(points), log_steps=table, log_made=made
    )


def scores_of(runs: Sequence[Run], target: float) -> dict[int, float]:
    """What one search found at each learning rate, less is better.

    ln of the steps to target; where it was not reached `NOT_REACHED` and how far off the run
    ended, so that a search without arrivals still moves towards them; infinite: diverged, or short of memory.

    Args:
        runs: runs at one batch size from one seed.
        target: the target's value.
    """
    return {run.point: _score(run, target) for run in runs}


def choices(table: Pool) -> dict[int, Choice]:
    """The best learning rate of every batch size at which any run reached the target.

    Only learning rates that were run with as many seeds as any other at that size are compared, and of
    them those that reached the target in at least nine tenths of the most; the best is the one of the least
    mean ln steps, a missed run counted with twice the steps of the longest; of equals the middle one. Of a
    single seed the least of several is mostly a lucky one: there each learning rate is judged with its
    neighbours.
    """
    found = {}
    for column, batch_size in enumerate(table.batch_sizes):
        cells = table.log_steps[:, column, :]
        ran = (~np.isnan(cells)).sum(axis=0)
        reached = np.where(ran == ran.max(initial=0), np.isfinite(cells).sum(axis=0), -1)
        if reached.max(initial=0) <= 0:
            continue
        arrived = np.isfinite(cells) & (reached > 0)
        mean = np.where(arrived, cells, 0).sum(axis=0) / np.maximum(reached, 1)
        longest = np.nanmax(table.log_made[:, column, :], initial=0) + math.log(2)
        score = mean + (1 - reached / ran.max()) * (longest - mean)
        if ran.max() == 1:
            score[ran == 1] = _with_neighbours(np.where(reached > 0, score, longest)[ran == 1])
        score[reached < NEARLY_ALL * reached.max()] = np.inf
        equals = np.flatnonzero(score <= score.min() + _ROUNDING)
        best = int(equals[middle(len(equals))])
        found[batch_size] = Choice(
            point=table.points[best],
            steps=math.exp(mean[best]),
            reached=int(reached[best]),
            seeds=int(ran[best]),
        )
    return found


def _with_neighbours(scores: Array) -> Array:
    """Half of each score and a quarter of each neighbour's; at an end its own once more."""
    padded = np.pad(scores, 1, mode="edge")
    return 0.5 * scores + 0.25 * (padded[:-2] + padded[2:])


def best_so_far(found: Mapping[int, Choice], seconds: Mapping[int, float]) -> str:
    """The size that takes the fewest seconds to the target, in words; empty: there is none.

    Args:
        found: the best learning rate of every size.
        seconds: of a step at every size.
    """
    if not found:
        return ""
    size = min(found, key=lambda known: found[known].steps * seconds[known])
    lr, needed = lr_at(found[size].point), found[size].steps * seconds[size]
    return f"batch size {size}, learning rate {units.plain(lr)}: {units.seconds(needed)} to target"


def chosen_log_steps(table: Pool, found: Mapping[int, Choice]) -> Array:
    """Log steps of each seed at every size's best learning rate, `(seeds, sizes)`; NaN: not run.

    A run that did not reach the target has the steps it made: it would have taken more.
    """
    steps = _chosen(table.log_steps, table, found)
    return np.minimum(steps, _chosen(table.log_made, table, found))


def chosen_missed(table: Pool, found: Mapping[int, Choice]) -> Array:
    """Whether each of these runs missed the target, bool `(seeds, sizes)`."""
    return np.isinf(_chosen(table.log_steps, table, found))


def _chosen(cells: Array, table: Pool, found: Mapping[int, Choice]) -> Array:
    rows = np.full(cells.shape[:2], np.nan)
    for column, size in enumerate(table.batch_sizes):
        if size in found:
            rows[:, column] = cells[:, column, table.points.index(found[size].point)]
    return rows


def resampled_log_steps(table: Pool, rows: Array) -> Array:
    """Log steps of every batch size in resamples of the seeds, the learning rate chosen anew in each.

    Args:
        table: the runs.
        rows: seeds of each resample, `(resamples, seeds)`.

    Returns:
        float64 `(resamples, batch sizes)`; NaN where no learning rate reached the target in all
        seeds of the resample.
    """
    count, seeds = rows.shape
    places = rows + np.arange(count)[:, None] * seeds
    times = np.bincount(places.ravel(), minlength=count * seeds).reshape(count, seeds).astype(np.float64)
    logs = table.log_steps.reshape(seeds, -1)
    arrived = np.isfinite(logs)
    mean = times @ np.where(arrived, logs, 0) / seeds
    mean[times @ ~arrived > 0] = np.inf
    best = mean.reshape(count, *table.log_steps.shape[1:]).min(axis=-1)
    return np.where(np.isfinite(best), best, np.nan)


def _score(run: Run, target: float) -> float:
    if run.steps_to_target is not None:
        return math.log(run.steps_to_target)
    if run.outcome in {Outcome.DIVERGED, Outcome.OUT_OF_MEMORY}:
        return math.inf
    return NOT_REACHED + abs(run.curve[-1] - target)
