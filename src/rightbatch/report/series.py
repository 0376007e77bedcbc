"""What each chart shows, as plain numbers: document -> series.

The drawing (`charts`), the tables beside it (`tables`) and the sentence above it (`words`)
read the same series.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from rightbatch.report.document import Document, Standing, measured, missed, spans, standing

CURVE_POINTS = 60
"""Points of a drawn law; on logarithmic axes a smooth line to the eye."""


@dataclass(frozen=True, slots=True)
class Point:
    """One quantity of one batch size, with its interval where it is known."""

    batch_size: int
    value: float
    low: float | None
    high: float | None
    standing: Standing
    foretold: bool = False
    """Whether the size was not run, and others foretell it."""


@dataclass(frozen=True, slots=True)
class Law:
    """The fit S(B) = S_min(1 + B_crit/B), drawn from end to end, and its doubt."""

    s_min: float
    b_crit: float
    batch_size: list[float]
    value: list[float]
    low: list[float]
    """Empty where an interval of the fit is open below; `high` is empty where one is open above."""
    high: list[float]


@dataclass(frozen=True, slots=True)
class TimeToTarget:
    """T(B), seconds to target."""

    points: list[Point]
    shaded: list[tuple[float, float]]
    """Stretches of the batch-size axis within 5 % of the fastest."""
    missed: list[int]
    """Batch sizes that never reached the target."""
    cliff: float | None = None
    """Beyond it most runs no longer reach the target."""


@dataclass(frozen=True, slots=True)
class StepsToTarget:
    """S(B), steps to target."""

    points: list[Point]
    law: Law | None
    missed: list[int]
    cliff: tuple[float, float | None, float | None] | None = None
    """Beyond it most runs no longer reach the target; with the ends of its interval."""


@dataclass(frozen=True, slots=True)
class StepTime:
    """t(B), seconds per step: every measurement, the line a + bB, and a curve that foretells better."""

    rounds: list[tuple[int, list[float]]]
    """Batch size and its seconds, one per round."""
    seconds: Mapping[int, float]
    """Of every batch size, at the machine's usual pace."""
    line: tuple[float, float] | None
    """a and b; `None` where too few batch sizes were timed for a line."""
    form: str | None = None
    """Of the curve that foretells left-out sizes best."""
    curve: tuple[list[float], list[float]] | None = None
    """Batch sizes and seconds along it; `None`: it is the line."""
    held_out_error: float | None = None
    """How far off it foretells them, as a share."""
    drift: Mapping[str, Any] | None = None
    """``round`` and ``factor``: the machine changed its pace."""
    timed_anew: Mapping[str, Any] | None = None
    """``round``: from it on a size took another multiple of the others' seconds."""


@dataclass(frozen=True, slots=True)
class Curve:
    """The metric of one run against the examples it has seen."""

    batch_size: int
    seed: int
    learning_rate: float
    samples: list[float]
    metric: list[float | None]
    standing: Standing


@dataclass(frozen=True, slots=True)
class Rate:
    """One learning rate of one batch size."""

    batch_size: int
    learning_rate: float
    steps: float | None
    relative: float | None
    """Steps, as a multiple of the best learning rate's of this batch size."""
    reached: int
    runs: int
    outcome: str
    best: bool


@dataclass(frozen=True, slots=True)
class RateLaw:
    """The law of the best learning rates across batch sizes, with its 95 % interval."""

    exponent: float
    exponent_interval: tuple[float, float]
    batch_size: list[float]
    value: list[float]
    low: list[float]
    high: list[float]


def time_to_target(document: Document) -> TimeToTarget:
    """T(B) of every batch size that reached the target."""
    points = _points(document, "seconds_to_target", "seconds_interval", per_step="seconds_per_step")
    near = [point.batch_size for point in points if point.standing in (Standing.RECOMMENDED, Standing.WITHIN)]
    cliff = document["cliff"]
    shaded = spans([point.batch_size for point in points], near)
    return TimeToTarget(points, shaded, _missed(document), None if cliff is None else cliff["at"])


def steps_to_target(document: Document) -> StepsToTarget:
    """S(B) of every batch size that reached the target, and the law fitted to it."""
    points = _points(document, "steps_to_target", "steps_interval")
    fit, cliff = document["fit"], document["cliff"]
    known = (cliff["at"], cliff["low"], cliff["high"]) if cliff and cliff["at"] else None
    return StepsToTarget(points, _law(fit, points) if fit and points else None, _missed(document), known)


