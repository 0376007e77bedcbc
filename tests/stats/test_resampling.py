"""Resamples of the bootstrap."""

import numpy as np
from scipy import stats

from rightbatch.stats.resampling import resamples


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
