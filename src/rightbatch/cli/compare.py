"""`rightbatch compare`: gradient descent side by side, its page, and the table on the terminal."""

import json
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import click

from rightbatch.cli.main import DONE, NOT_REACHED
from rightbatch.cli.models import model_of, whole_numbers
from rightbatch.cli.study import telling
from rightbatch.compare import compare
from rightbatch.data.dataset import load_data
from rightbatch.report.comparison_terminal import show_comparison
from rightbatch.report.console import console
from rightbatch.report.write import report_path


def run(
    *,
    data: str,
    label: str | None,
    task: str | None,
    model: str | None,
    hidden: str | None,
    batch_sizes: str | None,
    optimizers: str | None,
    report: str | None,
    seed: int,
    as_json: bool,
    quiet: bool,
    **settings: Any,
) -> int:
    """Compare, write the page, and show the table; the exit code."""
    named = "mlp" if model is None and hidden is not None else model
    built = None if named is None else model_of(named, hidden, None)
    loaded = load_data(data, label=label, task=task, seed=seed)
    sizes = batch_sizes if batch_sizes in _WORDS else whole_numbers("batch_sizes", str(batch_sizes), _SIZES)
    rules = None if optimizers is None else [name.strip() for name in optimizers.split(",")]
    page = report_path(f"compare-{Path(data).stem}.html" if report is None else report)
    notes = () if quiet or as_json else loaded.notes
    with ExitStack() as stack:
        found = compare(
            loaded,
            model=built,
            batch_sizes=sizes,
            optimizers=rules,
            seed=seed,
            progress=telling(notes, stack, quiet=quiet),
            **settings,
        )
    found.to_html(page)
    if as_json:
        click.echo(json.dumps(found.to_dict(), allow_nan=False))
    else:
        show_comparison(found.to_dict(), console(), page)
    return NOT_REACHED if found.winners["speed"].method is None else DONE


_WORDS = (None, "auto")

_SIZES = "write sizes such as 1,8,64, or auto"
