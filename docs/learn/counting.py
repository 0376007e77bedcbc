"""Page 2: epochs, steps and examples, counted."""

from functools import cache
from math import ceil

import numpy as np

import rightbatch as rb
from learn import drawing
from learn.drawing import Dots, Line
from learn.measured import study
from learn.seeds import table
from rightbatch import units
from rightbatch.report import axes, charts, series
from rightbatch.report.page import Section

ROWS, SMALL = 20, 6
"""Rows and batch size of the picture of single rows."""

_EPOCHS = 3
_SIZES = (1, 8, 32, 128)
"""Batch sizes whose curves are shown, beside all rows."""


def one_epoch() -> Section:
    """Which batch every row is in, for some epochs."""
    loader = rb.Loader(np.arange(ROWS), SMALL, shuffle=True, seed=0)
    seen = [(batch.epoch, batch.step, batch.index) for _ in range(_EPOCHS) for batch in loader.batches()]
    steps = len(loader)
    marks = []
    for step in range(steps):
        places = [(int(row), epoch) for epoch, which, index in seen if which == step for row in index]
        x, y = zip(*places, strict=True)
        marks.append(Dots(f"batch {step + 1}", x, [f"epoch {epoch + 1}" for epoch in y], look=step, size=13))
    figure = drawing.chart(
        {**axes.linear("row of the data"), "showgrid": False},
        {**drawing.named([f"epoch {epoch + 1}" for epoch in range(_EPOCHS)]), "autorange": "reversed"},
        marks,
    )
    sizes = [len(index) for epoch, _, index in seen if epoch == 0]
    once = all(
        sorted(row for which, _, index in seen if which == epoch for row in index) == list(range(ROWS))
        for epoch in range(_EPOCHS)
    )
    caption = (
        f"{ROWS} rows in batches of {SMALL}, {_EPOCHS} epochs. An epoch has {steps} batches, of "
        f"{units.listed([str(size) for size in sizes])} rows; every row comes "
        f"{'exactly once' if once else 'a different number of times'} in each epoch, with other companions."
    )
    rows = [(str(epoch + 1), str(step + 1), ", ".join(map(str, index))) for epoch, step, index in seen]
    return Section(
        "one-epoch", "Every row once an epoch", "", caption, figure, table(("epoch", "batch", "rows"), rows)
    )


def steps_per_epoch() -> Section:
    """Steps of an epoch against the batch size, of the digits."""
    data = rb.load_data("digits").train
    rows = len(data[0])
    sizes = [*(2**power for power in range(rows.bit_length())), rows]
    loaders = {size: rb.Loader(data, size, shuffle=True) for size in sizes}
    steps = {size: len(loader) for size, loader in loaders.items()}
    figure = drawing.chart(
        axes.batch_size(sizes),
        axes.log("steps in an epoch", list(steps.values()), units.count),
        [
            Dots("steps", sizes, list(steps.values())),
            Line("rows / B", sizes, [rows / size for size in sizes], 3, 1),
        ],
    )
    caption = (
        f"The digits have {rows:,} rows to train on. An epoch of them is {steps[1]:,} steps of one row, "
        f"{steps[32]} of 32 rows, or a single step of all: as many as rows / B, rounded up."
    )
    cells = [
        (f"{size:,}", f"{count:,}", f"{rows - size * (ceil(rows / size) - 1):,}")
        for size, count in steps.items()
    ]
    columns = ("batch size", "steps in an epoch", "rows of the last batch")
    return Section("steps-per-epoch", "Steps in an epoch", "", caption, figure, table(columns, cells))


@cache
def _curves() -> tuple[list[series.Curve], str, float]:
    """Runs of the study at some batch sizes, each with its best learning rate."""
    document = study()
    largest = max(row["batch_size"] for row in document["batch_sizes"])
    found = [curve for curve in series.curves(document) if curve.batch_size in {*_SIZES, largest}]
    return found, document["target"]["metric"], document["target"]["value"]


def by_examples() -> Section:
    """The validation loss against examples."""
    found, metric, target = _curves()
    first, last = found[0], found[-1]
    caption = (
        f"Each batch size with the learning rate that suits it best, until the {metric} is {target:g}. "
        f"Counted in examples, batch size {first.batch_size} needs {units.count(first.samples[-1])} and "
        f"batch size {last.batch_size:,} needs {units.count(last.samples[-1])}: "
        f"{units.times(last.samples[-1] / first.samples[-1])} as many."
    )
    return _drawn("by-examples", "Counted in examples", caption, found, "examples seen")


def by_steps() -> Section:
    """The same runs against steps."""
    found, metric, _ = _curves()
    runs = [_in_steps(curve) for curve in found]
    first, last = runs[0], runs[-1]
    caption = (
        f"The same runs, counted in steps. To the same {metric}, batch size {first.batch_size} needs "
        f"{units.count(first.samples[-1])} steps and batch size {last.batch_size:,} needs "
        f"{units.count(last.samples[-1])}: {units.times(first.samples[-1] / last.samples[-1])} fewer."
    )
    return _drawn("by-steps", "Counted in steps", caption, runs, "steps")


def _in_steps(curve: series.Curve) -> series.Curve:
    steps = [samples / curve.batch_size for samples in curve.samples]
    return series.Curve(
        curve.batch_size, curve.seed, curve.learning_rate, steps, curve.metric, curve.standing
    )


def _drawn(name: str, title: str, caption: str, found: list[series.Curve], unit: str) -> Section:
    _, metric, target = _curves()
    figure = charts.curves(found, metric, target)
    figure.update_layout(xaxis_title_text=unit)
    figure.update_traces(hovertemplate="%{x:,}: %{y:.3~g}")
    columns = ("batch size", "learning rate", unit, metric)
    cells = [
        (
            f"{curve.batch_size:,}",
            units.plain(curve.learning_rate),
            units.count(curve.samples[-1]),
            units.plain(curve.metric[-1]),
        )
        for curve in found
    ]
    return Section(name, title, "", caption, figure, table(columns, cells))
