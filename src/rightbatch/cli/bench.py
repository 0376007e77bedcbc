"""`rightbatch bench`: the loader against the others that are installed, on this machine."""

import json
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click
from rich import table as terminal
from rich.console import Console
from rich.live import Live
from rich.text import Text

from rightbatch.checks import whole_number
from rightbatch.cli.main import DONE
from rightbatch.cli.models import whole_numbers
from rightbatch.errors import SettingError
from rightbatch.measure.feeding import feed
from rightbatch.measure.race import made_up, standings
from rightbatch.measure.rivals import OURS, chosen, installed
from rightbatch.report.console import console
from rightbatch.report.race import Benchmark, markdown, markdown_path, parts
from rightbatch.report.tables import Table
from rightbatch.study.machine import describe, fixed_threads

_SIZES = "write sizes such as 32,256"
_FED = (OURS, "NumPy loop", "torch DataLoader")
"""The loaders that models are fed by."""


def run(
    *,
    rows: int,
    features: int,
    dtype: str,
    batch_sizes: str,
    rounds: int,
    only: str | None,
    threads: int,
    markdown_file: str | None,
    as_json: bool,
    quiet: bool,
) -> int:
    """Run the benchmark, and show it; the exit code."""
    rows = whole_number("rows", rows, at_least=2, instead="write a whole number such as 100000")
    features = whole_number("features", features, at_least=0, instead="write a whole number such as 32")
    sizes = _sizes(batch_sizes, rows)
    rounds = whole_number("rounds", rounds, at_least=1, instead="write a whole number such as 5")
    count = whole_number("threads", threads, at_least=1, instead="write a number of threads such as 1")
    page = None if markdown_file is None else markdown_path(markdown_file)
    found, missing = installed()
    rivals, left_out = chosen(found, only), missing if only is None else []
    arrays = made_up(rows, features, dtype)
    with fixed_threads(count), _status(quiet=quiet) as tell:
        places = list(
            standings(rivals, arrays, sizes, rounds=rounds, left_out=left_out.append, progress=tell)
        )
        tell("training small and larger models")
        feedings = feed([rival for rival in rivals if rival.name in _FED], arrays, sizes[0])
    made = Benchmark(
        rows=rows,
        features=features,
        dtype=dtype,
        rounds=rounds,
        places=places,
        feedings=feedings,
        rivals=rivals,
        left_out=left_out,
        machine=describe(count),
    )
    if page is not None:
        page.write_text(markdown("Loaders, side by side", parts(made)), encoding="utf-8")
    if as_json:
        click.echo(json.dumps(made.to_dict(), allow_nan=False))
    else:
        _show(made, console(), page)
    return DONE


def _sizes(text: str, rows: int) -> list[int]:
    sizes = [*whole_numbers("batch_sizes", text, _SIZES)]
    if max(sizes) > rows:
        raise SettingError(
            "batch_sizes", f"must not be above the {rows:,} rows", max(sizes), f"write at most {rows}"
        )
    return sizes


@contextmanager
def _status(*, quiet: bool) -> Iterator[Callable[[str], Any]]:
    """A line on the terminal that says what was timed; drawn between the rounds, so that it takes no time."""
    if quiet or not sys.stderr.isatty():
        yield len
        return
    with Live(Text("starting"), console=Console(stderr=True), auto_refresh=False, transient=True) as live:
        yield lambda words: live.update(Text(words), refresh=True)


def _show(made: Benchmark, console: Console, page: Path | None) -> None:
    for part in parts(made):
        console.print(Text(part) if isinstance(part, str) else _terminal(part))
        console.print()
    if page is not None:
        console.print(Text(f"Written to {page}."), soft_wrap=True)


def _terminal(table: Table) -> terminal.Table:
    shown = terminal.Table(box=None, header_style="", padding=(0, 2, 0, 0), pad_edge=False)
    for place, name in enumerate(table.columns):
        numbers = all(row[place][:1] in "0123456789~" for row in table.rows)
        shown.add_column(name, justify="right" if numbers and place else "left", overflow="fold")
    for row in table.rows:
        shown.add_row(*map(Text, row))
    return shown
