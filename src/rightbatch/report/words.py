"""Sentences computed from the study's document: what the recommendation says, what each chart shows."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from rightbatch import units
from rightbatch.report import series, tables
from rightbatch.report.document import MISSED_SIGN, Document, Standing, missed

DOUBTS = "What speaks against the target"
"""Title of the document's ``doubts``."""


@dataclass(frozen=True, slots=True)
class Fact:
    """A number worth being read first."""

    name: str
    value: str
    doubt: str
    """Its interval, in words; may be empty."""


def headline(document: Document) -> str:
    """The recommendation in one sentence, or that there is none."""
    if document["recommendation"] is None:
        if _too_heavy(document):
            return "No batch size fits within the memory limit."
        return f"No batch size reached {units.target(document['target']['text'])}."
    return str(document["recommendation"]["sentence"])


def standfirst(document: Document) -> str:
    """What stands under the headline: the doubt of the recommendation, or what to change."""
    advice = document["recommendation"]
    if advice is None and _too_heavy(document):
        target = units.target(document["target"]["text"])
        return f"Those that reached {target} need more memory than the limit allows. Give a larger limit."
    if advice is None:
        return (
            "So there is nothing to recommend yet. Choose a target that is easier to reach, or give the "
            f"study a larger budget. Why it stopped: {document['stopped']}."
        )
    target = units.target(document["target"]["text"])
    time = advice["seconds_to_target"]
    reaches = f"It reaches {target} in {units.seconds(time)}. " if time is not None else f"Target: {target}. "
    if advice["estimate"]:
        low, high = advice["interval"]
        return (
            f"{reaches}That rests on one tuned run: if its noise scale misses the critical batch size by a "
            f"factor of 4, the fastest lies between {low} and {high}."
        )
    if _none_is_sure(document):
        return f"{reaches}At every batch size too many runs miss it; at this one the fewest do."
    return reaches + _doubt(advice["interval"], advice["within_5_percent"], _among(document))


def _too_heavy(document: Document) -> bool:
    """Whether sizes reached the target, and none of them is within the memory limit."""
    limit = document["settings"]["memory_limit_bytes"]
    reached = [row for row in document["batch_sizes"] if row["reached"]]
    return limit is not None and any((row["memory_bytes"] or 0) > limit for row in reached)


def _none_is_sure(document: Document) -> bool:
    """Whether even the recommended size misses the target too often."""
    best = document["recommendation"]["batch_size"]
    return any(row["misses_too_often"] for row in document["batch_sizes"] if row["batch_size"] == best)


def _among(document: Document) -> str:
    """Of which sizes the recommended is the fastest, where one that misses the target too often is faster."""
    time = document["recommendation"]["seconds_to_target"]
    seldom = (row["seconds_to_target"] for row in document["batch_sizes"] if row["misses_too_often"])
    return " of the sizes that seldom miss it" if any(seconds < time for seconds in seldom) else ""


def _doubt(interval: list[int] | None, near: list[int], among: str) -> str:
    range_ = (
        f"With 95 % probability the fastest batch size lies between {interval[0]} and {interval[1]}"
        if interval
        else ""
    )
    if interval and interval[0] == interval[1]:
        range_ = f"With 95 % probability the fastest batch size is {interval[0]}"
    others = f"{units.listed([str(size) for size in near])} {'are' if len(near) > 1 else 'alone is'}"
    within = f"{others} within 5 % of the least time{among}" if near else ""
    return "; ".join(part for part in (range_, within) if part) + "."


def facts(document: Document) -> list[Fact]:
    """The numbers to be read first."""
    advice, fit = document["recommendation"], document["fit"]
    found = []
    if advice is not None:
        row = next(row for row in document["batch_sizes"] if row["batch_size"] == advice["batch_size"])
        found += [
            Fact("batch size", str(advice["batch_size"]), _between(advice["interval"], units.count)),
            Fact(
                "learning rate",
                units.plain(advice["learning_rate"]),
                _between(advice["learning_rate_range"], units.plain),
            ),
            Fact(
                "time to target",
                units.seconds(advice["seconds_to_target"]),
                "foretold" if row["foretold_steps"] else _between(row["seconds_interval"], units.seconds),
            ),
        ]
    if fit is not None:
        bounds = fit["interval"]["b_crit"] if fit["interval"] else None
        found.append(Fact("critical batch size", units.count(fit["b_crit"]), _between(bounds, units.count)))
    return found


