"""From runs and timings to a recommendation, with the doubt that the runs leave."""

import math
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from rightbatch import units
from rightbatch.measure.clock import Timing
from rightbatch.records import Array
from rightbatch.stats.cliff import Cliff, cliff
from rightbatch.stats.curves import REACH
from rightbatch.stats.lack_of_fit import lack_of_fit
from rightbatch.stats.pace import paced
from rightbatch.stats.posterior import likeliest_curve
from rightbatch.stats.resampling import resamples
from rightbatch.stats.scaling import ScalingFit, fit_scaling
from rightbatch.stats.stepcurve import StepCurve, fit_step_curve
from rightbatch.stats.steptime import StepTime, fit_step_time
from rightbatch.study.advice import tolerated_rates
from rightbatch.study.grid import lr_at
from rightbatch.study.outlook import Outlook, outlook
from rightbatch.study.pool import Choice, Pool, choices, chosen_log_steps, chosen_missed, resampled_log_steps
from rightbatch.study.rounds import foretold, rounds_of

RESAMPLES = 1000
"""Bootstrap resamples: the 2.5 % point of a thousand has an error of half a per cent."""

PREFERENCES = ("fastest", "cheapest", "smallest")

_SMALL_P = 0.01
_SMALL_RESIDUAL = 0.03
"""The curve is said not to fit when the test finds it and residuals are over 3 %. A constant noise scale,
where B_crit tells no more than how far the sizes reach, leaves 4 to 7 %."""

_MORE_MEMORY = 1.25
"""Less memory than this many times as much is no reason to prefer a batch size."""

_EDGE = 10.0
"""An end of B_crit's interval this near the edge of its range, as a factor, is no bound."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Size:
    """What the study knows of one batch size at its best learning rate."""

    batch_size: int
    seconds_per_step: float
    choice: Choice | None
    """`None`: the target was not reached, or the size was not run."""
    estimate: float | None
    """Steps to target by all runs together: the size's own, drawn a little towards the curve."""
    steps_interval: tuple[float, float] | None
    seconds_interval: tuple[float, float] | None

    @property
    def steps(self) -> float:
        """Steps to target, S(B); infinite: not reached."""
        if self.choice is None:
            return math.inf
        return self.choice.steps if self.estimate is None else self.estimate

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

    @property
    def share_reached(self) -> float:
        """Share of the runs at the best learning rate that reached the target."""
        return 0.0 if self.choice is None else self.choice.reached / self.choice.seeds


