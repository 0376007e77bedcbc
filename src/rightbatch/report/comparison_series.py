"""What the charts of a comparison show, as plain numbers: document -> series."""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from rightbatch import units
from rightbatch.report import palette
from rightbatch.report.document import Document

_DASHES = ("solid", "dash", "dot", "dashdot")
_ENDS = ("circle", "square", "diamond", "triangle", "pentagon", "hexagon")

FLOOR = 1e-8
"""Share of the starting loss below which the chart shows nothing: there float32 rounds."""

_ABOVE = 3.0
"""Losses higher than this many times the start, of a run that diverges, are off the chart."""

_FAR_ABOVE = 1000.0
"""As much where every run diverges: then that is what there is to see."""


LEAST_RATIO, MOST_RATIO = 1e-3, 1e2
"""Ratios of a batch's loss to that of all rows beyond which the boxes are cut."""


@dataclass(frozen=True, slots=True)
class Look:
    """How a method is drawn, in every chart."""

    colour: str
    dash: str
    end: str
    """Shape of the head of its path."""


@dataclass(frozen=True, slots=True)
class Clock:
    """A way to count how far a training is."""

    name: str
    """As the switch has it."""
    title: str
    """Of the axis."""
    per_update: list[float]
    """What one update of each method counts."""
    written: units.Written


@dataclass(frozen=True, slots=True)
class Curve:
    """The training loss of one method at its marks, the start included."""

    name: str
    updates: list[int]
    loss: list[float | None]
    diverged: int | None
    converged: tuple[int, float] | None
    """Update and loss at which this run converged."""


@dataclass(frozen=True, slots=True)
class Noise:
    """The loss of the batches of one method over that of all rows."""

    name: str
    batch_size: int
    quantiles: list[float]
    spread: float


def looks(methods: int) -> list[Look]:
    """One look a method: a colour, and the next kind of dash where the colours begin again.

    Example:
        >>> [look.dash for look in looks(8)][-3:]
        ['solid', 'dash', 'dash']
    """
    colours = len(palette.METHODS)
    return [
        Look(
            palette.METHODS[number % colours],
            _DASHES[number // colours % len(_DASHES)],
            _ENDS[number % len(_ENDS)],
        )
        for number in range(methods)
    ]


def clocks(document: Document) -> list[Clock]:
    """Epochs, updates and seconds."""
    methods = document["methods"]
    return [
        Clock("epochs", "epochs", [1 / method["updates_per_epoch"] for method in methods], units.plain),
        Clock("updates", "updates", [1.0 for _ in methods], units.count),
        Clock("seconds", "time", [method["seconds_per_update"] for method in methods], units.seconds),
    ]


def curves(document: Document) -> list[Curve]:
    """The training loss of every method."""
    return [_curve(method) for method in document["methods"]]


def noises(document: Document) -> list[Noise]:
    """The noise of every method whose losses can be compared."""
    return [
        Noise(
            method["name"],
            method["batch_size"],
            list(method["noise"]["quantiles"]),
            method["noise"]["spread"],
        )
        for method in document["methods"]
        if method["noise"] is not None
    ]


def loss_range(document: Document) -> tuple[float, float]:
    """The losses that the chart shows: from the least to the start; what diverges leaves it."""
    start = document["convergence"]["start"]
    seen = [value for curve in curves(document) for value in curve.loss if value]
    low = max(min([*seen, document["convergence"]["loss"]]), FLOOR * start)
    settled = [value for curve in curves(document) if curve.diverged is None for value in curve.loss if value]
    return low, min(max([*settled, start]), _ABOVE * start) if settled else _FAR_ABOVE * start


def reach(document: Document, clock: Clock) -> list[float]:
    """The first and the last moment of all methods by a clock, the start left out."""
    pairs = zip(document["methods"], clock.per_update, strict=True)
    moments = [update * per for method, per in pairs for update in method["curve"]["updates"][1:]]
    return [min(moments), max(moments)]


def heights(landscape: Mapping[str, Any], least: float) -> tuple[list[list[float | None]], float, float]:
    """Doublings of the loss above the least one, on the grid; the lowest and the highest to be drawn."""
    lowest = min([least, *_known(value for row in landscape["loss"] for value in row)])
    excess = [[None if value is None else value - lowest for value in row] for row in landscape["loss"]]
    positive = [value for value in _known(value for row in excess for value in row) if value > 0]
    floor = max(min(positive), max(positive) * 2.0**-_LINES)
    drawn = [[None if value is None else math.log2(max(value, floor)) for value in row] for row in excess]
    top = math.log2(_quantile(positive, _TOP))
    return drawn, math.ceil(math.log2(floor)), math.floor(top)


_LINES = 14
"""Doublings between the valley and the heights, at most: lines closer than that run together."""

_TOP = 0.98


def _curve(method: Mapping[str, Any]) -> Curve:
    curve, met = method["curve"], None
    if method["converged"] is not None and method["converged"]["orders"][0] is not None:
        update = method["converged"]["orders"][0]
        near = min(range(len(curve["updates"])), key=lambda place: abs(curve["updates"][place] - update))
        met = (curve["updates"][near], curve["loss"][near])
    return Curve(method["name"], list(curve["updates"]), list(curve["loss"]), method["diverged"], met)


def _known(values: Iterable[float | None]) -> list[float]:
    return [value for value in values if value is not None and math.isfinite(value)]


def _quantile(values: Sequence[float], share: float) -> float:
    return sorted(values)[min(int(share * len(values)), len(values) - 1)]