def sizes_key(document: Document) -> str:
    """How to read the strip of batch sizes."""
    advice = document["recommendation"]
    key = ["Filled: recommended", "tinted: within 5 % of the least time"]
    if advice["interval"]:
        key.append("underlined: where the fastest may lie")
    if missed(document):
        key.append("struck through: never reached the target")
    return "; ".join(key) + "."


def table_key(document: Document) -> str:
    """How to read the result table."""
    if document["recommendation"] is None:
        return ""
    key = "The row with the strong bar is recommended; tinted rows are within 5 % of the least time to target"
    return f"{key}; ~ marks what was not run, but is foretold." if tables.foretold(document) else f"{key}."


def time_to_target(shown: series.TimeToTarget) -> str:
    """What the chart of T(B) shows."""
    often = [point for point in shown.points if point.standing is not Standing.SELDOM]
    best = min(often or shown.points, key=lambda point: point.value)
    ends = [point for point in (shown.points[0], shown.points[-1]) if point is not best]
    slower = [
        f"batch size {end.batch_size} takes {units.times(end.value / best.value)} as long" for end in ends
    ]
    is_ = "is foretold to be" if best.foretold else "is"
    said = f"Batch size {best.batch_size} {is_} the fastest: {units.seconds(best.value)} to the target."
    return " ".join(
        [said, *_sentences(slower), *_seldom(shown.points), *_hollow(shown.points), *_never(shown.missed)]
    )


def steps_to_target(shown: series.StepsToTarget, fit: Mapping[str, Any] | None) -> str:
    """What the chart of S(B) shows."""
    first, last = shown.points[0], shown.points[-1]
    fall = "are foretold to fall" if last.foretold else "fall"
    said = [
        f"From batch size {first.batch_size} to {last.batch_size},",
        f"the examples per step grow {units.count(last.batch_size / first.batch_size)}-fold,",
        f"and the steps {fall} from {units.count(first.value)} to {units.count(last.value)}.",
    ]
    if shown.law is not None:
        said += [
            f"At the critical batch size, {units.count(shown.law.b_crit)},",
            f"they are twice the fewest possible, {units.count(shown.law.s_min)};",
            "beyond it a larger batch saves little.",
        ]
    lack = fit["lack_of_fit"] if fit else None
    found = [*([lack] if lack else []), *_hollow(shown.points), *_never(shown.missed), *_cliff(shown.cliff)]
    return " ".join([*said, *found])


def step_time(shown: series.StepTime) -> str:
    """What the chart of t(B) shows."""
    if shown.line is None:
        size, _ = shown.rounds[0]
        return f"A step of batch size {size} takes {units.seconds(shown.seconds[size])}."
    fixed, each = shown.line
    sure = "".join(f" {sentence}" for sentence in _sureness(shown))
    if fixed <= 0 or each <= 0:
        return f"A step costs {units.seconds(each)} per example, and nothing beside that.{sure}"
    return (
        f"A step costs {units.seconds(fixed)} however small the batch, and {units.seconds(each)} more "
        f"per example; above {units.count(round(fixed / each))} examples, the examples cost the larger "
        f"part.{sure}"
    )


def curves(shown: list[series.Curve], metric: str) -> str:
    """What the curves show."""
    thick = next((curve for curve in shown if curve.standing is Standing.RECOMMENDED), None)
    said = f"One run per batch size, at its best learning rate: {metric} against the examples seen so far."
    return f"{said} The thick line is batch size {thick.batch_size}." if thick else said


def _sureness(shown: series.StepTime) -> list[str]:
    """How well the curve foretells, and whether the machine changed meanwhile."""
    said = []
    if shown.held_out_error is not None:
        form = _FORMS.get(shown.form or "", shown.form)
        said.append(
            f"Of the curves tried, {form} foretells a size that is left out best, "
            f"to within {units.percent(shown.held_out_error)}."
        )
    if shown.drift is not None:
        factor = shown.drift["factor"]
        slower = f"{units.times(max(factor, 1 / factor))} as {'slow' if factor > 1 else 'fast'} as before"
        said.append(f"During the study the machine became {slower}: its pace is taken out of every round.")
    if shown.timed_anew is not None:
        first = shown.timed_anew["round"] + 1
        said.append(f"One size changed beside the others: what counts is timed from round {first} on.")
    return said


