"""The race of a batch size's learning rates over its seeds."""

import math

import pytest

from rightbatch.study.pool import Choice
from rightbatch.study.race import Race
from rightbatch.study.subject import Run
from study.hand_made import run

SEEDS = range(3)
POINTS = (-1, 0, 1)


def raced(steps: dict[int, tuple[float | None, ...]]) -> list[Run]:
    """Runs of batch size 8: by point, the steps of each seed."""
    return [run(8, point, seed, took) for point, each in steps.items() for seed, took in enumerate(each)]


def test_all_go_on_until_a_race_is_over() -> None:
    """Whatever the runs say."""
    runs = raced({-1: (90.0,), 0: (30.0,), 1: (None,)})
    assert Race(8, runs, POINTS, range(0)).left == {-1, 0, 1}
    assert Race(8, [], POINTS, range(0)).left == {-1, 0, 1}


def test_who_is_clearly_slower_is_out() -> None:
    """Three seeds at twice the steps; a missed run counts with twice the steps of the longest."""
    runs = raced({-1: (60.0, 62.0, 58.0), 0: (30.0, 31.0, 29.0), 1: (30.5, 29.5, 30.0)})
    assert Race(8, runs, POINTS, SEEDS).left == {0, 1}
    missed = raced({-1: (None, None, None), 0: (30.0, 31.0, 29.0), 1: (30.5, 29.5, 30.0)})
    assert Race(8, missed, POINTS, SEEDS).left == {0, 1}


def test_only_seeds_of_races_that_are_over_are_judged() -> None:
    """A fourth seed that is slow changes nothing before its race is over."""
    runs = raced({-1: (60.0, 62.0, 58.0), 0: (30.0, 31.0, 29.0, 90.0), 1: (30.5, 29.5, 30.0, 10.0)})
    assert Race(8, runs, POINTS, SEEDS).left == {0, 1}


def test_who_was_out_stays_out() -> None:
    """It was not run with the seeds of the second race."""
    slow = {-1: (60.0, 62.0, 58.0)}
    runs = raced(slow | {0: (30.0, 31.0, 29.0) * 2, 1: (30.5, 29.5, 30.0) * 2})
    assert Race(8, runs, POINTS, range(6)).left == {0, 1}


def test_the_leader_is_of_the_fine_grid() -> None:
    """The least geometric mean of its points; a run of the coarse grid beside it does not count."""
    runs = raced({-3: (1.0, 1.0), -1: (60.0, 60.0), 0: (20.0, 45.0), 1: (40.0, 40.0)})
    leader = Race(8, runs, POINTS, range(0)).leader
    assert leader is not None
    assert leader == Choice(point=0, steps=leader.steps, reached=2, seeds=2)
    assert leader.steps == pytest.approx(30)
    assert Race(8, raced({0: (None,)}), (0,), range(0)).leader is None


def test_spread_is_the_leaders() -> None:
    """Sum of squares of ln S about its mean, one degree of freedom fewer than there are seeds."""
    runs = raced({0: (10.0, 20.0, 40.0), 1: (100.0, 100.0, 900.0)})
    spread = Race(8, runs, POINTS, range(0)).spread
    assert spread.squares == pytest.approx(2 * math.log(2) ** 2)
    assert spread.free == 2
