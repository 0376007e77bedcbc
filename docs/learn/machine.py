"""Page 6: what a step costs, and what the processor does meanwhile, on the machine that builds the page."""

from statistics import median

import numpy as np

import rightbatch as rb
from learn import drawing
from learn.drawing import Dots, Line
from learn.measured import problem, study
from learn.plane import Floats
from learn.seeds import Mean, table
from rightbatch import units
from rightbatch.measure.clock import time_steps
from rightbatch.measure.feeding import HIDDEN, Feeding, feed
from rightbatch.measure.memory import memory_use
from rightbatch.measure.rivals import Epoch, Rival
from rightbatch.measure.rivals_numpy import RIVALS
from rightbatch.records import Shape
from rightbatch.report import axes, charts, palette, series, tables
from rightbatch.report.page import Section
from rightbatch.study.machine import describe, fixed_threads

SIZES = (1, 8, 64, 512)
WIDE = (256, 256)
"""Hidden units of a network in whose step the threads have something to do."""
THREADS = (1, 2)
_SIZES = (8, 64, 512)
"""Of the batches that threads share."""
ROUNDS = 6
ROWS = 20_000
_COLUMNS = 256


def _ahead(x: Floats, y: Floats, batch_size: int) -> Epoch:
    loader = rb.Loader((x, y), batch_size, shuffle=True, prefetch=2)
    return lambda: iter(loader)


_AHEAD = Rival("prefetch=2", "", "Loader((x, y), batch_size, shuffle=True, prefetch=2)", _ahead)


def step_time() -> Section:
    """t(B), as the report of the study has it."""
    document = study()
    shown = series.step_time(document)
    line = shown.line
    caption = f"{units.capital(_machine())}. "
    if line is not None:
        a, b = line
        caption += (
            f"A step of the digits' network takes about {units.seconds(a)} whatever its batch, and "
            f"{units.seconds(b)} more for every row: from batch size {units.count(a / b)} on, the rows cost "
            "more than the step itself."
        )
    return Section(
        "step-time", "Seconds of a step", "", caption, charts.step_time(shown), tables.step_time(shown)
    )


def _machine() -> str:
    about = describe(1)
    return f"measured on {about['cpu']} ({units.plural(about['cores'], 'core')}), with 1 thread"


def throughput() -> Section:
    """Examples a second at every batch size."""
    rounds = series.step_time(study()).rounds
    speed = {size: size / median(seconds) for size, seconds in rounds}
    sizes, rates = list(speed), list(speed.values())
    figure = drawing.chart(
        axes.batch_size(sizes),
        axes.log("examples a second", rates, units.count),
        [Dots("measured", sizes, rates)],
    )
    best = max(speed, key=lambda size: speed[size])
    enough = min(size for size in speed if speed[size] > 0.9 * speed[best])
    caption = (
        f"{units.count(speed[sizes[0]])} examples a second at batch size {sizes[0]}, "
        f"{units.count(speed[best])} at {best:,}. From batch size {enough:,} on, a larger batch saves less "
        "than a tenth of the time of an epoch."
    )
    cells = [(f"{size:,}", units.count(rate)) for size, rate in speed.items()]
    return Section(
        "throughput",
        "Examples a second",
        "",
        caption,
        figure,
        table(("batch size", "examples a second"), cells),
    )


def waiting(*, batch_sizes: tuple[int, ...] = (8, 64), rows: int = ROWS) -> Section:
    """The share of a step that waits for its batch, by model and way to make batches."""
    draw = np.random.default_rng(0)
    arrays = draw.standard_normal((rows, _COLUMNS), np.float32), draw.integers(10, size=rows)
    ours, by_hand = RIVALS[:2]
    fed = [each for size in batch_sizes for each in feed([ours, _AHEAD, by_hand], arrays, size)]
    groups = [f"{model}, B = {size}" for model in HIDDEN for size in batch_sizes]
    ways = list(dict.fromkeys(each.name for each in fed))
    marks = [
        Dots(way, groups, [_share(fed, way, group) for group in groups], look=look, size=11)
        for look, way in enumerate(ways)
    ]
    figure = drawing.chart(
        drawing.named(groups),
        {**axes.linear("share of a step that waits"), "tickformat": ".0%", "rangemode": "tozero"},
        marks,
    )
    told = [
        f"{group}: {', '.join(units.percent(_share(fed, way, group)) for way in ways)}" for group in groups
    ]
    hidden = units.listed([f"the {name} one has {_units(sizes)}" for name, sizes in HIDDEN.items()])
    caption = (
        f"The part of a step in which a network waits for its batch of {_COLUMNS} columns, with the loader "
        f"as it is, with {_AHEAD.name}, and with a loop written by hand. {'; '.join(told)}. "
        f"{units.capital(hidden)}."
    )
    cells = [
        (
            each.model,
            str(each.batch_size),
            each.name,
            units.seconds(each.waiting),
            units.seconds(each.computing),
            units.percent(each.share),
        )
        for each in fed
    ]
    columns = ("network", "batch size", "batches by", "waiting a step", "computing a step", "share")
    return Section("waiting", "Waiting for batches", "", caption, figure, table(columns, cells))


