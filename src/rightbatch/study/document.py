"""The study's document: everything that is shown, as JSON can hold it, made from the store alone."""

import math
from collections.abc import Mapping
from dataclasses import asdict, replace
from typing import Any, NamedTuple

import numpy as np

from rightbatch import units
from rightbatch.measure.clock import Timing
from rightbatch.records import Outcome
from rightbatch.stats.cliff import Cliff
from rightbatch.stats.stepcurve import StepCurve
from rightbatch.study.advice import Advice, accumulation, break_even, tolerated_rates
from rightbatch.study.costs import memory_of, recent, too_large
from rightbatch.study.document_rates import rate_law
from rightbatch.study.doubts import doubts
from rightbatch.study.generalisation import compared
from rightbatch.study.grid import lr_at
from rightbatch.study.pool import Pool, pool
from rightbatch.study.quick import quick_recommendation
from rightbatch.study.recommend import Analysis, Fit, Size, analyse
from rightbatch.study.settings import method_of
from rightbatch.study.store import Store
from rightbatch.study.subject import Run
from rightbatch.study.words import (
    advised,
    missed_runs,
    reasons,
    recommendation_sentence,
    would_change_if,
)

SCHEMA = 1
"""Version of the document; raised when a key changes its meaning or goes."""

_PLACES = 100
"""Batch sizes at which a curve is told."""


def document_of(
    store: Store, *, version: str, prefer: str = "fastest", memory_limit: int | None = None
) -> dict[str, Any]:
    """The document of a study, finished or not.

    Args:
        store: the study.
        version: of rightbatch.
        prefer: which batch size to choose among those within 5 % of the fastest.
        memory_limit: bytes that training may take; `None`: no limit.

    Returns:
        Keys ``data``, ``settings``, ``target``, ``doubts``, ``recommendation``, ``fit``, ``step_time``,
        ``learning_rate_law``, ``cliff``, ``largest_that_fits``, ``batch_sizes`` (one object a size),
        ``curves``, ``stopped``, ``cost`` and ``machine``.
    """
    about = store.fact("about")
    settings = store.fact("settings")
    target = store.fact("target")
    memory = memory_of(store)
    runs, timings = store.runs(), recent(store)
    table = pool(runs, settings["batch_sizes"])
    large = too_large(store, settings["batch_sizes"])
    asked = {"prefer": prefer, "memory_limit": memory_limit, "seed": settings["seed"]}
    analysis = analyse(table, timings, memory, **asked, too_large=large)
    quick = store.fact("quick")
    analysis = analysis if quick is None else _foretold(analysis, dict(quick["steps"]))
    context = _Context(runs, timings, memory, about["data"]["train"], memory_limit, large, target)
    rows = [_row(size, context) for size in analysis.sizes]
    return {
        "schema": SCHEMA,
        "version": version,
        "data": about["data"],
        "settings": _settings(settings, prefer, memory_limit, store.fact("budget")),
        "target": target,
        "doubts": doubts(about["data"], target, analysis.sizes, runs),
        "noise_scale": _noise_scale(store.fact("noise")),
        "recommendation": _recommendation(
            analysis,
            units.target(target["text"]),
            quick,
            _advice(analysis, table, context, store.fact("seconds")),
        ),
        "generalisation": _generalisation(store, analysis),
        "fit": None if analysis.fit is None else _fit(analysis.fit),
        "step_time": _step_time(analysis, timings)
        | {"drift": store.fact("drift"), "timed_anew": store.fact("timed_anew")},
        "learning_rate_law": rate_law({size.batch_size: size.lr for size in analysis.sizes}),
        "cliff": None if analysis.cliff is None else _cliff(analysis.cliff),
        "largest_that_fits": _largest(context),
        "batch_sizes": rows,
        "curves": [curve for size in analysis.sizes for curve in _curves(size, runs)],
        "stopped": store.fact("stopped"),
        "cost": {"seconds": store.fact("seconds"), "runs": len(runs), "samples": _samples(runs)},
        "machine": about["machine"],
    }


def _noise_scale(found: Mapping[str, Any] | None) -> dict[str, Any] | None:
    """What was measured along the run; `None` for an end that is open, or a quarter too noisy to tell."""
    if not found:
        return None
    quarters = [
        dict(zip(("step", "value", "low", "high"), map(_finite, quarter), strict=True))
        for quarter in found.get("quarters", ())
    ]
    return {**found, "high": _finite(found["high"]), "quarters": quarters}


