"""Sentences computed from the document of a comparison: who wins, what was held equal, what charts show."""

import math
from typing import Any

from rightbatch import units
from rightbatch.report import comparison_series as series
from rightbatch.report import comparison_tables as tables
from rightbatch.report.document import Document
from rightbatch.report.words import Fact

_RESPECTS = {"speed": "fastest", "memory": "least memory", "quality": "best result"}

_MOST_TERMS = 4
"""Features of a model that is written as an equation."""

_NOISELESS = 1e-3


def kicker(document: Document) -> str:
    """What the page is about."""
    return f"Gradient descent compared on {document['data']['name']}, {document['settings']['model']}"


def headline(document: Document) -> str:
    """The winner for speed, or that there is none."""
    speed = winner(document, "speed")
    if speed["method"] is None:
        return "No method converged."
    near = speed["alike"]
    named = units.capital(units.listed([speed["method"], *near]))
    return f"{named} converge{'' if near else 's'} fastest."


def standfirst(document: Document) -> str:
    """What was done, in a sentence or two."""
    settings = document["settings"]
    epochs = units.plural(settings["epochs"], "epoch")
    count = len(document["methods"])
    rate = settings["learning_rate"]
    rates = (
        "each at its own best learning rate" if rate is None else f"all at learning rate {units.plain(rate)}"
    )
    said = f"One model from one start, trained by {count} methods for {epochs}, {rates}."
    diverged = [method["name"] for method in document["methods"] if method["diverged"] is not None]
    if diverged:
        said += f" {units.capital(units.listed(diverged))} diverged at it."
    return said


def facts(document: Document) -> list[Fact]:
    """The three winners."""
    return [
        Fact(_RESPECTS[found["respect"]], str(found["method"]), _beside(found))
        for found in document["winners"]
        if found["method"] is not None
    ]


def winner(document: Document, respect: str) -> dict[str, Any]:
    """The winner in one respect, as the document has it."""
    return next(found for found in document["winners"] if found["respect"] == respect)


def sentences(document: Document) -> list[str]:
    """Every winner in a sentence."""
    return [str(found["sentence"]) for found in document["winners"]]


def fairness(document: Document) -> list[str]:
    """What is the same for all methods, what is not, and what the numbers mean."""
    return [_same(document), _rates(document), converged(document), _clock(document)]


def converged(document: Document) -> str:
    """What counts as converged."""
    met = document["convergence"]
    orders = document["settings"]["orders"]
    return (
        f"Converged: the training loss is at most {units.plain(met['loss'])}, which is "
        f"{met['share']:.0%} of the way from {units.plain(met['start'])} (untrained) to "
        f"{_least(met)} ({met['how']}), by the median of three evaluations in a row. Updates until then are "
        f"the median over {orders} orders of the rows."
    ).replace("%", " %")


def loss(document: Document) -> str:
    """What the loss chart shows."""
    met = [method for method in document["methods"] if method["converged"] is not None]
    said = "The loss of all training rows. Diamonds mark where a method has converged."
    if len(met) < 2:
        return said
    by_epochs = min(met, key=lambda method: method["converged"]["epochs"])
    by_updates = min(met, key=lambda method: method["converged"]["updates"])
    by_seconds = min(met, key=lambda method: method["converged"]["seconds"])
    return (
        f"{said} Counted in epochs {by_epochs['name']} comes first, in updates {by_updates['name']}, "
        f"in time {by_seconds['name']}."
    )


def noise(shown: list[series.Noise], rows: int) -> str:
    """What the noise chart shows; `rows`: of the training part."""
    told = [one for one in shown if one.spread > _NOISELESS]
    said = (
        "Each update sees the loss of its own batch. A box holds the middle half of these, as multiples of "
        "the loss of all rows at that moment; whiskers go from 5 % to 95 %."
    )
    if any(one.quantiles[0] < series.LEAST_RATIO for one in shown):
        said += f" Those below {units.plain(series.LEAST_RATIO)} are drawn there."
    if not told:
        return said
    off = [f"{one.name} by {units.percent(one.spread)}" for one in told]
    said += f" Typically (root mean square) a batch is off: {units.listed(off)}."
    return f"{said} {_law(told[0], told[-1], rows)}".rstrip()


