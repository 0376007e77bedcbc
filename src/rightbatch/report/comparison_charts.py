"""The charts of a comparison: series -> Plotly figures, in the colours of a light page."""

import html
import math
from typing import Any

import plotly.graph_objects as go

from rightbatch import units
from rightbatch.report import axes, palette
from rightbatch.report import comparison_series as series
from rightbatch.report.charts import empty_figure
from rightbatch.report.document import Document

_ROOM = 1.3
"""Above and below what is shown, as a factor on a logarithmic axis."""


def loss(document: Document) -> go.Figure:
    """The training loss against epochs; the page has the other axes."""
    start = document["convergence"]["start"]
    low, high = series.loss_range(document)
    upward = axes.log("training loss", [low, high], units.plain)
    upward["range"] = [math.log10(low / _ROOM), math.log10(high * _ROOM)]
    clock = series.clocks(document)[0]
    figure = empty_figure(clock_axis(document, clock), upward)
    shown = series.curves(document)
    for curve, look, per in zip(shown, series.looks(len(shown)), clock.per_update, strict=True):
        figure.add_scatter(
            x=[update * per for update in curve.updates[1:]],
            y=[value if value and value > start * series.FLOOR / 10 else None for value in curve.loss[1:]],
            mode="lines",
            name=_named(curve),
            line={"color": look.colour, "width": 2, "dash": look.dash},
            customdata=curve.updates[1:],
            hovertemplate=f"{curve.name}, update %{{customdata:,}}: %{{y:.4~g}}<extra></extra>",
        )
    for curve, look, per in zip(shown, series.looks(len(shown)), clock.per_update, strict=True):
        met = curve.converged
        figure.add_scatter(
            x=[met[0] * per] if met and met[0] else [],
            y=[met[1]] if met and met[0] else [],
            mode="markers",
            name=f"{curve.name} converged",
            marker={"symbol": "diamond", "size": 11, "color": look.colour, "line_width": 0},
            customdata=[met[0]] if met and met[0] else [],
            hovertemplate=f"{curve.name} converged at update %{{customdata:,}}<extra></extra>",
            showlegend=False,
        )
    _add_level(figure, document["convergence"]["loss"])
    return figure


def clock_axis(document: Document, clock: series.Clock) -> dict[str, Any]:
    """The axis of a clock, logarithmic: the first updates and the last epochs are all seen."""
    first, last = series.reach(document, clock)
    axis = axes.log(clock.title, [first, last], clock.written)
    return {**axis, "range": [math.log10(first / _ROOM), math.log10(last * _ROOM)]}


def noise(shown: list[series.Noise], document: Document) -> go.Figure:
    """Boxes of the batch losses, relative to the loss of all rows; whiskers from 5 to 95 %."""
    names = [method["name"] for method in document["methods"]]
    look_of = dict(zip(names, series.looks(len(names)), strict=True))
    ends = [_cut(one.quantiles[place]) for one in shown for place in (0, -1)]
    across = axes.log("loss of the batch / loss of all rows", [*ends, 0.5, 2.0], units.plain)
    across["range"] = [math.log10(min([*ends, 0.5]) / _ROOM), math.log10(max([*ends, 2.0]) * _ROOM)]
    upward = {**axes.linear(""), "categoryorder": "array", "categoryarray": names[::-1], "showgrid": False}
    figure = empty_figure(across, upward)
    for one in shown:
        low, first, middle, third, high = (_cut(value) for value in one.quantiles)
        figure.add_box(
            y=[one.name],
            orientation="h",
            lowerfence=[low],
            q1=[first],
            median=[middle],
            q3=[third],
            upperfence=[high],
            name=one.name,
            line={"color": look_of[one.name].colour, "width": 2},
            fillcolor="rgba(0,0,0,0)",
            hoverinfo="x",
            width=0.5,
        )
    figure.add_vline(x=1, line={"color": palette.MUTED, "width": 1.2, "dash": "dash"})
    figure.update_layout(showlegend=False)
    return figure


def paths(document: Document) -> go.Figure:
    """What the paths run over: the loss, the start, least squares; the page draws the paths as they move."""
    shown = document["paths"]
    across, upward = (axes.linear(html.escape(name)) for name in shown["axes"])
    across["range"], upward["range"] = ([*edges] for edges in shown["window"])
    figure = empty_figure(across, upward)
    if shown["landscape"] is not None:
        _add_landscape(figure, shown["landscape"], document["convergence"]["least"])
    _add_places(figure, document)
    figure.update_layout(legend_y=-0.13)
    return figure


def _add_landscape(figure: go.Figure, landscape: dict[str, Any], least: float) -> None:
    heights, lowest, highest = series.heights(landscape, least)
    figure.add_contour(
        x=landscape["x"],
        y=landscape["y"],
        z=[[None if value is None else round(value, 3) for value in row] for row in heights],
        customdata=landscape["loss"],
        contours={"start": lowest, "end": max(highest, lowest + 1), "size": 1, "coloring": "fill"},
        colorscale=[[0, palette.VALLEY], [1, palette.PAPER]],
        line={"color": palette.HEIGHT, "width": 1},
        showscale=False,
        hovertemplate="loss %{customdata:.4~g}<extra></extra>",
        name="loss",
        showlegend=False,
    )


def _add_places(figure: go.Figure, document: Document) -> None:
    """The start, the same for all, and the solution of least squares where it is known."""
    shown = document["paths"]
    first = shown["methods"][0]
    marked = [("start", first["x"][0], first["y"][0], "circle-open")]
    if shown["least_squares"] is not None:
        marked.append(("least squares", *shown["least_squares"], "cross-thin-open"))
    for name, x, y, symbol in marked:
        figure.add_scatter(
            x=[x],
            y=[y],
            mode="markers",
            name=name,
            marker={"symbol": symbol, "size": 14, "color": palette.INK, "line": {"width": 2.5}},
            hoverinfo="name+x+y",
        )


def _add_level(figure: go.Figure, value: float) -> None:
    figure.add_hline(y=value, line={"color": palette.MUTED, "width": 1.2, "dash": "dash"})
    figure.add_annotation(
        x=0,
        xref="paper",
        xanchor="left",
        y=math.log10(value),
        yanchor="bottom",
        text="converged",
        showarrow=False,
    )


def _named(curve: series.Curve) -> str:
    return curve.name if curve.diverged is None else f"{curve.name} (diverged)"


def _cut(ratio: float) -> float:
    return min(max(ratio, series.LEAST_RATIO), series.MOST_RATIO)
