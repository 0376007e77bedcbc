"""Seconds per step: every size in every round, in turn."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from rightbatch.data.loader import Loader
from rightbatch.learners.linear import LinearRegression
from rightbatch.learners.updates import SGD
from rightbatch.measure.clock import Timing, time_steps
from rightbatch.records import Shape

SIZES = [1, 8, 64]
LEARNER = LinearRegression().build(Shape(features=3, outputs=1, task="regression"), SGD())


def loader(batch_size: int) -> Loader:
    """Batches of 64 rows of three features."""
    rows = np.random.default_rng(0).normal(size=(64, 4)).astype(np.float32)
    return Loader((rows[:, :3], rows[:, 3:]), batch_size, shuffle=True, last="drop")


def timed(**settings: Any) -> Iterator[list[Timing]]:
    """The rounds of a small problem."""
    return time_steps(LEARNER, loader, SIZES, lr=1e-6, **settings)


def test_every_size_is_timed_in_every_round() -> None:
    """Each round holds each size once, in positive seconds."""
    rounds = list(timed(rounds=3))
    assert [sorted(timing.batch_size for timing in row) for row in rounds] == [SIZES] * 3
    assert [{timing.round for timing in row} for row in rounds] == [{0}, {1}, {2}]
    assert all(timing.seconds > 0 and timing.steps >= 1 for row in rounds for timing in row)


def test_sizes_take_turns() -> None:
    """Rounds go up and down in turn, so that a machine that slows down favours neither end."""
    orders = [[timing.batch_size for timing in row] for row in timed(rounds=4)]
    assert orders == [SIZES, SIZES[::-1]] * 2


def test_rounds_go_on_where_they_were_left() -> None:
    """A study that was interrupted after three rounds of five times the other two."""
    assert [row[0].round for row in timed(rounds=5, first_round=3)] == [3, 4]


def test_nothing_is_left_to_time() -> None:
    """With all rounds done nothing is trained."""
    assert list(timed(rounds=5, first_round=5)) == []


def test_a_block_lasts_long_enough_to_be_measured(monkeypatch: pytest.MonkeyPatch) -> None:
    """Seconds are those of one step: a clock that gains half a ms a reading shows a block as that / steps."""
    now = iter(range(10**6))
    monkeypatch.setattr("rightbatch.measure.clock.time.perf_counter", lambda: next(now) / 2000)
    for row in timed(rounds=2):
        assert [timing.steps for timing in row] == [2, 2, 2]  # 1 ms at half a ms a step
        assert [timing.seconds for timing in row] == pytest.approx([0.0005 / 2] * 3)


def test_a_step_of_many_rows_takes_longer() -> None:
    """A batch of 4,096 rows of 64 features costs more than one of a single row, by far."""
    learner = LinearRegression().build(Shape(features=64, outputs=1, task="regression"), SGD())
    x = np.ones((4096, 64), np.float32)

    def batches(batch_size: int) -> Loader:
        return Loader((x, x[:, :1]), batch_size, shuffle=True, last="drop")

    (row,) = time_steps(learner, batches, [1, 4096], rounds=1, lr=1e-9)
    assert row[1].seconds > 3 * row[0].seconds
