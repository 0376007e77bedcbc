"""The end of a comparison on a terminal: the table, the winners, the final weights."""

from pathlib import Path

from rich import box
from rich.console import Console
from rich.table import Table as RichTable

from rightbatch.report import comparison_tables as tables
from rightbatch.report import comparison_words as words
from rightbatch.report.document import Document, Standing
from rightbatch.report.tables import Table
from rightbatch.report.terminal import ROOMY_WIDTH, fitting, listed, say, written

_STYLES = {Standing.RECOMMENDED: "bold green", Standing.MISSED: "dim"}

_MOST_WEIGHTS = 12
"""Weights that are shown in a terminal; the page has more."""


def show_comparison(document: Document, console: Console, page: Path | None = None) -> None:
    """Prints a comparison.

    Args:
        document: as `Comparison.to_dict()` gives it.
        console: where to print; its width decides which columns are shown.
        page: where the page lies, if one was written.
    """
    console.print(_methods(document, console))
    weights = tables.weights(document)
    if weights is not None and len(weights.rows) <= _MOST_WEIGHTS:
        console.print()
        console.print(_weights(weights, console))
    listed(console, "Who wins", words.sentences(document))
    listed(console, "How they are compared", words.fairness(document))
    listed(console, "What they learned", words.equations(document))
    if page is not None:
        console.print()
        say(console, f"Page: {page}", whole=True)


def _methods(document: Document, console: Console) -> RichTable:
    columns, rows = tables.columns(document), tables.rows(document)
    table = _empty(console)
    kept = fitting(columns, rows, console.width)
    for position in kept:
        head = f"{columns[position].head}\n{columns[position].under}"
        table.add_column(written(head, console), justify="left" if position == 0 else "right", no_wrap=True)
    for row in rows:
        cells = (written(row.cells[position], console) for position in kept)
        table.add_row(*cells, style=_STYLES.get(row.standing, ""))
    return table


def _weights(shown: Table, console: Console) -> RichTable:
    table = _empty(console)
    for position, name in enumerate(shown.columns):
        table.add_column(written(name, console), justify="left" if position == 0 else "right")
    for cells in shown.rows:
        table.add_row(*(written(cell, console) for cell in cells))
    return table


def _empty(console: Console) -> RichTable:
    roomy = console.width >= ROOMY_WIDTH
    return RichTable(box=box.SIMPLE_HEAD, show_edge=False, padding=(0, 1) if roomy else 0, pad_edge=False)
