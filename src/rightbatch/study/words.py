"""The recommendation in words: every sentence is computed from the runs."""

import math

import numpy as np

from rightbatch import units
from rightbatch.stats.cliff import Cliff
from rightbatch.stats.steptime import StepTime
from rightbatch.study.advice import TOLERATED, Advice
from rightbatch.study.pool import Choice
from rightbatch.study.recommend import Analysis, Fit, Size

_PLACES = 1000
"""Batch sizes among which the best by the two curves is looked for: less than a per cent apart."""


def recommendation_sentence(size: Size) -> str:
    """What to do, in one sentence."""
    return f"Train with batch size {size.batch_size:,} and learning rate {units.plain(size.lr)}."


def reasons(analysis: Analysis, target: str) -> list[str]:
    """Why: the recommended size, its competitors, and the critical batch size."""
    best = analysis.recommended
    if best is None:
        return []
    smaller, larger = _rival(analysis, best, smaller=True), _rival(analysis, best, smaller=False)
    reaches = (
        f"Batch size {best.batch_size:,} reaches {target} in {units.seconds(best.seconds)}: "
        f"{units.count(best.steps)} steps of {units.seconds(best.seconds_per_step)}."
    )
    return [
        reaches,
        *_passed_over(analysis, best),
        *([] if smaller is None else [_smaller(best, smaller)]),
        *([] if larger is None else [_larger(best, larger)]),
        *([] if analysis.fit is None else [_critical(analysis.fit, analysis)]),
    ]


def advised(advice: Advice, best: Size) -> list[str]:
    """How far the learning rate may be off, what accumulation would bring, and when the study has paid."""
    low, high = advice.rates
    said = []
    if low < high:
        said.append(
            f"Learning rates from {units.plain(low)} to {units.plain(high)} take at most "
            f"{units.percent(TOLERATED - 1)} more steps."
        )
    split, pays = advice.accumulation, advice.break_even
    if split is not None:
        said.append(
            f"Batch size {split.batch_size:,} would be the fastest, but needs more memory than the limit; "
            f"accumulated from {split.steps} micro-batches of {split.micro_batch:,} it takes "
            f"{units.seconds(split.seconds_to_target)} instead of {units.seconds(best.seconds)}."
        )
    if pays is not None:
        said.append(
            f"Against batch size {pays.against} at its best learning rate it saves "
            f"{units.seconds(pays.saves_seconds)} a training; the study pays after "
            f"{units.plural(pays.trainings, 'training')} to this target."
        )
    return said


def would_change_if(analysis: Analysis, target: str) -> list[str]:
    """What would lead to another recommendation."""
    best = analysis.recommended
    if best is None:
        return []
    said = []
    if analysis.step_time is not None:
        costlier = _fastest_with(analysis, analysis.step_time, best, fixed_cost=10)
        if costlier.batch_size != best.batch_size:
            said.append(
                f"If a step's fixed cost were ten times as large (a slower loop, a network, an accelerator "
                f"that small batches do not fill), batch size {costlier.batch_size:,} would be fastest."
            )
        cheaper = _fastest_with(analysis, analysis.step_time, best, fixed_cost=0.1)
        if cheaper.batch_size != best.batch_size:
            said.append(
                f"If a step's fixed cost were a tenth (a larger model, a faster loop), "
                f"batch size {cheaper.batch_size:,} would be fastest."
            )
    if analysis.cliff is not None and 0 < analysis.cliff.at < math.inf:
        said.append(
            f"Beyond batch size {units.count(_last_reached(analysis, analysis.cliff))} most runs no longer "
            f"reach {target}; for an easier target larger batches would."
        )
    said.append(
        f"The critical batch size usually grows as training goes on: for a harder target than {target}, "
        "expect a larger batch to be fastest."
    )
    return said


def _rival(analysis: Analysis, best: Size, *, smaller: bool) -> Size | None:
    """The nearest size on one side that takes clearly longer: at least 1.5 times."""
    reached = [s for s in analysis.sizes if s.choice is not None]
    side = [s for s in reached if (s.batch_size < best.batch_size) == smaller and s is not best]
    slow = [s for s in side if s.seconds >= 1.5 * best.seconds]
    return min(slow, key=lambda s: abs(s.batch_size - best.batch_size), default=None)


def missed_runs(choice: Choice) -> str:
    """How many of the runs at a batch size missed the target."""
    missed = choice.seeds - choice.reached
    return f"{missed} of {units.plural(choice.seeds, 'run')} missed the target"


def _passed_over(analysis: Analysis, best: Size) -> list[str]:
    """The fastest size by the runs that arrived, where too few did for it to be recommended."""
    failing = (size for size in analysis.sizes if size.choice is not None and size.choice.fails)
    fastest = min(failing, key=lambda size: size.seconds, default=best)
    if fastest.choice is None or fastest.seconds >= best.seconds:
        return []
    would_take = f"Batch size {fastest.batch_size:,} would take {units.seconds(fastest.seconds)}"
    return [f"{would_take}, but {missed_runs(fastest.choice)}."]


def _smaller(best: Size, rival: Size) -> str:
    return (
        f"{_slower(best, rival)}: a step costs {units.seconds(rival.seconds_per_step)}, "
        f"and it needs {units.count(rival.steps)} of them."
    )


def _larger(best: Size, rival: Size) -> str:
    saved, join = ("it saves steps", "but") if rival.steps < best.steps else ("it saves no steps", "and")
    return (
        f"{_slower(best, rival)}: {saved} ({units.count(rival.steps)} instead of "
        f"{units.count(best.steps)}), {join} each costs {units.seconds(rival.seconds_per_step)}."
    )


def _slower(best: Size, rival: Size) -> str:
    return f"Batch size {rival.batch_size:,} takes {units.times(rival.seconds / best.seconds)} as long"


def _critical(fit: Fit, analysis: Analysis) -> str:
    if fit.lack_of_fit is not None:
        return fit.lack_of_fit
    if fit.b_crit < 1:
        return (
            "The critical batch size is below 1 for this target: more samples in a batch save hardly any "
            "steps, at any batch size."
        )
    said = (
        f"The critical batch size is {units.count(fit.b_crit)} for this target: well below it, twice the "
        "batch halves the steps; well above it, more samples in a batch save hardly any."
    )
    curve, rows = analysis.step_curve, max(size.batch_size for size in analysis.sizes)
    if curve is None:
        return said
    best = curve.best_batch(fit.b_crit, np.unique(np.geomspace(1, rows, _PLACES).round()))
    if best >= rows:
        return said
    return f"{said} With the cost of a step, it puts the fastest batch size at about {units.count(best)}."


def _last_reached(analysis: Analysis, cliff: Cliff) -> float:
    """The largest size before the cliff that surely reaches the target, or that did, where few runs tell."""
    reached = (size.batch_size for size in analysis.sizes if size.choice is not None)
    return cliff.low or max(size for size in reached if size < cliff.at)


def _fastest_with(analysis: Analysis, step_time: StepTime, best: Size, *, fixed_cost: float) -> Size:
    """The fastest that may be recommended if the fixed cost of a step were a multiple of what it is."""
    reached = [s for s in analysis.sizes if s.choice is not None and not s.choice.fails]

    def seconds(size: Size) -> float:
        # In proportion, not as a difference: a measured step may be shorter than the line's fixed cost.
        per_sample = step_time.b * size.batch_size
        return size.seconds * (fixed_cost * step_time.a + per_sample) / (step_time.a + per_sample)

    return min(reached, key=seconds, default=best)
