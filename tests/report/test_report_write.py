"""Writing the report: whole, over our own files alone, with a sentence where it cannot be."""

import errno
from pathlib import Path
from typing import NoReturn

import pytest

from report.example_document import example, nothing_reached
from rightbatch.errors import SettingError
from rightbatch.report.page import page
from rightbatch.report.write import report_path, write_report

PLACE = "write a path in a folder that exists and can be written to, such as report.html."


def test_writes_the_page(tmp_path: Path) -> None:
    """The file is the page, and nothing else is left beside it."""
    place = write_report(example(), tmp_path / "report.html")
    assert place == (tmp_path / "report.html").resolve()
    assert place.read_text(encoding="utf-8") == page(example())
    assert [entry.name for entry in tmp_path.iterdir()] == ["report.html"]


def test_replaces_an_older_report(tmp_path: Path) -> None:
    """A report that rightbatch made may be drawn again."""
    write_report(example(), tmp_path / "report.html")
    place = write_report(nothing_reached(), tmp_path / "report.html")
    assert "No batch size reached" in place.read_text(encoding="utf-8")


@pytest.mark.parametrize(
    "content",
    ["<html>my notes</html>", "", "x" * 5000 + '<meta name="generator" content="rightbatch 0.1.0">'],
)
def test_refuses_a_file_of_someone_else(tmp_path: Path, content: str) -> None:
    """What rightbatch did not make stays as it is; a generator line far down is someone quoting us."""
    path = tmp_path / "notes.html"
    path.write_text(content)
    with pytest.raises(SettingError) as caught:
        write_report(example(), path)
    assert str(caught.value) == (
        f"report is a file that rightbatch did not make, got {str(path)!r}; "
        "write another name such as report.html."
    )
    assert path.read_text() == content


def test_a_folder_that_is_not_there(tmp_path: Path) -> None:
    """The sentence names the path as typed and the reason, before a study is run for nothing."""
    path = str(tmp_path / "nowhere" / "report.html")
    with pytest.raises(SettingError) as caught:
        report_path(path)
    assert caught.value.sentence(command_line=True) == (
        f"--report cannot be written (no such file or directory), got {path!r}; {PLACE}"
    )


def test_a_folder_in_place_of_a_file(tmp_path: Path) -> None:
    """A folder cannot be the report."""
    with pytest.raises(SettingError) as caught:
        report_path(tmp_path)
    assert str(caught.value) == f"report cannot be written (is a directory), got {str(tmp_path)!r}; {PLACE}"


def test_asking_leaves_nothing_behind(tmp_path: Path) -> None:
    """Asking whether the report can be written changes nothing."""
    assert report_path(tmp_path / "report.html") == (tmp_path / "report.html").resolve()
    assert list(tmp_path.iterdir()) == []


def test_a_full_disk_keeps_the_older_report(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The old report stays whole, no part of the new one is left, and the reason is told."""
    path = write_report(example(), tmp_path / "report.html")
    before = path.read_bytes()

    def full(*_: object, **__: object) -> NoReturn:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(Path, "write_text", full)
    with pytest.raises(SettingError) as caught:
        write_report(nothing_reached(), path)
    assert str(caught.value) == (
        f"report cannot be written (no space left on device), got {str(path)!r}; {PLACE}"
    )
    assert path.read_bytes() == before
    assert [entry.name for entry in tmp_path.iterdir()] == ["report.html"]
