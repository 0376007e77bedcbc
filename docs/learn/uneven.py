"""Page 5: data whose classes are imbalanced, or whose rows differ in length."""

from typing import Any

import numpy as np

import rightbatch as rb
from learn import drawing
from learn.drawing import Dots, Line
from learn.plane import Floats
from learn.seeds import mean, share, table
from rightbatch import units
from rightbatch.data.audit import EpochAudit
from rightbatch.report import axes
from rightbatch.report.page import Section

RARE = 8
"""The digit of which most rows are left out."""
KEPT = 12
"""Rows of it that are kept."""
BATCH = 50
SEEDS = 8
EPOCHS = 15
LENGTHS = 5000


def imbalanced(seed: int = 0) -> tuple[Floats, Floats]:
    """The training digits with a few eights alone; the seed splits the digits and picks the eights."""
    x, y = rb.load_data("digits", seed=seed).train
    eights = np.random.default_rng(seed).choice(np.flatnonzero(y == RARE), KEPT, replace=False)
    rows = np.sort(np.concatenate([np.flatnonzero(y != RARE), eights]))
    return x[rows], y[rows]


def loaders(seed: int = 0) -> dict[str, rb.Loader]:
    """The imbalanced digits in every order that knows of classes, and shuffled."""
    data = imbalanced(seed)
    labels = data[1]
    weights = 1 / np.bincount(labels)[labels]
    orders: dict[str, Any] = {
        "Shuffled": rb.Shuffled(seed),
        "Stratified": rb.Stratified(labels, seed=seed),
        "Weighted": rb.Weighted(weights, seed=seed),
        "Balanced": rb.Balanced(labels, seed=seed),
    }
    return {name: rb.Loader(data, BATCH, order=order) for name, order in orders.items()}


def classes() -> Section:
    """Rows of the rare class in a batch, and what an epoch sees of all rows."""
    audits = {name: loader.audit() for name, loader in loaders().items()}
    rare = {name: audit.classes[RARE] for name, audit in audits.items()}
    figure = drawing.chart(
        drawing.named(list(audits)),
        axes.linear(f"eights in a batch of {BATCH}"),
        [
            drawing.ranges(
                "fewest, mean and most",
                list(rare),
                [(row.mean, row.least, row.most) for row in rare.values()],
            )
        ],
    )
    rows = len(imbalanced()[0])
    told = [
        f"{name} {_between(each.least, each.most)}, {units.percent(audits[name].coverage)}"
        for name, each in rare.items()
    ]
    caption = (
        f"{rows:,} digits, {KEPT} of them eights, in batches of {BATCH}. Eights in a batch, and the share of "
        f"all rows that an epoch sees: {'; '.join(told)}."
    )
    return Section("classes", "Eights in a batch", "", caption, figure, _audited(audits))


def _between(least: int, most: int) -> str:
    return f"{least} to {most}" if least != most else f"{least}"


def _audited(audits: dict[str, EpochAudit]) -> Any:
    cells = [
        (
            name,
            str(audit.classes[RARE].least),
            units.plain(audit.classes[RARE].mean),
            str(audit.classes[RARE].most),
            units.percent(audit.coverage),
            f"{audit.delivered:,}",
            f"{audit.most_often}",
        )
        for name, audit in audits.items()
    ]
    columns = (
        "order",
        "fewest eights",
        "mean",
        "most",
        "rows seen",
        "rows of all batches",
        "one row at most",
    )
    return table(columns, cells)


def recall(*, seeds: int = SEEDS, epochs: int = EPOCHS) -> Section:
    """Eights found and other digits told right, with every order."""
    found = _recalls(seeds, epochs)
    names = list(found)
    rare = [mean([run[0] for run in found[name]]) for name in names]
    others = [mean([run[1] for run in found[name]]) for name in names]
    figure = drawing.chart(
        drawing.named(names),
        {**axes.linear("told right, validation and test rows"), "tickformat": ".0%"},
        [drawing.ranges("other digits", names, others, 1), drawing.ranges("eights", names, rare, 0)],
    )
    told = [f"{name} {value.said(share)}" for name, value in zip(names, rare, strict=True)]
    rest = [f"{name} {value.said(share)}" for name, value in zip(names, others, strict=True)]
    caption = (
        f"A linear classifier after {epochs} epochs, mean of {seeds} draws of the rows, 95 % intervals. "
        f"Eights told right: {'; '.join(told)}. Other digits: {'; '.join(rest)}."
    )
    cells = [
        (name, one.said(share), other.said(share))
        for name, one, other in zip(names, rare, others, strict=True)
    ]
    columns = ("order", "eights told right", "other digits told right")
    return Section("recall", "What the rare class gains", "", caption, figure, table(columns, cells))


def _recalls(seeds: int, epochs: int) -> dict[str, list[tuple[float, float]]]:
    found: dict[str, list[tuple[float, float]]] = {}
    for seed in range(seeds):
        data = rb.load_data("digits", seed=seed)
        x, y = (np.concatenate(parts) for parts in zip(data.validation, data.test, strict=True))
        for name, loader in loaders(seed).items():
            # as many steps for all: an epoch of Balanced is longer
            steps = epochs * (loader.rows // BATCH)
            trained = rb.fit(rb.LogisticRegression(), loader, steps=steps, lr=0.1, seed=seed)
            right = trained.predict(x) == y
            pair = float(right[y == RARE].mean()), float(right[y != RARE].mean())
            found.setdefault(name, []).append(pair)
    return found


def padding() -> Section:
    """The share of padding of rows of uneven length, shuffled and by length."""
    lengths = np.maximum(1, np.random.default_rng(0).lognormal(3, 0.5, LENGTHS)).astype(np.int64)
    rows = rb.Ragged.from_flat(np.zeros(lengths.sum(), np.float32), lengths)
    sizes = [2**power for power in range(2, 10)]
    shuffled = [_padding(rb.Loader(rows, size, shuffle=True)) for size in sizes]
    sorted_ = [_padding(rb.Loader(rows, size, order=rb.ByLength(lengths))) for size in sizes]
    figure = drawing.chart(
        axes.batch_size(sizes),
        {**axes.linear("padding, of all values"), "tickformat": ".0%", "rangemode": "tozero"},
        [
            Line("Shuffled", sizes, shuffled, 1, legend=False),
            Dots("Shuffled", sizes, shuffled, look=1),
            Line("ByLength", sizes, sorted_, 0, legend=False),
            Dots("ByLength", sizes, sorted_, look=0),
        ],
    )
    at = sizes.index(32)
    caption = (
        f"{LENGTHS:,} rows of {lengths.min()} to {lengths.max()} values (made up: log-normal). In batches of "
        f"{sizes[at]}, padding is {units.percent(shuffled[at])} of what is computed when the rows are "
        f"shuffled, and {units.percent(sorted_[at])} by length; in batches of {sizes[-1]} it is "
        f"{units.percent(shuffled[-1])} and {units.percent(sorted_[-1])}."
    )
    cells = [
        (str(size), units.percent(one), units.percent(other))
        for size, one, other in zip(sizes, shuffled, sorted_, strict=True)
    ]
    return Section(
        "padding", "Padding", "", caption, figure, table(("batch size", "Shuffled", "ByLength"), cells)
    )


def _padding(loader: rb.Loader) -> float:
    return loader.audit().value_padding or 0.0
