"""The race: what is timed, by a clock that the test moves, and what is refused."""

import time
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest

from rightbatch.errors import SettingError
from rightbatch.measure import race as module
from rightbatch.measure.race import Lap, made_up, places, race, standings
from rightbatch.measure.rivals import OURS, Rival
from rightbatch.records import Array


class Clock:
    """Seconds that pass when somebody says so."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """The clock of the machine, stopped."""
    stopped = Clock()
    monkeypatch.setattr(time, "perf_counter", stopped)
    return stopped


def way(name: str, clock: Clock, start: float, batch: float, rows: Callable[[int], Any] = np.arange) -> Rival:
    """A way whose epochs take `start` and then `batch` seconds a batch."""

    def epochs(x: Array, y: Array, batch_size: int) -> Callable[[], Iterator[Any]]:
        def epoch() -> Iterator[Any]:
            clock.now += start
            index = rows(len(y))
            for begin in range(0, len(index), batch_size):
                clock.now += batch
                part = index[begin : begin + batch_size]
                yield x[part], y[part]

        return epoch

    return Rival(name, "test 1", "", epochs)


def test_epochs_are_timed_in_turns(clock: Clock) -> None:
    """Start and batches of each; every second round the other way round."""
    ways = [way(OURS, clock, 1, 0.1), way("other", clock, 2, 0.3)]
    laps = list(race(ways, made_up(100, 2, "float32"), 10, rounds=3, limit=100))
    assert [[lap.name for lap in row] for row in laps] == [[OURS, "other"], ["other", OURS], [OURS, "other"]]
    for row in laps:
        assert {lap.name: lap.seconds for lap in row} == pytest.approx({OURS: 2.0, "other": 5.0})
        assert all(lap.whole for lap in row)


def test_short_epochs_are_repeated(clock: Clock) -> None:
    """Until they take long enough for the clock; the mean counts."""
    began = []

    def counting(rows: int) -> Array:
        began.append(rows)
        return np.arange(rows)

    (row,) = race([way(OURS, clock, 0, 0.001, counting)], made_up(10, 1, "f4"), 5, rounds=1)
    assert row[0].seconds == pytest.approx(0.002)
    assert len(began) == 1 + 10  # the check, and ten epochs of 2 ms


def test_long_epochs_are_stopped(clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is left is reckoned by the rows so far, without the start."""
    monkeypatch.setattr(module, "_BETWEEN_LOOKS", 5)
    (row,) = race([way(OURS, clock, 7, 1.0)], made_up(1000, 1, "f4"), 10, rounds=1, limit=10)
    assert row[0].seconds == pytest.approx(7 + 100)
    assert not row[0].whole


def twice(rows: int) -> Array:
    """The first row again at the end."""
    return np.append(np.arange(rows), 0)


@pytest.mark.parametrize(
    ("rows", "reason"),
    [
        (lambda rows: np.arange(rows - 3), "NotAnEpochError: 3 of 20 rows are missing in its first epoch"),
        (twice, "NotAnEpochError: 1 of 20 rows come twice in its first epoch"),
        (lambda rows: {}[rows], "KeyError: 20"),
    ],
)
def test_who_fails_is_left_out(clock: Clock, rows: Callable[[int], Any], reason: str) -> None:
    """Rows missing, rows twice, or an error: the others go on, and the reason is told."""
    said: list[str] = []
    ways = [way(OURS, clock, 1, 1), way("bad", clock, 1, 1, rows)]
    laps = list(race(ways, made_up(20, 1, "f4"), 5, rounds=2, limit=100, left_out=said.append))
    assert said == [f"bad is left out: {reason}"]
    assert [[lap.name for lap in row] for row in laps] == [[OURS]] * 2


def test_ratios_are_those_of_a_round() -> None:
    """A slow spell that hits a whole round leaves the ratio as it is."""
    laps = [
        [Lap(OURS, 0, 1.0, True), Lap("a", 0, 2.0, True)],
        [Lap("a", 1, 20.0, True), Lap(OURS, 1, 10.0, True)],
        [Lap(OURS, 2, 1.0, True), Lap("a", 2, 4.0, False)],
    ]
    ours, other = places(laps, rows=100, batch_size=30)
    assert (ours.name, ours.ratio, ours.least, ours.most, ours.whole) == (OURS, 1, 1, 1, True)
    assert (other.ratio, other.least, other.most, other.whole) == (2, 2, 4, False)
    assert (other.seconds, other.batch_seconds, other.rows_per_second) == (4, 1, 25)


def test_standings_are_told_of_each_size(clock: Clock) -> None:
    """One race a batch size, and what is done is told."""
    told: list[str] = []
    ways = [way(OURS, clock, 1, 1), way("other", clock, 1, 2)]
    found = list(standings(ways, made_up(20, 1, "f4"), [5, 10], rounds=2, progress=told.append))
    assert [(place.name, place.batch_size, place.seconds) for place in found] == [
        (OURS, 5, 5), ("other", 5, 9), (OURS, 10, 3), ("other", 10, 5)
    ]  # fmt: skip
    assert told == [f"batch size {size}: round {number} of 2" for size in (5, 10) for number in (1, 2)]


@pytest.mark.parametrize("dtype", ["float16", "float64", "uint8", "bool"])
def test_the_arrays_are_as_asked_for(dtype: str) -> None:
    """Shape and dtype, memory that is written, and rows that can be told apart."""
    x, y = made_up(5000, 3, dtype)
    assert (x.shape, x.dtype, y.tolist()) == ((5000, 3), np.dtype(dtype), list(range(5000)))
    assert x.flags.owndata or x.base is not None
    assert made_up(7, 0, dtype)[0].shape == (7,)
    assert (x[:1024] == x[1024:2048]).all()


@pytest.mark.parametrize(
    ("settings", "argument", "problem"),
    [
        ((10, 2, "float33"), "dtype", "is not known to NumPy"),
        ((10, 2, "U3"), "dtype", "is not one of numbers"),
        ((10**12, 10**3, "float32"), "rows", "are 4.01e+03 TB with these features, of "),
    ],
)
def test_arrays_that_cannot_be(settings: Any, argument: str, problem: str) -> None:
    """The dtype, or more than fits into memory four times."""
    with pytest.raises(SettingError) as caught:
        made_up(*settings)
    assert caught.value.argument == argument
    assert caught.value.problem.startswith(problem)
