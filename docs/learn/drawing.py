"""Marks -> a chart in the look of the package's reports, for pictures that no report has."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import plotly.graph_objects as go

from rightbatch.report import axes, charts, palette

_SYMBOLS = ("circle", "diamond", "square", "triangle-up", "pentagon", "x")
_DASHES = ("solid", "dash", "dot", "dashdot", "longdash", "longdashdot")
LOOKS = tuple(zip(palette.METHODS, _SYMBOLS, _DASHES, strict=True))
"""Colour, symbol and dash of the first, second ... thing compared: told apart without colour, too."""


class Line(NamedTuple):
    """A curve."""

    name: str
    x: Sequence[float]
    y: Sequence[float]
    look: int = 0
    """Place in `LOOKS`."""
    width: float = 2
    legend: bool = True
    curved: bool = False
    """Whether the points are places on a plane, the last of which is marked."""


class Dots(NamedTuple):
    """Points, each with its interval where it is known."""

    name: str
    x: Sequence[Any]
    y: Sequence[Any]
    low: Sequence[float] = ()
    high: Sequence[float] = ()
    look: int = 0
    size: float = 9
    opacity: float = 1.0


Mark = Line | Dots


def ranges(name: str, x: Sequence[Any], values: Sequence[tuple[float, float, float]], look: int = 0) -> Dots:
    """Points with their intervals, each (value, low, high)."""
    middle, low, high = (list(column) for column in zip(*values, strict=True))
    return Dots(name, x, middle, low, high, look)


def beside(size: int, place: int, places: int) -> float:
    """Where on a logarithmic axis one of several things at the same batch size is drawn: side by side."""
    return float(size * 1.13 ** (place - (places - 1) / 2))


def chart(x: dict[str, Any], y: dict[str, Any], marks: Sequence[Mark]) -> go.Figure:
    """The marks on axes of `rightbatch.report.axes`."""
    figure = charts.empty_figure(x, y)
    add(figure, marks)
    return figure


def add(figure: go.Figure, marks: Sequence[Mark]) -> None:
    """More marks, above what is drawn already."""
    for mark in marks:
        figure.add_trace(_line(mark) if isinstance(mark, Line) else _dots(mark))


def named(names: Sequence[str], title: str = "") -> dict[str, Any]:
    """An axis of names, in their order."""
    return {**axes.linear(title), "type": "category", "categoryarray": list(names), "showgrid": False}


def level(figure: go.Figure, value: float, name: str) -> None:
    """A dashed line across the chart, named at its left end; the axis is linear."""
    figure.add_hline(y=value, line={"color": palette.MUTED, "width": 1.2, "dash": "dash"})
    figure.add_annotation(
        x=0, xref="paper", xanchor="left", y=value, yanchor="bottom", text=name, showarrow=False
    )


def contours(figure: go.Figure, x: Sequence[float], y: Sequence[float], heights: Any) -> None:
    """Lines of equal height below what is drawn already; `heights`: `(len(y), len(x))`."""
    figure.add_contour(
        x=list(x),
        y=list(y),
        z=np.round(heights, 3).tolist(),
        contours_coloring="fill",
        colorscale=[[0, palette.VALLEY], [1, palette.PAPER]],
        line={"color": palette.HEIGHT, "width": 1},
        ncontours=14,
        showscale=False,
        showlegend=False,
        hoverinfo="skip",
    )
    figure.data = (figure.data[-1], *figure.data[:-1])


def star(figure: go.Figure, x: float, y: float, name: str) -> None:
    """One place of the plane, marked."""
    figure.add_scatter(
        x=[x],
        y=[y],
        mode="markers",
        name=name,
        hoverinfo="name",
        marker={
            "symbol": "star",
            "size": 14,
            "color": palette.INK,
            "line": {"width": 1, "color": palette.PAPER},
        },
    )


def _line(mark: Line) -> go.Scatter:
    colour, symbol, dash = LOOKS[mark.look]
    last = len(mark.x) - 1
    return go.Scatter(
        x=list(mark.x),
        y=list(mark.y),
        mode="lines+markers" if mark.curved else "lines",
        name=mark.name,
        legendgroup=mark.name,
        showlegend=mark.legend,
        line={"color": colour, "width": mark.width, "dash": "solid" if mark.curved else dash},
        marker={
            "symbol": symbol,
            "color": colour,
            "opacity": 1,
            "size": [9 if place == last else 0 for place in range(last + 1)] if mark.curved else 0,
            "line": {"width": 0},
        },
        hovertemplate="%{x:,.3~g}, %{y:.3~g}",
    )


def _dots(mark: Dots) -> go.Scatter:
    colour, symbol, _ = LOOKS[mark.look]
    whiskers = (
        {
            "type": "data",
            "symmetric": False,
            "array": [high - value for high, value in zip(mark.high, mark.y, strict=True)],
            "arrayminus": [value - low for low, value in zip(mark.low, mark.y, strict=True)],
            "color": colour,
            "thickness": 1.5,
            "width": 3,
        }
        if mark.low
        else None
    )
    return go.Scatter(
        x=list(mark.x),
        y=list(mark.y),
        error_y=whiskers,
        mode="markers",
        name=mark.name,
        opacity=mark.opacity,
        marker={"symbol": symbol, "size": mark.size, "color": colour, "line": {"width": 0}},
        hovertemplate="%{x}: %{y:.3~g}",
    )
