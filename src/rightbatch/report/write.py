"""Writes the report to a file: whole or not at all, and never over a file that is not ours."""

import os
from pathlib import Path

from rightbatch.errors import SettingError
from rightbatch.report.document import Document
from rightbatch.report.page import GENERATOR, page

HEAD_BYTES = 2048
"""Where our generator line stands: before the title, which alone can be long."""

_PLACE = "write a path in a folder that exists and can be written to, such as report.html"


def write_report(document: Document, path: str | os.PathLike[str]) -> Path:
    """Writes the report of a study.

    Args:
        document: the study's document, as `Study.to_dict()` gives it.
        path: the HTML file; an older report there is replaced.

    Returns:
        The path of the file, absolute.

    Raises:
        SettingError: a file is there that is not a report of rightbatch, or the path cannot be written.
    """
    return write_page(page(document), path)


def write_page(html: str, path: str | os.PathLike[str]) -> Path:
    """Writes a page of ours, which has the generator line; see `write_report`."""
    place = report_path(path)
    beside = place.with_name(f".{place.name}.{os.getpid()}.part")
    try:
        beside.write_text(html, encoding="utf-8")
        beside.replace(place)
    except OSError as error:
        raise _unwritable(path, error) from error
    finally:
        beside.unlink(missing_ok=True)
    return place


def report_path(path: str | os.PathLike[str]) -> Path:
    """The path, absolute, if a report may be written there: worth asking before a long study.

    Raises:
        SettingError: a file is there that is not a report of rightbatch, or the path cannot be written.
    """
    place = Path(path).expanduser().resolve()
    try:
        if place.exists() and not _ours(place):
            raise SettingError(
                "report",
                "is a file that rightbatch did not make",
                str(path),
                "write another name such as report.html",
            )
        _try_folder(place.parent)
    except OSError as error:
        raise _unwritable(path, error) from error
    return place


def _ours(place: Path) -> bool:
    with place.open("rb") as file:
        return GENERATOR.encode() in file.read(HEAD_BYTES)


def _try_folder(folder: Path) -> None:
    # Only writing tells: permission bits say nothing to root, nor on a full or read-only disk.
    trial = folder / f".rightbatch.{os.getpid()}.part"
    try:
        trial.write_bytes(b"rightbatch")
    finally:
        trial.unlink(missing_ok=True)


def _unwritable(path: str | os.PathLike[str], error: OSError) -> SettingError:
    reason = (error.strerror or type(error).__name__).lower()
    return SettingError("report", f"cannot be written ({reason})", str(path), _PLACE)
