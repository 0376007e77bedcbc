"""Tables: the study's document, or the series of a chart, as rows of text."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from rightbatch import units
from rightbatch.report import series
from rightbatch.report.document import Document, Standing, standing

NEVER = "never"

FORETOLD = "foretold"

ABOUT = "~"
"""Before a number that was not measured, but foretold by those that were."""


@dataclass(frozen=True, slots=True)
class Table:
    """Text in rows, every row as long as the columns."""

    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


@dataclass(frozen=True, slots=True)
class Column:
    """A column of the result table: its header in two short lines, and how soon it may be left out."""

    head: str
    under: str
    rank: int
    """Where the terminal is narrow, the column with the highest rank goes first; 0 stays."""


@dataclass(frozen=True, slots=True)
class ResultRow:
    """One batch size in the table that people know."""

    cells: tuple[str, ...]
    standing: Standing
    note: str


def result_columns(document: Document) -> tuple[Column, ...]:
    """The nine columns of the result table, in order."""
    metric = document["target"]["metric"]
    return (
        Column("", "method", 3),
        Column("batch", "size", 0),
        Column("learning", "rate", 0),
        Column("time per", "step", 4),
        Column("time per", "epoch", 6),
        Column("", "memory", 5),
        Column("steps to", "target", 1),
        Column("time to", "target", 0),
        Column("final", metric if len(metric) <= len("val_loss") else "metric", 2),
    )


def result_rows(document: Document) -> list[ResultRow]:
    """One row per batch size, as text; a size that never reached the target says so."""
    return [
        ResultRow(
            (
                row["method"],
                str(row["batch_size"]),
                units.plain(row["learning_rate"]),
                units.seconds(row["seconds_per_step"]),
                units.seconds(row["seconds_per_epoch"]),
                units.size(row["memory_bytes"]),
                *_to_target(row),
                units.plain(row["final_metric"]),
            ),
            standing(document, row),
            row["note"],
        )
        for row in document["batch_sizes"]
    ]


def foretold(document: Document) -> bool:
    """Whether a size was not run, and the table shows what the others foretell of it."""
    return any(row["foretold_steps"] for row in document["batch_sizes"])


def _to_target(row: Mapping[str, Any]) -> tuple[str, str]:
    """Steps and seconds to target: measured, foretold by other sizes, or never."""
    steps = row["foretold_steps"]
    if steps is not None:
        return f"{ABOUT}{units.count(steps)}", f"{ABOUT}{units.seconds(steps * row['seconds_per_step'])}"
    if not row["reached"]:
        return (NEVER, NEVER) if row["runs"] else (units.UNKNOWN, units.UNKNOWN)
    return units.count(row["steps_to_target"]), units.seconds(row["seconds_to_target"])


def notes(document: Document) -> list[str]:
    """What the rows have to say, such as ``Batch sizes 512 and 1024: never reached: …``."""
    noted: dict[str, list[str]] = {}
    for row in document["batch_sizes"]:
        if row["note"]:
            noted.setdefault(row["note"], []).append(str(row["batch_size"]))
    return [f"{sizes(which)}: {note}" for note, which in noted.items()]


def sizes(which: list[str]) -> str:
    """Batch sizes as a sentence begins with them.

    Example:
        >>> sizes(["512"]), sizes(["512", "1024"])
        ('Batch size 512', 'Batch sizes 512 and 1024')
    """
    return f"Batch {'size' if len(which) == 1 else 'sizes'} {units.listed(which)}"


def time_to_target(shown: series.TimeToTarget) -> Table:
    """The data of the chart of T(B)."""
    fastest = min((point.value for point in shown.points), default=1.0)
    rows = [
        (
            *_with_interval(point, units.seconds),
            f"{point.value / fastest:.3g}",
            _standing(point),
        )
        for point in shown.points
    ]
    columns = ("batch size", "time to target", "from", "to", "times the fastest", "standing")
    return _with_missed(columns, rows, shown.missed)


def steps_to_target(shown: series.StepsToTarget) -> Table:
    """The data of the chart of S(B)."""
    law = shown.law
    rows = [
        (
            *_with_interval(point, units.count),
            units.count(law.s_min * (1 + law.b_crit / point.batch_size) if law else None),
        )
        for point in shown.points
    ]
    return _with_missed(("batch size", "steps to target", "from", "to", "by the fit"), rows, shown.missed)


def step_time(shown: series.StepTime) -> Table:
    """The data of the chart of t(B), every round of it."""
    rows = (
        (
            str(size),
            units.seconds(shown.seconds[size]),
            units.seconds(shown.line[0] + shown.line[1] * size if shown.line else None),
            ", ".join(units.seconds(value) for value in values),
        )
        for size, values in shown.rounds
    )
    return Table(("batch size", "time per step", "by the line", "every round"), tuple(rows))


def curves(shown: Iterable[series.Curve], metric: str) -> Table:
    """The data of the curves, every evaluation of them."""
    rows = (
        (
            str(curve.batch_size),
            units.plain(curve.learning_rate),
            units.count(samples),
            units.plain(value),
        )
        for curve in shown
        for samples, value in zip(curve.samples, curve.metric, strict=True)
    )
    return Table(("batch size", "learning rate", "examples seen", metric), tuple(rows))


def learning_rates(shown: Iterable[series.Rate], law: series.RateLaw | None = None) -> Table:
    """The data of the learning-rate grid, and what the law puts at each size."""
    ends = zip(law.batch_size, law.value, law.low, law.high, strict=True) if law else ()
    by_law = {
        size: f"{units.plain(value)} ({units.between(low, high, units.plain)})"
        for size, value, low, high in ends
    }
    rows = (
        (
            str(rate.batch_size),
            units.plain(rate.learning_rate),
            units.count(rate.steps),
            f"{rate.reached} of {rate.runs}",
            rate.outcome,
            "best" if rate.best else "",
            by_law.get(rate.batch_size, "") if rate.best else "",
        )
        for rate in shown
    )
    columns = ("batch size", "learning rate", "steps to target", "runs that reached it", "outcome", "choice")
    return Table((*columns, "by the law"), tuple(rows))


def _standing(point: series.Point) -> str:
    if not point.foretold:
        return point.standing.value
    return f"{FORETOLD}, recommended" if point.standing is Standing.RECOMMENDED else FORETOLD


def _with_interval(point: series.Point, written: units.Written) -> tuple[str, str, str, str]:
    about = ABOUT if point.foretold else ""
    return str(point.batch_size), about + written(point.value), written(point.low), written(point.high)


def _with_missed(columns: tuple[str, ...], rows: Sequence[tuple[str, ...]], missed: list[int]) -> Table:
    blank = ("",) * (len(columns) - 2)
    empty = [(str(size), NEVER, *blank) for size in missed]
    return Table(columns, tuple(sorted([*rows, *empty], key=lambda row: int(row[0]))))
