"""The form of t(B): each is recognised, and none is taken that predicts worse."""

import numpy as np
import pytest
from scipy import optimize

from rightbatch.stats.stepcurve import _soft_maximum, fit_step_curve

SIZES = 2.0 ** np.arange(12)
A, B = 2e-4, 1e-6


def rounds(curve: np.ndarray, noise: float = 0.01) -> np.ndarray:
    """Nine rounds of timings."""
    return np.asarray(curve * np.exp(noise * np.random.default_rng(0).standard_normal((9, curve.size))))


def test_a_line_is_a_line() -> None:
    """A + bB is recognised, with its constants, from noisy rounds."""
    curve = fit_step_curve(SIZES, rounds(A + B * SIZES))
    assert curve.kind == "affine"
    assert [curve.a, curve.b] == pytest.approx([A, B], rel=0.02)
    assert curve.error < 0.02


def test_a_knee_is_saturating() -> None:
    """Max(a, bB), as of a device that fills up, is predicted to 3 % between the sizes timed."""
    curve = fit_step_curve(SIZES, rounds(np.maximum(A, B * SIZES)))
    assert curve.kind == "saturating"
    between = SIZES[:-1] * 1.4
    np.testing.assert_allclose(curve.predict(between), np.maximum(A, B * between), rtol=0.06)


def test_a_cache_edge_is_seen() -> None:
    """A sample that costs three times as much beyond 100 samples fits no smooth form."""
    truth = A / 50 + B * SIZES * np.where(SIZES > 100, 4, 1)
    curve = fit_step_curve(SIZES, rounds(truth))
    assert curve.kind == "broken line"
    np.testing.assert_allclose(curve.predict(SIZES), truth, rtol=0.02)
    assert curve.predict(2 * SIZES[-1]) == pytest.approx(2 * truth[-1], rel=0.05)


def test_best_batch_of_every_form() -> None:
    """The closed form sqrt(a B_crit / b) of a line; a/b of a hard knee, whatever B_crit is."""
    whole = np.arange(1, 2049)
    line = fit_step_curve(SIZES, (A + B * SIZES)[None])
    assert line.best_batch(300, whole) == pytest.approx(np.sqrt(A / B * 300), abs=1)
    knee = fit_step_curve(SIZES, np.maximum(A, B * SIZES)[None])
    smooth = optimize.minimize_scalar(
        lambda x: float((1 + 50 / np.exp(x)) * knee.predict([np.exp(x)])[0]), bounds=(0, 8), method="bounded"
    )
    assert knee.best_batch(50, whole) == pytest.approx(np.exp(smooth.x), abs=1)
    assert knee.best_batch(1e5, whole) == pytest.approx(A / B, rel=0.35)


@pytest.mark.parametrize("curve", [A + B * SIZES, np.full(12, A), B * SIZES])
def test_a_line_without_noise_is_no_other_form(curve: np.ndarray) -> None:
    """What is left of rounding in the held-out errors does not choose a form; a or b may be 0."""
    found = fit_step_curve(SIZES, curve[None])
    assert found.kind == "affine"
    np.testing.assert_allclose(found.predict(SIZES), curve, rtol=1e-6)


@pytest.mark.parametrize("gamma", [1.0, 1.5, 3.0, 6.0])
def test_the_soft_maximum_is_that_of_another_search(gamma: float) -> None:
    """SciPy's bounded search of the same robust loss finds no better constants."""

    def residuals(x: np.ndarray) -> np.ndarray:
        a, b, g = np.exp(x[0]), np.exp(x[1]), x[2]
        return np.asarray(np.log((a**g + (b * SIZES) ** g) ** (1 / g) / seen))

    seen = rounds((A**gamma + (B * SIZES) ** gamma) ** (1 / gamma), noise=0.1)[0]
    bounds = [-30.0, -30.0, 1.0], [0.0, 0.0, 8.0]
    other = optimize.least_squares(residuals, [-8, -14, 2], bounds=bounds, loss="soft_l1", f_scale=0.1)
    a, b, g = _soft_maximum(np.asarray(SIZES, np.float64), seen, None)
    ours = np.sum(np.sqrt(1 + (residuals(np.array([np.log(a), np.log(b), g])) / 0.1) ** 2) - 1) * 0.1**2
    assert ours <= other.cost * (1 + 1e-6)


def test_few_sizes_get_a_line() -> None:
    """With four sizes there is nothing to choose by, and the error is unknown."""
    curve = fit_step_curve(SIZES[:4], rounds(A + B * SIZES[:4]))
    assert curve.kind == "affine"
    assert np.isnan(curve.error)


def test_the_order_of_the_sizes_does_not_matter() -> None:
    """Shuffled columns give the same curve."""
    table = rounds(np.maximum(A, B * SIZES))
    order = np.random.default_rng(1).permutation(SIZES.size)
    one, two = fit_step_curve(SIZES, table), fit_step_curve(SIZES[order], table[:, order])
    np.testing.assert_allclose(one.predict(SIZES), two.predict(SIZES))
