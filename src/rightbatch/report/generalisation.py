"""Generalisation in the report: the gap between validation and training loss, size against size."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import plotly.graph_objects as go

from rightbatch import units
from rightbatch.report import axes, charts, palette
from rightbatch.report.document import Document
from rightbatch.report.tables import Table

MOMENTS = {"at_target": "at equal target", "at_examples": "at equal examples"}
"""When two sizes are compared, by the document's keys."""

_LOOK = {
    "at_target": {"symbol": "circle", "size": 9, "color": palette.BLUE},
    "at_examples": {"symbol": "square", "size": 8, "color": palette.VERMILLION},
}
_APART = {"at_target": 0.95, "at_examples": 1.05}
"""Beside each other, so that neither hides the other's interval; as factors of the batch size."""


@dataclass(frozen=True, slots=True)
class Gap:
    """One size at one moment."""

    batch_size: int
    gap: float | None
    """Validation less training loss, mean over the seeds."""
    difference: float | None
    """The gap less that of the recommended size, seed by seed."""
    interval: tuple[float, float] | None
    """The 95 % interval of the difference; `None`: fewer than two seeds, or the recommended size itself."""
    verdict: str
    """Of the equivalence test."""


@dataclass(frozen=True, slots=True)
class Generalisation:
    """What the section shows."""

    against: int
    """The recommended size."""
    margin: float
    """A difference below it does not matter."""
    moments: Mapping[str, list[Gap]]
    """By the keys of `MOMENTS`."""


def series(document: Document) -> Generalisation | None:
    """The gaps, at both moments; `None`: they were not compared."""
    found = document["generalisation"]
    if found is None:
        return None
    moments = {
        moment: [_gap(row["batch_size"], row[moment]) for row in found["batch_sizes"]] for moment in MOMENTS
    }
    return Generalisation(found["against"], found["margin"], moments)


def words(document: Document) -> str:
    """What the chart shows; that there is no difference is said only where the equivalence test says it."""
    found = document["generalisation"]
    return (
        f"Each size against {found['against']}, seed by seed; below 0 is the smaller gap. "
        f"{found['sentence']} {found['sentence_at_examples']} That two gaps are the same is said only where "
        "an equivalence test shows it, within the shaded margin; each interval is of 95 % on its own."
    )


def figure(shown: Generalisation) -> go.Figure:
    """Differences with their paired intervals; the margin of the test is shaded."""
    sizes = [gap.batch_size for gap in shown.moments["at_target"]]
    drawn = charts.empty_figure(axes.batch_size(sizes), axes.linear(f"gap less that of {shown.against}"))
    drawn.add_hrect(y0=-shown.margin, y1=shown.margin, fillcolor=palette.SHADE, line_width=0, layer="below")
    drawn.add_hline(y=0, line={"color": palette.MUTED, "width": 1.2})
    for moment, name in MOMENTS.items():
        drawn.add_trace(_trace(moment, name, [gap for gap in shown.moments[moment] if gap.interval]))
    return drawn


def table(shown: Generalisation) -> Table:
    """The data of the chart."""
    rows = [
        (
            str(gap.batch_size),
            MOMENTS[moment],
            units.plain(gap.gap),
            units.plain(gap.difference),
            *map(units.plain, gap.interval or (None, None)),
            gap.verdict or "compared with",
        )
        for pair in zip(*shown.moments.values(), strict=True)
        for moment, gap in zip(shown.moments, pair, strict=True)
    ]
    columns = ("batch size", "compared", "gap", "difference", "from", "to", "equivalence test")
    return Table(columns, tuple(rows))


def _gap(size: int, row: Mapping[str, Any]) -> Gap:
    interval = None if row["interval"] is None else (row["interval"][0], row["interval"][1])
    return Gap(size, row["gap"], row["difference"], interval, row["verdict"])


def _trace(moment: str, name: str, gaps: list[Gap]) -> go.Scatter:
    ends = [(gap.difference or 0.0, *(gap.interval or (0.0, 0.0))) for gap in gaps]
    return go.Scatter(
        x=[gap.batch_size * _APART[moment] for gap in gaps],
        y=[value for value, _, _ in ends],
        error_y={
            "type": "data",
            "symmetric": False,
            "array": [high - value for value, _, high in ends],
            "arrayminus": [value - low for value, low, _ in ends],
            "color": _LOOK[moment]["color"],
            "thickness": 1.5,
            "width": 3,
        },
        mode="markers",
        name=name,
        marker=_LOOK[moment],
        text=[
            f"batch size {gap.batch_size}, {name}: {units.plain(value)} "
            f"({units.between(low, high, units.plain)}), {gap.verdict}"
            for gap, (value, low, high) in zip(gaps, ends, strict=True)
        ],
        hoverinfo="text",
    )
