"""The fallback curve: falling steps, rising examples, and otherwise least squares."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import optimize

from rightbatch.errors import SettingError
from rightbatch.stats.monotone import fit_monotone

SIZES = 2.0 ** np.arange(8)


@given(st.lists(st.floats(0.1, 1e5), min_size=8, max_size=8))
def test_steps_fall_and_examples_rise(steps: list[float]) -> None:
    """Whatever was measured."""
    fit = fit_monotone(SIZES, steps)
    assert (np.diff(fit.steps) <= 1e-6 * fit.steps[:-1]).all()
    assert (np.diff(fit.steps * SIZES) >= -1e-6 * (fit.steps * SIZES)[:-1]).all()


def test_a_curve_with_both_properties_is_kept() -> None:
    """The constant noise scale's ln R / ln(1 + B/51), in any order of the sizes, between and beyond them."""
    curve = np.log(1e4) / np.log1p(SIZES / 51)
    order = np.random.default_rng(0).permutation(8)
    fit = fit_monotone(SIZES[order], curve[order])
    np.testing.assert_allclose(fit.steps, curve)
    assert fit.rms_log_residual < 1e-9
    assert fit.predict([1, 64]) == pytest.approx(curve[[0, 6]])
    assert fit.predict(3.0) == pytest.approx(np.log(1e4) / np.log1p(3 / 51), rel=0.01)
    assert fit.predict(256.0) == pytest.approx(curve[7] ** 2 / curve[6])


def test_where_only_falling_binds_it_is_isotonic_regression() -> None:
    """Steps that rise a little are pooled as SciPy's isotonic regression does, with weights."""
    steps, weights = np.array([60.0, 55, 58, 50, 54, 49, 50, 48]), np.array([1.0, 2, 1, 1, 3, 1, 1, 2])
    pooled = optimize.isotonic_regression(np.log(steps), weights=weights, increasing=False).x
    np.testing.assert_allclose(np.log(fit_monotone(SIZES, steps, weights).steps), pooled)


def test_what_was_not_measured_is_left_out() -> None:
    """NaN drops a size; fewer than two are refused."""
    assert fit_monotone([1, 2, 4], [9, np.nan, 5]).batch_sizes.tolist() == [1.0, 4.0]
    with pytest.raises(SettingError, match="steps must be above 0 and known at two sizes or more"):
        fit_monotone([1, 2, 4], [9, np.nan, np.nan])
