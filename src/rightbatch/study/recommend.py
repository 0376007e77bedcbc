"""From runs and timings to a recommendation, with the doubt that the runs leave."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from rightbatch.measure.clock import Timing
from rightbatch.records import Array
from rightbatch.stats.interval import percentile_interval, resamples
from rightbatch.stats.lack_of_fit import lack_of_fit
from rightbatch.stats.scaling import ScalingFit, fit_scaling
from rightbatch.stats.steptime import StepTime, fit_step_time
from rightbatch.study.grid import lr_at
from rightbatch.study.pool import Choice, Pool, choices, resampled_log_steps

RESAMPLES = 1000
"""Bootstrap resamples: the 2.5 % point of a thousand has an error of half a per cent."""

WITHIN = 1.05
"""A batch size counts as good as the best when it takes at most this many times its seconds."""

PREFERENCES = ("fastest", "cheapest", "smallest")

_SMALL_P = 0.01
_SMALL_RESIDUAL = 0.10
"""The curve is said not to fit when the test finds it and the misfit matters: residuals over 10 %."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Size:
    """What the study knows of one batch size at its best learning rate."""

    batch_size: int
    seconds_per_step: float
    choice: Choice | None
    """`None`: the target was not reached."""
    steps_interval: tuple[float, float] | None
    seconds_interval: tuple[float, float] | None

    @property
    def steps(self) -> float:
        """Steps to target, S(B); infinite: not reached."""
        return math.inf if self.choice is None else self.choice.steps

    @property
    def seconds(self) -> float:
        """Seconds to target, T(B) = S(B) t(B)."""
        return self.steps * self.seconds_per_step

    @property
    def examples(self) -> float:
        """Examples to target, E(B) = B S(B)."""
        return self.steps * self.batch_size

    @property
    def lr(self) -> float | None:
        """The best learning rate; `None`: the target was not reached."""
        return None if self.choice is None else lr_at(self.choice.point)


@dataclass(frozen=True, slots=True, kw_only=True)
class Fit:
    """S(B) = S_min (1 + B_crit / B), fitted to the steps to target."""

    s_min: float
    b_crit: float
    e_min: float
    interval: dict[str, tuple[float, float]]
    """95 % intervals of `s_min` and `b_crit`."""
    rms_log_residual: float
    lack_of_fit: str | None
    """Why the curve is not to be trusted, in a sentence; `None`: it fits."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Analysis:
    """Everything that follows from the runs and timings."""

    sizes: tuple[Size, ...]
    step_time: StepTime | None
    fit: Fit | None
    recommended: Size | None
    """`None`: no batch size reached the target within the memory limit."""
    interval: tuple[int, int] | None
    """Smallest and largest batch size that is the fastest in 95 % of the resamples."""
    within: tuple[int, ...]
    """Batch sizes that take at most 5 % longer than the fastest."""


def analyse(
    table: Pool,
    timings: Sequence[Timing],
    memory: Mapping[int, int],
    *,
    prefer: str,
    memory_limit: int | None,
    seed: int,
) -> Analysis:
    """The recommendation, and what it rests on.

    The doubt comes from a bootstrap: whole seeds are drawn with replacement, the learning rate is
    chosen anew in each resample, and so are the rounds of timing (Shallue et al. 2019 and
    McCandlish et al. 2018 report no such interval).

    Args:
        table: all runs.
        timings: all timings.
        memory: bytes needed at each batch size.
        prefer: ``"fastest"``, or within the 5 % ``"cheapest"`` (fewest examples) or ``"smallest"``.
        memory_limit: bytes that training may take; `None`: no limit.
        seed: of the bootstrap.
    """
    found = choices(table)
    seconds = _rounds(timings, table.batch_sizes)
    draws = _Draws.of(table, seconds, seed)
    sizes = tuple(
        _size(column, size, found.get(size), seconds, draws) for column, size in enumerate(table.batch_sizes)
    )
    affordable = [s for s in sizes if memory_limit is None or memory.get(s.batch_size, 0) <= memory_limit]
    reached = [s for s in affordable if s.choice is not None]
    fastest = min(reached, key=lambda s: s.seconds, default=None)
    within = [] if fastest is None else [s for s in reached if s.seconds <= WITHIN * fastest.seconds]
    return Analysis(
        sizes=sizes,
        step_time=fit_step_time(table.batch_sizes, seconds) if len(sizes) > 1 else None,
        fit=_fit(table, found, draws),
        recommended=_preferred(within, prefer),
        interval=_interval(reached, table, draws),
        within=tuple(s.batch_size for s in within),
    )


@dataclass(frozen=True, slots=True)
class _Draws:
    """The bootstrap: every resample's steps and seconds per step, `(resamples, batch sizes)`."""

    log_steps: Array
    seconds: Array
    seeds: int

    @classmethod
    def of(cls, table: Pool, seconds: Array, seed: int) -> "_Draws":
        log_steps = resampled_log_steps(table, resamples(max(len(table.seeds), 1), RESAMPLES, seed))
        rounds = resamples(len(seconds), RESAMPLES, seed, of="rounds")
        medians = np.stack([np.median(seconds[rows], axis=0) for rows in rounds])
        return cls(log_steps, medians, len(table.seeds))


