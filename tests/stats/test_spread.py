"""How the scatter changes with the batch size."""

import numpy as np
import pytest
from numpy.typing import NDArray

from rightbatch.stats.spread import spread

SIZES: NDArray[np.float64] = np.array([2.0**power for power in range(2, 11)])


def residuals(exponent: float, seeds: int, b_crit: float = 60.0) -> NDArray[np.float64]:
    """Simulated scatter whose variance is a power of B_crit / (B_crit + B), rows and columns centred."""
    random = np.random.default_rng(seeds)
    root = (b_crit / (b_crit + SIZES)) ** (exponent / 2)
    drawn = 0.2 * root * random.standard_normal((seeds, SIZES.size))
    return drawn - drawn.mean(axis=0) - drawn.mean(axis=1, keepdims=True) + drawn.mean()


def exponent_of(exponent: float, seeds: int, step: int = 1) -> float:
    """The mean exponent found in such a table."""
    table = residuals(exponent, seeds)[:, ::step]
    found = spread(SIZES[::step], table, np.ones(table.shape), b_crit=60.0, floor=0.01)
    share = np.log((60 + SIZES[0]) / (60 + SIZES[::step][-1]))
    slopes = np.log(found.variance[:, -1] / found.variance[:, 0]) / share
    assert found.chance.sum() == pytest.approx(1)
    return float(found.chance @ slopes)


@pytest.mark.parametrize("exponent", [0.0, 0.5, 1.0, 1.5])
def test_many_seeds_tell_the_exponent(exponent: float) -> None:
    """From 400 seeds the variances are those that were simulated."""
    assert exponent_of(exponent, 400) == pytest.approx(exponent, abs=0.1)


@pytest.mark.parametrize("step", [1, 2, 4])
def test_few_seeds_leave_it_near_what_is_usual(step: int) -> None:
    """With two seeds and few sizes the exponent lies within about one standard deviation of its prior."""
    assert -0.1 <= exponent_of(0.5, 2, step) <= 1.1


def test_a_seed_without_runs_changes_nothing() -> None:
    """A row of the table in which no size was run is as good as none."""
    table = residuals(1.0, 4)
    more, known = np.vstack([table, np.zeros(SIZES.size)]), np.ones((5, SIZES.size))
    known[4] = 0
    whole = spread(SIZES, table, np.ones(table.shape), b_crit=60.0, floor=0.01)
    np.testing.assert_allclose(spread(SIZES, more, known, b_crit=60.0, floor=0.01).chance, whole.chance)


def test_many_seeds_tell_how_much_it_is() -> None:
    """From 400 seeds the variance at each size is that which was simulated."""
    table = residuals(1.0, 400)
    found = spread(SIZES, table, np.ones(table.shape), b_crit=60.0, floor=0.01)
    np.testing.assert_allclose(found.chance @ found.variance, 0.04 * 60 / (60 + SIZES), rtol=0.1)


def test_scatter_below_what_is_measured_is_alike_at_all_sizes() -> None:
    """Where the seeds agree to far under 1 %, it is measuring that scatters, at all sizes alike."""
    quiet = residuals(1.0, 3) / 1000
    found = spread(SIZES, quiet, np.ones(quiet.shape), b_crit=60.0, floor=0.01)
    np.testing.assert_allclose(found.chance @ found.variance, 1e-4)


def test_only_the_sizes_that_scatter_less_than_is_measured_are_lifted() -> None:
    """Where the scatter falls through 1 % along the sizes, no size is weighed as if it were known better."""
    falling = residuals(2.0, 400) / 2
    found = spread(SIZES, falling, np.ones(falling.shape), b_crit=60.0, floor=0.01)
    simulated = (0.1 * 60 / (60 + SIZES)) ** 2
    assert simulated.min() < 1e-4 < simulated.max()
    np.testing.assert_allclose(found.chance @ found.variance, np.maximum(simulated, 1e-4), rtol=0.1)


def test_seeds_that_agree_wholly_are_as_good_as_measured() -> None:
    """Where no scatter is left, each size has the variance of measuring, and the chances are those of one."""
    found = spread(SIZES, np.zeros((3, SIZES.size)), np.ones((3, SIZES.size)), b_crit=60.0, floor=0.01)
    assert (found.variance == 1e-4).all()
    assert found.chance.sum() == pytest.approx(1)
