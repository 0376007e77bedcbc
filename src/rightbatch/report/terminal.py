"""The end of a study on a terminal: the table that people know, then the recommendation in words."""

from collections.abc import Sequence
from pathlib import Path

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from rightbatch.report import tables, words
from rightbatch.report.document import Document, Standing
from rightbatch.report.tables import Column, ResultRow

MARK_WIDTH = 1
DIVIDER = 1
"""The blank before each column."""

ROOMY_WIDTH = 100
"""From this width, columns stand further apart."""

_MARKS = {Standing.RECOMMENDED: "*", Standing.WITHIN: "+"}
_STYLES = {
    Standing.RECOMMENDED: "bold green",
    Standing.WITHIN: "green",
    Standing.OTHER: "",
    Standing.SELDOM: "dim",
    Standing.MISSED: "dim",
    Standing.NOT_RUN: "dim",
}
_ASCII = str.maketrans({"µ": "u", "≤": "<=", "≥": ">=", "–": "-", "×": "x"})  # noqa: RUF001 (the very signs meant)


def show(document: Document, console: Console, report: Path | None = None) -> None:
    """Prints the result of a study.

    Args:
        document: the study's document, as `Study.to_dict()` gives it.
        console: where to print; its width decides which columns are shown.
        report: where the report lies, if one was written.
    """
    console.print(_table(document, console))
    for line in [*_key(document), *tables.notes(document)]:
        say(console, line, "dim")
    console.print()
    say(console, words.headline(document), "bold")
    say(console, words.standfirst(document))
    listed(console, words.DOUBTS, document["doubts"])
    if document["recommendation"] is not None:
        listed(console, "Why", document["recommendation"]["reasons"])
        listed(console, "What would change it", document["recommendation"]["would_change_if"])
        listed(console, "What a full study would add", words.full_study(document))
    if report is not None:
        console.print()
        say(console, f"Report: {report}", whole=True)


def _table(document: Document, console: Console) -> Table:
    columns, rows = tables.result_columns(document), tables.result_rows(document)
    kept = fitting(columns, rows, console.width)
    roomy = console.width >= ROOMY_WIDTH
    table = Table(box=box.SIMPLE_HEAD, show_edge=False, padding=(0, 1) if roomy else 0, pad_edge=False)
    table.add_column("", width=MARK_WIDTH)
    for position in kept:
        head = f"{columns[position].head}\n{columns[position].under}"
        table.add_column(written(head, console), justify="left" if position == 0 else "right", no_wrap=True)
    for row in rows:
        cells = [_MARKS.get(row.standing, ""), *(row.cells[position] for position in kept)]
        table.add_row(*(written(cell, console) for cell in cells), style=_STYLES[row.standing])
    return table


def fitting(columns: Sequence[Column], rows: Sequence[ResultRow], width: int) -> list[int]:
    """Positions of the columns that fit the width; those of the highest rank go first."""
    needed = [
        max(len(column.head), len(column.under), *(len(row.cells[position]) for row in rows)) + DIVIDER
        for position, column in enumerate(columns)
    ]
    kept = list(range(len(columns)))
    for position in sorted(kept, key=lambda position: -columns[position].rank):
        if MARK_WIDTH + sum(needed[other] for other in kept) <= width or columns[position].rank == 0:
            break
        kept.remove(position)
    return kept


def _key(document: Document) -> list[str]:
    near = any(row.standing is Standing.WITHIN for row in tables.result_rows(document))
    if document["recommendation"] is None:
        return []
    key = ["* recommended", *["+ within 5 % of the least time to target"] * near]
    return ["   ".join([*key, *[f"{tables.ABOUT} foretold, not run"] * tables.foretold(document)])]


def listed(console: Console, title: str, lines: list[str]) -> None:
    """A title, and a list under it; nothing where there are no lines."""
    if lines:
        console.print()
        say(console, title, "bold")
    for line in lines:
        # The hanging indent keeps the dashes alone at the left.
        item = Table.grid(padding=(0, 1, 0, 0))
        item.add_row("-", written(line, console))
        console.print(item)


def say(console: Console, line: str, style: str = "", *, whole: bool = False) -> None:
    """One paragraph; `whole`: in one line however long, as a path must be to be copied."""
    console.print(written(line, console), style=style, soft_wrap=whole)


def written(line: str, console: Console) -> Text:
    """The text, in signs that the console can write."""
    # As Text, so that brackets in a file name are no markup.
    return Text(line.translate(_ASCII) if console.options.ascii_only else line)