Ease = Callable[[Size], tuple[float, ...]]
"""A key to sort sizes by."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fit:
    """S(B) = S_min (1 + B_crit / B), the likeliest by the runs."""

    s_min: float
    b_crit: float
    e_min: float
    """S_min B_crit."""
    interval: dict[str, tuple[float, float]]
    """95 % intervals of `s_min` and `b_crit`; from 0 or to infinity: open on that side."""
    rms_log_residual: float
    """Of the sizes that were run, those that are known best weighing most: 0.05 means about 5 %."""
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
    """Smallest and largest of the batch sizes that hold the fastest with 95 % probability."""
    within: tuple[int, ...]
    """Batch sizes more likely than not within 5 % of the fastest."""
    regret: float | None
    """Share of seconds more than the fastest batch size takes that is not exceeded with 95 % probability."""
    step_curve: StepCurve | None = field(default=None, compare=False)
    """Seconds per step by the form that foretells sizes left out best."""
    cliff: Cliff | None = None
    """Where larger batches stop reaching the target; `None`: nowhere."""


def analyse(
    table: Pool,
    timings: Sequence[Timing],
    memory: Mapping[int, int],
    *,
    prefer: str,
    memory_limit: int | None,
    seed: int,
    too_large: Collection[int] = (),
) -> Analysis:
    """The recommendation, and what it rests on.

    Args:
        table: all runs.
        timings: all timings.
        memory: bytes needed at each batch size.
        prefer: ``"fastest"``, or among those alike ``"cheapest"`` (fewest examples) or ``"smallest"``.
        memory_limit: bytes that training may take; `None`: no limit.
        seed: of the draws.
        too_large: sizes that do not fit in memory.
    """
    found = choices(table)
    timed = rounds_of(timings, table.batch_sizes)
    limit = math.inf if memory_limit is None else memory_limit
    heavy = [size for size in table.batch_sizes if size in too_large or memory.get(size, 0) > limit]
    ran = {size for i, size in enumerate(table.batch_sizes) if (~np.isnan(table.log_steps[:, i])).any()}
    missed = [size for size in ran if size not in found]
    view = outlook(table, found, timed, barred=[*missed, *heavy], seed=seed)
    seconds = paced(foretold(timed, table.batch_sizes)).seconds.tolist()
    sizes = tuple(
        _size(column, size, found.get(size), seconds[column], None if size in missed else view)
        for column, size in enumerate(table.batch_sizes)
    )
    usable = [size for size in sizes if size.choice is not None and size.batch_size not in heavy]
    within = _most_reliable(usable) if view is None else view.alike()
    return Analysis(
        sizes=sizes,
        step_time=_step_time(table.batch_sizes, timed),
        fit=_fit(table, found, view, seed),
        recommended=_preferred(usable, within, view, prefer, _ease(table, memory)),
        interval=None if view is None else view.span(),
        within=within,
        regret=None if view is None else view.regret,
        step_curve=_step_curve(table.batch_sizes, timed),
        cliff=_cliff(table, found, missed, within),
    )


def _step_time(batch_sizes: Sequence[int], rounds: Array) -> StepTime | None:
    timed = ~np.isnan(rounds).all(axis=0)
    return fit_step_time(np.asarray(batch_sizes)[timed], rounds[:, timed]) if timed.sum() > 1 else None


def _step_curve(batch_sizes: Sequence[int], rounds: Array) -> StepCurve | None:
    timed = ~np.isnan(rounds).all(axis=0)
    return fit_step_curve(np.asarray(batch_sizes)[timed], rounds[:, timed]) if timed.sum() > 1 else None


def _cliff(
    table: Pool, found: Mapping[int, Choice], missed: Collection[int], within: Sequence[int]
) -> Cliff | None:
    """Above the recommended sizes: where most runs reach the target up to, and no longer beyond."""
    if not within or max(missed, default=0) <= max(within):
        return None
    sizes = [size for size in table.batch_sizes if size >= max(within) and (size in found or size in missed)]
    reached = [found[size].reached if size in found else 0 for size in sizes]
    tried = [found[size].seeds if size in found else _seeds(table, size) for size in sizes]
    return cliff(sizes, reached, tried)


def _seeds(table: Pool, size: int) -> int:
    """Seeds that a size was run with."""
    return int((~np.isnan(table.log_steps[:, table.batch_sizes.index(size)])).any(axis=1).sum())


def _size(column: int, batch_size: int, choice: Choice | None, seconds: float, view: Outlook | None) -> Size:
    steps = None if view is None else np.exp(view.steps.log_steps[:, column])
    return Size(
        batch_size=batch_size,
        seconds_per_step=seconds,
        choice=choice,
        estimate=None if steps is None else float(np.median(steps)),
        steps_interval=None if steps is None else _ends(steps),
        seconds_interval=None if view is None else _ends(view.seconds[:, column]),
    )


def _ends(draws: Array) -> tuple[float, float]:
    low, high = np.quantile(draws, [0.025, 0.975])
    return float(low), float(high)


def _most_reliable(usable: Sequence[Size]) -> tuple[int, ...]:
    """Without an outlook: the size at which the largest share of the runs arrived, of equals the fastest."""
    best = min(usable, key=lambda size: (-size.share_reached, size.seconds), default=None)
    return () if best is None else (best.batch_size,)


def _preferred(
    usable: Sequence[Size], within: Sequence[int], view: Outlook | None, prefer: str, ease: Ease
) -> Size | None:
    """The size to recommend; the fastest leaves a choice only among those that surely are as fast."""
    if not usable:
        return None
    best = within[0] if view is None else view.batch_sizes[view.best]
    sure = within if view is None else view.surely_alike()
    alike = [size for size in usable if size.batch_size in (sure if prefer == "fastest" else within)]
    keys: dict[str, Callable[[Size], Any]] = {
        "fastest": lambda s: (*ease(s), s.batch_size != best),
        "cheapest": lambda s: s.examples,
        "smallest": lambda s: s.batch_size,
    }
    return min(alike, key=keys[prefer])


def _ease(table: Pool, memory: Mapping[int, int]) -> Ease:
    """How a size is to train with: less memory first, then more learning rates that do, then a usual size."""

    def ease(size: Size) -> tuple[float, ...]:
        if size.choice is None:
            return (math.inf, 0, 1)
        low, high = tolerated_rates(table, size.batch_size, size.choice)
        octaves = round(2 * math.log2(high / low)) / 2
        used = memory.get(size.batch_size, 1)
        return (round(math.log(used, _MORE_MEMORY)), -octaves, size.batch_size.bit_count() != 1)

    return ease


def _fit(table: Pool, found: Mapping[int, Choice], view: Outlook | None, seed: int) -> Fit | None:
    if view is None:
        return None
    sizes = [size for size in table.batch_sizes if size in found]
    columns = [table.batch_sizes.index(size) for size in sizes]
    drawn = view.steps.log_steps[:, columns]
    # Where runs missed, the mean of those that arrived is of the lucky ones: the posterior's stands in.
    late = drawn.mean(axis=0)
    logs = [math.log(found[size].steps) for size in sizes]
    arrived = [found[size].reached == found[size].seeds for size in sizes]
    runs, missed = chosen_log_steps(table, found), chosen_missed(table, found)
    s_min, b_crit = likeliest_curve(table.batch_sizes, runs, seed=seed, missed=missed)
    off = np.where(arrived, logs, late) - np.log(s_min * (1 + b_crit / np.array(sizes)))
    residual = float(np.sqrt(np.average(off**2, weights=1 / drawn.var(axis=0))))
    return Fit(
        s_min=s_min,
        b_crit=b_crit,
        e_min=s_min * b_crit,
        interval=_wider(_intervals(s_min, b_crit, view), _resampled(table, sizes, seed)),
        rms_log_residual=residual,
        lack_of_fit=_misfit(table, sizes, found, residual),
    )


def _intervals(s_min: float, b_crit: float, view: Outlook) -> dict[str, tuple[float, float]]:
    """Of the curve's constants; open where B_crit is bounded by the range that was searched alone."""
    least, most = _around(s_min, view.steps.s_min)
    low, high = _around(b_crit, view.steps.b_crit)
    if high > max(view.batch_sizes) * REACH / _EDGE:
        least, high = 0.0, math.inf
    if low < min(view.batch_sizes) / REACH * _EDGE:
        low = 0.0
    return {"s_min": (least, most), "b_crit": (low, high)}


