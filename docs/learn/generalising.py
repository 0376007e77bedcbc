"""Page 3: does a small batch generalise better? The digits, over seeds."""

import math
from functools import cache
from itertools import islice
from typing import Any, NamedTuple

import numpy as np

import rightbatch as rb
from learn import drawing
from learn.drawing import Dots
from learn.measured import DATA, TARGET, problem, study
from learn.plane import Floats
from learn.seeds import mean, share, table
from rightbatch import units
from rightbatch.learners.metrics import evaluate
from rightbatch.report import axes
from rightbatch.report.page import Section
from rightbatch.stats.equivalence import Equivalence, equivalence
from rightbatch.study.generalisation import compared
from rightbatch.study.problem import Problem
from rightbatch.study.rerun import AT_EXAMPLES, AT_TARGET
from rightbatch.study.subject import Sweep
from rightbatch.train.loop import endless, train

SIZES = (4, 32, 256, 1257)
AGAINST = 32
"""The batch size that the others are compared with, seed by seed."""
SEEDS = 10
EPOCHS = 30

_MOST_STEPS = 2000

_MARGIN = 0.01
"""A difference in accuracy of less than this does not matter."""

_WHEN = {AT_TARGET: "at the target", AT_EXAMPLES: "at its best epoch"}


class _Trained(NamedTuple):
    """One run, after as many examples as the others."""

    losses: dict[str, Any]
    """As `rightbatch.study.generalisation.compared` takes them."""
    right: dict[str, float]
    """Test accuracy at the target, and at the epoch of the least validation loss."""


@cache
def _trained(sizes: tuple[int, ...], seeds: int, epochs: int) -> list[_Trained]:
    rates = {row["batch_size"]: row["learning_rate"] for row in study()["batch_sizes"]}
    return [_run(size, seed, rates[size], epochs) for size in sizes for seed in range(seeds)]


