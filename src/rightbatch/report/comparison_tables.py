"""Tables of a comparison: its document, or the series of a chart, as rows of text."""

from collections.abc import Mapping
from typing import Any

from rightbatch import units
from rightbatch.report import comparison_series as series
from rightbatch.report.document import Document, Standing
from rightbatch.report.tables import Column, ResultRow, Table

NEVER = "never"
DIVERGED = "diverged"

_ROUNDING = 1e-4
"""An intercept, or an error, smaller than this share of the label's spread is float32's rounding of 0."""


def columns(document: Document) -> tuple[Column, ...]:
    """The columns of the table that people know."""
    metric = document["metric"]
    return (
        Column("", "method", 0),
        Column("batch", "size", 0),
        Column("learning", "rate", 1),
        Column("updates", "per epoch", 5),
        Column("time per", "epoch", 3),
        Column("", "memory", 2),
        Column("epochs to", "converge", 4),
        Column("updates to", "converge", 1),
        Column("time to", "converge", 0),
        Column("final train", metric, 6),
        Column("final", f"val_{metric}", 1),
    )


def rows(document: Document) -> list[ResultRow]:
    """One row a method; the fastest stands out."""
    fastest = next(found["method"] for found in document["winners"] if found["respect"] == "speed")
    return [
        ResultRow(
            (
                method["name"],
                str(method["batch_size"]),
                units.plain(method["learning_rate"]),
                units.count(method["updates_per_epoch"]),
                units.seconds(method["seconds_per_epoch"]),
                units.size(method["memory_bytes"]),
                *_converged(method),
                *(_final(method, name, document) for name in ("", "val_")),
            ),
            _standing(method, fastest),
            "",
        )
        for method in document["methods"]
    ]


def weights(document: Document) -> Table | None:
    """The final weights in the data's own units, least squares beside them; `None`: they are not told."""
    told = {method["name"]: method["weights"] for method in document["methods"] if method["weights"]}
    if not told:
        return None
    shown = told | ({"least squares": document["least_squares"]} if document["least_squares"] else {})
    scale = document["data"]["label_scale"]
    names = next(iter(told.values()))
    rows = ((name, *(number(name, found[name], scale) for found in shown.values())) for name in names)
    return Table(("weight", *shown), tuple(rows))


def number(name: str, value: float, scale: float) -> str:
    """A weight with four digits; an intercept is 0 where it is but rounding.

    Args:
        name: of the weight.
        value: in the data's own units.
        scale: standard deviation of the label.

    Example:
        >>> number("size", 200.00001, 111803.0), number("intercept", -0.01, 111803.0)
        ('200', '0')
    """
    if name.startswith("intercept") and abs(value) < _ROUNDING * scale:
        return "0"
    return f"{value:,.0f}" if abs(value) >= 9999.5 else f"{value:.4g}"


def loss(document: Document) -> Table:
    """The data of the loss chart: every mark of every method, by all three clocks."""
    clocks = series.clocks(document)
    found = [
        (
            curve.name,
            *(clock.written(update * clock.per_update[place]) for clock in clocks),
            units.plain(value),
        )
        for place, curve in enumerate(series.curves(document))
        for update, value in zip(curve.updates, curve.loss, strict=True)
    ]
    return Table(("method", *(clock.title for clock in clocks), "training loss"), tuple(found))


def noise(shown: list[series.Noise]) -> Table:
    """The data of the noise chart."""
    found = (
        (
            one.name,
            str(one.batch_size),
            *(units.plain(value) for value in one.quantiles),
            units.percent(one.spread),
        )
        for one in shown
    )
    heads = ("method", "batch size", "5 %", "25 %", "median", "75 %", "95 %", "typically off by")
    return Table(heads, tuple(found))


def paths(document: Document) -> Table:
    """The data of the paths: every place of every method."""
    shown = document["paths"]
    found = (
        (path["name"], units.count(update), _place(x), _place(y))
        for path in shown["methods"]
        for update, x, y in zip(path["updates"], path["x"], path["y"], strict=True)
    )
    return Table(("method", "update", *shown["axes"]), tuple(found))


def _converged(method: Mapping[str, Any]) -> tuple[str, str, str]:
    if method["diverged"] is not None:
        return DIVERGED, DIVERGED, DIVERGED
    met = method["converged"]
    if met is None:
        return NEVER, NEVER, NEVER
    return units.plain(met["epochs"]), units.count(met["updates"]), units.seconds(met["seconds"])


def _final(method: Mapping[str, Any], prefix: str, document: Document) -> str:
    value = method["final"][prefix + document["metric"]]
    if value is not None and abs(value) < _ROUNDING * document["data"]["label_scale"]:
        return "0"
    return units.plain(value)


def _standing(method: Mapping[str, Any], fastest: str | None) -> Standing:
    if method["name"] == fastest:
        return Standing.RECOMMENDED
    return Standing.OTHER if method["converged"] is not None else Standing.MISSED


def _place(value: float | None) -> str:
    return units.UNKNOWN if value is None else f"{value:.6g}"
