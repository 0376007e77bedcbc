"""The typical of several timings: a trimmed mean."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import trim_mean

from rightbatch.records import Array
from rightbatch.stats.typical import TRIM, typical

seconds = st.lists(st.floats(1e-6, 1e3), min_size=1, max_size=40).map(np.array)


@given(seconds)
def test_it_is_the_trimmed_mean_of_scipy_where_nothing_is_cut_in_parts(values: Array) -> None:
    """Of five times as many values SciPy cuts a fifth exactly."""
    five = np.repeat(values, 5)
    assert typical(five) == pytest.approx(trim_mean(five, TRIM), rel=1e-9)
    assert typical(values) == pytest.approx(typical(five), rel=1e-9)


def test_a_fifth_of_absurd_timings_changes_nothing() -> None:
    """At either end, and each column has its own gaps."""
    usual = [1.0, 1.2, 1.4]
    table = np.array([[*usual, 1e9, 1e-9], [*usual, 2.0, np.nan]]).T
    np.testing.assert_allclose(typical(table), [1.2, (0.2 * 1 + 1.2 + 1.4 + 0.2 * 2.0) / 2.4])


@pytest.mark.parametrize("shape", [(0,), (0, 3), (2, 3)])
def test_what_was_never_timed_is_not_known(shape: tuple[int, ...]) -> None:
    """NaN, whether there were no rounds or it was in none of them."""
    found = typical(np.full(shape, np.nan))
    assert found.shape == shape[1:]
    assert np.isnan(found).all()


def test_it_is_known_better_than_the_median_where_a_machine_has_two_speeds() -> None:
    """Of twelve timings in two heaps 40 % apart, over a thousand machines: half the variance, or less."""
    random = np.random.default_rng(0)
    speeds = np.where(random.random((12, 1000)) < 0.5, 1.0, 1.4)
    rounds = speeds * np.exp(0.05 * random.standard_normal((12, 1000)))
    assert np.var(typical(rounds)) < 0.5 * np.var(np.median(rounds, axis=0))
