"""The fit of S(B) = S_min (1 + B_crit / B) against problems with a known answer."""

import re
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import optimize

from rightbatch.errors import SettingError
from rightbatch.stats.scaling import fit_scaling

POWERS = 2.0 ** np.arange(13)


def hyperbola(s_min: float, b_crit: float) -> Any:
    """Exact steps to target at POWERS."""
    return s_min * (1 + b_crit / POWERS)


@given(st.floats(1, 1e5), st.floats(0.05, 1e5))
def test_exact_hyperbola_is_recovered(s_min: float, b_crit: float) -> None:
    """From exact points both parameters come back to one part in a million."""
    fit = fit_scaling(POWERS, hyperbola(s_min, b_crit))
    assert float(fit.s_min) == pytest.approx(s_min, rel=1e-6)
    assert float(fit.b_crit) == pytest.approx(b_crit, rel=1e-6)
    assert float(fit.e_min) == pytest.approx(s_min * b_crit, rel=1e-6)
    assert float(fit.rms_log_residual) < 1e-9
    assert fit.predict([3, 70]) == pytest.approx([s_min * (1 + b_crit / 3), s_min * (1 + b_crit / 70)])


def test_linear_regression_with_best_learning_rates() -> None:
    """The exact S(B) of linear regression (d = 20, h_i = 1/i, target excess risk 0.02), in whole steps.

    The steps follow from the exact recursion of the second moments, minimised over the learning
    rate; fitted without rounding to whole steps S_min is 11.7, B_crit 169 and the residual 4.6 %.
    """
    sizes = [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024, 4096]
    fit = fit_scaling(sizes, [2059, 1033, 520, 264, 136, 72, 40, 25, 18, 15, 14, 13])
    assert float(fit.s_min) == pytest.approx(11.7, rel=0.02)
    assert float(fit.b_crit) == pytest.approx(169, rel=0.02)
    assert float(fit.rms_log_residual) == pytest.approx(0.046, abs=0.001)


def test_constant_noise_scale_is_no_hyperbola() -> None:
    """Isotropic noiseless regression, S = ln R / ln(1 + B/(d+1)): B_crit about 210, not d + 1 = 51."""
    fit = fit_scaling(POWERS, np.log(1e4) / np.log1p(POWERS / 51))
    assert float(fit.b_crit) == pytest.approx(210, rel=0.03)
    assert float(fit.rms_log_residual) > 0.08


def test_small_learning_rates_give_the_noise_scale() -> None:
    """The same problem at 0.02 of the best learning rate is a hyperbola with B_crit = d + 1 = 51 (3 %)."""
    best = 1 / (1 + 51 / POWERS)
    steps = np.log(1e4) / -np.log1p(-(2 * 0.02 - 0.02**2) * best)
    fit = fit_scaling(POWERS, steps)
    assert float(fit.b_crit) == pytest.approx(51, rel=0.03)
    assert float(fit.s_min) == pytest.approx(np.log(1e4) / (2 * 0.02 - 0.02**2), rel=0.03)


@given(st.integers(0, 2**32 - 1))
def test_equals_a_general_least_squares_solver(seed: int) -> None:
    """scipy.optimize.least_squares, started at the truth, finds the same minimum from noisy points."""
    rng = np.random.default_rng(seed)
    s_min, b_crit = np.exp(rng.uniform(1, 6)), np.exp(rng.uniform(1, 6))
    steps = hyperbola(s_min, b_crit) * np.exp(0.15 * rng.normal(size=POWERS.size))
    weights = rng.uniform(0.5, 2, size=POWERS.size)

    def residuals(logs: Any) -> Any:
        curve = logs[0] + np.log1p(np.exp(logs[1]) / POWERS)
        return np.sqrt(weights) * (np.log(steps) - curve)

    other = optimize.least_squares(residuals, np.log([s_min, b_crit]), xtol=1e-14, ftol=1e-14, gtol=1e-14)
    fit = fit_scaling(POWERS, steps, weights)
    assert [float(fit.s_min), float(fit.b_crit)] == pytest.approx(np.exp(other.x), rel=1e-5)
    assert float(fit.rms_log_residual) == pytest.approx(np.sqrt(2 * other.cost / weights.sum()), rel=1e-6)


@given(st.integers(0, 2**32 - 1), st.floats(0.01, 100))
def test_scaling_the_steps_scales_s_min(seed: int, factor: float) -> None:
    """Steps times c give S_min times c and leave B_crit; sizes times c give B_crit times c."""
    steps = hyperbola(20, 30) * np.exp(0.2 * np.random.default_rng(seed).normal(size=POWERS.size))
    fit, more_steps, more_samples = (
        fit_scaling(POWERS, steps),
        fit_scaling(POWERS, steps * factor),
        fit_scaling(POWERS * factor, steps),
    )
    assert float(more_steps.s_min) == pytest.approx(factor * fit.s_min, rel=1e-8)
    assert float(more_steps.b_crit) == pytest.approx(fit.b_crit, rel=1e-8)
    assert float(more_samples.b_crit) == pytest.approx(factor * fit.b_crit, rel=1e-8)
    assert float(more_samples.s_min) == pytest.approx(fit.s_min, rel=1e-8)


