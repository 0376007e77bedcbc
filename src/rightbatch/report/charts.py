"""Charts: series -> Plotly figures, in the colours of a light page."""

import html
import math
from typing import Any

import plotly.graph_objects as go

from rightbatch import units
from rightbatch.report import axes, palette, series
from rightbatch.report.document import MISSED_SIGN, Standing

FONT = "system-ui, -apple-system, 'Segoe UI', Roboto, 'Helvetica Neue', 'Liberation Sans', sans-serif"
_LOOK = {
    Standing.RECOMMENDED: {"symbol": "diamond", "size": 14, "color": palette.VERMILLION},
    Standing.WITHIN: {"symbol": "circle", "size": 9, "color": palette.BLUE},
    Standing.OTHER: {"symbol": "square", "size": 7, "color": palette.FAINT},
    Standing.SELDOM: {"symbol": "triangle-down-open", "size": 9, "color": palette.MUTED},
}
_MEASURED = {"symbol": "circle", "size": 6, "color": palette.BLUE}
_FORETOLD = {"symbol": "circle-open", "size": 9, "color": palette.BLUE}
_FORETOLD_BEST = {"symbol": "diamond-open", "size": 14, "color": palette.VERMILLION}
_CURVE_ENDS = ("circle", "square", "triangle-up", "pentagon", "star", "x")

_FORMS = {"saturating": "curve that begins flat"}
"""What a form of t(B) is called, where not as in the document."""


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
    _add_foretold(figure, shown.points, units.seconds)
    _add_missed(figure, shown.missed)
    _add_cliff(figure, shown.cliff, height=0.0)
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
    _add_foretold(figure, shown.points, units.count)
    _add_missed(figure, shown.missed)
    _add_cliff(figure, shown.cliff[0] if shown.cliff else None, height=0.8)
    return figure


def step_time(shown: series.StepTime) -> go.Figure:
    """t(B): every round of measurement as a point, the line a + bB, and the curve that foretells better."""
    sizes = [size for size, _ in shown.rounds]
    flat = [(size, value) for size, values in shown.rounds for value in values]
    upward = axes.log("time per step t(B)", [value for _, value in flat], units.seconds)
    figure = empty_figure(axes.batch_size(sizes), upward)
    if shown.line is not None:
        at, (a, b) = series.spaced(sizes[0], sizes[-1]), shown.line
        dash = "solid" if shown.curve is None else "dot"
        _add_line(figure, at, [a + b * size for size in at], "a + bB", dash)
    if shown.curve is not None:
        _add_line(figure, *shown.curve, _FORMS.get(str(shown.form), str(shown.form)), "solid")
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
    chosen = [point for point in points if standing in (None, point.standing) and not point.foretold]
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


def _add_foretold(figure: go.Figure, points: list[series.Point], written: units.Written) -> None:
    """Hollow, without whiskers: they were not run."""
    chosen = [point for point in points if point.foretold]
    best = [point for point in chosen if point.standing is Standing.RECOMMENDED]
    others = [point for point in chosen if point not in best]
    for some, look, name in (
        (best, _FORETOLD_BEST, "recommended, foretold"),
        (others, _FORETOLD, "foretold, not run"),
    ):
        if some:
            figure.add_scatter(
                x=[point.batch_size for point in some],
                y=[point.value for point in some],
                mode="markers",
                name=name,
                marker={**look, "line": {"width": 2, "color": look["color"]}},
                text=[f"{_told(point, written)}, foretold" for point in some],
                hoverinfo="text",
            )


def _add_cliff(figure: go.Figure, at: float | None, *, height: float) -> None:
    """A line, and its name where the chart is empty: at a share of its height."""
    if at is None:
        return
    figure.add_vline(x=at, line={"color": palette.MUTED, "width": 1.2, "dash": "dot"})
    figure.add_annotation(
        x=math.log10(at),
        y=height,
        yref="paper",
        text="most miss ▸",
        showarrow=False,
        xanchor="right",
        yanchor="bottom",
        hovertext="beyond this batch size most runs do not reach the target",
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


def _add_line(figure: go.Figure, x: list[float], y: list[float], name: str, dash: str) -> None:
    figure.add_scatter(
        x=x,
        y=y,
        mode="lines",
        name=name,
        line={"color": palette.INK, "width": 1.5, "dash": dash},
        hoverinfo="skip",
    )


def add_band(figure: go.Figure, x: list[float], low: list[float], high: list[float], name: str) -> None:
    """Shade what lies between two curves."""
    figure.add_scatter(
        x=[*x, *reversed(x)],
        y=[*high, *reversed(low)],
        mode="lines",
        fill="toself",
        fillcolor=palette.DOUBT,
        line_width=0,
        name=name,
        hoverinfo="skip",
    )


def _add_law(figure: go.Figure, law: series.Law) -> None:
    if law.low and law.high:
        add_band(figure, law.batch_size, law.low, law.high, "doubt of the fit")
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
