"""Where runs stop arriving: closed cases, and how often the interval holds the truth."""

import numpy as np
import pytest

from rightbatch.errors import SettingError
from rightbatch.stats.cliff import Cliff, cliff


def test_a_clean_cliff_lies_between_its_neighbours() -> None:
    """With 5 runs a value, all or none arriving, 1/2**5 is under the 0.147 that chi-squared allows."""
    found = cliff([1, 2, 4, 8], [5, 5, 5, 0], [5, 5, 5, 5])
    assert found == pytest.approx((np.sqrt(32), 4.0, 8.0))


def test_few_runs_leave_it_open() -> None:
    """Two runs a value are too few: up to two runs of either side may be chance, since 1/2**2 > 0.147."""
    assert cliff([1, 2, 4, 8], [2, 2, 0, 0], [2, 2, 2, 2]) == pytest.approx((np.sqrt(8), 1.0, 8.0))
    assert cliff([1, 2], [0, 0], [1, 1]) == Cliff(0.0, 0.0, np.inf)


def test_a_lucky_value_does_not_move_it_far() -> None:
    """A share that rises again is pooled with its neighbour's, as an isotonic fit does."""
    assert cliff([1, 2, 4], [10, 3, 4], [10, 10, 10]).at == pytest.approx(np.sqrt(2))


@pytest.mark.parametrize("steep", [0.7, 2.0, 20.0])
def test_interval_holds_the_cliff_at_least_as_often_as_it_says(steep: float) -> None:
    """Of 400 sets of runs with logistic shares of any steepness, at least 93 % of intervals hold it."""
    rng = np.random.default_rng(0)
    x = 2.0 ** np.arange(9)
    hits = 0
    for _ in range(400):
        truth = rng.uniform(2, 6)
        share = 1 / (1 + np.exp(steep * (np.log2(x) - truth)))
        found = cliff(x, rng.binomial(4, share), np.full(9, 4))
        hits += found.low <= 2**truth <= found.high
    assert hits >= 0.93 * 400


def test_arguments_are_checked() -> None:
    """The errors say what is wrong."""
    with pytest.raises(SettingError, match="values must be above 0 and rising"):
        cliff([2, 1], [1, 1], [1, 1])
    with pytest.raises(SettingError, match="tried must be at least 1 and not below reached, one per value"):
        cliff([1, 2], [1, 2], [1, 1])
