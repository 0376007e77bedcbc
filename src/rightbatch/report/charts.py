"""Charts: series -> Plotly figures, in the colours of a light page."""

import html
import math
from typing import Any

import plotly.graph_objects as go

from rightbatch import units
from rightbatch.report import axes, palette, series
from rightbatch.report.document import MISSED_SIGN, Standing

FONT = "system-ui, -apple-system, 'Segoe UI', Roboto, 'Helvetica Neue', 'Liberation Sans', sans-serif"
FASTEST, SLOWEST = 1.0, 4.0
"""Ends of the scale of the learning-rate chart, in multiples of the fewest steps."""

_LOOK = {
    Standing.RECOMMENDED: {"symbol": "diamond", "size": 14, "color": palette.VERMILLION},
    Standing.WITHIN: {"symbol": "circle", "size": 9, "color": palette.BLUE},
    Standing.OTHER: {"symbol": "circle-open", "size": 8, "color": palette.BLUE},
}
_MEASURED = {"symbol": "circle", "size": 6, "color": palette.BLUE}
_CURVE_ENDS = ("circle", "square", "triangle-up", "pentagon", "star", "x")
_OUTCOME_LOOK = {
    "reached": ("circle-open", "reached by too few seeds"),
    "diverged": ("x-thin-open", "diverged"),
    "hopeless": ("triangle-down-open", "hopeless"),
    "out of steps": ("triangle-right-open", "out of steps"),
}


def time_to_target(shown: series.TimeToTarget) -> go.Figure:
    """T(B) with intervals; the sizes within 5 % of the fastest lie on the shaded stretch."""
    figure = empty_figure(
        _sizes(shown.points, shown.missed),
        axes.log("time to target T(B)", _reach(shown.points), units.seconds),
    )
    for low, high in shown.shaded:
        figure.add_shape(
            type="rect",
            x0=low,
            x1=high,
            y0=0,
            y1=1,
            yref="paper",
            fillcolor=palette.SHADE,
            line_width=0,
            layer="below",
        )
    figure.add_trace(_thread(shown.points))
    for standing in _LOOK:
        _add_points(figure, shown.points, standing, standing.value, units.seconds)
    _add_missed(figure, shown.missed)
    return figure


def steps_to_target(shown: series.StepsToTarget) -> go.Figure:
    """S(B) with intervals, the fitted law and its doubt."""
    drawn = _reach(shown.points) + (shown.law.low + shown.law.high if shown.law else [])
    figure = empty_figure(
        _sizes(shown.points, shown.missed), axes.log("steps to target S(B)", drawn, units.count)
    )
    if shown.law is not None:
        _add_law(figure, shown.law)
    _add_points(figure, shown.points, None, "measured", units.count)
    _add_missed(figure, shown.missed)
    return figure


def step_time(shown: series.StepTime) -> go.Figure:
    """t(B): every round of measurement as a point, and the line a + bB."""
    sizes = [size for size, _ in shown.rounds]
    flat = [(size, value) for size, values in shown.rounds for value in values]
    upward = axes.log("time per step t(B)", [value for _, value in flat], units.seconds)
    figure = empty_figure(axes.batch_size(sizes), upward)
    if shown.line is not None:
        _add_line(figure, series.spaced(sizes[0], sizes[-1]), *shown.line)
    figure.add_scatter(
        x=[size for size, _ in flat],
        y=[value for _, value in flat],
        mode="markers",
        name="measured, one per round",
        marker={"color": palette.POINT, "size": 8, "symbol": "circle"},
        text=[f"batch size {size}: {units.seconds(value)}" for size, value in flat],
        hoverinfo="text",
    )
    return figure


def curves(shown: list[series.Curve], metric: str, target: float) -> go.Figure:
    """The metric against examples seen, a line per batch size; the target is dashed."""
    values = [value for curve in shown for value in curve.metric if value is not None]
    seen = [samples for curve in shown for samples in curve.samples if samples > 0]
    name = html.escape(metric)
    upward = (
        axes.linear(name) if min([target, *values]) <= 0 else axes.log(name, [target, *values], units.plain)
    )
    figure = empty_figure(axes.log("examples seen", seen, units.count), upward)
    for position, (curve, colour) in enumerate(zip(shown, palette.ramp(len(shown)), strict=True)):
        figure.add_traces(_curve(curve, colour, _CURVE_ENDS[position % len(_CURVE_ENDS)]))
    _add_target(figure, target)
    figure.update_layout(legend_title_text="batch size ")
    return figure


