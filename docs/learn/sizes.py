"""Page 3: steps, seconds, memory and noise against the batch size, on the digits."""

from typing import Any, NamedTuple

import numpy as np

import rightbatch as rb
from learn import drawing
from learn.drawing import Dots, Line
from learn.measured import problem, study
from learn.plane import Floats
from learn.seeds import table
from rightbatch import units
from rightbatch.report import axes, charts, series, tables
from rightbatch.report.page import Section
from rightbatch.train.loop import endless

BATCHES = 200
"""Batches of each size whose noise is measured."""

_RESAMPLES = 1000


def steps() -> Section:
    """S(B), as the report of the study has it."""
    document = study()
    shown = series.steps_to_target(document)
    fit = document["fit"]
    ends = {name: _between((fit["interval"] or {}).get(name)) for name in ("s_min", "b_crit")}
    smallest, largest = shown.points[0], shown.points[-1]
    caption = (
        f"Steps until the {document['target']['metric']} is {document['target']['value']:g}, each batch size "
        f"with its best learning rate: {_said(smallest, units.count)} at batch size {smallest.batch_size}, "
        f"{_said(largest, units.count)} at {largest.batch_size:,} (95 % intervals). The bend, B_crit, is at "
        f"{units.count(fit['b_crit'])} ({ends['b_crit']}). Fewer than {units.count(fit['s_min'])} "
        f"({ends['s_min']}) steps are not enough at any size."
    )
    return Section(
        "steps", "Steps to target", "", caption, charts.steps_to_target(shown), tables.steps_to_target(shown)
    )


def seconds() -> Section:
    """T(B), as the report of the study has it."""
    document = study()
    shown, best = series.time_to_target(document), document["recommendation"]
    named = {point.batch_size: point for point in shown.points}
    slow, fast, full = named[min(named)], named[best["batch_size"]], named[max(named)]
    caption = (
        f"The same runs in seconds, on the machine that built this page. Batch size {fast.batch_size} takes "
        f"{_said(fast, units.seconds)}, batch size {slow.batch_size} takes {units.seconds(slow.value)}, and "
        f"all rows at once {units.seconds(full.value)}. With 95 % probability the fastest size is "
        f"{_span(best['interval'])}."
    )
    return Section(
        "seconds",
        "Seconds to target",
        "",
        caption,
        charts.time_to_target(shown),
        tables.time_to_target(shown),
    )


def _between(ends: list[float | None] | None) -> str:
    low, high = ends or (None, None)
    return units.between(low, high, units.count) or "not known"


def _span(ends: list[int] | None) -> str:
    low, high = ends or (None, None)
    return units.count(low) if low == high else units.between(low, high, units.count)


def _said(point: series.Point, written: units.Written) -> str:
    return f"{written(point.value)} ({units.between(point.low, point.high, written)})"


def memory() -> Section:
    """Bytes of training at every batch size."""
    used = {row["batch_size"]: row["memory_bytes"] for row in study()["batch_sizes"] if row["memory_bytes"]}
    sizes, taken = list(used), list(used.values())
    figure = drawing.chart(
        axes.batch_size(sizes),
        axes.log("memory of training (bytes)", taken, units.size),
        [Dots("measured", sizes, taken)],
    )
    least, most = sizes[0], sizes[-1]
    each = (used[most] - used[sizes[-2]]) / (most - sizes[-2])
    caption = (
        f"Most bytes held at once by model, optimizer, batch and step: {units.size(used[least])} at batch "
        f"size {least}, {units.size(used[most])} at {most:,}. At the large end every further row costs about "
        f"{units.size(each)}."
    )
    cells = [(f"{size:,}", units.size(value)) for size, value in used.items()]
    return Section("memory", "Memory", "", caption, figure, table(("batch size", "memory"), cells))


class _Noise(NamedTuple):
    size: int
    loss: Floats
    """Of each batch, the square of its distance from the loss of all rows."""
    gradient: Floats
    """Likewise of the gradient."""


