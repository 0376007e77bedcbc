"""Sameness is shown, not assumed: against SciPy's t-tests, and by how often each verdict is wrong."""

import numpy as np
import pytest
from scipy import stats

from rightbatch.errors import SettingError
from rightbatch.stats.equivalence import DIFFERS, SAME, UNKNOWN, equivalence


def pairs(
    gap: float, *, seeds: int, count: int, scatter: float = 0.02
) -> list[tuple[np.ndarray, np.ndarray]]:
    """Runs whose pairs share far more scatter than what is between them."""
    rng = np.random.default_rng(0)
    shared = 0.3 * rng.standard_normal((count, seeds))
    return [(s + gap + scatter * rng.standard_normal(seeds), s) for s in shared]


def test_p_values_are_those_of_two_one_sided_tests() -> None:
    """As SciPy's one-sample t-tests of the differences against the margins and against 0."""
    a, b = pairs(0.01, seeds=7, count=1)[0]
    found = equivalence(a, b, 0.03)
    sides = [
        stats.ttest_1samp(a - b, -0.03, alternative="greater").pvalue,
        stats.ttest_1samp(a - b, 0.03, alternative="less").pvalue,
    ]
    assert found.p_same == pytest.approx(max(sides))
    assert found.p_differs == pytest.approx(stats.ttest_rel(a, b).pvalue)
    assert [found.low, found.high] == pytest.approx(list(stats.ttest_rel(a, b).confidence_interval(0.95)))


def test_a_difference_of_the_margin_is_seldom_called_the_same() -> None:
    """At the margin itself the verdict `same` comes in 5 % of 1,000 comparisons: the level of the test."""
    verdicts = [equivalence(a, b, 0.03).verdict for a, b in pairs(0.03, seeds=5, count=1000)]
    assert verdicts.count(SAME) / 1000 == pytest.approx(0.05, abs=0.03)


def test_no_difference_is_seldom_called_one() -> None:
    """With a margin too small to be shown, no difference is called one in 5 % of 1,000 comparisons."""
    verdicts = [equivalence(a, b, 1e-6).verdict for a, b in pairs(0.0, seeds=5, count=1000)]
    assert verdicts.count(DIFFERS) / 1000 == pytest.approx(0.05, abs=0.03)
    assert verdicts.count(SAME) == 0


def test_a_real_difference_that_does_not_matter_is_the_same() -> None:
    """A gap of 0.01, seen beyond doubt, is within a margin of 0.05."""
    a, b = pairs(0.01, seeds=10, count=1, scatter=0.001)[0]
    found = equivalence(a, b, 0.05)
    assert found.p_differs < 1e-3
    assert found.verdict == SAME
    assert equivalence(a, b, 0.005).verdict == DIFFERS


def test_swapping_the_two_mirrors_the_interval() -> None:
    """The verdict is the same."""
    a, b = pairs(0.01, seeds=5, count=1)[0]
    one, two = equivalence(a, b, 0.02), equivalence(b, a, 0.02)
    assert one.verdict == two.verdict
    assert [one.low, one.high] == pytest.approx([-two.high, -two.low])


def test_pairs_without_a_run_are_left_out() -> None:
    """One pair, or none, is not enough; equal pairs are the same."""
    assert equivalence([1.0, np.nan], [1.0, 2.0], 0.1).verdict == UNKNOWN
    assert equivalence([], [], 0.1).pairs == 0
    assert equivalence([1.0, 2.0, np.nan], [1.0, 2.0, 5.0], 0.1).verdict == SAME


def test_arguments_are_checked() -> None:
    """The errors say what is wrong."""
    with pytest.raises(SettingError, match="margin must be above 0"):
        equivalence([1.0], [1.0], 0)
    with pytest.raises(SettingError, match=r"b must have one value per seed, like a \(2,\)"):
        equivalence([1.0, 2.0], [1.0], 0.1)
    with pytest.raises(SettingError, match=r"level must be between 0\.5 and 1"):
        equivalence([1.0, 2.0], [1.0, 2.0], 0.1, level=0.3)
