"""`rightbatch study`: the study, its report, and the answer on the terminal."""

import json
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import click

from rightbatch.answer import Study, study
from rightbatch.answer import store_name as default_store
from rightbatch.cli.main import DONE, NOT_REACHED
from rightbatch.cli.models import model_of, whole_numbers
from rightbatch.errors import SettingError
from rightbatch.records import Progress
from rightbatch.report.console import console
from rightbatch.report.progress import Display, display
from rightbatch.report.terminal import show
from rightbatch.report.write import report_path
from rightbatch.train.given import data_for


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
    loaded = data_for(built, data, label=label, task=task, seed=seed)
    sizes = batch_sizes if batch_sizes == "auto" else whole_numbers("batch_sizes", batch_sizes, _SIZES)
    asked = {"batch_sizes": sizes, "seed": seed, **settings}
    usual = default_store(built, loaded, **asked)
    kept = Path(usual if store is None else store)
    page = _page(kept, report)
    notes = () if quiet or as_json else loaded.notes
    try:
        with ExitStack() as stack:
            found = study(built, loaded, store=kept, progress=telling(notes, stack, quiet=quiet), **asked)
    except KeyboardInterrupt:
        click.echo(f"Stopped. What is done is in {kept}; the same command goes on from there.", err=True)
        raise
    found.to_html(page)
    return present(found, page, as_json=as_json)


def present(found: Study, page: Path, *, as_json: bool) -> int:
    """Show the answer of a study; the exit code."""
    if as_json:
        click.echo(json.dumps(found.to_dict(), allow_nan=False))
    else:
        show(found.to_dict(), console(), page)
    return NOT_REACHED if found.recommendation is None else DONE


def telling(notes: Sequence[str], stack: ExitStack, *, quiet: bool) -> Callable[[Progress], None]:
    """Shows the notes on the data and the progress from the first event on: a refusal stands alone."""
    shown: list[Display] = []

    def tell(progress: Progress) -> None:
        if not shown:
            words = console(stderr=True)
            words.print(
                *notes, sep="\n", end="\n" * bool(notes), markup=False, highlight=False, soft_wrap=True
            )
            shown.append(stack.enter_context(display(quiet=quiet)))
        shown[0](progress)

    return tell


def _page(store: Path, report: str | None) -> Path:
    """Where the report goes, if it and the store may be written: asked before the study, not after it."""
    if store.is_dir():
        raise SettingError("store", "is a folder", str(store), "write a file such as study.db")
    try:
        page = report_path(store.with_suffix(".html") if report is None else report)
    except SettingError as error:
        if report is not None or not isinstance(error.__cause__, OSError):
            raise
        raise SettingError("store", error.problem, str(store), _PLACE) from error
    if page == store.resolve():
        raise SettingError("store", "is the file of the report", str(store), "write a file such as study.db")
    return page


_PLACE = "write a file in a folder that exists and that you may write to"

_SIZES = "write sizes such as 1,8,64, or auto"
