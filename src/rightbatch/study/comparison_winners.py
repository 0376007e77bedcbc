"""Who wins: the fastest, the smallest in memory and the best, each said in a sentence."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from rightbatch import units
from rightbatch.learners.metrics import METRICS
from rightbatch.study.comparison import METRIC, Compared

_ALIKE = 0.01
"""Two that differ by a smaller share are called alike."""


_SLOWER = 1.05
"""A ratio below it would be written as 1."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Winner:
    """The method that is best in one respect."""

    respect: str
    """``"speed"``, ``"memory"`` or ``"quality"``."""
    method: str | None
    """Its name; `None`: there is none, and the sentence says why."""
    alike: list[str]
    """Others that cannot be told from it."""
    value: str
    """The number that decided, as people read it; empty where there is none."""
    sentence: str


def winners(compared: Sequence[Compared], task: str, validation_rows: int, y_scale: float) -> list[Winner]:
    """The winner for speed, for memory and for quality.

    Args:
        compared: the methods, trained; at least two.
        task: ``"regression"`` or ``"classification"``.
        validation_rows: how many rows the validation metric is a mean of.
        y_scale: the label's own units in one of the units trained in.
    """
    return [_speed(compared), _memory(compared), _quality(compared, task, validation_rows, y_scale)]


def _speed(compared: Sequence[Compared]) -> Winner:
    ranked = sorted((one for one in compared if one.seconds is not None), key=_seconds)
    if not ranked:
        instead = "write a smaller learning rate" if _all_diverged(compared) else "give them more epochs"
        said = f"None of the methods converged, so there is no winner for speed; {instead}.{_never(compared)}"
        return Winner(respect="speed", method=None, alike=[], value="", sentence=said)
    best, others = ranked[0], ranked[1:]
    alike = [one.method.name for one in others if _fastest(one) <= _slowest(best)]
    value = units.seconds(best.seconds)
    said = (
        f"{units.capital(best.method.name)} is the fastest: it converges in {value}, "
        f"{_updates(best)} of {units.seconds(best.seconds_per_update)}"
    )
    if others:
        said += f"; {others[0].method.name}, the next, takes {_ratio(_seconds(others[0]) / _seconds(best))}"
    doubt = " In other orders of the rows it may be otherwise: this is close." if alike else ""
    return Winner(
        respect="speed",
        method=best.method.name,
        alike=alike,
        value=value,
        sentence=f"{said}.{doubt}{_never(compared)}",
    )


def _memory(compared: Sequence[Compared]) -> Winner:
    least = min(one.memory_bytes for one in compared)
    near = [one for one in compared if one.memory_bytes <= least * (1 + _ALIKE)]
    best, alike = near[0], [one.method.name for one in near[1:]]
    value = units.size(best.memory_bytes)
    named = units.capital(units.listed([best.method.name, *alike]))
    said = f"{named} take{'' if alike else 's'} the least memory beyond the data, {value}"
    most = max(compared, key=lambda one: one.memory_bytes)
    if most not in near:
        said += f"; {most.method.name} takes the most, {units.size(most.memory_bytes)}"
    return Winner(respect="memory", method=best.method.name, alike=alike, value=value, sentence=f"{said}.")


def _quality(compared: Sequence[Compared], task: str, rows: int, y_scale: float) -> Winner:
    name = METRIC[task]
    higher = METRICS[name].better == "higher"
    finished = [one for one in compared if one.track.diverged is None]
    if not finished:
        said = "Every method diverged, so there is no winner for quality; write a smaller learning rate."
        return Winner(respect="quality", method=None, alike=[], value="", sentence=said)
    scale = 1.0 if higher else y_scale
    start = compared[0].track.scores[f"val_{name}"][0] * scale

    def score(one: Compared) -> float:
        return one.track.scores[f"val_{name}"][-1] * scale

    ranked = sorted(finished, key=score, reverse=higher)
    best, others = ranked[0], ranked[1:]
    near = _near(score(best), rows, start, task)
    alike = [one.method.name for one in others if near(score(one))]
    value = units.plain(_zero(score(best), start))
    said = f"{units.capital(best.method.name)} ends with the best val_{name}, {value}"
    apart = [one for one in others if one.method.name not in alike]
    if alike:
        said += f", but {units.listed(alike)} cannot be told from it ({_why(task)})"
    if apart:
        said += f"; {apart[-1].method.name} ends with {units.plain(score(apart[-1]))}"
    return Winner(respect="quality", method=best.method.name, alike=alike, value=value, sentence=f"{said}.")


def _near(best: float, rows: int, start: float, task: str) -> Callable[[float], bool]:
    """Whether a score cannot be told from the best: by its standard error, or one per cent."""
    if task == "classification":
        error = math.sqrt(max(best * (1 - best), 1 / rows) / rows)
        return lambda value: best - value <= math.sqrt(2) * error
    return lambda value: value <= best * (1 + _ALIKE) or value <= _ROUNDING * start


_ROUNDING = 1e-5
"""Share of the starting error below which float32 decides, not the method."""


def _zero(value: float, start: float) -> float:
    return 0.0 if abs(value) <= _ROUNDING * start else value


def _why(task: str) -> str:
    return "less than a standard error apart" if task == "classification" else "less than 1 % apart"


def _never(compared: Sequence[Compared]) -> str:
    missed = [one.method.name for one in compared if one.updates is None and one.track.diverged is None]
    diverged = [one.method.name for one in compared if one.track.diverged is not None]
    said = f" Not converged: {units.listed(missed)}." if missed else ""
    return said + (f" Diverged: {units.listed(diverged)}." if diverged else "")


def _all_diverged(compared: Sequence[Compared]) -> bool:
    return all(one.track.diverged is not None for one in compared)


def _seconds(one: Compared) -> float:
    return math.inf if one.seconds is None else one.seconds


def _fastest(one: Compared) -> float:
    return min(count for count in one.orders if count is not None) * one.seconds_per_update


def _slowest(one: Compared) -> float:
    return max(math.inf if count is None else count for count in one.orders) * one.seconds_per_update


def _updates(one: Compared) -> str:
    return units.plural(one.updates or 0, "update")


def _ratio(ratio: float) -> str:
    """How long, as a multiple; nobody says 1 times."""
    return f"{units.times(ratio)} as long" if ratio >= _SLOWER else "about as long"
