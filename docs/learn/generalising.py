"""Page 3: does a small batch generalise better? The digits, over seeds."""

from functools import cache
from typing import Any, NamedTuple

import numpy as np
from learn import drawing
from learn.drawing import Dots
from learn.measured import problem, study
from learn.seeds import mean, table

import rightbatch as rb
from rightbatch import units
from rightbatch.learners.metrics import evaluate
from rightbatch.report import axes
from rightbatch.report.page import Section
from rightbatch.study.generalisation import AT_EXAMPLES, AT_TARGET, compared
from rightbatch.study.problem import Problem
from rightbatch.train.loop import endless, train

SIZES = (4, 32, 256, 1257)
AGAINST = 32
"""The batch size that the others are compared with, seed by seed."""
SEEDS = 10
EPOCHS = 30


class _Trained(NamedTuple):
    """One run, after as many examples as the others."""

    losses: dict[str, Any]
    """As `rightbatch.study.generalisation.compared` takes them."""
    best: float
    """Test accuracy at the epoch of the least validation loss, before the target or after."""


@cache
def _trained(sizes: tuple[int, ...], seeds: int, epochs: int) -> list[_Trained]:
    rates = {row["batch_size"]: row["learning_rate"] for row in study()["batch_sizes"]}
    return [_run(size, seed, rates[size], epochs) for size in sizes for seed in range(seeds)]


def _run(size: int, seed: int, lr: float, epochs: int) -> _Trained:
    subject, _ = problem()
    test = rb.load_data("digits").test
    learner, target = subject.learner, study()["target"]["value"]
    every = max(1, AGAINST // size)  # evaluated after as many examples, or every step
    last = epochs * subject.samples // size
    at_target, best = None, (np.inf, 0.0)
    stream = endless(subject.loader(size, seed))
    for event in train(learner, learner.start([seed]), stream, np.full(1, lr, np.float32)):
        if at_target is None and event.step % every == 0:
            pair = _losses(subject, event.state)
            at_target = pair if pair[1] <= target else None
        if event.step % max(1, subject.samples // size) == 0:
            held = float(evaluate(learner, event.state, subject.validation, ["loss"])["loss"][0])
            right = float(evaluate(learner, event.state, test, ["accuracy"])["accuracy"][0])
            best = min(best, (held, right))
        if event.step >= last:
            end = _losses(subject, event.state)
            break
    pair = at_target or (float("nan"), float("nan"))
    return _Trained({"batch_size": size, "seed": seed, AT_TARGET: pair, AT_EXAMPLES: end}, best[1])


def _losses(subject: Problem, state: Any) -> tuple[float, float]:
    parts = (subject.train, subject.validation)
    return tuple(float(evaluate(subject.learner, state, part, ["loss"])["loss"][0]) for part in parts)


def gap(*, sizes: tuple[int, ...] = SIZES, seeds: int = SEEDS, epochs: int = EPOCHS) -> Section:
    """The gap between validation and training loss, against that of one batch size."""
    runs = _trained(sizes, seeds, epochs)
    found = compared([run.losses for run in runs], AGAINST)
    if found is None:
        raise ValueError(f"batch size {AGAINST} is not among {sizes}")
    others = [row for row in found["batch_sizes"] if row["batch_size"] != AGAINST]
    marks = [_gaps(others, AT_TARGET, "at the same loss", 0), _gaps(others, AT_EXAMPLES, "after as many examples", 1)]
    figure = drawing.chart(
        axes.batch_size([row["batch_size"] for row in others]), axes.linear(f"gap, less that of batch size {AGAINST}"), marks
    )
    drawing.level(figure, 0, "")
    held = {size: mean([run.losses[AT_EXAMPLES][1] for run in runs if run.losses["batch_size"] == size]) for size in sizes}
    told = [f"{value.said()} at batch size {size:,}" for size, value in held.items()]
    caption = (
        f"Validation less training loss, compared with batch size {AGAINST} over {seeds} seeds (95 % intervals; below 0 is "
        f"better). {found['sentence']} After {epochs} epochs each the large batches have made fewer steps, and the validation "
        f"loss itself is {units.listed(told)}."
    )
    cells = [
        (f"{row['batch_size']:,}", when, units.plain(row[key]["gap"]), units.plain(row[key]["difference"]), _between(row[key]), row[key]["verdict"])
        for row in found["batch_sizes"]
        for key, when in ((AT_TARGET, "at the target"), (AT_EXAMPLES, "after as many examples"))
    ]
    columns = ("batch size", "when", "gap", f"less that of {AGAINST}", "interval", "verdict")
    return Section("gap", "The gap between training and validation", "", caption, figure, table(columns, cells))


def _between(row: dict[str, Any]) -> str:
    return units.between(*row["interval"], units.plain) if row["interval"] else ""


def _gaps(rows: list[dict[str, Any]], when: str, name: str, look: int) -> Dots:
    known = [row for row in rows if row[when]["interval"]]
    return Dots(
        name,
        [row["batch_size"] * 1.06 ** (2 * look - 1) for row in known],
        [row[when]["difference"] for row in known],
        [row[when]["interval"][0] for row in known],
        [row[when]["interval"][1] for row in known],
        look,
    )


def unseen(*, sizes: tuple[int, ...] = SIZES, seeds: int = SEEDS, epochs: int = EPOCHS) -> Section:
    """Accuracy on rows never used, at the best epoch of every run."""
    runs = _trained(sizes, seeds, epochs)
    right = {size: mean([run.best for run in runs if run.losses["batch_size"] == size]) for size in sizes}
    figure = drawing.chart(
        axes.batch_size(list(sizes)),
        {**axes.linear("test accuracy"), "tickformat": ".1%"},
        [Dots("mean of the seeds", list(right), *map(list, zip(*right.values(), strict=True)))],
    )
    rows = len(rb.load_data("digits").test[0])
    told = [f"batch size {size:,}: {value.said(_percent)}" for size, value in right.items()]
    caption = (
        f"Accuracy on {rows} digits that were never used, at the epoch of least validation loss within {epochs} "
        f"epochs, mean of {seeds} seeds. {units.capital('; '.join(told))}. One digit more is {units.percent(1 / rows)}."
    )
    cells = [(f"{size:,}", *map(units.plain, value)) for size, value in right.items()]
    return Section("unseen", "Rows never seen", "", caption, figure, table(("batch size", "accuracy", "from", "to"), cells))


def _percent(share: float | None) -> str:
    """With a digit after the point: accuracies are near each other."""
    return f"{100 * (share or 0):.1f} %"