def _law(first: series.Noise, last: series.Noise, rows: int) -> str:
    """How the noise falls with the batch size, beside the law of means of rows drawn without repetition."""
    if last.batch_size <= first.batch_size:
        return ""
    left = (rows - first.batch_size) / (rows - last.batch_size)
    return (
        f"From {units.count(first.batch_size)} to {units.count(last.batch_size)} rows a batch it falls by a "
        f"factor of {units.plain(first.spread / last.spread)}; if rows scattered alike in all runs, it would "
        f"be {units.plain(math.sqrt(last.batch_size / first.batch_size * left))}."
    )


def paths(document: Document) -> str:
    """What the picture of the paths shows."""
    shown = document["paths"]
    if shown["kind"] == "parameters":
        said = "Where the two parameters go, update by update, over the loss of all rows."
        lines = "Each line outwards is twice as far above the least loss."
        return f"{said} {lines}" if shown["landscape"] is not None else said
    share = units.percent(sum(shown["shares"]))
    said = (
        f"The model has {units.count(shown['parameters'])} parameters; shown are the two directions in which "
        f"the paths vary most, with {share} of the variance of all of them."
    )
    if shown["landscape"] is None:
        return said
    return (
        f"{said} The loss is that in this plane, each line twice as far above the least; the paths run above "
        "and below it, by what the two directions leave out."
    )


def equations(document: Document) -> list[str]:
    """The linear model that each method ends with, where it has few features, and that of least squares."""
    label, scale = document["data"]["label"], document["data"]["label_scale"]
    told = [(method["name"], method["weights"]) for method in document["methods"]]
    told += [("least squares", document["least_squares"])] if document["least_squares"] else []
    if document["data"]["task"] != "regression" or document["data"]["features"] > _MOST_TERMS:
        return []
    return [f"{name}: {equation(label, found, scale)}" for name, found in told if found is not None]


def equation(label: str, weights: dict[str, float], scale: float) -> str:
    """A linear model as an equation; an intercept that is but rounding is left out.

    Example:
        >>> equation("price", {"size": 200.0, "intercept": -0.002}, 111803.0)
        'price = 200 × size'
        >>> equation("y", {"x": 2.77, "intercept": -4.215}, 1.9)
        'y = 2.77 × x - 4.215'
    """
    terms = [
        f"{tables.number(name, value, scale)} × {name}"
        for name, value in weights.items()
        if name != "intercept"
    ]
    constant = tables.number("intercept", weights["intercept"], scale)
    terms += [constant] if constant != "0" else []
    return f"{label} = {' + '.join(terms)}".replace("+ -", "- ")


def _beside(found: dict[str, Any]) -> str:
    """The number that decided, and those that cannot be told from the winner."""
    alike = units.listed(found["alike"])
    return found["value"] + (
        f"; {alike} {'are' if len(found['alike']) > 1 else 'is'} as good" if alike else ""
    )


def _same(document: Document) -> str:
    seed = document["settings"]["seed"]
    return f"Equal for all: model, start (seed {seed}), data and epochs."


def _rates(document: Document) -> str:
    rate = document["settings"]["learning_rate"]
    if rate is not None:
        return (
            f"Learning rate: {units.plain(rate)} for every method, as it was asked for. What suits one batch "
            "size may be too large or too small for another; where none is given, each has its own."
        )
    orders = document["settings"]["orders"]
    lost = [method["name"] for method in document["methods"] if not method["found"]]
    said = (
        "Learning rate: for each method the one that converges in the fewest updates, searched in steps of a "
        f"factor of 2 and then, over {orders} seeds, of its root. At one rate for all, the comparison would "
        "be of how well that rate suits each."
    )
    return f"{said} None converged for {units.listed(lost)}; its best is shown." if lost else said


def _clock(document: Document) -> str:
    rounds = document["settings"]["rounds"]
    return (
        f"Time: updates by the measured seconds of one, the median of {rounds} rounds in which all methods "
        "take turns; evaluations are not counted. Memory: beyond the data, at its peak."
    )


def _least(met: dict[str, Any]) -> str:
    return "0" if met["least"] < series.FLOOR * met["start"] else units.plain(met["least"])
