"""Page 4: momentum, Adam and schedules."""

from functools import cache

import numpy as np

import rightbatch as rb
from learn import drawing
from learn.drawing import Line
from learn.measured import TARGET, problem
from learn.plane import Floats, Points, path, points, surface
from learn.seeds import Mean, geometric, table
from rightbatch import units
from rightbatch.data.builtin import houses
from rightbatch.data.dataset import Dataset
from rightbatch.learners.models import optimizer_for
from rightbatch.report import axes
from rightbatch.report.page import Section
from rightbatch.study.grid import lr_at
from rightbatch.study.subject import Sweep
from rightbatch.train.schedule import SCHEDULES, schedule_named

RULES = ("sgd", "momentum", "nesterov", "adam")
STEPS = 150
NEAR = 0.05
"""Of the way from the start: so near the goal a rule has arrived in the valley."""
SIZES = (8, 32, 256)
SEEDS = 8
EPOCHS = 10
_RATES = [lr_at(point) for point in range(-14, 3)]
_POINTS = {
    "sgd": range(-8, 3),
    "momentum": range(-14, -3),
    "nesterov": range(-14, -3),
    "adam": range(-18, -5),
}
"""Points of the study's grid of learning rates: the best lies inside for every batch size."""
_MOST_STEPS = 2000
_SMALL, _LR = 4, 0.25
"""Batch size and learning rate of the schedules: noisy enough to need one."""


@cache
def valley() -> Points:
    """The built-in houses, in 1,000 sq ft and 100,000; not centred: slope and intercept hang together."""
    size, price = (column.values.reshape(-1, 1) for column in houses().columns)
    return points(size / 1e3, price / 1e5)


@cache
def bowl() -> Points:
    """The built-in line, standardised."""
    return points(*rb.load_data("line").train)


def ways() -> Section:
    """The way of each update rule, all rows a step, with the learning rate that arrives first."""
    rows = valley()
    found = {rule: _fastest(rows, rule) for rule in RULES}
    figure = drawing.chart(
        axes.linear("slope"),
        axes.linear("intercept"),
        [
            Line(rule, way[:, 0].tolist(), way[:, 1].tolist(), look, curved=True)
            for look, (rule, (_, way, _)) in enumerate(found.items())
        ],
    )
    drawing.contours(figure, *surface(rows, np.concatenate([way for _, way, _ in found.values()])))
    slope, intercept = rows.best.tolist()
    drawing.star(figure, slope, intercept, "least squares")
    told = [f"{rule} {_arrived(steps)}" for rule, (_, _, steps) in found.items()]
    round_ = [f"{rule} {_arrived(_fastest(bowl(), rule)[2])}" for rule in RULES]
    caption = (
        f"Each rule with the best of {len(_RATES)} learning rates, {STEPS} steps. The valley is "
        f"{units.plain(rows.length)} times as long as wide. Steps until {units.percent(NEAR)} of the way are "
        f"left: {', '.join(told)}. In a bowl that is {units.plain(bowl().length)} times as long as wide: "
        f"{', '.join(round_)}."
    )
    cells = [
        (rule, units.plain(lr), _arrived(steps), units.plain(float(rows.away(way[-1]))))
        for rule, (lr, way, steps) in found.items()
    ]
    columns = ("update rule", "learning rate", "arrived after", "distance at the end")
    return Section("ways", "One valley, four rules", "", caption, figure, table(columns, cells))


def _arrived(steps: float) -> str:
    return f"{steps:g}" if np.isfinite(steps) else f"over {STEPS}"


def _fastest(rows: Points, rule: str) -> tuple[float, Floats, float]:
    """Learning rate, way and steps of the rate that arrives first; of as fast ones, ends nearest."""
    tried = []
    for lr in _RATES:
        optimizer = optimizer_for(rb.LinearRegression(), rule)
        way = path(rows, len(rows.x), lr, steps=STEPS, optimizer=optimizer)
        away = np.nan_to_num(rows.away(way), nan=np.inf)
        late = np.flatnonzero(away > NEAR * away[0])[-1] + 1  # the step from which it stays near
        tried.append((float(late) if late <= STEPS else np.inf, float(away[-1]), lr, way))
    steps, _, lr, way = min(tried, key=lambda one: one[:2])
    return lr, way, steps


