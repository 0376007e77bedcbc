"""The table of timings: its gaps, what is foretold, and draws of what a step takes."""

from collections.abc import Callable

import numpy as np
import pytest

from rightbatch.measure.clock import Timing
from rightbatch.records import Array
from rightbatch.stats.pace import drawn, paced
from rightbatch.study.rounds import doubt, drawn_seconds, foretold, rounds_of
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


@pytest.mark.parametrize(
    ("form", "known"),
    [
        (lambda size: 1 + size / 64, [4, 32, 256]),
        (lambda size: max(1.0, size / 64), [4, 32, 256]),
        (lambda size: (1 + (size / 100) ** 3) ** (1 / 3), [2, 512]),
        (lambda size: 1.0, [16, 64]),
        (float, [16, 64]),
        (lambda size: 1 + size / 64, [64]),
    ],
)
def test_what_is_foretold_lies_where_a_step_can_be(form: Callable[[float], float], known: list[int]) -> None:
    """Between the bounds that any t(B) has that rises while t(B)/B falls, of which the doubt is a quarter."""
    sizes = [2**power for power in range(11)]
    table = np.array([[form(size) if size in known else NAN for size in sizes]] * 4)
    found, apart = foretold(table, sizes)[0], doubt(table, sizes)
    for size, seconds, sd in zip(sizes, found, apart, strict=True):
        least = max((form(other) * min(1, size / other) for other in known), default=0)
        most = min(form(other) * max(1, size / other) for other in known)
        assert least * (1 - 1e-6) <= seconds <= most * (1 + 1e-6)
        assert sd == pytest.approx(np.log(most / least) / 4, abs=1e-6)
        assert abs(np.log(form(size) / seconds)) <= 4 * sd + 1e-6
    np.testing.assert_array_equal(apart[[sizes.index(size) for size in known]], 0)


def test_what_is_foretold_is_drawn_with_its_doubt() -> None:
    """And what was timed with its own alone."""
    table = np.array([[1.0, NAN, 8.0]] * 8) * np.exp(np.random.default_rng(0).normal(0, 0.01, (8, 3)))
    logs = np.log(drawn_seconds(table, [1, 4, 16], 4000, seed=0))
    assert logs[:, 1].std() == pytest.approx(doubt(table, [1, 4, 16])[1], rel=0.1)
    assert logs[:, [0, 2]].std(axis=0).max() < 0.02


def test_draws_are_those_of_the_rounds() -> None:
    """The same however often they are asked for, and others for other rounds."""
    table, other = noisy(9, 1.0, 2.0, 3.0), noisy(9, 1.0, 2.0, 4.0)
    found = drawn_seconds(table, [1, 2, 4], 50, seed=3)
    np.testing.assert_array_equal(found, drawn(paced(table), 50, seed=3))
    np.testing.assert_array_equal(found, drawn_seconds(table.copy(), [1, 2, 4], 50, seed=3))
    assert (found[:, 2] != drawn_seconds(other, [1, 2, 4], 50, seed=3)[:, 2]).all()


def test_sizes_timed_in_the_same_rounds_share_slow_ones() -> None:
    """Of two sizes of which one always takes twice as long the ratio is known, however noisy rounds are."""
    table = noisy(20, 1.0) * [1.0, 2.0]
    found = drawn_seconds(table, [1, 2], 100, seed=0)
    np.testing.assert_allclose(found[:, 1] / found[:, 0], 2)
    assert found[:, 0].std() > 0.01


@pytest.mark.parametrize("more", [24, 72])
def test_sizes_that_are_timed_more_often_are_known_better(more: int) -> None:
    """The doubt of their ratio falls with the root of the rounds; that of the others stays."""
    few = noisy(8, 1.0, 2.0, 3.0, 4.0)
    later = np.column_stack([noisy(more, 1.0, 2.0), np.full((more, 2), NAN)])
    before, after = (
        np.diff(np.log(drawn_seconds(table, [1, 2, 4, 8], 4000, seed=0)), axis=1).std(axis=0)
        for table in (few, np.vstack([few, later]))
    )
    assert after[0] == pytest.approx(before[0] * np.sqrt(8 / (8 + more)), rel=0.35)
    assert after[2] == pytest.approx(before[2], rel=0.4)
