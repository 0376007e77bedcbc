"""The noise scale along the tuned run, in the report: quarter by quarter, with its intervals."""

import math
from dataclasses import dataclass

import plotly.graph_objects as go

from rightbatch import units
from rightbatch.report import axes, charts, palette
from rightbatch.report.document import Document
from rightbatch.report.tables import Table

QUARTERS = ("first", "second", "third", "last")

_MARGIN = 1.3
"""From the least and the most that is drawn to the edge of the chart."""


@dataclass(frozen=True, slots=True)
class Quarter:
    """The noise scale in a quarter of the steps."""

    name: str
    until: int
    """Its last step."""
    value: float | None
    """B_simple; `None`: too noisy to tell."""
    low: float | None
    high: float | None


@dataclass(frozen=True, slots=True)
class Along:
    """What the section shows."""

    quarters: list[Quarter]
    batch_size: int
    """Of the run."""
    mean: float
    """Over the run, weighted by progress: the guess at the critical batch size."""
    low: float | None
    high: float | None
    cost: float
    """Seconds of measuring over seconds of the run."""
    b_crit: float | None
    """What the fit to the steps of all sizes found."""


def series(document: Document) -> Along | None:
    """The scale along the run; `None`: it was not measured, or not by quarters."""
    found, fit = document["noise_scale"], document["fit"]
    if not found or not found["quarters"]:
        return None
    quarters = [
        Quarter(name, int(row["step"]), row["value"], row["low"], row["high"])
        for name, row in zip(QUARTERS, found["quarters"], strict=True)
    ]
    return Along(
        quarters,
        found["batch_size"],
        found["value"],
        found["low"],
        found["high"],
        found["cost"],
        fit["b_crit"] if fit else None,
    )


def words(shown: Along) -> str:
    """What the chart shows."""
    doubt = units.between(shown.low, shown.high, units.count)
    known = [quarter.value for quarter in shown.quarters if quarter.value is not None]
    change = "is too noisy to follow"
    if len(known) > 1:
        change = f"goes from {units.count(known[0])} to {units.count(known[-1])} examples"
    usual = (
        "usually it grows as" if len(known) < 2 or known[0] < known[-1] else "elsewhere it mostly grows as"
    )
    fitted = f"; the steps of all sizes put it at {units.count(shown.b_crit)}" if shown.b_crit else ""
    return (
        f"Along the tuned run of batch size {shown.batch_size} the noise scale {change}: {usual} "
        f"the loss falls. Its mean, weighted by progress, is {units.count(shown.mean)} ({doubt}), a first "
        f"guess at the critical batch size{fitted}. Measuring took {units.times(shown.cost)} the seconds of "
        "that run."
    )


def figure(shown: Along) -> go.Figure:
    """A point a quarter with its interval, the mean, and B_crit where it was fitted."""
    known = [quarter for quarter in shown.quarters if quarter.value is not None]
    reach = [end for quarter in known for end in (quarter.low, quarter.value, quarter.high) if end]
    lines = [line for line in (shown.mean, shown.b_crit) if line]
    across = {**axes.linear("quarter of the run's steps"), "type": "category", "showgrid": False}
    least, most = min([*reach, *lines]) / _MARGIN, max([*reach, *lines]) * _MARGIN
    up = axes.log("noise scale (examples)", [*reach, *lines], units.count)
    drawn = charts.empty_figure(across, {**up, "range": [math.log10(least), math.log10(most)]})
    # An interval that is open goes on beyond the edge: without a bar it would look like the surest of all.
    drawn.add_trace(_points(known, least / _MARGIN, most * _MARGIN))
    drawn.add_trace(_line("mean of the run", shown.mean, palette.INK, "solid", known))
    if shown.b_crit:
        drawn.add_trace(_line("B<sub>crit</sub> of the fit", shown.b_crit, palette.GREEN, "dash", known))
    return drawn


def table(shown: Along) -> Table:
    """The data of the chart."""
    rows = [
        (
            quarter.name,
            f"to {quarter.until}",
            units.count(quarter.value),
            units.count(quarter.low),
            units.count(quarter.high),
        )
        for quarter in shown.quarters
    ]
    return Table(("quarter", "steps", "noise scale", "from", "to"), tuple(rows))


def _points(known: list[Quarter], below: float, above: float) -> go.Scatter:
    values = [quarter.value or 0.0 for quarter in known]
    lows, highs = [quarter.low for quarter in known], [quarter.high for quarter in known]
    return go.Scatter(
        x=[quarter.name for quarter in known],
        y=values,
        error_y={
            "type": "data",
            "symmetric": False,
            "array": [(high or above) - value for high, value in zip(highs, values, strict=True)],
            "arrayminus": [value - (low or below) for low, value in zip(lows, values, strict=True)],
            "color": palette.BLUE,
            "thickness": 1.5,
            "width": 3,
        },
        mode="markers",
        name="measured",
        marker={"symbol": "circle", "size": 9, "color": palette.BLUE},
        text=[
            f"{quarter.name} quarter, to step {quarter.until:,}: {units.count(quarter.value)} "
            f"({units.between(quarter.low, quarter.high, units.count) or 'anything'})"
            for quarter in known
        ],
        hoverinfo="text",
    )


def _line(name: str, value: float, colour: str, dash: str, known: list[Quarter]) -> go.Scatter:
    return go.Scatter(
        x=[quarter.name for quarter in known],
        y=[value] * len(known),
        mode="lines",
        name=f"{name}, {units.count(value)}",
        line={"color": colour, "width": 1.5, "dash": dash},
        hoverinfo="skip",
    )