def _largest(context: "_Context") -> dict[str, Any] | None:
    """The largest size that was run through and is within the limit; `None`: no memory was measured."""
    limit = math.inf if context.limit is None else context.limit
    fits = {size: used for size, used in context.memory.items() if used <= limit}
    size = max(fits, default=None)
    return None if size is None else {"batch_size": size, "memory_bytes": fits[size]}


def _generalisation(store: Store, analysis: Analysis) -> dict[str, Any] | None:
    found, best = store.fact("generalisation"), analysis.recommended
    return None if not found or best is None else compared(found, best.batch_size)


class _Context(NamedTuple):
    """What a row of the table is made from."""

    runs: list[Run]
    timings: list[Timing]
    memory: Mapping[int, int]
    rows: int
    limit: int | None
    too_large: Mapping[int, str]
    target: Mapping[str, Any]


def _settings(
    asked: Mapping[str, Any], prefer: str, memory_limit: int | None, budget: float | None
) -> dict[str, Any]:
    runs = {key: value for key, value in asked.items() if key not in {"data", "target"}}
    return {**runs, "prefer": prefer, "memory_limit_bytes": memory_limit, "budget_seconds": budget}


def _samples(runs: list[Run]) -> int:
    return sum(run.steps * run.batch_size for run in runs)


def _foretold(analysis: Analysis, steps: Mapping[int, float]) -> Analysis:
    """The analysis with the steps that a quick answer foretells at sizes that were not run."""
    sizes = [replace(size, estimate=size.estimate or steps[size.batch_size]) for size in analysis.sizes]
    return replace(analysis, sizes=tuple(sizes))


def _advice(analysis: Analysis, table: Pool, context: "_Context", spent: float | None) -> Advice | None:
    """What goes with the recommended size."""
    best = analysis.recommended
    if best is None or best.choice is None:
        return None
    fits = [
        size
        for size in analysis.sizes
        if size.batch_size not in context.too_large
        and (context.limit is None or context.memory.get(size.batch_size, 0) <= context.limit)
    ]
    fastest = min(analysis.sizes, key=lambda size: size.seconds)
    seconds = {size.batch_size: size.seconds for size in analysis.sizes if size.choice is not None}
    return Advice(
        rates=tolerated_rates(table, best.batch_size, best.choice),
        accumulation=None
        if fastest in fits
        else accumulation(
            fastest.batch_size,
            [size.batch_size for size in fits],
            fastest.steps,
            {size.batch_size: size.seconds_per_step for size in fits},
        ),
        break_even=break_even(seconds, best.batch_size, spent or 0.0),
    )


def _recommendation(
    analysis: Analysis, target: str, quick: Mapping[str, Any] | None, advice: Advice | None
) -> dict[str, Any] | None:
    if quick is not None:
        return quick_recommendation(quick, target)
    size = analysis.recommended
    if size is None or advice is None:
        return None
    return {
        "estimate": False,
        "batch_size": size.batch_size,
        "learning_rate": size.lr,
        "learning_rate_range": list(advice.rates),
        "interval": _interval(analysis.interval),
        "within_5_percent": list(analysis.within),
        "regret": analysis.regret,
        "seconds_to_target": size.seconds,
        "sentence": recommendation_sentence(size),
        "accumulation": None if advice.accumulation is None else asdict(advice.accumulation),
        "break_even": None if advice.break_even is None else asdict(advice.break_even),
        "reasons": [*reasons(analysis, target), *advised(advice, size)],
        "would_change_if": would_change_if(analysis, target),
    }


def _fit(fit: Fit) -> dict[str, Any]:
    return {
        "s_min": fit.s_min,
        "b_crit": fit.b_crit,
        "e_min": fit.e_min,
        "interval": {name: _interval(ends) for name, ends in fit.interval.items()},
        "rms_log_residual": fit.rms_log_residual,
        "lack_of_fit": fit.lack_of_fit,
    }


def _step_time(analysis: Analysis, timings: list[Timing]) -> dict[str, Any]:
    time, curve = analysis.step_time, analysis.step_curve
    points: dict[int, list[float]] = {}
    for timing in timings:
        points.setdefault(timing.batch_size, []).append(timing.seconds)
    return {
        "a": None if time is None else time.a,
        "b": None if time is None else time.b,
        "rms_log_residual": None if time is None else time.rms_log_residual,
        "form": None if curve is None else curve.kind,
        "held_out_error": None if curve is None else _finite(curve.error),
        "curve": None if curve is None or curve.kind == "affine" else _step_curve(curve),
        "points": [{"batch_size": size, "seconds": seconds} for size, seconds in sorted(points.items())],
    }