def step_time(document: Document) -> StepTime:
    """t(B), with every round of measurement."""
    timing = document["step_time"]
    rounds = [(point["batch_size"], list(point["seconds"])) for point in timing["points"]]
    known = timing["a"] is not None and timing["b"] is not None
    line = (timing["a"], timing["b"]) if known else None
    return StepTime(
        [(size, values) for size, values in rounds if values],
        {row["batch_size"]: row["seconds_per_step"] for row in document["batch_sizes"]},
        line,
        timing["form"],
        None if timing["curve"] is None else (timing["curve"]["batch_size"], timing["curve"]["seconds"]),
        timing["held_out_error"],
        timing["drift"],
        timing["timed_anew"],
    )


def curves(document: Document) -> list[Curve]:
    """The metric against examples, one run per batch size."""
    rows = {row["batch_size"]: row for row in document["batch_sizes"]}
    return [
        Curve(
            curve["batch_size"],
            curve["seed"],
            curve["learning_rate"],
            list(curve["samples"]),
            list(curve["metric"]),
            standing(document, rows[curve["batch_size"]]),
        )
        for curve in document["curves"]
    ]


def learning_rates(document: Document) -> list[Rate]:
    """Every learning rate that was tried, at every batch size."""
    return [rate for row in document["batch_sizes"] for rate in _rates(row)]


def rate_law(document: Document) -> RateLaw | None:
    """The law of the learning rates, at every batch size."""
    law = document["learning_rate_law"]
    if law is None:
        return None
    names = ("batch_size", "learning_rate", "low", "high")
    columns = [[float(row[name]) for row in law["batch_sizes"]] for name in names]
    low, high = law["exponent_interval"]
    return RateLaw(law["exponent"], (low, high), *columns)


def spaced(first: float, last: float) -> list[float]:
    """Batch sizes at which a law is drawn, evenly spread on a logarithmic axis."""
    ratio = (last / first) ** (1 / (CURVE_POINTS - 1))
    return [first * ratio**step for step in range(CURVE_POINTS)]


def _points(document: Document, quantity: str, interval: str, per_step: str = "") -> list[Point]:
    """Measured, and foretold in steps; `per_step`: the key of what one step counts for."""
    known = [
        _point(row, row[quantity], row[interval], standing(document, row))
        for row in measured(document, quantity)
    ]
    guessed = [
        Point(
            row["batch_size"],
            row["foretold_steps"] * (row[per_step] if per_step else 1),
            None,
            None,
            standing(document, row),
            foretold=True,
        )
        for row in document["batch_sizes"]
        if row["foretold_steps"]
    ]
    return sorted([*known, *guessed], key=lambda point: point.batch_size)


def _point(row: Mapping[str, Any], value: float, bounds: list[float] | None, where: Standing) -> Point:
    low, high = bounds or (None, None)
    return Point(row["batch_size"], value, low, high, where)


def _missed(document: Document) -> list[int]:
    return [row["batch_size"] for row in missed(document)]


def _law(fit: Mapping[str, Any], points: list[Point]) -> Law:
    sizes = spaced(points[0].batch_size, points[-1].batch_size)
    ends = fit["interval"] or {"s_min": [fit["s_min"]] * 2, "b_crit": [fit["b_crit"]] * 2}
    # Both ends together, though S_min and B_crit rise and fall against each other: the document
    # has no joint interval, and a band that is too wide is the honest side to err on.
    return Law(
        fit["s_min"],
        fit["b_crit"],
        sizes,
        _hyperbola(fit["s_min"], fit["b_crit"], sizes),
        _edge(ends, 0, sizes),
        _edge(ends, 1, sizes),
    )


def _edge(ends: Mapping[str, Any], side: int, sizes: list[float]) -> list[float]:
    s_min, b_crit = ((ends[name] or (None, None))[side] for name in ("s_min", "b_crit"))
    return [] if s_min is None or b_crit is None else _hyperbola(s_min, b_crit, sizes)


def _hyperbola(s_min: float, b_crit: float, sizes: list[float]) -> list[float]:
    return [s_min * (1 + b_crit / size) for size in sizes]


def _rates(row: Mapping[str, Any]) -> list[Rate]:
    steps = [rate["steps_to_target"] for rate in row["learning_rates"]]
    fewest = min((number for number in steps if number is not None), default=None)
    return [
        Rate(
            row["batch_size"],
            rate["learning_rate"],
            rate["steps_to_target"],
            None if rate["steps_to_target"] is None or not fewest else rate["steps_to_target"] / fewest,
            rate["reached"],
            rate["runs"],
            rate["outcome"],
            row["reached"] and rate["learning_rate"] == row["learning_rate"],
        )
        for rate in row["learning_rates"]
    ]
