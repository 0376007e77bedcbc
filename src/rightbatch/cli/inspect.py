"""`rightbatch inspect`: what is in the data, and what its batches look like."""

import json
from collections import Counter
from collections.abc import Iterable, Sequence

import click
from rich.console import Console
from rich.table import Table
from rich.text import Text

from rightbatch import units
from rightbatch.cli.main import DONE
from rightbatch.data.audit import EpochAudit
from rightbatch.data.dataset import Dataset, load_data
from rightbatch.data.loader import Loader
from rightbatch.data.named import order_named
from rightbatch.data.read import read
from rightbatch.data.summary import ColumnSummary, Summary, summarise
from rightbatch.report.console import console

_COLUMNS = 20
"""Columns of the data that are listed."""

_IMBALANCED = 3
"""From this ratio of the largest to the smallest class, the way out is named."""

_WIDEST = 16
"""Letters of a value in the table of columns."""

_NARROWEST = 6
"""Letters of it where the terminal is narrow."""

_ENDLESS = 10_000
"""Letters of a line in which any table has room."""


def run(
    *,
    data: str,
    label: str | None,
    task: str | None,
    batch_size: int | None,
    order: str,
    last: str,
    seed: int,
    as_json: bool,
    quiet: bool,
) -> int:
    """Show the data's summary and the account of one epoch; the exit code."""
    table = read(data, flat=True)
    loaded = load_data(table, label=label, task=task, seed=seed)
    loader = _loader(loaded, batch_size, order, last, seed)
    summary, audit = summarise(table, loaded), loader.audit(labels=_labels(loaded))
    if as_json:
        click.echo(json.dumps({"data": summary.to_dict(), "audit": audit.to_dict()}, allow_nan=False))
    else:
        _show(summary, audit, console(), notes=not quiet)
    return DONE


def _loader(data: Dataset, batch_size: int | None, order: str, last: str, seed: int) -> Loader:
    labels = data.train[1] if data.classes else None
    return Loader(data.train, batch_size, order=order_named(order, labels=labels, seed=seed), last=last)


def _labels(data: Dataset) -> list[str] | None:
    """The training rows' classes by name."""
    return [data.classes[code] for code in data.train[1]] if data.classes else None


def _show(summary: Summary, audit: EpochAudit, console: Console, *, notes: bool) -> None:
    lines = [*(summary.notes if notes else ()), *_facts(summary)]
    console.print(*map(Text, lines), sep="\n", soft_wrap=True)
    console.print()
    console.print(_fitting(summary.columns[:_COLUMNS], console))
    if len(summary.columns) > _COLUMNS:
        console.print(Text(_more(summary.columns[_COLUMNS:])))
    console.print()
    console.print(_steps(summary))
    console.print()
    console.print(Text(f"{audit}"), soft_wrap=True)


def _facts(summary: Summary) -> list[str]:
    values = summary.rows * len(summary.columns)
    missing = f"{summary.missing:,} of {values:,} ({units.percent(summary.missing / values)})"
    read, made = units.size(summary.table_bytes), units.size(summary.train_bytes)
    trained = f"{summary.train_rows:,} training rows of {units.plural(summary.features, 'feature')}"
    return [
        f"missing   {missing if summary.missing else 'nothing'}",
        f"memory    {read} as read, {made} for {trained}",
        *_balance(summary),
    ]


def _balance(summary: Summary) -> list[str]:
    if summary.imbalance is None:
        return []
    ordered = sorted(summary.classes, key=lambda count: count.rows)
    least, most = (
        f'{units.plural(count.rows, "row")} of "{count.name}"' for count in (ordered[0], ordered[-1])
    )
    if summary.imbalance == 1:
        return [f"classes   {len(ordered):,} of {units.plural(ordered[0].rows, 'row')} each"]
    said = f"classes   {len(ordered):,}: from {least} to {most}, {units.times(summary.imbalance)} as many"
    if summary.imbalance < _IMBALANCED:
        return [said]
    return [said, "          --order balanced shows batches in which all classes are equally frequent"]


def _fitting(columns: Sequence[ColumnSummary], console: Console) -> Table:
    """The table of columns, with values cut as short as the width asks for, to no less than a few letters."""
    tables = (_columns(columns, widest) for widest in range(_WIDEST, _NARROWEST - 1, -1))
    endless = console.options.update_width(_ENDLESS)
    fit = (table for table in tables if console.measure(table, options=endless).maximum <= console.width)
    return next(fit, _columns(columns, _NARROWEST))


def _columns(columns: Sequence[ColumnSummary], widest: int) -> Table:
    table = _plain(("column", "type", "missing", "distinct", "least", "mean", "most"), left=2)
    for column in columns:
        name, *ends = (
            _short(value, widest) for value in (column.name, column.least, column.mean, column.most)
        )
        table.add_row(name, column.kind, f"{column.missing:,}", f"{column.distinct:,}", *ends)
    return table


def _steps(summary: Summary) -> Table:
    table = _plain(("batch size", "steps per epoch", "rows in the last", "bytes of a batch"), left=0)
    for step in summary.steps:
        table.add_row(f"{step.batch_size:,}", f"{step.steps:,}", f"{step.last:,}", units.size(step.bytes))
    return table


def _plain(headers: Iterable[str], *, left: int) -> Table:
    """A table without lines, the first `left` columns to the left."""
    table = Table(box=None, header_style="", padding=(0, 2, 0, 0), pad_edge=False)
    for place, header in enumerate(headers):
        table.add_column(header, justify="left" if place < left else "right", no_wrap=True)
    return table


def _more(columns: Sequence[ColumnSummary]) -> str:
    kinds = Counter(column.kind for column in columns)
    told = ", ".join(f"{count:,} {kind}" for kind, count in kinds.items())
    return f"and {units.plural(len(columns), 'column')} more: {told}; --json has them all"


def _short(text: str, widest: int) -> Text:
    return Text(text if len(text) <= widest else f"{text[: widest - 1]}…")