def _step_curve(curve: StepCurve) -> dict[str, list[float]]:
    """The form that foretells best, where it is not the line."""
    sizes = np.geomspace(curve.batch_sizes[0], curve.batch_sizes[-1], _PLACES)
    return {"batch_size": sizes.tolist(), "seconds": curve.predict(sizes).tolist()}


def _cliff(cliff: Cliff) -> dict[str, float | None]:
    return {"at": _finite(cliff.at), "low": cliff.low or None, "high": _finite(cliff.high)}


def _row(size: Size, context: _Context) -> dict[str, Any]:
    runs = [run for run in context.runs if run.batch_size == size.batch_size]
    used = context.memory.get(size.batch_size)
    best = [run for run in runs if size.choice is not None and run.point == size.choice.point]
    return {
        "batch_size": size.batch_size,
        "method": method_of(size.batch_size, context.rows),
        "learning_rate": size.lr,
        "seconds_per_step": size.seconds_per_step,
        "seconds_per_epoch": size.seconds_per_step * math.ceil(context.rows / size.batch_size),
        "memory_bytes": used,
        "steps_to_target": _finite(size.steps),
        "steps_measured": None if size.choice is None else size.choice.steps,
        "steps_interval": _interval(size.steps_interval),
        "examples_to_target": _finite(size.examples),
        "seconds_to_target": _finite(size.seconds),
        "seconds_interval": _interval(size.seconds_interval),
        "final_metric": _finite(float(np.mean([run.curve[-1] for run in best]))) if best else None,
        "reached": size.choice is not None,
        "foretold_steps": None if runs else size.estimate,
        "runs": len(runs),
        "seeds_reached": 0 if size.choice is None else size.choice.reached,
        "seeds_missed": 0 if size.choice is None else size.choice.seeds - size.choice.reached,
        "misses_too_often": size.choice is not None and size.choice.fails,
        "note": _note(size, runs, used, context),
        "learning_rates": _learning_rates(runs),
    }


def _note(size: Size, runs: list[Run], used: int | None, context: _Context) -> str:
    limit = context.limit
    if size.batch_size in context.too_large:
        return f"does not fit in memory ({context.too_large[size.batch_size]})"
    if limit is not None and used is not None and used > limit:
        return f"needs {used:,} bytes, above the memory limit"
    if not runs:
        return "not run" if size.estimate is None else ""
    if size.choice is None:
        longest = max(
            (run for run in runs if run.outcome is not Outcome.DIVERGED), key=lambda r: r.steps, default=None
        )
        return (
            "diverged at every learning rate" if longest is None else longest.reason + _nearest(runs, context)
        )
    return f"{missed_runs(size.choice)} with the best learning rate" if size.choice.fails else ""


def _nearest(runs: list[Run], context: _Context) -> str:
    """How near the target a run came that did not reach it, so that one that can be reached is chosen."""
    found = [value for run in runs for value in run.curve if math.isfinite(value)]
    if not found:
        return ""
    nearest = min(found) if "<=" in context.target["text"] else max(found)
    return f"; the nearest was {context.target['metric']} {units.plain(nearest)}"


def _learning_rates(runs: list[Run]) -> list[dict[str, Any]]:
    rows = []
    for point in sorted({run.point for run in runs}):
        here = [run for run in runs if run.point == point]
        steps = [run.steps_to_target for run in here if run.steps_to_target is not None]
        missed = [run.outcome.value for run in here if run.steps_to_target is None]
        rows.append(
            {
                "learning_rate": lr_at(point),
                "steps_to_target": float(np.exp(np.mean(np.log(steps)))) if steps else None,
                "reached": len(steps),
                "runs": len(here),
                "outcome": Outcome.REACHED.value if steps else missed[0],
            }
        )
    return rows


def _curves(size: Size, runs: list[Run]) -> list[dict[str, Any]]:
    """The first seed's curve at the best learning rate."""
    if size.choice is None:
        return []
    here = [run for run in runs if run.batch_size == size.batch_size and run.point == size.choice.point]
    first = min(here, key=lambda run: run.seed)
    return [
        {
            "batch_size": size.batch_size,
            "seed": first.seed,
            "learning_rate": first.lr,
            "samples": [step * size.batch_size for step in first.curve_steps],
            "metric": [_finite(value) for value in first.curve],
        }
    ]


def _interval(ends: tuple[float, float] | None) -> list[float | None] | None:
    """Both ends, `None` for one that is open; nothing at all where both are."""
    known = [end if 0 < end < math.inf else None for end in ends or ()]
    return known if any(known) else None


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None
