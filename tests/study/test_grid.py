"""The search over learning rates: it ends, and it ends at the best."""

import math
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rightbatch.study.grid import COARSE, around, best_point, lr_at, next_points, outwards
from rightbatch.study.pool import NOT_REACHED

Score = Callable[[int], float]
starts = st.integers(-20, 20)


def search(score: Score, start: int) -> dict[int, float]:
    """The search as a study makes it: from five points, until there is nowhere to look."""
    points = around(start, below=2, above=2)
    scores: dict[int, float] = {}
    for _ in range(100):
        scores |= {point: score(point) for point in points}
        points = next_points(scores)
        assert not set(points) & set(scores)
        if not points:
            return scores
    raise AssertionError("the search does not end")


def test_rates_are_half_octaves_apart() -> None:
    """Two points are a factor of two."""
    assert [lr_at(point + 2) / lr_at(point) for point in (-9, 0, 5)] == pytest.approx([2, 2, 2])


@given(starts, st.dictionaries(st.integers(-200, 200), st.floats(0, 10) | st.just(math.inf)))
def test_the_search_ends_for_every_score(start: int, odd: dict[int, float]) -> None:
    """Whatever is found, infinities included, it ends, and never tries a point twice."""
    scores = search(lambda point: odd.get(point, abs(point) / 100), start)
    assert max(scores) - min(scores) <= 80


@given(starts, st.integers(-25, 25), st.integers(2, 30))
def test_the_best_of_a_valley_is_found(start: int, best: int, cliff: int) -> None:
    """With one valley, and divergence some way above it, the best and both its neighbours are tried."""

    def score(point: int) -> float:
        return math.inf if point > best + cliff else abs(point - best + 0.25)

    scores = search(score, start)
    grid = range(start % COARSE - 200, 200, COARSE)
    expected = min(grid, key=score)
    assert best_point(scores) == expected
    assert {expected - COARSE, expected, expected + COARSE} <= set(scores)


@given(starts, st.integers(3, 9))
def test_of_equals_the_middle_is_the_best(start: int, equals: int) -> None:
    """A learning rate on a plateau may be off by as much either way; there is no edge to look beyond."""
    plateau = [start + COARSE * k for k in range(equals)]
    assert best_point(dict.fromkeys(plateau, 2.0)) == start + COARSE * ((equals - 1) // 2)
    assert best_point({**dict.fromkeys(plateau, 2.0), start - COARSE: 2.5}) in plateau[1:-1]
    assert next_points(dict.fromkeys(plateau, 2.0)) == []


@given(starts)
def test_when_everything_diverges_it_goes_down(start: int) -> None:
    """Divergence says: smaller. The search takes three more rates at the lower edge, and gives up at last."""
    assert next_points(dict.fromkeys(around(start, below=2, above=2), math.inf)) == [
        start - 10,
        start - 8,
        start - 6,
    ]
    scores = search(lambda point: math.inf, start)
    assert max(scores) == start + 4
    assert 60 <= max(scores) - min(scores) < 60 + 3 * COARSE


@given(starts, st.booleans())
def test_a_slope_without_an_end_is_given_up(start: int, up: bool) -> None:
    """A score that falls for ever in one direction is followed for nine decades, 60 points."""
    scores = search(lambda point: -point if up else point, start)
    assert 60 <= max(scores) - min(scores) < 60 + 3 * COARSE
    assert best_point(scores) == (max(scores) if up else min(scores))


@given(starts)
def test_runs_that_did_not_arrive_still_lead(start: int) -> None:
    """Where no rate reaches the target the search goes where the runs end nearest to it."""
    scores = search(lambda point: NOT_REACHED + abs(point - 14), start)
    assert abs(best_point(scores) - 14) <= 1


def test_of_equals_the_lowest_is_best() -> None:
    """A plateau is entered from below, the stable side."""
    assert best_point({4: 1.0, 2: 1.0, 0: 3.0}) == 2


@given(st.sets(st.integers(1, 10_000), min_size=1), st.integers(1, 10_000))
def test_outwards_every_size_finds_its_neighbour_done(sizes: set[int], middle: int) -> None:
    """All sizes come, ever farther from the middle: of each side the nearest is done before the next."""
    order = outwards(sorted(sizes), middle)
    assert sorted(order) == sorted(sizes)
    distances = [abs(math.log2(size / middle)) for size in order]
    assert distances == sorted(distances)