def _resampled(table: Pool, sizes: Sequence[int], seed: int) -> ScalingFit | None:
    """Fits to resamples of the seeds, the learning rate chosen anew in each; `None`: there are too few.

    The posterior takes the chosen learning rates as given; this is the doubt of choosing them.
    """
    drawn = resampled_log_steps(table, resamples(len(table.seeds), RESAMPLES, seed))
    columns = [table.batch_sizes.index(size) for size in sizes]
    whole = drawn[np.isfinite(drawn[:, columns]).all(axis=1)][:, columns]
    return fit_scaling(sizes, np.exp(whole)) if len(whole) > RESAMPLES // 2 else None


def _wider(
    interval: dict[str, tuple[float, float]], many: ScalingFit | None
) -> dict[str, tuple[float, float]]:
    """The intervals, widened to those of the resamples where these reach further."""
    if many is None:
        return interval
    ends = {"s_min": _ends(many.s_min), "b_crit": _ends(many.b_crit)}
    return {
        name: (min(low, ends[name][0]), max(high, ends[name][1])) for name, (low, high) in interval.items()
    }


def _around(point: float, draws: Array) -> tuple[float, float]:
    """The 95 % interval of the draws; the point lies in it, whatever the priors say."""
    low, high = _ends(draws)
    return min(low, point), max(high, point)


def _misfit(table: Pool, sizes: Sequence[int], found: Mapping[int, Choice], residual: float) -> str | None:
    steps = np.exp(chosen_log_steps(table, found))[:, [table.batch_sizes.index(size) for size in sizes]]
    if len(sizes) < 3 or len(steps) < 2:
        return None
    test = lack_of_fit(sizes, steps)
    if not (test.p_value < _SMALL_P and residual > _SMALL_RESIDUAL):
        return None
    return (
        f"The steps lie {units.percent(residual)} off the curve, more than the seeds' scatter explains "
        f"(p = {test.p_value:.1g}); trust the measured sizes, not B_crit."
    )
