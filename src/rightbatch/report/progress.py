"""Live progress of a study, on standard error: a display on a terminal, plain lines elsewhere.

Everything is drawn from the calls themselves: a thread that refreshed the display would take
time from the steps that are being timed.
"""

import time
from collections.abc import Callable
from types import TracebackType
from typing import Protocol, Self

from rich.console import Console, Group
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from rightbatch import units
from rightbatch.records import Progress

REDRAW_SECONDS = 0.1
"""A display changes at most ten times a second: faster is not read, and costs the study time."""
LINE_SECONDS = 5.0
"""Plain lines within one stage come at most this often, so that a log stays readable."""

Clock = Callable[[], float]


class Display(Protocol):
    """Shows how far a study is; used in a ``with`` block, and called with every event."""

    def __enter__(self) -> Self: ...
    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...
    def __call__(self, progress: Progress) -> None:
        """Shows the event, or leaves it where it comes too soon after another."""


def display(console: Console | None = None, *, quiet: bool = False) -> Display:
    """The display that suits where standard error goes.

    Args:
        console: where to draw; default: standard error.
        quiet: show nothing.

    Returns:
        A live display on a terminal, plain lines otherwise.

    Example:
        >>> with display(quiet=True) as show:
        ...     show(Progress("timing", "batch size 1", 1, 12, "", 0.2, None))
    """
    console = console or Console(stderr=True)
    if quiet:
        return Silent()
    # FORCE_COLOR makes rich call a log file a terminal; a live display there would be litter.
    return LiveDisplay(console) if console.is_interactive and console.file.isatty() else Lines(console)


class _Block:
    """Nothing to open, nothing to close."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        return None


class Silent(_Block):
    """Shows nothing."""

    def __call__(self, progress: Progress) -> None:
        """Nothing."""


class Lines(_Block):
    """A line when the stage changes, and one now and then within it."""

    def __init__(self, console: Console, clock: Clock = time.monotonic) -> None:
        self._console, self._clock = console, clock
        self._stage, self._last = "", 0.0

    def __call__(self, progress: Progress) -> None:
        """Prints the event, if it is time."""
        now = self._clock()
        if progress.stage != self._stage or now - self._last >= LINE_SECONDS:
            self._stage, self._last = progress.stage, now
            self._console.print(Text(line(progress)), soft_wrap=True)


class LiveDisplay:
    """Three lines that change in place, and are gone at the end."""

    def __init__(self, console: Console, clock: Clock = time.monotonic) -> None:
        self._live = Live(console=console, auto_refresh=False, transient=True, redirect_stdout=False)
        self._clock = clock
        self._stage, self._last = "", 0.0

    def __enter__(self) -> Self:
        self._live.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._live.__exit__(kind, error, trace)

    def __call__(self, progress: Progress) -> None:
        """Draws the event, if it is time."""
        now = self._clock()
        if progress.stage != self._stage or now - self._last >= REDRAW_SECONDS:
            self._stage, self._last = progress.stage, now
            self._live.update(drawn(progress), refresh=True)


def line(progress: Progress) -> str:
    """The event in one line.

    Example:
        >>> line(Progress("seeds", "batch size 32", 40, 60, "batch size 16: 2 ms", 12.3, 6.0))
        'seeds: batch size 32; 40 of 60, 0:12 spent, 0:06 left; best so far: batch size 16: 2 ms'
    """
    what = ": ".join(part for part in (progress.stage, progress.detail) if part)
    best = [f"best so far: {progress.best}"] if progress.best else []
    return "; ".join([what, f"{progress.done} of {progress.total}, {_times(progress)}", *best])


def drawn(progress: Progress) -> Group:
    """The event as three lines: what is being run, how far, the best so far."""
    what = Text.assemble((progress.stage, "bold"), f"  {progress.detail}", no_wrap=True, overflow="ellipsis")
    bar = Table.grid(padding=(0, 2, 0, 0))
    counted = Text(f"{progress.done} of {progress.total}  {_times(progress)}", no_wrap=True)
    bar.add_row(ProgressBar(total=max(progress.total, 1), completed=progress.done, width=24), counted)
    best = f"best so far: {progress.best}" if progress.best else ""
    return Group(what, bar, Text(best, style="dim", no_wrap=True, overflow="ellipsis"))


def _times(progress: Progress) -> str:
    left = "" if progress.left is None else f", {units.clock(progress.left)} left"
    return f"{units.clock(progress.elapsed)} spent{left}"
