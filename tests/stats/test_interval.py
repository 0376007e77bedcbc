"""The bootstrap over seeds: its resamples and its interval."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from rightbatch.errors import SettingError
from rightbatch.stats.interval import geometric_mean, percentile_interval, resamples


def test_resamples_are_seeds_drawn_evenly() -> None:
    """Every resample has n seeds out of n, and each seed comes up equally often (chi-squared)."""
    rows = resamples(5, 4000, seed=0)
    assert rows.shape == (4000, 5)
    counts = np.bincount(rows.ravel(), minlength=5)
    assert counts.sum() == 20_000
    assert stats.chisquare(counts).pvalue > 1e-3


def test_resamples_depend_on_the_seed_alone() -> None:
    """The same seed gives the same resamples, another one gives others."""
    assert np.array_equal(resamples(4, 50, seed=3), resamples(4, 50, seed=3))
    assert not np.array_equal(resamples(4, 50, seed=3), resamples(4, 50, seed=4))


def test_interval_of_many_seeds_is_students() -> None:
    """For a mean of normal values it comes within 5 % of Student's t interval, already at n = 8."""
    sample = np.random.default_rng(1).normal(size=8)
    sample = (sample - sample.mean()) / sample.std(ddof=1)
    normal_quantiles = stats.norm.ppf((np.arange(20_000) + 0.5) / 20_000)
    bootstrap = sample.mean() + normal_quantiles * np.sqrt(7 / 8) / np.sqrt(8)
    interval = percentile_interval(bootstrap, n=8, lowest=-math.inf)
    expected = stats.t.interval(0.95, 7, loc=0, scale=1 / np.sqrt(8))
    assert interval == pytest.approx(expected, rel=0.05)


def test_interval_rounds_outwards() -> None:
    """The ends are resampled values at or outside the expanded quantiles."""
    tail = stats.norm.cdf(-math.sqrt(20 / 19) * stats.t.ppf(0.975, 19))
    values = np.arange(1, 1001)
    lower, upper = percentile_interval(values, n=20)
    assert lower == 1 + math.floor(999 * tail)
    assert upper == 1 + math.ceil(999 * (1 - tail))


def test_interval_covers_the_mean_of_ten_seeds() -> None:
    """Of 400 intervals for a normal mean from 10 seeds about 95 % hold it (within 4 standard errors)."""
    rng, hits = np.random.default_rng(2), 0
    for repeat in range(400):
        sample = rng.normal(size=10)
        means = sample[resamples(10, 1000, repeat)].mean(axis=1)
        lower, upper = percentile_interval(means, n=10, lowest=-math.inf)
        hits += lower <= 0 <= upper
    assert hits / 400 == pytest.approx(0.95, abs=4 * math.sqrt(0.95 * 0.05 / 400))


@given(st.permutations([1.0, 2.0, 3.0, 4.0, math.nan]))
def test_unknown_values_open_the_ends(values: list[float]) -> None:
    """A NaN may lie anywhere: from few seeds both ends are open, whatever the order of the values."""
    assert percentile_interval(values, n=4) == (0.0, math.inf)
    assert percentile_interval(values, n=4, lowest=-math.inf) == (-math.inf, math.inf)


def test_few_unknown_values_leave_the_ends_closed() -> None:
    """One unknown in ten thousand lies beyond the tails of 20 seeds."""
    lower, upper = percentile_interval([*np.linspace(1, 2, 9_999), math.nan], n=20)
    assert (lower, upper) == pytest.approx((1.016, 1.984), abs=1e-3)


def test_infinite_values_open_one_end() -> None:
    """An infinite value opens the upper end and leaves the lower one alone."""
    assert percentile_interval([1.0, 2.0, 3.0, math.inf], n=3) == (1.0, math.inf)


def test_one_seed_tells_nothing() -> None:
    """From one seed the interval is open on both sides."""
    assert percentile_interval([5.0, 5.0], n=1) == (0.0, math.inf)


@given(st.lists(st.floats(0.01, 100), min_size=5, max_size=30), st.sampled_from([2, 3, 5, 10, 100]))
def test_a_higher_level_is_wider(values: list[float], n: int) -> None:
    """The 99 % interval contains the 90 % interval, and both lie in the range of the values."""
    wide, narrow = percentile_interval(values, n=n, level=0.99), percentile_interval(values, n=n, level=0.9)
    assert min(values) <= wide[0] <= narrow[0] <= narrow[1] <= wide[1] <= max(values)


@given(st.lists(st.floats(1e-6, 1e6), min_size=1, max_size=20))
def test_geometric_mean_is_scipys(values: list[float]) -> None:
    """It equals scipy.stats.gmean."""
    assert float(geometric_mean(values)) == pytest.approx(float(stats.gmean(values)), rel=1e-12)


def test_geometric_mean_does_not_leave_out_the_unfinished() -> None:
    """NaN and infinity go through."""
    means = geometric_mean([[1.0, 4.0], [1.0, math.nan], [1.0, math.inf]], axis=1)
    assert np.array_equal(means, [2, math.nan, math.inf], equal_nan=True)


def test_messages() -> None:
    """Each misuse is told in one sentence."""
    with pytest.raises(SettingError, match=r"^values must not be empty, got 0; pass at least one res"):
        percentile_interval([], n=3)
    with pytest.raises(SettingError, match=r"^level must be between 0 and 1, got 95; write a number such as"):
        percentile_interval([1.0], n=3, level=95)
    with pytest.raises(SettingError, match=r"^n must be at least 1, got 0; "):
        percentile_interval([1.0], n=0)
    with pytest.raises(SettingError, match=r"^count must be at least 1, got 0; write a whole number such as"):
        resamples(3, 0, seed=0)