def _units(hidden: tuple[int, ...]) -> str:
    return f"{units.listed([str(size) for size in hidden])} hidden units"


def _share(fed: list[Feeding], way: str, group: str) -> float:
    return next(
        each.share for each in fed if each.name == way and f"{each.model}, B = {each.batch_size}" == group
    )


def parts() -> Section:
    """Bytes of the parts of training, at every batch size."""
    subject, _ = problem()
    sizes = [*SIZES, subject.samples]
    used = [memory_use(subject.learner, subject.loader, size) for size in sizes]
    shown = {
        "training, at most": [each.training for each in used],
        "forward and backward pass": [each.backward or 0 for each in used],
        "forward pass": [each.forward for each in used],
        "model and optimizer": [each.state for each in used],
    }
    marks = [
        mark
        for look, (name, taken) in enumerate(shown.items())
        for mark in (Line(name, sizes, taken, look, 1.5, legend=False), Dots(name, sizes, taken, look=look))
    ]
    taken = [float(value) for values in shown.values() for value in values]
    figure = drawing.chart(axes.batch_size(sizes), axes.log("bytes", taken, units.size), marks)
    first, last = used[0], used[-1]
    caption = (
        f"Most bytes at once of the digits' network, the data left out. Model and optimizer take "
        f"{units.size(first.state)} at every batch size. The two passes take {units.size(first.backward)} at "
        f"batch size {sizes[0]} and {units.size(last.backward)} at {sizes[-1]:,}."
    )
    cells = [
        (f"{each.batch_size:,}", *map(units.size, row))
        for each, row in zip(used, zip(*shown.values(), strict=True), strict=True)
    ]
    return Section("parts", "Memory, part by part", "", caption, figure, table(("batch size", *shown), cells))


def threads(*, rounds: int = ROUNDS) -> Section:
    """Seconds per step with one thread and with two, of a small and of a larger network."""
    networks = {"small": (64,), "larger": WIDE}
    ratios = {name: _speedups(hidden, rounds) for name, hidden in networks.items()}
    marks = [
        drawing.ranges(
            f"{name} network",
            [drawing.beside(size, look, len(ratios)) for size in each],
            list(each.values()),
            look,
        )
        for look, (name, each) in enumerate(ratios.items())
    ]
    figure = drawing.chart(
        axes.batch_size(list(_SIZES)),
        axes.log(
            "times as fast with 2 threads",
            [end for each in ratios.values() for one in each.values() for end in (*one, 1.0)],
            units.plain,
        ),
        marks,
    )
    figure.add_hline(y=1, line={"color": palette.MUTED, "width": 1.2, "dash": "dash"})
    told = [
        f"the {name} network ({_units(networks[name])}) {_at_ends(each)}" for name, each in ratios.items()
    ]
    caption = (
        f"How many times as fast a step is with {THREADS[1]} threads as with 1, on a machine with "
        f"{units.plural(describe(1)['cores'], 'core')}: the median of {rounds} rounds and the middle half of "
        f"them. {units.capital('; '.join(told))}."
    )
    cells = [(name, str(size), value.said()) for name, each in ratios.items() for size, value in each.items()]
    return Section(
        "threads", "Threads", "", caption, figure, table(("network", "batch size", "times as fast"), cells)
    )


def _at_ends(each: dict[int, Mean]) -> str:
    first, last = min(each), max(each)
    return f"{each[first].said()} times at batch size {first}, {each[last].said()} times at {last}"


def _speedups(hidden: tuple[int, ...], rounds: int) -> dict[int, Mean]:
    """The median and the quartiles over rounds, in which both numbers of threads take turns."""
    subject, _ = problem()
    learner = rb.MLP(hidden=hidden).build(Shape(features=64, outputs=10, task="classification"), rb.SGD())
    taken: dict[int, list[Floats]] = {count: [] for count in THREADS}
    for _ in range(rounds):
        for count in THREADS:
            with fixed_threads(count):
                (row,) = time_steps(learner, subject.loader, _SIZES, rounds=1, lr=1e-6)
            by_size = {timing.batch_size: timing.seconds for timing in row}
            taken[count].append(np.array([by_size[size] for size in _SIZES]))
    ratio = np.stack(taken[THREADS[0]]) / np.stack(taken[THREADS[1]])
    low, middle, high = np.percentile(ratio, [25, 50, 75], axis=0)
    return {size: Mean(*map(float, row)) for size, *row in zip(_SIZES, middle, low, high, strict=True)}