_FORMS = {
    "affine": "the line",
    "saturating": "a curve that begins flat",
    "broken line": "a broken line through the sizes",
}


def learning_rates(shown: list[series.Rate], law: series.RateLaw | None = None) -> str:
    """What the learning-rate grid shows."""
    best = [rate for rate in shown if rate.best]
    if not best:
        return (
            f"None of {units.plural(len(shown), 'pair')} of batch size and learning rate reached the target."
        )
    first, last = best[0], best[-1]
    said = f"The best learning rate is {units.plain(first.learning_rate)} at batch size {first.batch_size}"
    if last is not first:
        said += f" and {units.plain(last.learning_rate)} at {last.batch_size}"
    tried = f"{units.plural(len(shown), 'pair')} of batch size and learning rate were tried."
    if law is None:
        return f"{said}. {tried}"
    power = f"{law.exponent:.2g} ({units.between(*law.exponent_interval, units.plain)})"
    return (
        f"{said}. {tried} Below the bend of the law the best learning rate grows with the batch size to the "
        f"power {power}; the band holds the best rate of a size with 95 % probability."
    )


def full_study(document: Document) -> list[str]:
    """What a quick answer leaves open, and a full study would tell; nothing where the study is full."""
    advice = document["recommendation"]
    if advice is None or not advice["estimate"]:
        return []
    rows = document["batch_sizes"]
    guessed, seeds = sum(bool(row["foretold_steps"]) for row in rows), document["settings"]["seeds"]
    return [
        f"Runs at the sizes that bear on the answer: {guessed} of {len(rows)} are only foretold here.",
        f"A learning rate tuned at each, and {units.plural(seeds, 'seed')} or more: 95 % intervals.",
        "How well the sizes generalise, and after how many trainings the study has paid.",
        "The same study without the quick answer goes on from what is stored.",
    ]


def pays(document: Document) -> str:
    """When the study has paid for itself; empty: it saves nothing, or what it saves is not known."""
    advice = document["recommendation"]
    if advice is None or advice["break_even"] is None:
        return ""
    even, spent = advice["break_even"], document["cost"]["seconds"]
    return (
        f"This study took {units.seconds(spent)}; it saves {units.seconds(even['saves_seconds'])} per "
        f"training against batch size {even['against']} at its best learning rate: pays after "
        f"{units.plural(even['trainings'], 'training')}."
    )


def memory(document: Document) -> str:
    """The largest batch that fits, and how to make a larger one; empty: no memory was measured."""
    largest, advice = document["largest_that_fits"], document["recommendation"]
    if largest is None:
        return ""
    said = f"The largest batch that fits is {largest['batch_size']} ({units.size(largest['memory_bytes'])})"
    if largest["batch_size"] == document["settings"]["batch_sizes"][-1]:
        said += ", the largest asked for"
    split = advice["accumulation"] if advice else None
    if split is None:
        return f"{said}."
    return (
        f"{said}. Batch size {split['batch_size']} is made of {split['steps']} micro-batches of "
        f"{split['micro_batch']}: {units.seconds(split['seconds_to_target'])} to the target."
    )


def _between(bounds: list[float | None] | None, written: units.Written) -> str:
    return units.between(bounds[0], bounds[1], written) if bounds else ""


def _sentences(clauses: list[str]) -> list[str]:
    text = ", and ".join(clauses)
    return [units.capital(f"{text}.")] if text else []


def _hollow(points: list[series.Point]) -> list[str]:
    return ["Hollow marks are foretold: these sizes were not run."] if any(p.foretold for p in points) else []


def _cliff(cliff: tuple[float, float | None, float | None] | None) -> list[str]:
    if cliff is None:
        return []
    at, low, high = cliff
    doubt = units.between(low, high, units.count)
    where = f"{units.count(at)} ({doubt})" if doubt else units.count(at)
    return [f"Beyond batch size {where} most runs do not reach the target."]


def _seldom(points: list[series.Point]) -> list[str]:
    seldom = [point.batch_size for point in points if point.standing is Standing.SELDOM]
    return [f"{_sizes(seldom)} missed the target too often to be recommended."] if seldom else []


def _never(missed: list[int]) -> list[str]:
    return [f"{_sizes(missed)} never reached the target ({MISSED_SIGN})."] if missed else []


def _sizes(which: list[int]) -> str:
    return tables.sizes([str(size) for size in which])
