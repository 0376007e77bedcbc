"""When a checkpoint is due, by a clock that is set by hand."""

from types import SimpleNamespace
from typing import Any

import pytest

from rightbatch.train import due as module
from rightbatch.train.due import Due, Every


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Its `now` is set by the test."""
    clock = SimpleNamespace(now=0.0)
    monkeypatch.setattr(module, "time", SimpleNamespace(perf_counter=lambda: clock.now))
    return clock


@pytest.mark.parametrize(
    ("every", "steps", "seconds"),
    [(1000, 1000, None), ("1000", 1000, None), ("60s", None, 60), ("5m", None, 300), ("0.5h", None, 1800)],
)
def test_a_number_counts_steps_and_a_unit_time(every: Any, steps: int | None, seconds: float | None) -> None:
    """As a number, or as a word of the command line."""
    inf = float("inf")
    assert Every.of(every) == Every(steps=steps or inf, seconds=seconds or inf)


def test_steps_are_counted_exactly(clock: Any) -> None:
    """Every third step, within epochs and at their end."""
    due = Due(Every(steps=3))
    due.plan(4)
    assert [due.at_step(step) for step in (5, 6, 7, 8)] == [False, False, True, True]
    assert [due.at_epoch(step) for step in (6, 7)] == [False, True]
    assert due.in_steps


def test_long_epochs_are_broken_on_time(clock: Any) -> None:
    """Where the next end of an epoch is far, it is due as soon as the time is over."""
    due = Due(Every(seconds=10.0))
    due.plan(0)
    for now, expected in [(9.9, False), (10.0, True)]:
        clock.now = now
        assert due.at_step(1) is expected
        assert due.at_epoch(1) is (now >= 9.9 and expected)
    assert not due.in_steps


def test_short_epochs_are_waited_for(clock: Any) -> None:
    """With epochs of four seconds it is due at an end from 8 to 12, and in between not before 12."""
    due = Due(Every(seconds=10.0))
    due.plan(0)
    for now, at_step, at_epoch in [(0.0, False, False), (4.0, False, False), (8.0, False, True)]:
        clock.now = now
        assert (due.at_step(1), due.at_epoch(1)) == (at_step, at_epoch)
    for now, at_step in [(10.0, False), (11.9, False), (12.0, True)]:
        clock.now = now
        assert due.at_step(1) is at_step