def learning_rates(shown: list[series.Rate]) -> go.Figure:
    """The learning rates tried; the best of each batch size on a line."""
    sizes = sorted({rate.batch_size for rate in shown})
    figure = empty_figure(
        axes.batch_size(sizes), axes.log("learning rate", [rate.learning_rate for rate in shown], units.plain)
    )
    _add_best(figure, [rate for rate in shown if rate.best])
    _add_reached(figure, [rate for rate in shown if rate.relative is not None])
    for outcome in _OUTCOME_LOOK:
        _add_failed(figure, [rate for rate in shown if rate.relative is None and rate.outcome == outcome])
    return figure


def empty_figure(x: dict[str, Any], y: dict[str, Any]) -> go.Figure:
    """A figure with nothing on it but its axes."""
    return go.Figure(
        layout={
            "template": "none",
            "xaxis": x,
            "yaxis": y,
            "font": {"family": FONT, "size": 13, "color": palette.MUTED},
            "paper_bgcolor": "rgba(0,0,0,0)",
            "plot_bgcolor": "rgba(0,0,0,0)",
            "margin": {"l": 66, "r": 14, "t": 36, "b": 8},
            "modebar": {"bgcolor": "rgba(0,0,0,0)", "color": palette.MUTED, "activecolor": palette.BLUE},
            "legend": {"orientation": "h", "y": -0.2, "yanchor": "top", "x": 0, "font_color": palette.INK},
            "hoverlabel": {
                "bgcolor": palette.PAPER,
                "font": {"color": palette.INK, "family": FONT, "size": 13},
            },
            "showlegend": True,  # Plotly leaves out the legend of a single kind of mark
            "hovermode": "closest",
            "dragmode": False,
        }
    )


def _sizes(points: list[series.Point], missed: list[int]) -> dict[str, Any]:
    return axes.batch_size(sorted([point.batch_size for point in points] + missed))


def _add_missed(figure: go.Figure, missed: list[int]) -> None:
    for size in missed:
        figure.add_annotation(
            x=math.log10(size),
            y=1,
            yref="paper",
            yanchor="top",
            text=MISSED_SIGN,
            hovertext=f"batch size {size} never reached the target",
            showarrow=False,
            font={"color": palette.MUTED, "size": 20},
        )


def _reach(points: list[series.Point]) -> list[float]:
    return [value for point in points for value in (point.low, point.value, point.high) if value]


def _thread(points: list[series.Point]) -> go.Scatter:
    return go.Scatter(
        x=[point.batch_size for point in points],
        y=[point.value for point in points],
        mode="lines",
        line={"color": palette.BLUE, "width": 1.5},
        opacity=0.5,
        hoverinfo="skip",
        showlegend=False,
    )


def _add_points(
    figure: go.Figure,
    points: list[series.Point],
    standing: Standing | None,
    name: str,
    written: units.Written,
) -> None:
    chosen = [point for point in points if standing in (None, point.standing)]
    look = _LOOK[standing] if standing else _MEASURED
    if chosen:
        figure.add_scatter(
            x=[point.batch_size for point in chosen],
            y=[point.value for point in chosen],
            error_y={**_whiskers(chosen), "color": look["color"], "thickness": 1.5, "width": 3},
            mode="markers",
            name=name,
            marker={**look, "line": {"width": 2, "color": look["color"]}},
            text=[_told(point, written) for point in chosen],
            hoverinfo="text",
        )


def _whiskers(points: list[series.Point]) -> dict[str, Any]:
    return {
        "type": "data",
        "symmetric": False,
        "array": [0.0 if point.high is None else point.high - point.value for point in points],
        "arrayminus": [0.0 if point.low is None else point.value - point.low for point in points],
    }


def _told(point: series.Point, written: units.Written) -> str:
    doubt = units.between(point.low, point.high, written)
    return f"batch size {point.batch_size}: {written(point.value)}{f' ({doubt})' if doubt else ''}"


def _add_line(figure: go.Figure, sizes: list[float], a: float, b: float) -> None:
    figure.add_scatter(
        x=sizes,
        y=[a + b * size for size in sizes],
        mode="lines",
        name="a + bB",
        line={"color": palette.INK, "width": 1.5},
        hoverinfo="skip",
    )