def _run(size: int, seed: int, lr: float, epochs: int) -> _Trained:
    subject, _ = problem()
    test, in_epoch = rb.load_data(DATA).test, max(1, subject.samples // size)
    arrived, last = _arrival(size, seed, lr), epochs * in_epoch
    moments = {AT_TARGET: (np.nan, np.nan), AT_EXAMPLES: (np.nan, np.nan)}
    right, least = dict.fromkeys(moments, np.nan), np.inf
    stream = islice(endless(subject.loader(size, seed)), max(arrived, last))
    for event in train(subject.learner, subject.learner.start([seed]), stream, np.full(1, lr, np.float32)):
        if event.step == arrived:
            moments[AT_TARGET] = _losses(subject, event.state)
            right[AT_TARGET] = _accuracy(subject, event.state, test)
        if event.step <= last and event.step % in_epoch == 0:
            moments[AT_EXAMPLES] = _losses(subject, event.state)
            if moments[AT_EXAMPLES][1] < least:
                least, right[AT_EXAMPLES] = moments[AT_EXAMPLES][1], _accuracy(subject, event.state, test)
    return _Trained({"batch_size": size, "seed": seed, **moments}, right)


def _arrival(size: int, seed: int, lr: float) -> int:
    """The step at which the target is reached, by the rule of a study; 0: it is not."""
    subject, _ = problem()
    work = Sweep(
        target=subject.read_target(TARGET),
        batch_size=size,
        seeds=(seed,),
        points=(round(2 * math.log2(lr)),),
        most_steps=_MOST_STEPS,
    )
    return math.ceil(subject.runs(work)[0][0].steps_to_target or 0)


def _accuracy(subject: Problem, state: Any, part: tuple[Floats, Floats]) -> float:
    return float(evaluate(subject.learner, state, part, ["accuracy"])["accuracy"][0])


def _losses(subject: Problem, state: Any) -> tuple[float, float]:
    """Of the training part and of the validation part."""
    x, y = (
        float(evaluate(subject.learner, state, part, ["loss"])["loss"][0])
        for part in (subject.train, subject.validation)
    )
    return x, y


def gap(*, sizes: tuple[int, ...] = SIZES, seeds: int = SEEDS, epochs: int = EPOCHS) -> Section:
    """The gap between validation and training loss, against that of one batch size."""
    runs = _trained(sizes, seeds, epochs)
    found = compared([run.losses for run in runs], AGAINST)
    if found is None:
        raise ValueError(f"batch size {AGAINST} is not among {sizes}")
    others = [row for row in found["batch_sizes"] if row["batch_size"] != AGAINST]
    marks = [
        _gaps(others, AT_TARGET, "at the same loss", 0),
        _gaps(others, AT_EXAMPLES, "after as many examples", 1),
    ]
    figure = drawing.chart(
        axes.batch_size([row["batch_size"] for row in others]),
        axes.linear(f"gap, less that of batch size {AGAINST}"),
        marks,
    )
    drawing.level(figure, 0, "")
    held = {
        size: mean([run.losses[AT_EXAMPLES][1] for run in runs if run.losses["batch_size"] == size])
        for size in sizes
    }
    told = [f"{value.said()} at batch size {size:,}" for size, value in held.items()]
    caption = (
        f"Validation less training loss, compared with batch size {AGAINST} over {seeds} seeds, 95 % "
        f"intervals; below 0 is the smaller gap. {found['sentence']} After {epochs} epochs each, the "
        f"validation loss itself is {units.listed(told)}."
    )
    cells = [
        (
            f"{row['batch_size']:,}",
            when,
            units.plain(row[key]["gap"]),
            units.plain(row[key]["difference"]),
            _between(row[key]),
            row[key]["verdict"],
        )
        for row in found["batch_sizes"]
        for key, when in ((AT_TARGET, "at the target"), (AT_EXAMPLES, "after as many examples"))
    ]
    columns = ("batch size", "when", "gap", f"less that of {AGAINST}", "interval", "verdict")
    return Section(
        "gap", "The gap between training and validation", "", caption, figure, table(columns, cells)
    )


def _between(row: dict[str, Any]) -> str:
    low, high = row["interval"] or (None, None)
    return units.between(low, high, units.plain)


def _gaps(rows: list[dict[str, Any]], when: str, name: str, look: int) -> Dots:
    known = [row for row in rows if row[when]["interval"]]
    return Dots(
        name,
        [drawing.beside(row["batch_size"], look, 2) for row in known],
        [row[when]["difference"] for row in known],
        [row[when]["interval"][0] for row in known],
        [row[when]["interval"][1] for row in known],
        look,
    )


def unseen(*, sizes: tuple[int, ...] = SIZES, seeds: int = SEEDS, epochs: int = EPOCHS) -> Section:
    """Accuracy on rows never used, at the target and at the best epoch of every run."""
    runs = _trained(sizes, seeds, epochs)
    right = {
        when: {
            size: mean([run.right[key] for run in runs if run.losses["batch_size"] == size]) for size in sizes
        }
        for key, when in _WHEN.items()
    }
    figure = drawing.chart(
        axes.batch_size(list(sizes)),
        {**axes.linear("test accuracy"), "tickformat": ".1%"},
        [
            drawing.ranges(
                when,
                [drawing.beside(size, look, len(right)) for size in sizes],
                list(found.values()),
                look,
            )
            for look, (when, found) in enumerate(right.items())
        ],
    )
    rows, best = len(rb.load_data(DATA).test[0]), right[_WHEN[AT_EXAMPLES]]
    told = [
        f"{_points(found)} points at batch size {size:,}: {found.verdict}"
        for size, found in _against(runs, AT_EXAMPLES).items()
    ]
    caption = (
        f"Accuracy on {rows} digits that were never used, mean of {seeds} seeds, 95 % intervals. Batch size "
        f"{AGAINST} tells {best[AGAINST].said(share)} right at the best of {epochs} epochs. Less that, "
        f"seed by seed: {'; '.join(told)} (the margin is {_points_of(_MARGIN)} point)."
    )
    cells = [
        (f"{size:,}", when, value.said(share))
        for when, found in right.items()
        for size, value in found.items()
    ]
    columns = ("batch size", "when", "accuracy")
    return Section("unseen", "Rows never seen", "", caption, figure, table(columns, cells))


def _against(runs: list[_Trained], when: str) -> dict[int, Equivalence]:
    """The accuracy at every batch size less that of one, by pairs of seeds."""
    by_size: dict[int, list[float]] = {}
    for run in runs:
        by_size.setdefault(run.losses["batch_size"], []).append(run.right[when])
    return {
        size: equivalence(right, by_size[AGAINST], _MARGIN)
        for size, right in by_size.items()
        if size != AGAINST
    }


def _points(found: Equivalence) -> str:
    return (
        f"{_points_of(found.difference, '+')} ({_points_of(found.low, '+')} to {_points_of(found.high, '+')})"
    )


def _points_of(share: float, sign: str = "") -> str:
    return f"{100 * share:{sign}.2g}"
