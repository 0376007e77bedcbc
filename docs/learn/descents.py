"""Page 1: what a batch is an estimate of, and the three descents on a straight line."""

from collections.abc import Mapping
from functools import cache
from itertools import islice
from typing import Any

import numpy as np

import rightbatch as rb
from learn import drawing
from learn.drawing import Dots, Line
from learn.plane import Floats, Points, path, points
from learn.seeds import geometric, table
from rightbatch import units
from rightbatch.records import Shape
from rightbatch.report import axes, comparison_charts
from rightbatch.report.page import Section
from rightbatch.train.loop import endless

LR = 0.1
EPOCHS = 20
SEEDS = 20
_CLOUD = 100
_LAST = 5
"""Epochs at the end of a run in which it only dances around."""


@cache
def line() -> Points:
    """The built-in 100 points of y = 4 + 3x + noise, standardised."""
    return points(*rb.load_data("line").train)


def kinds() -> dict[str, int]:
    """The batch size of each descent on the line."""
    rows = len(line().x)
    return {"stochastic, B = 1": 1, f"mini-batch, B = {rows // 10}": rows // 10, f"batch, B = {rows}": rows}


def gradients() -> Section:
    """Gradients of single rows, of mini-batches and of all rows, at the start."""
    clouds = {name: _gradients(size) for name, size in kinds().items()}
    whole = list(clouds.values())[-1][0]
    spread = {
        name: float(np.sqrt(np.mean(np.sum((cloud - whole) ** 2, axis=1)))) for name, cloud in clouds.items()
    }
    one, mini, _ = spread.values()
    _, mini_size, _ = kinds().values()
    figure = drawing.chart(
        axes.linear("gradient along the slope"),
        axes.linear("gradient along the intercept"),
        [
            Dots(
                name,
                cloud[:, 0].tolist(),
                cloud[:, 1].tolist(),
                look=look,
                size=6 + 4 * look,
                opacity=0.5 + look / 4,
            )
            for look, (name, cloud) in enumerate(clouds.items())
        ],
    )
    rows = [
        (
            name,
            str(len(cloud)),
            *(units.plain(round(float(value), 6)) for value in cloud.mean(axis=0)),
            units.plain(spread[name]),
        )
        for name, cloud in clouds.items()
    ]
    caption = (
        f"{_CLOUD} gradients of one row, {_CLOUD} of {mini_size} rows, and the one of all {len(line().x)}, "
        f"at the same parameters. Those of one row are {units.plain(one)} away from the full one (root mean "
        f"square), those of {mini_size} rows {units.plain(mini)}: {units.plain(one / mini)} times nearer, "
        f"for {mini_size} times the work."
    )
    columns = ("gradients of", "number", "mean, slope", "mean, intercept", "distance from the full one")
    return Section(
        "gradients", "Every batch estimates the same gradient", "", caption, figure, table(columns, rows)
    )


def _gradients(batch_size: int) -> Floats:
    rows = line()
    learner = rb.LinearRegression().build(Shape(features=1, outputs=1, task="regression"), rb.SGD())
    batches = endless(rb.Loader((rows.x, rows.y), batch_size, shuffle=True))
    state = learner.start([0])
    number = 1 if batch_size == len(rows.x) else _CLOUD
    return np.concatenate([learner.gradient(state, batch) for batch in islice(batches, number)])


def paths(*, epochs: int = EPOCHS) -> Section:
    """The way of each descent over the loss, for as many examples, as a comparison draws it."""
    document = rb.compare("line", batch_sizes=list(kinds().values()), lr=LR, epochs=epochs).to_dict()
    methods, convergence = document["methods"], document["convergence"]
    told = [
        f"by {method['name']} after {_converged(method)}, loss {_loss(method)} at the end"
        for method in methods
    ]
    caption = (
        f"All three begin at the same place, with the learning rate {LR}, and see each row {epochs} times. "
        f"{units.percent(convergence['share'])} of the way down is done {'; '.join(told)}. The least loss of "
        f"all is {convergence['least']:.4f}."
    )
    cells = [
        (
            method["name"],
            units.count(_made(method, epochs)),
            _converged(method),
            _loss(method),
            *(units.plain(value) for value in method["weights"].values()),
        )
        for method in methods
    ]
    columns = (
        "descent",
        "steps",
        "converged after",
        "loss at the end",
        "slope at the end",
        "intercept at the end",
    )
    figure = comparison_charts.paths(document)
    landscape, *places = figure.data
    drawing.add(
        figure,
        [
            Line(way["name"], way["x"], way["y"], look, 2.5 if look else 1, curved=True)
            for look, way in enumerate(document["paths"]["methods"])
        ],
    )
    figure.data = (landscape, *figure.data[1 + len(places) :], *places)  # start and goal above the ways
    figure.update_layout(legend_y=-0.26)
    return Section("paths", "Three ways down", "", caption, figure, table(columns, cells))


def _made(method: Mapping[str, Any], epochs: int) -> int:
    """Steps of a method in so many epochs."""
    return epochs * int(method["updates_per_epoch"])


def _converged(method: Mapping[str, Any]) -> str:
    found = method["converged"]
    if found is None:
        return "more steps than that"
    return f"{units.plural(found['updates'], 'step')} ({units.plain(found['epochs'])} epochs)"


def _loss(method: Mapping[str, Any]) -> str:
    return f"{method['final']['loss']:.4f}"


def _steps(batch_size: int, epochs: int) -> int:
    return epochs * -(-len(line().x) // batch_size)


def settling(*, epochs: int = EPOCHS, seeds: int = SEEDS) -> Section:
    """The distance from least squares after every epoch, in the middle over orders of the rows."""
    ways = {name: _distances(size, epochs, seeds) for name, size in kinds().items()}
    seen = list(range(epochs + 1))
    middle = {name: np.median(way, axis=0).tolist() for name, way in ways.items()}
    drawn = [value for way in middle.values() for value in way]
    figure = drawing.chart(
        axes.linear("epochs"),
        axes.log("distance from least squares", drawn, units.plain),
        [Line(name, seen, way, look) for look, (name, way) in enumerate(middle.items())],
    )
    told = [f"{name}: {units.plain(way[1])}, then {_late(ways[name])}" for name, way in middle.items()]
    caption = (
        f"Distance from the goal at a constant learning rate of {LR}, the median of {seeds} orders of the "
        f"rows. After one epoch, and then in the mean of the last {_LAST} with a 95 % interval: "
        f"{'; '.join(told)}."
    )
    cells = [
        (units.count(count), *map(units.plain, row))
        for count, *row in zip(seen, *middle.values(), strict=True)
    ]
    return Section(
        "settling",
        "Fast and noisy, slow and exact",
        "",
        caption,
        figure,
        table(("epochs", *ways), cells),
    )


def _late(way: Floats) -> str:
    """The mean over the last epochs; all rows at once are the same in every order."""
    ends = np.exp(np.log(way[:, -_LAST:]).mean(axis=1)).tolist()
    return geometric(ends).said() if np.ptp(ends) > 1e-6 else units.plain(ends[0])


def _distances(batch_size: int, epochs: int, seeds: int) -> Floats:
    """`(seeds, epochs + 1)`."""
    rows, each = line(), _steps(batch_size, 1)
    return np.stack(
        [
            rows.away(path(rows, batch_size, LR, steps=epochs * each, seed=seed))[::each]
            for seed in range(seeds)
        ]
    )