def _add_law(figure: go.Figure, law: series.Law) -> None:
    if law.low and law.high:
        figure.add_scatter(
            x=[*law.batch_size, *reversed(law.batch_size)],
            y=[*law.high, *reversed(law.low)],
            mode="lines",
            fill="toself",
            fillcolor=palette.DOUBT,
            line_width=0,
            name="doubt of the fit",
            hoverinfo="skip",
        )
    figure.add_scatter(
        x=law.batch_size,
        y=law.value,
        mode="lines",
        name="fit S<sub>min</sub>(1 + B<sub>crit</sub>/B)",
        line={"color": palette.INK, "width": 1.5},
        hoverinfo="skip",
    )
    figure.add_vline(x=law.b_crit, line={"color": palette.GREEN, "width": 1.5, "dash": "dash"})
    figure.add_annotation(
        x=math.log10(law.b_crit),
        y=1,
        yref="paper",
        text=f" B<sub>crit</sub> = {units.count(law.b_crit)}",
        showarrow=False,
        xanchor="left",
        yanchor="top",
        font={"color": palette.GREEN, "size": 14},
    )


def _add_target(figure: go.Figure, target: float) -> None:
    figure.add_hline(y=target, line={"color": palette.MUTED, "width": 1.2, "dash": "dash"})
    figure.add_annotation(
        x=0,
        xref="paper",
        xanchor="left",
        y=math.log10(target) if figure.layout.yaxis.type == "log" else target,
        yanchor="bottom",
        text="target",
        showarrow=False,
    )


def _curve(curve: series.Curve, colour: str, end: str) -> list[go.Scatter]:
    chosen = curve.standing is Standing.RECOMMENDED
    look = {"name": str(curve.batch_size), "legendgroup": str(curve.batch_size)}
    line = {"color": colour, "width": 4 if chosen else 1.5}
    marker = {"symbol": end, "color": colour, "size": 12 if chosen else 8, "line_width": 0}
    hover = f"batch size {curve.batch_size}<br>%{{x:,}} examples: %{{y:.3~g}}<extra></extra>"
    return [
        go.Scatter(
            x=curve.samples,
            y=curve.metric,
            mode="lines",
            line=line,
            hovertemplate=hover,
            showlegend=False,
            **look,
        ),
        # The end again, on its own: so that the legend shows the marker too.
        go.Scatter(
            x=curve.samples[-1:],
            y=curve.metric[-1:],
            mode="lines+markers",
            line=line,
            marker=marker,
            hovertemplate=hover,
            **look,
        ),
    ]


def _add_best(figure: go.Figure, rates: list[series.Rate]) -> None:
    if rates:
        figure.add_scatter(
            x=[rate.batch_size for rate in rates],
            y=[rate.learning_rate for rate in rates],
            mode="lines+markers",
            name="best",
            line={"color": palette.VERMILLION, "width": 1.5},
            marker={
                "symbol": "diamond-open",
                "size": 18,
                "color": palette.VERMILLION,
                "line": {"width": 2, "color": palette.VERMILLION},
            },
            hoverinfo="skip",
        )


def _add_reached(figure: go.Figure, rates: list[series.Rate]) -> None:
    relative = [min(max(rate.relative or FASTEST, FASTEST), SLOWEST) for rate in rates]
    if rates:
        figure.add_scatter(
            x=[rate.batch_size for rate in rates],
            y=[rate.learning_rate for rate in rates],
            mode="markers",
            name="reached the target; the larger, the fewer steps",
            marker={
                "symbol": "circle",
                "size": [4 + 8 / ratio**1.5 for ratio in relative],
                "color": palette.BLUE,
                "line_width": 0,
            },
            text=[_tried(rate) for rate in rates],
            hoverinfo="text",
        )


def _add_failed(figure: go.Figure, rates: list[series.Rate]) -> None:
    if rates:
        symbol, name = _OUTCOME_LOOK[rates[0].outcome]
        figure.add_scatter(
            x=[rate.batch_size for rate in rates],
            y=[rate.learning_rate for rate in rates],
            mode="markers",
            name=name,
            marker={"symbol": symbol, "size": 7, "color": palette.MUTED, "line": {"width": 1.5}},
            text=[_tried(rate) for rate in rates],
            hoverinfo="text",
        )


def _tried(rate: series.Rate) -> str:
    steps = f"{units.count(rate.steps)} steps" if rate.steps is not None else rate.outcome
    return f"batch size {rate.batch_size}, learning rate {units.plain(rate.learning_rate)}: {steps}"
