"""The chart of learning rates: what was tried at each batch size, the best, and the law they follow."""

import plotly.graph_objects as go

from rightbatch import units
from rightbatch.report import axes, palette, series
from rightbatch.report.charts import add_band, empty_figure

FASTEST, SLOWEST = 1.0, 4.0
"""Ends of the scale of the learning-rate chart, in multiples of the fewest steps."""


_OUTCOME_LOOK = {
    "reached": ("circle-open", "reached by too few seeds"),
    "diverged": ("x-thin-open", "diverged"),
    "hopeless": ("triangle-down-open", "hopeless"),
    "out of steps": ("triangle-right-open", "out of steps"),
}


def learning_rates(shown: list[series.Rate], law: series.RateLaw | None = None) -> go.Figure:
    """The learning rates tried; the best of each batch size on a line, and the law they follow."""
    sizes = sorted({rate.batch_size for rate in shown})
    figure = empty_figure(
        axes.batch_size(sizes), axes.log("learning rate", [rate.learning_rate for rate in shown], units.plain)
    )
    if law is not None:
        add_band(figure, law.batch_size, law.low, law.high, "95 % of the law")
        figure.update_traces(showlegend=False)  # the line stands for both
        figure.add_scatter(
            x=law.batch_size,
            y=law.value,
            mode="lines",
            name="law across sizes, 95 %",
            line={"color": palette.INK, "width": 1.5},
            hoverinfo="skip",
        )
    _add_best(figure, [rate for rate in shown if rate.best])
    _add_reached(figure, [rate for rate in shown if rate.relative is not None])
    for outcome in _OUTCOME_LOOK:
        _add_failed(figure, [rate for rate in shown if rate.relative is None and rate.outcome == outcome])
    return figure


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
