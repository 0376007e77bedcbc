"""Sentences computed from the study's document: what the recommendation says, what each chart shows."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from rightbatch import units
from rightbatch.report import series, tables
from rightbatch.report.document import MISSED_SIGN, Document, Standing, missed


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
    return reaches + _doubt(advice["interval"], advice["within_5_percent"])


def _too_heavy(document: Document) -> bool:
    """Whether sizes reached the target, and none of them is within the memory limit."""
    limit = document["settings"]["memory_limit_bytes"]
    reached = [row for row in document["batch_sizes"] if row["reached"]]
    return limit is not None and any((row["memory_bytes"] or 0) > limit for row in reached)


def _doubt(interval: list[int] | None, near: list[int]) -> str:
    range_ = (
        f"With 95 % probability the fastest batch size lies between {interval[0]} and {interval[1]}"
        if interval
        else ""
    )
    if interval and interval[0] == interval[1]:
        range_ = f"With 95 % probability the fastest batch size is {interval[0]}"
    others = f"{units.listed([str(size) for size in near])} {'are' if len(near) > 1 else 'alone is'}"
    within = f"{others} within 5 % of the least time" if near else ""
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
                _between(row["seconds_interval"], units.seconds),
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
    best = min(shown.points, key=lambda point: point.value)
    ends = [point for point in (shown.points[0], shown.points[-1]) if point is not best]
    slower = [
        f"batch size {end.batch_size} takes {units.times(end.value / best.value)} as long" for end in ends
    ]
    said = f"Batch size {best.batch_size} is the fastest: {units.seconds(best.value)} to the target."
    return " ".join([said, *_sentences(slower), *_never(shown.missed)])


def steps_to_target(shown: series.StepsToTarget, fit: Mapping[str, Any] | None) -> str:
    """What the chart of S(B) shows."""
    first, last = shown.points[0], shown.points[-1]
    said = [
        f"From batch size {first.batch_size} to {last.batch_size},",
        f"the examples per step grow {units.count(last.batch_size / first.batch_size)}-fold,",
        f"and the steps fall from {units.count(first.value)} to {units.count(last.value)}.",
    ]
    if shown.law is not None:
        said += [
            f"At the critical batch size, {units.count(shown.law.b_crit)},",
            f"they are twice the fewest possible, {units.count(shown.law.s_min)};",
            "beyond it a larger batch saves little.",
        ]
    lack = fit["lack_of_fit"] if fit else None
    return " ".join([*said, *([lack] if lack else []), *_never(shown.missed)])


def step_time(shown: series.StepTime) -> str:
    """What the chart of t(B) shows."""
    if shown.line is None:
        size, values = shown.rounds[0]
        return f"A step of batch size {size} takes {units.seconds(series.typical(values))}."
    fixed, each = shown.line
    if fixed <= 0 or each <= 0:
        return f"A step costs {units.seconds(each)} per example, and nothing beside that."
    return (
        f"A step costs {units.seconds(fixed)} however small the batch, and {units.seconds(each)} more "
        f"per example; above {units.count(round(fixed / each))} examples, the examples cost the larger part."
    )


def curves(shown: list[series.Curve], metric: str) -> str:
    """What the curves show."""
    thick = next((curve for curve in shown if curve.standing is Standing.RECOMMENDED), None)
    said = f"One run per batch size, at its best learning rate: {metric} against the examples seen so far."
    return f"{said} The thick line is batch size {thick.batch_size}." if thick else said


def learning_rates(shown: list[series.Rate]) -> str:
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
    return f"{said}. {units.plural(len(shown), 'pair')} of batch size and learning rate were tried."


def _between(bounds: list[float | None] | None, written: units.Written) -> str:
    return units.between(bounds[0], bounds[1], written) if bounds else ""


def _sentences(clauses: list[str]) -> list[str]:
    text = ", and ".join(clauses)
    return [units.capital(f"{text}.")] if text else []


def _never(missed: list[int]) -> list[str]:
    if not missed:
        return []
    sizes = units.listed([str(size) for size in missed])
    return [
        f"Batch {'size' if len(missed) == 1 else 'sizes'} {sizes} never reached the target ({MISSED_SIGN})."
    ]