def noise(*, batches: int = BATCHES) -> Section:
    """The variance of loss and gradient over batches, at parameters that stand still."""
    found = _noises(batches)
    rows = problem()[0].samples
    sizes = [each.size for each in found]
    loss, gradient = ([float(np.mean(getattr(each, of))) for each in found] for of in ("loss", "gradient"))
    (slope, low, high), (slope_of, low_of, high_of) = _slope(found, "loss"), _slope(found, "gradient")
    law = [(1 / size) * (rows - size) / (rows - 1) for size in sizes]
    marks: list[drawing.Mark] = [
        _dots(found, "loss", "variance of the batch loss", 0),
        _dots(found, "gradient", "variance of the batch gradient", 1),
        Line("1 / B, drawn without putting back", sizes, law, 3, 1.5),
    ]
    drawn = [value / values[0] for values in (loss, gradient) for value in values]
    figure = drawing.chart(
        axes.batch_size(sizes), axes.log("variance, of that at B = 1", drawn, units.plain), marks
    )
    agrees = low_of <= -1 <= high_of and low <= -1 <= high
    caption = (
        f"Mean squared distance from the loss, and from the gradient, of all {rows:,} rows: {batches} "
        "batches of each size, 95 % intervals, after one epoch of training. Up to batch size "
        f"{_straight(sizes, rows)} the noise of the loss falls as B to the power {slope:.2f} ({low:.2f} to "
        f"{high:.2f}), that of the gradient as B to the power {slope_of:.2f} ({low_of:.2f} to "
        f"{high_of:.2f}); 1 / B is the power -1, which {'lies' if agrees else 'does not lie'} in both "
        "intervals."
    )
    cells = [(f"{size:,}", *map(units.plain, row)) for size, *row in zip(sizes, loss, gradient, strict=True)]
    return Section(
        "noise",
        "Noise falls with the batch",
        "",
        caption,
        figure,
        table(("batch size", "variance of the loss", "variance of the gradient"), cells),
    )


def _straight(sizes: list[int], rows: int) -> int:
    """The largest size that is a small part of all rows."""
    return max(size for size in sizes if size <= rows / 16)


def _noises(batches: int) -> list[_Noise]:
    subject, _ = problem()
    learner: Any = subject.learner  # one of ours: it gives gradients
    state = rb.fit(rb.MLP(), subject.train, batch_size=32, epochs=1, lr=0.1, schedule="constant").state
    losses = learner.losses(learner.predict(state, subject.train[0]), subject.train[1])[0].astype(np.float64)
    whole = learner.gradient(state, next(rb.Loader(subject.train, subject.samples).batches()))[0]
    found = []
    for size in (2**power for power in range(11)):
        stream = endless(subject.loader(size))
        taken = [next(stream) for _ in range(batches)]
        far = np.array([losses[batch.index].mean() - losses.mean() for batch in taken])
        slopes = [np.sum((learner.gradient(state, batch)[0] - whole) ** 2) for batch in taken]
        found.append(_Noise(size, far**2, np.array(slopes, np.float64)))
    return found


def _dots(found: list[_Noise], of: str, name: str, look: int) -> Dots:
    first = float(np.mean(getattr(found[0], of)))
    ends = [np.percentile(_resampled(getattr(each, of)), [2.5, 97.5]) / first for each in found]
    return Dots(
        name,
        [drawing.beside(each.size, look, 2) for each in found],
        [float(np.mean(getattr(each, of))) / first for each in found],
        [float(low) for low, _ in ends],
        [float(high) for _, high in ends],
        look,
        7,
    )


def _slope(found: list[_Noise], of: str) -> tuple[float, float, float]:
    """The exponent of B, with its 95 % interval by resampling the batches."""
    few = [each for each in found if each.size <= problem()[0].samples / 16]
    x = np.log([each.size for each in few])
    exponents = np.polyfit(x, np.log([_resampled(getattr(each, of)) for each in few]), 1)[0]
    middle = np.polyfit(x, np.log([np.mean(getattr(each, of)) for each in few]), 1)[0]
    low, high = np.percentile(exponents, [2.5, 97.5])
    return float(middle), float(low), float(high)


def _resampled(values: Floats) -> Floats:
    """Means of the values, drawn again and again."""
    draw = np.random.default_rng(0)
    return values[draw.integers(len(values), size=(_RESAMPLES, len(values)))].mean(axis=1)
