"""Live progress: in place on a terminal, plain lines in a log, nothing when quiet."""

import io
import os
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from rich.console import Console

from rightbatch.records import Progress
from rightbatch.report import progress

BEST = "batch size 32 with learning rate 0.3: 1.9 ms"


def event(stage: str, done: int, *, best: str = BEST, left: float | None = 20.0) -> Progress:
    """Progress of a study of 60 pieces."""
    return Progress(stage, f"batch size {done}", done, 60, best, 2.0 * done, left)


def at(seconds: list[float]) -> Callable[[], float]:
    """A clock that shows these times, one after another."""
    times: Iterator[float] = iter(seconds)
    return lambda: next(times)


def test_lines_come_with_stages_and_every_five_seconds() -> None:
    """Of eight events four are printed: two begin a stage, two come 5 s after the line before."""
    file = io.StringIO()
    lines = progress.Lines(Console(file=file, width=40), at([0.0, 1.0, 4.9, 5.0, 6.0, 7.0, 9.0, 11.0]))
    for done in range(1, 9):
        lines(event("timing" if done < 5 else "seeds", done, best="" if done < 5 else BEST))
    assert file.getvalue() == (
        "timing: batch size 1; 1 of 60, 0:02 spent, 0:20 left\n"
        "timing: batch size 4; 4 of 60, 0:08 spent, 0:20 left\n"
        f"seeds: batch size 5; 5 of 60, 0:10 spent, 0:20 left; best so far: {BEST}\n"
        f"seeds: batch size 8; 8 of 60, 0:16 spent, 0:20 left; best so far: {BEST}\n"
    )


def test_time_left_is_left_out_while_unknown() -> None:
    """No guess is better than a wrong one."""
    assert progress.line(event("pilot", 3, best="", left=None)) == "pilot: batch size 3; 3 of 60, 0:06 spent"


def test_live_display_draws_at_most_ten_times_a_second() -> None:
    """100 events within one second are drawn 10 times; none is lost to a thread, for there is none."""
    file = io.StringIO()
    console = Console(file=file, width=80, force_terminal=True, force_interactive=True)
    threads = threading.active_count()
    with progress.LiveDisplay(console, at([number / 100 for number in range(100)])) as show:
        for done in range(100):
            show(event("seeds", done))
        assert threading.active_count() == threads
        assert file.getvalue().count("best so far") == 10


def test_live_display_shows_what_is_run() -> None:
    """Stage, work, how far, times and the best so far are on the screen."""
    file = io.StringIO()
    Console(file=file, width=80).print(progress.drawn(event("seeds", 30)))
    first, bar, best = (line.rstrip() for line in file.getvalue().splitlines())
    assert first == "seeds  batch size 30"
    assert bar.endswith("30 of 60  1:00 spent, 0:20 left")
    assert best == f"best so far: {BEST}"


def test_live_display_fits_a_narrow_terminal() -> None:
    """Three lines stay three lines at 40 columns, or the display would climb up the screen."""
    file = io.StringIO()
    Console(file=file, width=40).print(progress.drawn(event("seeds", 30)))
    assert len(file.getvalue().splitlines()) == 3


def test_quiet_shows_nothing(capfd: pytest.CaptureFixture[str]) -> None:
    """--quiet: not a character on either stream."""
    with progress.display(quiet=True) as show:
        show(event("seeds", 1))
    assert capfd.readouterr() == ("", "")


def test_default_is_standard_error(capsys: pytest.CaptureFixture[str]) -> None:
    """Standard output belongs to the results alone."""
    with progress.display() as show:
        show(event("seeds", 1, best=""))
    assert capsys.readouterr() == ("", "seeds: batch size 1; 1 of 60, 0:02 spent, 0:20 left\n")


def test_a_log_never_gets_a_live_display(tmp_path: Path) -> None:
    """Not even where FORCE_COLOR makes a file look like a terminal."""
    with (tmp_path / "log").open("w") as file:
        assert isinstance(progress.display(Console(file=file, force_terminal=True)), progress.Lines)


@pytest.mark.skipif(not hasattr(os, "openpty"), reason="pseudo-terminals are a matter of POSIX")
@pytest.mark.parametrize(("term", "kind"), [("xterm", progress.LiveDisplay), ("dumb", progress.Lines)])
def test_a_terminal_gets_a_live_display(monkeypatch: pytest.MonkeyPatch, term: str, kind: type) -> None:
    """A terminal that can move its cursor is drawn on; a dumb one gets lines."""
    monkeypatch.setenv("TERM", term)
    monkeypatch.delenv("TTY_INTERACTIVE", raising=False)
    master, slave = os.openpty()
    with os.fdopen(slave, "w") as file:
        assert isinstance(progress.display(Console(file=file)), kind)
    os.close(master)


def interrupted(show: progress.Display) -> None:
    """A study in which Ctrl-C is typed after the first event."""
    show(event("seeds", 1))
    raise KeyboardInterrupt


def test_an_interrupt_leaves_the_terminal_as_it_was() -> None:
    """Ctrl-C goes through, and the cursor is shown again."""
    file = io.StringIO()
    console = Console(file=file, width=80, force_terminal=True, force_interactive=True)
    with pytest.raises(KeyboardInterrupt), progress.LiveDisplay(console) as show:
        interrupted(show)
    hidden, shown = "\x1b[?25l", "\x1b[?25h"
    assert file.getvalue().rfind(shown) > file.getvalue().rfind(hidden) >= 0
