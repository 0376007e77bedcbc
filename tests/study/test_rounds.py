"""The table of timings: its gaps, what is foretold, and draws of what a step takes."""

import numpy as np
import pytest

from rightbatch.measure.clock import Timing
from rightbatch.records import Array
from rightbatch.stats.pace import drawn, paced
from rightbatch.study.rounds import drawn_seconds, foretold, rounds_of
from study.hand_made import timings

NAN = float("nan")


def noisy(rounds: int, *levels: float) -> Array:
    """Seconds that scatter by 20 % around each level."""
    scatter = np.random.default_rng(0).normal(0, 0.2, (rounds, len(levels)))
    return np.asarray(levels * np.exp(scatter))


def test_what_was_not_timed_in_a_round_is_a_gap() -> None:
    """Rounds are rows in their order, sizes columns in the order asked for."""
    table = rounds_of([*timings({8: 1.0, 2: 3.0}, rounds=2), Timing(8, 5, 10, 4.0)], [2, 8])
    np.testing.assert_array_equal(table, [[3, 1], [3, 1], [NAN, 4]])


def test_a_size_that_was_never_timed_is_foretold_by_the_others() -> None:
    """By t(B) = 1 + 2 B at the pace of each round; gaps of the others stay."""
    table = foretold(np.array([[3.0, NAN, 9.0], [3.0, NAN, 9.0], [6.0, NAN, 18.0]]), [1, 2, 4])
    np.testing.assert_allclose(table[:, 1], [5.0, 5.0, 10.0], rtol=1e-5)
    np.testing.assert_array_equal(table[:, [0, 2]], [[3.0, 9.0], [3.0, 9.0], [6.0, 18.0]])
    alone = foretold(np.array([[3.0, NAN], [3.0, NAN]]), [1, 2])
    np.testing.assert_allclose(alone[:, 1], [3, 3])


def test_draws_are_those_of_the_rounds() -> None:
    """The same however often they are asked for, and others for other rounds."""
    table, other = noisy(9, 1.0, 2.0, 3.0), noisy(9, 1.0, 2.0, 4.0)
    found = drawn_seconds(table, 50, seed=3)
    np.testing.assert_array_equal(found, drawn(paced(table), 50, seed=3))
    np.testing.assert_array_equal(found, drawn_seconds(table.copy(), 50, seed=3))
    assert (found[:, 2] != drawn_seconds(other, 50, seed=3)[:, 2]).all()


def test_sizes_timed_in_the_same_rounds_share_slow_ones() -> None:
    """Of two sizes of which one always takes twice as long the ratio is known, however noisy rounds are."""
    table = noisy(20, 1.0) * [1.0, 2.0]
    found = drawn_seconds(table, 100, seed=0)
    np.testing.assert_allclose(found[:, 1] / found[:, 0], 2)
    assert found[:, 0].std() > 0.01


@pytest.mark.parametrize("more", [24, 72])
def test_sizes_that_are_timed_more_often_are_known_better(more: int) -> None:
    """The doubt of their ratio falls with the root of the rounds; that of the others stays."""
    few = noisy(8, 1.0, 2.0, 3.0, 4.0)
    later = np.column_stack([noisy(more, 1.0, 2.0), np.full((more, 2), NAN)])
    before, after = (
        np.diff(np.log(drawn_seconds(table, 4000, seed=0)), axis=1).std(axis=0)
        for table in (few, np.vstack([few, later]))
    )
    assert after[0] == pytest.approx(before[0] * np.sqrt(8 / (8 + more)), rel=0.35)
    assert after[2] == pytest.approx(before[2], rel=0.4)