def test_resamples_are_fitted_independently() -> None:
    """Many curves at once, with holes and weights, give what each gives alone."""
    rng = np.random.default_rng(0)
    steps = hyperbola(22, 27) * np.exp(0.15 * rng.normal(size=(20, POWERS.size)))
    steps[rng.random(steps.shape) < 0.2] = np.nan
    weights = rng.uniform(0.5, 2, size=steps.shape)
    together = fit_scaling(POWERS, steps, weights)
    assert together.s_min.shape == together.b_crit.shape == together.e_min.shape == (20,)
    assert together.predict([1, 2, 3]).shape == (20, 3)
    for row in range(20):
        known = ~np.isnan(steps[row])
        alone = fit_scaling(POWERS[known], steps[row, known], weights[row, known])
        assert float(alone.b_crit) == pytest.approx(together.b_crit[row], rel=1e-9)
        assert float(alone.s_min) == pytest.approx(together.s_min[row], rel=1e-9)
        assert float(alone.rms_log_residual) == pytest.approx(together.rms_log_residual[row], rel=1e-9)


def test_noise_of_a_real_study_moves_b_crit_little() -> None:
    """With 10 % noise at 10 sizes from 2 to 1024 the spread of ln B_crit is that of the linear theory."""
    sizes = 2.0 ** np.arange(1, 11)
    rng = np.random.default_rng(0)
    steps = 22 * (1 + 27 / sizes) * np.exp(0.1 * rng.normal(size=(2000, sizes.size)))
    logs = np.log(fit_scaling(sizes, steps).b_crit)
    assert np.exp(logs.mean()) == pytest.approx(27, rel=0.03)
    # Variance of least squares: noise^2 / sum of squares of the centred slopes.
    slopes = 27 / (27 + sizes)
    assert logs.std() == pytest.approx(0.1 / np.sqrt(((slopes - slopes.mean()) ** 2).sum()), rel=0.1)


def test_constant_steps_bound_b_crit_from_above_only() -> None:
    """Where the batch size makes no difference B_crit lies on the lower limit, and is open there."""
    fit = fit_scaling([4, 8, 16], [10, 10, 10])
    assert fit.limits == pytest.approx((0.04, 1600))
    assert float(fit.b_crit) == pytest.approx(0.04)
    assert float(fit.open_b_crit) == 0
    assert float(fit.s_min) == pytest.approx(10, rel=0.01)


def test_perfect_scaling_bounds_b_crit_from_below_only() -> None:
    """Where steps fall as 1/B, B_crit lies on the upper limit and is open; E_min is still right."""
    fit = fit_scaling([4, 8, 16], [400, 200, 100])
    assert float(fit.b_crit) == pytest.approx(1600)
    assert float(fit.open_b_crit) == np.inf
    assert float(fit.e_min) == pytest.approx(1600, rel=0.01)


def test_inside_the_limits_nothing_is_open() -> None:
    """The open form of B_crit is B_crit itself where the data determine it, row by row."""
    fit = fit_scaling([4, 8, 16], [[10, 10, 10], [400, 200, 100], [60, 40, 30]])
    assert fit.open_b_crit == pytest.approx([0, np.inf, 8])


def test_fewer_than_two_measured_sizes_fit_nothing() -> None:
    """Such a curve gives NaN, and leaves its neighbours alone."""
    nan = np.nan
    fit = fit_scaling([4, 8, 16], [[nan, nan, 30], [60, 40, nan], [nan, nan, nan]])
    assert np.array_equal(np.isnan(fit.b_crit), [True, False, True])
    assert np.array_equal(np.isnan(fit.s_min), [True, False, True])
    assert np.array_equal(np.isnan(fit.rms_log_residual), [True, False, True])
    assert np.array_equal(np.isnan(fit.open_b_crit), [True, False, True])
    assert float(fit.b_crit[1]) == pytest.approx(8)


@pytest.mark.parametrize("sizes", [[8.0], [8.0, 8.0], [0.0, 8.0], [-1.0, 8.0]])
def test_unusable_sizes(sizes: list[float]) -> None:
    """One size, a repeated one or one that is not above zero is told in one sentence."""
    message = (
        f"batch_sizes must be at least 2 numbers above 0, all different, got {sizes}; "
        "write a list such as [8, 32, 128]."
    )
    with pytest.raises(SettingError, match=f"^{re.escape(message)}$"):
        fit_scaling(sizes, [1.0] * len(sizes))


@pytest.mark.parametrize(
    ("steps", "problem", "instead"),
    [
        (
            [1, 2, 3],
            "must end in 2 columns, one per batch size, got (3,)",
            "pass one curve, or one row per resample",
        ),
        ([1, 0], "must be above 0 and finite, got 0.0", "write NaN for what was not measured"),
        ([1, np.inf], "must be above 0 and finite, got inf", "write NaN for what was not measured"),
    ],
)
def test_unusable_steps(steps: list[float], problem: str, instead: str) -> None:
    """Steps of another shape, or that are no steps, are told in one sentence."""
    with pytest.raises(SettingError, match=f"^{re.escape(f'steps {problem}; {instead}.')}$"):
        fit_scaling([4, 8], steps)


@pytest.mark.parametrize(
    ("weights", "problem", "instead"),
    [
        (
            [1],
            "must have the shape of batch_sizes (2,) or of steps (2,), got (1,)",
            "leave them out for equal weights",
        ),
        ([1, -1], "must be finite and from 0 up, got [1, -1]", "write 0 to leave a size out"),
    ],
)
def test_unusable_weights(weights: list[float], problem: str, instead: str) -> None:
    """Weights of another shape, or negative ones, are told in one sentence."""
    with pytest.raises(SettingError, match=f"^{re.escape(f'weights {problem}; {instead}.')}$"):
        fit_scaling([4, 8], [60, 40], weights)
