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


def test_scatter_below_what_is_measured_is_alike_at_all_sizes() -> None:
    """Where the seeds agree to under 1 % the sizes weigh alike."""
    quiet = residuals(1.0, 3) / 100
    found = spread(SIZES, quiet, np.ones(quiet.shape), b_crit=60.0, floor=0.01)
    assert (found.variance == 1).all()
    assert found.chance.tolist() == [1.0]
