"""The fit to runs that missed the target: against quadrature, the plain fit, and Student's own interval."""

from typing import Any

import numpy as np
import pytest
from scipy import integrate, stats

from rightbatch.errors import SettingError
from rightbatch.stats.cells import checked_cells
from rightbatch.stats.censored import fit_censored
from rightbatch.stats.rows import log_likelihood
from rightbatch.stats.scaling import fit_scaling

SIZES: Any = 4.0 ** np.arange(6)
S_MIN, B_CRIT = 22.0, 60.0


def study(seed: int, *, seeds: int = 5, scatter: float = 0.1, luck: float = 0.1) -> Any:
    """Steps to target, `(seeds, sizes)`, around a hyperbola."""
    rng = np.random.default_rng(seed)
    curve = np.log(S_MIN * (1 + B_CRIT / SIZES))
    drawn = luck * rng.standard_normal((seeds, 1)) + scatter * rng.standard_normal((seeds, SIZES.size))
    return np.exp(curve + drawn)


def mixed() -> Any:
    """Exact, interval and missed runs, and one that was not made."""
    steps = study(3, seeds=3)
    low, high = np.array(steps), np.array(steps)
    high[0] *= 1.06
    low[:, :2] = np.minimum(low[:, :2], 300)
    high[:, :2] = np.inf
    low[2, 4] = high[2, 4] = np.nan
    return checked_cells(low, high, SIZES)


def test_likelihood_is_the_integral_over_each_seeds_luck() -> None:
    """Of every kind of run: SciPy's normal probabilities, multiplied, integrated by adaptive quadrature."""
    cells, curve, sigma, omega = mixed(), np.log(S_MIN * (1 + B_CRIT / SIZES)), 0.1, 0.3
    total = 0.0
    for low, high, known in zip(*cells, strict=True):

        def density(luck: float, low: Any = low, high: Any = high, known: Any = known) -> float:
            here = stats.norm(curve + luck, sigma)
            each = np.where(high - low < 1e-6, here.pdf(low), here.cdf(high) - here.cdf(low))
            return float(np.prod(np.where(known > 0, each, 1)) * stats.norm(0, omega).pdf(luck))

        total += np.log(integrate.quad(density, -2, 2, points=[0], epsabs=0, limit=200)[0])
    assert log_likelihood(cells, curve, sigma, omega).value == pytest.approx(total, abs=1e-4)


@pytest.mark.parametrize("omega", [0.0, 0.2])
def test_derivatives_are_those_of_the_value(omega: float) -> None:
    """Central differences of the likelihood agree with what the search is told."""
    cells, curve, h = mixed(), np.log(S_MIN * (1 + B_CRIT / SIZES)), 1e-5
    rows = log_likelihood(cells, curve, 0.1, omega)

    def value(shift: Any = 0.0, sigma: float = 0.1, luck: float = omega) -> float:
        return log_likelihood(cells, curve + shift, sigma, luck).value

    by_curve = [(value(h * unit) - value(-h * unit)) / (2 * h) for unit in np.eye(SIZES.size)]
    by_sigma = (value(sigma=0.1 * np.exp(h)) - value(sigma=0.1 * np.exp(-h))) / (2 * h)
    by_omega = (value(luck=omega * np.exp(h)) - value(luck=omega * np.exp(-h))) / (2 * h)
    np.testing.assert_allclose(rows.by_curve, by_curve, atol=0.01)
    assert rows.by_log_sigma == pytest.approx(by_sigma, abs=0.01)
    assert rows.by_log_omega == pytest.approx(by_omega, abs=0.01)


def test_without_censoring_it_is_the_plain_fit() -> None:
    """On a full table of exact steps the estimates are those of least squares on the seeds' means."""
    steps = study(0)
    plain = fit_scaling(SIZES, np.exp(np.log(steps).mean(axis=0)))
    fit = fit_censored(SIZES, steps, steps)
    assert fit.s_min == pytest.approx(float(plain.s_min), rel=1e-4)
    assert fit.b_crit == pytest.approx(float(plain.b_crit), rel=1e-4)
    assert fit.e_min == pytest.approx(float(plain.e_min), rel=1e-4)
    assert (fit.reached, fit.missed) == (30, 0)
    np.testing.assert_allclose(fit.predict(SIZES), plain.predict(SIZES), rtol=1e-4)


def test_far_above_b_crit_the_interval_of_s_min_is_students() -> None:
    """S is constant there, so S_min of one seed is a mean of normal values with a known B_crit = 0."""
    sizes = 1e7 * SIZES
    steps = np.exp(3 + 0.1 * np.random.default_rng(0).standard_normal((1, SIZES.size)))
    logs = np.log(steps[0])
    fit = fit_censored(sizes, steps, steps)
    low, high = stats.t.interval(0.95, SIZES.size - 1, logs.mean(), stats.sem(logs))
    assert fit.interval["b_crit"][0] == 0.0
    assert fit.interval["s_min"][0] < np.exp(low) * 1.02
    assert fit.interval["s_min"][1] > np.exp(high) * 0.98


def test_missed_runs_do_not_pull_the_curve_down() -> None:
    """Over 8 studies with a cap that a third of the runs miss, B_crit is right; ignored, far too low."""
    found, ignored = [], []
    for seed in range(8):
        steps = study(seed)
        cap = np.quantile(steps, 0.67)
        made = np.minimum(steps, cap)
        found.append(fit_censored(SIZES, made, np.where(steps > cap, np.inf, steps)).b_crit)
        ignored.append(fit_censored(SIZES, made, made).b_crit)
    assert np.median(found) == pytest.approx(B_CRIT, rel=0.1)
    assert np.median(ignored) < 0.6 * B_CRIT


def test_coarse_evaluations_are_allowed_for() -> None:
    """Crossings known to a factor of 1.5 give the curve of the exact ones, with a wider interval."""
    steps = study(1)
    grid = 1.5 ** np.arange(30.0)
    above = np.searchsorted(grid, steps)
    exact, coarse = fit_censored(SIZES, steps, steps), fit_censored(SIZES, grid[above - 1], grid[above])
    assert coarse.b_crit == pytest.approx(exact.b_crit, rel=0.2)
    lengths = [np.log(fit.interval["b_crit"][1] / fit.interval["b_crit"][0]) for fit in (exact, coarse)]
    assert lengths[0] < lengths[1]


def test_the_order_of_the_seeds_does_not_matter() -> None:
    """Rows permuted, and empty ones added, give the same fit."""
    steps = study(2)
    longer = np.vstack([steps[::-1], np.full((1, SIZES.size), np.nan)])
    one, two = fit_censored(SIZES, steps, steps), fit_censored(SIZES, longer, longer)
    assert one.b_crit == pytest.approx(two.b_crit, rel=1e-4)
    assert one.omega == pytest.approx(two.omega, rel=1e-3)


@pytest.mark.parametrize(
    ("low", "high", "message"),
    [
        ([[1.0, 2.0]], [[1.0, 2.0], [1.0, 2.0]], "low must be like high \\(2, 2\\), one row per seed"),
        ([[3.0, 2.0]], [[1.0, 2.0]], "low must be above 0, finite and not above high"),
        ([[3.0, 2.0]], [[3.0, np.inf]], "high must be finite at two sizes or more"),
    ],
)
def test_tables_that_cannot_be_used_are_refused(low: Any, high: Any, message: str) -> None:
    """The error says what is wrong."""
    with pytest.raises(SettingError, match=message):
        fit_censored([1, 8], low, high)
