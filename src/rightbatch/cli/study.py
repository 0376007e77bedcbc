"""`rightbatch study`: the study, its report, and the answer on the terminal."""

import json
from pathlib import Path
from typing import Any

import click
from rich.console import Console

from rightbatch.answer import Study, study
from rightbatch.answer import store_name as default_store
from rightbatch.cli.main import DONE, NOT_REACHED
from rightbatch.cli.models import model_of, whole_numbers
from rightbatch.data.dataset import load_data
from rightbatch.report.progress import display
from rightbatch.report.terminal import show
from rightbatch.report.write import report_path


def run(
    *,
    data: str,
    label: str | None,
    task: str | None,
    model: str,
    hidden: str,
    l2: float,
    batch_sizes: str,
    store: str | None,
    report: str | None,
    seed: int,
    as_json: bool,
    quiet: bool,
    **settings: Any,
) -> int:
    """Run the study and show its answer; the exit code."""
    built = model_of(model, hidden, l2)
    loaded = load_data(data, label=label, task=task, seed=seed)
    sizes = batch_sizes if batch_sizes == "auto" else whole_numbers("batch_sizes", batch_sizes, _SIZES)
    asked = {"batch_sizes": sizes, "seed": seed, **settings}
    kept = Path(default_store(built, loaded, **asked) if store is None else store)
    page = report_path(kept.with_suffix(".html") if report is None else report)
    words = Console(stderr=True)
    if not (quiet or as_json):
        words.print(*loaded.notes, sep="\n", markup=False, highlight=False, soft_wrap=True)
    with display(quiet=quiet) as progress:
        found = _studied(built, loaded, kept, progress, asked)
    found.to_html(page)
    return present(found, page, as_json=as_json)


def present(found: Study, page: Path, *, as_json: bool) -> int:
    """Show the answer of a study; the exit code."""
    if as_json:
        click.echo(json.dumps(found.to_dict(), allow_nan=False))
    else:
        show(found.to_dict(), Console(), page)
    return NOT_REACHED if found.recommendation is None else DONE


_SIZES = "write sizes such as 1,8,64, or auto"


def _studied(built: Any, loaded: Any, kept: Path, progress: Any, asked: dict[str, Any]) -> Study:
    try:
        return study(built, loaded, store=kept, progress=progress, **asked)
    except KeyboardInterrupt:
        click.echo(f"Stopped. What is done is in {kept}; the same command goes on from there.", err=True)
        raise
