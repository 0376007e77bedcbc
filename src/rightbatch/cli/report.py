"""`rightbatch report`: draw the report of a stored study again."""

from pathlib import Path

from rightbatch.answer import open_study
from rightbatch.cli.study import present
from rightbatch.report.write import report_path


def run(
    *, store: str, report: str | None, prefer: str, memory_limit: str | None, as_json: bool, quiet: bool
) -> int:
    """Draw the report and show the answer; the exit code."""
    del quiet
    found = open_study(store, prefer=prefer, memory_limit=memory_limit)
    page = report_path(Path(store).with_suffix(".html") if report is None else report)
    found.to_html(page)
    return present(found, page, as_json=as_json)
