"""What is printed into a file or a pipe has no blanks at the ends of its lines."""

import io
import sys

import pytest
from rich.table import Table

from rightbatch.report.console import Trimmed, console


def test_a_pipe_gets_no_blanks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither of a table nor of a paragraph that wraps; blanks within and before the text stay."""
    out = io.StringIO()
    monkeypatch.setattr(sys, "stdout", out)
    monkeypatch.setenv("COLUMNS", "20")
    table = Table.grid(padding=(0, 3))
    table.add_row("a", "longer")
    table.add_row("  bb", "c")
    console().print(table)
    console().print("one two three four five six")
    assert out.getvalue() == "a      longer\n  bb   c\none two three four\nfive six\n"


def test_a_terminal_gets_what_rich_writes(monkeypatch: pytest.MonkeyPatch) -> None:
    """There lines may be drawn over others, which their blanks wipe out."""

    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    err = Terminal()
    monkeypatch.setattr(sys, "stderr", err)
    assert console(stderr=True).file is err


def test_a_file_is_what_it_was_besides() -> None:
    """Its encoding decides which signs are written."""
    file = io.TextIOWrapper(io.BytesIO(), encoding="ascii")
    assert Trimmed(file).encoding == "ascii"
