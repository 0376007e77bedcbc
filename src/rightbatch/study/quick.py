"""The quick answer: a batch size from the cost of a step and the noise scale of one tuned run.

No batch size but one is trained, so this is an estimate: the noise scale stands for B_crit, which it
often misses by a factor of two and sometimes by more (docs/science.md).
"""

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from rightbatch import units
from rightbatch.records import Array
from rightbatch.stats.pace import paced
from rightbatch.stats.steptime import best_batch, fit_step_time
from rightbatch.study.grid import lr_at
from rightbatch.study.noise import RunNoise
from rightbatch.study.subject import Run

WRONG_BY = 4.0
"""Of 30 tasks, the noise scale was within this factor of B_crit on 24 (bench/noise_along.py)."""

_ALIKE = 1.05

_DOUBT = (
    "The noise scale is the critical batch size only roughly: it may be "
    f"{WRONG_BY:g} times as small or as large."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Estimate:
    """A recommendation without the runs that would make sure of it."""

    batch_size: int
    learning_rate: float
    ideal: float
    """B* = sqrt((a/b) B_crit), between the sizes; infinite: a sample costs nothing."""
    interval: tuple[int, int]
    """The sizes that would be the fastest if B_crit were `WRONG_BY` times smaller or larger."""
    within: tuple[int, ...]
    """Sizes that would take at most 5 % more seconds than this one."""
    steps: Mapping[int, float]
    """Steps to target foretold at every size, S(B) = S_min (1 + B_crit/B)."""
    seconds_to_target: float
    too_large: int | None = None
    """The size that would be faster, but needs more memory than there is; `None`: none would."""


def estimate(
    batch_sizes: Sequence[int],
    rounds: Array,
    run: Run,
    noise: RunNoise,
    *,
    law: float,
    fits: Collection[int] | None = None,
) -> Estimate:
    """The fastest batch size, if the noise scale is B_crit.

    Args:
        batch_sizes: all sizes.
        rounds: seconds per step, `(rounds, sizes)`.
        run: the tuned run; it reached the target.
        noise: the noise scale along it.
        law: the exponent of the learning rate's law, lr(B) ~ (1 + B_crit/B)^-law.
        fits: the sizes to choose from, one at least: those that fit in memory; `None`: all.
    """
    if run.steps_to_target is None:
        raise AssertionError("an estimate needs a run that arrived")
    sizes, seconds = np.asarray(batch_sizes, np.float64), paced(rounds).seconds
    lost = 1 + noise.value / run.batch_size
    steps = run.steps_to_target / lost * (1 + noise.value / sizes)
    needed, open_ = steps * seconds, np.isin(batch_sizes, list(batch_sizes if fits is None else fits))
    best, fastest = int(np.where(open_, needed, np.inf).argmin()), int(needed.argmin())
    factor = (lost / (1 + noise.value / sizes[best])) ** law
    return Estimate(
        batch_size=batch_sizes[best],
        learning_rate=lr_at(run.point + round(2 * math.log2(factor))),
        ideal=best_batch(fit_step_time(sizes, rounds), noise.value) if len(sizes) > 1 else sizes[0],
        interval=_interval(sizes[open_], seconds[open_], noise.value),
        within=tuple(np.asarray(batch_sizes)[open_ & (needed <= _ALIKE * needed[best])].tolist()),
        steps=dict(zip(batch_sizes, steps.tolist(), strict=True)),
        seconds_to_target=float(needed[best]),
        too_large=batch_sizes[fastest] if fastest != best else None,
    )


def as_fact(found: Estimate, noise: RunNoise) -> dict[str, Any]:
    """What the store keeps of it, as JSON can hold it."""
    fact = asdict(found) | {"steps": [[size, steps] for size, steps in found.steps.items()]}
    return fact | {"ideal": found.ideal if math.isfinite(found.ideal) else None, "b_crit": noise.value}


def quick_recommendation(fact: Mapping[str, Any], target: str) -> dict[str, Any]:
    """The document's recommendation, marked as an estimate."""
    size, rate = fact["batch_size"], units.plain(fact["learning_rate"])
    ideal = "" if fact["ideal"] is None else f" With the cost of a step, B* is {units.count(fact['ideal'])}."
    seconds = units.seconds(fact["seconds_to_target"])
    foretold = f"One tuned run and the cost of a step foretell {seconds} to {target}."
    noise = units.count(fact["b_crit"])
    scale = f"The noise scale along that run, {noise}, stands for the critical batch size."
    large = fact.get("too_large")
    beyond = f"Batch size {large:,} is foretold to be faster, but does not fit in memory." if large else ""
    return {
        "estimate": True,
        "batch_size": size,
        "learning_rate": fact["learning_rate"],
        "learning_rate_range": None,
        "accumulation": None,
        "break_even": None,
        "interval": list(fact["interval"]),
        "within_5_percent": list(fact["within"]),
        "regret": None,
        "seconds_to_target": fact["seconds_to_target"],
        "sentence": f"An estimate: train with batch size {size:,} and learning rate {rate}.",
        "reasons": [foretold, f"{scale}{ideal}", *([beyond] if beyond else [])],
        "would_change_if": [_DOUBT],
    }


def _interval(sizes: Array, seconds: Array, b_crit: float) -> tuple[int, int]:
    ends = [
        int(sizes[((1 + b_crit * factor / sizes) * seconds).argmin()]) for factor in (1 / WRONG_BY, WRONG_BY)
    ]
    return ends[0], ends[1]
