"""Page 1: what a batch is an estimate of, and the three descents on a straight line."""

from functools import cache
from itertools import islice

import numpy as np
from learn import drawing
from learn.drawing import Dots, Line
from learn.plane import Floats, Points, path, points, surface
from learn.seeds import geometric, table

import rightbatch as rb
from rightbatch import units
from rightbatch.records import Shape
from rightbatch.report import axes
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
    figure = drawing.chart(
        axes.linear("gradient along the slope"),
        axes.linear("gradient along the intercept"),
        [
            Dots(name, cloud[:, 0].tolist(), cloud[:, 1].tolist(), look=look, size=6 + 4 * look, opacity=0.5 + look / 4)
            for look, (name, cloud) in enumerate(clouds.items())
        ],
    )
    rows = [
        (name, str(len(cloud)), *(units.plain(value) for value in cloud.mean(axis=0)), units.plain(spread[name]))
        for name, cloud in clouds.items()
    ]
    caption = (
        f"{_CLOUD} gradients of one row, {_CLOUD} of {kinds_said()[1]} rows, and the one of all "
        f"{len(line().x)} rows, at the same parameters. They have the same middle. From the full gradient, "
        f"one of a single row is {units.plain(one)} away (root mean square) and one of a mini-batch "
        f"{units.plain(mini)}: {units.plain(one / mini)} times nearer, for {kinds_said()[1]} times the work."
    )
    columns = ("gradients of", "number", "mean, slope", "mean, intercept", "distance from the full one")
    return Section("gradients", "Every batch estimates the same gradient", "", caption, figure, table(columns, rows))


def kinds_said() -> list[int]:
    """The batch sizes."""
    return list(kinds().values())


def _gradients(batch_size: int) -> Floats:
    rows = line()
    learner = rb.LinearRegression().build(Shape(features=1, outputs=1, task="regression"), rb.SGD())
    batches = endless(rb.Loader((rows.x, rows.y), batch_size, shuffle=True))
    state = learner.start([0])
    number = 1 if batch_size == len(rows.x) else _CLOUD
    return np.concatenate([learner.gradient(state, batch) for batch in islice(batches, number)])


def paths(*, epochs: int = EPOCHS) -> Section:
    """The way of each descent over the loss, for as many examples."""
    rows = line()
    ways = {name: path(rows, size, LR, steps=_steps(size, epochs)) for name, size in kinds().items()}
    figure = drawing.chart(
        axes.linear("slope (standardised data)"),
        axes.linear("intercept"),
        [
            Line(name, way[:, 0].tolist(), way[:, 1].tolist(), look, 2.5 if look else 1, curved=True)
            for look, (name, way) in enumerate(ways.items())
        ],
    )
    drawing.contours(figure, *surface(rows, np.concatenate([*ways.values(), rows.best[None]])))
    drawing.star(figure, *rows.best.tolist(), "least squares")
    left = {name: rows.away(way) for name, way in ways.items()}
    near = {name: units.plain(float(np.median(away[-len(away) // 4 :]))) for name, away in left.items()}
    told = [f"{name} made {len(ways[name]) - 1:,} steps and is {near[name]} away" for name in ways]
    caption = (
        f"All three begin at (0, 0), {units.plain(left[next(iter(left))][0])} from the star, with the learning "
        f"rate {LR}, and see each row {epochs} times. In the last quarter of its way {units.listed(told)} "
        "(median)."
    )
    cells = [
        (name, f"{len(way) - 1:,}", *(units.plain(value) for value in way[-1]), units.plain(left[name][-1]))
        for name, way in ways.items()
    ]
    columns = ("descent", "steps", "slope at the end", "intercept at the end", "distance from least squares")
    return Section("paths", "Three ways down", "", caption, figure, table(columns, cells))


def _steps(batch_size: int, epochs: int) -> int:
    return epochs * -(-len(line().x) // batch_size)


def settling(*, epochs: int = EPOCHS, seeds: int = SEEDS) -> Section:
    """The distance from least squares after every epoch, in the middle over orders of the rows."""
    ways = {name: _distances(size, epochs, seeds) for name, size in kinds().items()}
    seen = [len(line().x) * epoch for epoch in range(epochs + 1)]
    middle = {name: np.median(way, axis=0).tolist() for name, way in ways.items()}
    drawn = [value for way in middle.values() for value in way]
    figure = drawing.chart(
        axes.linear("examples seen"),
        axes.log("distance from least squares", drawn, units.plain),
        [Line(name, seen, way, look) for look, (name, way) in enumerate(middle.items())],
    )
    told = [f"{name}: {units.plain(way[1])} and {_late(ways[name])}" for name, way in middle.items()]
    caption = (
        f"The distance from the goal after every epoch at a constant learning rate of {LR}, the median of "
        f"{seeds} orders of the rows. After one epoch, and in the mean of the last {_LAST} with a 95 % "
        f"interval: {'; '.join(told)}."
    )
    cells = [(units.count(count), *map(units.plain, row)) for count, *row in zip(seen, *middle.values(), strict=True)]
    return Section(
        "settling", "Fast and noisy, slow and exact", "", caption, figure, table(("examples seen", *ways), cells)
    )


def _late(way: Floats) -> str:
    """The mean over the last epochs; all rows at once are the same in every order."""
    ends = np.exp(np.log(way[:, -_LAST:]).mean(axis=1)).tolist()
    return geometric(ends).said() if np.ptp(ends) > 1e-6 else f"{units.plain(ends[0])} (the same in every order)"


def _distances(batch_size: int, epochs: int, seeds: int) -> Floats:
    """`(seeds, epochs + 1)`."""
    rows, each = line(), _steps(batch_size, 1)
    return np.stack(
        [
            rows.away(path(rows, batch_size, LR, steps=epochs * each, seed=seed))[::each]
            for seed in range(seeds)
        ]
    )