def rules(*, sizes: tuple[int, ...] = SIZES, seeds: int = SEEDS) -> Section:
    """Steps to target of each update rule at some batch sizes, each with its best learning rate."""
    found = {rule: {size: _steps(rule, size, seeds) for size in sizes} for rule in RULES}
    known = [end for each in found.values() for _, steps in each.values() for end in geometric(steps)]
    marks = [
        drawing.ranges(
            rule,
            [drawing.beside(size, look, len(found)) for size in sizes],
            [geometric(each[size][1]) for size in sizes],
            look,
        )
        for look, (rule, each) in enumerate(found.items())
    ]
    figure = drawing.chart(
        axes.batch_size(list(sizes)), axes.log("steps to target", known, units.count), marks
    )
    told = [f"at batch size {size}: {_ratios(found, size)}" for size in (sizes[0], sizes[-1])]
    caption = (
        f"Steps to {TARGET.replace('=', ' ')}: geometric means of {seeds} seeds, 95 % intervals. As a "
        f"multiple of sgd's steps, seed by seed: {'; '.join(told)}."
    )
    cells = [
        (
            rule,
            str(size),
            units.plain(lr),
            geometric(steps).said(units.count),
            _ratio(found, rule, size).said(),
        )
        for rule, each in found.items()
        for size, (lr, steps) in each.items()
    ]
    columns = ("update rule", "batch size", "best learning rate", "steps to target", "times sgd's")
    return Section("rules", "Steps to target by update rule", "", caption, figure, table(columns, cells))


def _ratios(found: dict[str, dict[int, tuple[float, list[float]]]], size: int) -> str:
    return ", ".join(f"{rule} {_ratio(found, rule, size).said()}" for rule in RULES[1:])


def _ratio(found: dict[str, dict[int, tuple[float, list[float]]]], rule: str, size: int) -> Mean:
    pairs = zip(found[rule][size][1], found["sgd"][size][1], strict=True)
    return geometric([one / other for one, other in pairs])


def _steps(rule: str, size: int, seeds: int) -> tuple[float, list[float]]:
    """The learning rate that reaches the target in the fewest steps over all seeds, and these steps."""
    subject, _ = problem(rule)
    target = subject.read_target(TARGET)
    found: dict[int, list[float]] = {}
    for seed in range(seeds):
        work = Sweep(
            target=target, batch_size=size, seeds=(seed,), points=tuple(_POINTS[rule]), most_steps=_MOST_STEPS
        )
        for run in subject.runs(work)[0]:
            found.setdefault(run.point, []).append(run.steps_to_target or np.inf)
    point, steps = min(found.items(), key=lambda one: float(np.mean(np.log(one[1]))))
    return lr_at(point), steps


def factors(*, steps: int = 100) -> Section:
    """The factor of every schedule on the learning rate."""
    named = {name: schedule_named(name, steps) for name in SCHEDULES}
    figure = drawing.chart(
        {**axes.linear("part of the training that is done"), "tickformat": ".0%"},
        axes.linear("factor on the learning rate"),
        [
            Line(name, [step / steps for step in range(steps)], [factor(step) for step in range(steps)], look)
            for look, (name, factor) in enumerate(named.items())
        ],
    )
    half = [f"{name} {units.plain(factor(steps // 2))}" for name, factor in named.items()]
    caption = f"The factor of each schedule of that name; half way it is: {', '.join(half)}."
    moments = range(0, steps, steps // 10)
    cells = [
        (f"{100 * step / steps:.0f} %", *(units.plain(factor(step)) for factor in named.values()))
        for step in moments
    ]
    return Section("factors", "Schedules", "", caption, figure, table(("done", *named), cells))


def schedules(*, seeds: int = SEEDS, epochs: int = EPOCHS) -> Section:
    """The validation loss at the end, with every schedule."""
    data = rb.load_data("digits")
    losses = {name: [_end(data, name, epochs, seed) for seed in range(seeds)] for name in SCHEDULES}
    ends = {name: geometric(values) for name, values in losses.items()}
    ratio = {
        name: geometric([one / other for one, other in zip(values, losses["constant"], strict=True)])
        for name, values in losses.items()
        if name != "constant"
    }
    figure = drawing.chart(
        drawing.named(list(ends)),
        axes.log("validation loss at the end", [end for each in ends.values() for end in each], units.plain),
        [drawing.ranges("mean of the seeds", list(ends), list(ends.values()))],
    )
    told = [f"{name} {value.said()}" for name, value in ratio.items()]
    caption = (
        f"After {epochs} epochs at batch size {_SMALL}, with a learning rate of {_LR:g} times the schedule: "
        f"geometric means of {seeds} seeds, 95 % intervals. Constant ends at {ends['constant'].said()}. As a "
        f"multiple of that, seed by seed: {', '.join(told)}."
    )
    cells = [
        (name, value.said(), ratio[name].said() if name in ratio else "1") for name, value in ends.items()
    ]
    columns = ("schedule", "validation loss", "times that of constant")
    return Section("schedules", "What a schedule is worth", "", caption, figure, table(columns, cells))


def _end(data: Dataset, schedule: str, epochs: int, seed: int) -> float:
    """The validation loss after the last epoch."""
    done = rb.fit(
        rb.MLP(),
        data.train,
        data.validation,
        batch_size=_SMALL,
        epochs=epochs,
        lr=_LR,
        schedule=schedule,
        seed=seed,
    )
    return done.history[-1]["val_loss"]