def _rounds(timings: Sequence[Timing], batch_sizes: Sequence[int]) -> Array:
    """Seconds per step, `(rounds, batch sizes)`."""
    by_round: dict[int, dict[int, float]] = {}
    for timing in timings:
        by_round.setdefault(timing.round, {})[timing.batch_size] = timing.seconds
    return np.array([[row[size] for size in batch_sizes] for row in by_round.values()])


def _size(column: int, batch_size: int, choice: Choice | None, seconds: Array, draws: _Draws) -> Size:
    steps = np.exp(draws.log_steps[:, column])
    both = (steps, steps * draws.seconds[:, column])
    ends = [None if choice is None else percentile_interval(values, n=draws.seeds) for values in both]
    return Size(
        batch_size=batch_size,
        seconds_per_step=float(np.median(seconds[:, column])),
        choice=choice,
        steps_interval=ends[0],
        seconds_interval=ends[1],
    )


def _preferred(within: Sequence[Size], prefer: str) -> Size | None:
    keys = {
        "fastest": lambda s: s.seconds,
        "cheapest": lambda s: s.examples,
        "smallest": lambda s: s.batch_size,
    }
    return min(within, key=keys[prefer], default=None)


def _interval(reached: Sequence[Size], table: Pool, draws: _Draws) -> tuple[int, int] | None:
    """Range of the fastest batch size over the resamples."""
    columns = [table.batch_sizes.index(s.batch_size) for s in reached]
    seconds = np.exp(draws.log_steps[:, columns]) * draws.seconds[:, columns]
    some = np.isfinite(seconds).any(axis=1) if columns else np.zeros(0, bool)
    if not some.any():
        return None
    fastest = np.array([s.batch_size for s in reached])[np.nanargmin(seconds[some], axis=1)]
    low, high = percentile_interval(fastest, n=draws.seeds)
    sizes = [s.batch_size for s in reached]
    return int(max(low, min(sizes))), int(min(high, max(sizes)))


def _fit(table: Pool, found: Mapping[int, Choice], draws: _Draws) -> Fit | None:
    columns = [column for column, size in enumerate(table.batch_sizes) if size in found]
    if len(columns) < 2:
        return None
    sizes = [table.batch_sizes[column] for column in columns]
    point = fit_scaling(sizes, [found[size].steps for size in sizes])
    drawn = np.exp(draws.log_steps[:, columns])
    usable = drawn[np.isfinite(drawn).sum(axis=1) >= 2]
    if not len(usable):
        return None
    many = fit_scaling(sizes, usable)
    # Where B_crit has no upper end, S_min has no lower one.
    s_min = np.where(np.isinf(many.open_b_crit), 0.0, many.s_min)
    ends = {"s_min": s_min, "b_crit": many.open_b_crit}
    return Fit(
        s_min=float(point.s_min),
        b_crit=float(point.b_crit),
        e_min=float(point.e_min),
        interval={name: percentile_interval(values, n=draws.seeds) for name, values in ends.items()},
        rms_log_residual=float(point.rms_log_residual),
        lack_of_fit=_misfit(table, sizes, found, point),
    )


def _misfit(table: Pool, sizes: Sequence[int], found: Mapping[int, Choice], point: ScalingFit) -> str | None:
    if len(sizes) < 3 or len(table.seeds) < 2:
        return None
    cells = [
        table.log_steps[:, table.batch_sizes.index(size), table.points.index(found[size].point)]
        for size in sizes
    ]
    steps = np.exp(np.stack(cells, axis=1))
    test = lack_of_fit(sizes, np.where(np.isfinite(steps), steps, np.nan))
    residual = float(point.rms_log_residual)
    if not (test.p_value < _SMALL_P and residual > _SMALL_RESIDUAL):
        return None
    return (
        f"The steps lie {residual:.0%} off the curve, more than the seeds' scatter explains "
        f"(p = {test.p_value:.1g}); trust the measured sizes, not B_crit."
    )
