"""Which values to measure next."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rightbatch.records import Array
from rightbatch.stats.telling import most_telling


def covariance(seed: int, values: int = 4) -> Array:
    """Of a quantity and some values, drawn by seed."""
    mixed = np.random.default_rng(seed).normal(size=(1 + values, 1 + values))
    return np.asarray(mixed @ mixed.T)


def variance_left(whole: Array, measured: list[int], noise: float) -> float:
    """Of the quantity, given one noisy measurement of each named value: all at once, by the inverse."""
    if not measured:
        return float(whole[0, 0])
    rows = [1 + i for i in measured]
    of_measured = whole[np.ix_(rows, rows)] + noise * np.eye(len(rows))
    shared = whole[0, rows]
    return float(whole[0, 0] - shared @ np.linalg.solve(of_measured, shared))


@given(seed=st.integers(0, 500), noise=st.floats(0.05, 5.0))
def test_each_takes_away_most_per_second_of_what_those_before_left(seed: int, noise: float) -> None:
    """Against every other choice, by the posterior variance of all measurements at once."""
    whole, seconds = covariance(seed), np.array([1.0, 2.0, 0.5, 4.0])
    found = most_telling(whole, noise, seconds, most=np.full(4, 3), within=8.0, known=0.0)
    for k, chosen in enumerate(found):
        before, spent = found[:k], seconds[found[:k]].sum()
        left = variance_left(whole, before, noise)
        may = [j for j in range(4) if before.count(j) < 3 and spent + seconds[j] <= 8.0]
        gain = {j: (left - variance_left(whole, [*before, j], noise)) / seconds[j] for j in may}
        assert gain[chosen] == pytest.approx(max(gain.values()), rel=1e-6, abs=1e-9)
    assert seconds[found].sum() <= 8.0
    assert all(found.count(j) == 3 or seconds[found].sum() + seconds[j] > 8.0 for j in range(4))


def test_no_more_is_chosen_once_the_quantity_is_known() -> None:
    """The last takes the variance below that bound, the one before did not."""
    whole = covariance(7)
    known = whole[0, 0] / 2
    found = most_telling(whole, 0.3, np.ones(4), most=np.full(4, 99), within=1e9, known=known)
    assert variance_left(whole, found, 0.3) <= known < variance_left(whole, found[:-1], 0.3)


def test_nothing_is_chosen_where_nothing_may_be_measured() -> None:
    """It takes too long, has been measured as often as it may be, or the quantity is known."""
    whole, ones = covariance(0), np.ones(4)
    assert most_telling(whole, 0.3, ones, most=np.full(4, 9), within=0.9, known=0.0) == []
    assert most_telling(whole, 0.3, ones, most=np.zeros(4, int), within=9.0, known=0.0) == []
    assert most_telling(whole, 0.3, ones, most=np.full(4, 9), within=9.0, known=whole[0, 0]) == []


def test_what_was_given_is_left_as_it_was() -> None:
    """The covariance and the numbers of times."""
    whole, most = covariance(1), np.full(4, 2)
    kept = whole.copy(), most.copy()
    most_telling(whole, 0.3, np.ones(4), most=most, within=9.0, known=0.0)
    np.testing.assert_array_equal(whole, kept[0])
    np.testing.assert_array_equal(most, kept[1])
