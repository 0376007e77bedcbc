"""Rows as often as their weights say."""

from collections import Counter
from itertools import permutations
from typing import Any

import numpy as np
import pytest
from scipy import stats

from data.every_order import weights as some_weights
from rightbatch.data.weighted import Weighted
from rightbatch.errors import DataError, SettingError
from rightbatch.records import Array

WEIGHTS = np.array([0.0, 1.0, 5.0, 0.0, 2.5, 1e-3])


def epoch_of(order: Weighted, epoch: int, rows: int) -> Array:
    """All row numbers of an epoch."""
    return np.asarray(order.row_numbers(epoch, rows)[: order.length(rows)])


def is_in_proportion(counts: Array, shares: Array) -> bool:
    """Whether counts fit the shares, by the chi-squared test at 99.9 %."""
    expected = counts.sum() * shares / shares.sum()
    return bool(stats.chisquare(counts, expected).statistic < stats.chi2.ppf(0.999, df=len(counts) - 1))


def test_draws_are_in_proportion_to_the_weights() -> None:
    """A million draws; rows of weight 0 never."""
    counts = np.bincount(epoch_of(Weighted(WEIGHTS, length=10**6), 0, 6), minlength=6)
    assert counts[WEIGHTS == 0].tolist() == [0, 0]
    assert is_in_proportion(counts[WEIGHTS > 0], WEIGHTS[WEIGHTS > 0])


def test_draws_are_independent() -> None:
    """Pairs of neighbouring draws, and of one draw in two epochs, are as frequent as both make them."""
    weights = np.array([1.0, 2.0, 3.0])
    one, other = (epoch_of(Weighted(weights, length=100_000), epoch, 3) for epoch in (0, 1))
    pairs = np.outer(weights, weights).ravel()
    assert is_in_proportion(np.bincount(3 * one[::2] + one[1::2], minlength=9), pairs)
    assert is_in_proportion(np.bincount(3 * one + other, minlength=9), pairs)


def test_more_rows_than_single_precision_can_count() -> None:
    """Of 2^24 rows and a million the last 1,000 have half of the weight: all are drawn as they must be."""
    rows = 2**24 + 10**6
    weights = np.full(rows, 1.0, np.float32)
    weights[-1000:] = (rows - 1000) / 1000
    order = Weighted(weights, length=200_000)
    drawn = epoch_of(order, 0, rows)
    heavy = drawn[drawn >= rows - 1000] - (rows - 1000)
    light = drawn[drawn < rows - 1000]
    assert stats.binomtest(len(heavy), len(drawn)).pvalue > 0.001
    assert is_in_proportion(np.bincount(heavy, minlength=1000), np.ones(1000))
    assert is_in_proportion(np.bincount(light // (rows // 100 + 1), minlength=100), np.ones(100))
    assert len(np.unique(light % 2)) == 2


def test_without_replacement_each_draw_is_among_those_left() -> None:
    """All 6 sequences of three rows, as often as drawing one after the other makes them."""
    weights = np.array([1.0, 2.0, 5.0])
    order = Weighted(weights, replacement=False)
    counts = Counter(tuple(epoch_of(order, epoch, 3).tolist()) for epoch in range(8000))
    ways = list(permutations(range(3)))
    left = [[weights[list(way[place:])].sum() for place in range(3)] for way in ways]
    shares = [np.prod(weights[list(way)] / sums) for way, sums in zip(ways, left, strict=True)]
    assert is_in_proportion(np.array([counts[way] for way in ways]), np.array(shares))


def test_without_replacement_no_row_comes_twice() -> None:
    """Each row above 0 once, or the first of them."""
    assert sorted(epoch_of(Weighted(WEIGHTS, replacement=False), 0, 6)) == [1, 2, 4, 5]
    for epoch in range(5):
        all_four, two = (
            epoch_of(Weighted(WEIGHTS, replacement=False, length=length), epoch, 6) for length in (4, 2)
        )
        assert two.tolist() == all_four[:2].tolist()


def test_weights_of_any_size() -> None:
    """Neither the largest nor the smallest numbers there are overflow or are lost."""
    huge = np.array([1e308, 0.0, 1e308, 1e-320])
    assert set(epoch_of(Weighted(huge, length=1000), 0, 4)) == {0, 2}
    assert sorted(epoch_of(Weighted(huge, replacement=False), 0, 4)) == [0, 2, 3]
    assert set(epoch_of(Weighted([0.0, 1e-320], length=10), 0, 2)) == {1}
    assert set(epoch_of(Weighted([True, False]), 0, 2)) == {0}


def test_the_golden_order() -> None:
    """It must never move, for the reason told in test_order.py."""
    assert epoch_of(Weighted(some_weights(9), seed=1), 2, 9).tolist() == [0, 0, 6, 8, 3, 3, 2, 6, 2]
    assert epoch_of(Weighted(some_weights(9), replacement=False, seed=1), 2, 9).tolist() == [2, 3, 8, 0, 6, 5]


@pytest.mark.parametrize(
    ("weights", "text"),
    [
        ([1.0, np.nan], "weights[1] is nan; write a weight for each row."),
        ([1.0, -0.5], "weights[1] is -0.5; write numbers of at least 0."),
        ([np.inf, 1.0], "weights[0] is inf; write numbers of at least 0."),
        ([0, 0], "weights are all 0, so that no row can be drawn; write some above 0."),
        (["a", "b"], "weights has dtype <U1; write numbers of at least 0."),
        ([], "weights is empty; write one weight for each row."),
        (
            [[1.0], [2.0]],
            "weights has shape (2, 1); write an array of one dimension, one weight for each row.",
        ),
    ],
)
def test_weights_that_are_none_are_refused(weights: Any, text: str) -> None:
    """The sentence names the first that is wrong."""
    with pytest.raises(DataError) as caught:
        Weighted(weights)
    assert str(caught.value) == text


@pytest.mark.parametrize(
    ("settings", "text"),
    [
        ({"length": 0}, "length must be at least 1, got 0; write a whole number such as 32."),
        ({"length": 2.5}, "length must be a whole number, got 2.5; write a whole number such as 32."),
        (
            {"length": 5, "replacement": False},
            (
                "length must be at most 4, the rows of weight above 0, got 5; "
                "write a whole number from 1 to 4, or replacement=True."
            ),
        ),
        ({"seed": -1}, "seed must be at least 0, got -1; write a whole number such as 0."),
    ],
)
def test_settings_that_cannot_be_used_are_refused(settings: Any, text: str) -> None:
    """The sentence says what to write."""
    with pytest.raises(SettingError) as caught:
        Weighted(WEIGHTS, **settings)
    assert str(caught.value) == text


def test_weights_of_other_data_are_refused() -> None:
    """One weight for each row."""
    with pytest.raises(DataError, match=r"^weights has 6 entries but the data have 7 rows; "):
        Weighted(WEIGHTS).length(7)
