"""Axes of the charts, as Plotly's layout has them: a unit on each, logarithmic where ratios matter."""

import math
from typing import Any

from rightbatch import units
from rightbatch.report import palette

TICK_RATIO = 1.6
"""Neighbouring labels of the batch-size axis closer than this would touch on a phone."""

_MARKS = ((1.0,), (1.0, 2.0, 5.0), (1.0, 1.5, 2.0, 3.0, 5.0, 7.0))
"""Ticks within a power of ten, from sparse to dense."""
FEWEST_TICKS = 3


def linear(title: str) -> dict[str, Any]:
    """An axis for numbers of any sign."""
    return {
        "title": {"text": title, "standoff": 10},
        "gridcolor": palette.GRID,
        "zeroline": False,
        "linecolor": palette.GRID,
        "ticks": "",
        "automargin": True,
    }


def log(title: str, values: list[float], written: units.Written) -> dict[str, Any]:
    """A logarithmic axis for the values; `written`: how its ticks are written."""
    axis = {**linear(title), "type": "log"}
    shown = ticks(min(values, default=1.0), max(values, default=1.0))
    if len(shown) < 2:  # so narrow a range that round numbers miss it: Plotly's own ticks
        return axis
    return {**axis, "tickvals": shown, "ticktext": [written(tick) for tick in shown]}


def ticks(low: float, high: float) -> list[float]:
    """Round numbers from `low` to `high`: as sparse as leaves three of them, else all there are.

    Example:
        >>> ticks(0.0015, 0.017)
        [0.002, 0.005, 0.01]
        >>> ticks(0.001, 2.0)
        [0.001, 0.01, 0.1, 1.0]
    """
    found: list[float] = []
    for marks in _MARKS:
        found = [tick for tick in _round_numbers(low, high, marks) if low <= tick <= high]
        if len(found) >= FEWEST_TICKS:
            break
    return found


def _round_numbers(low: float, high: float, marks: tuple[float, ...]) -> list[float]:
    powers = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    # Written and read again: 2e-3, not 2 * 10**-3 = 0.002 and a bit.
    return [float(f"{mark}e{power}") for power in powers for mark in marks]


def batch_size(sizes: list[int]) -> dict[str, Any]:
    """The axis of batch sizes: those that were tried are its ticks."""
    shown = _apart(sizes)
    return {
        **linear("batch size B (examples)"),
        "type": "log",
        "tickvals": shown,
        "ticktext": [str(size) for size in shown],
        "tickangle": 0,
        "showgrid": False,
        "showline": True,
        "linecolor": palette.MUTED,
        "ticks": "outside",
        "tickcolor": palette.MUTED,
        "ticklen": 4,
        "range": [math.log10(sizes[0] / 1.4), math.log10(sizes[-1] * 1.4)],
    }


def _apart(sizes: list[int]) -> list[int]:
    # From the largest down, so that the full batch keeps its label.
    kept: list[int] = []
    for size in reversed(sizes):
        if not kept or kept[-1] / size >= TICK_RATIO:
            kept.append(size)
    return kept[::-1]
