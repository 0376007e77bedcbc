"""How much runs scatter: draws of the variance of a run and of a seed's luck."""

from functools import lru_cache

import numpy as np
from scipy import stats

from rightbatch.stats.curves import Floats

PRIOR_SCATTER = 0.1
"""What seeds usually do, in ln S: 5 to 25 % on the built-in digits."""

PRIOR_RUNS = 4.0
"""How many runs that is worth."""


def scatter(
    log_steps: Floats, known: Floats, random: np.random.Generator, count: int
) -> tuple[Floats, Floats]:
    """Draws of sigma² and omega², from a table of runs: scaled inverse chi-squared.

    The table is split into sizes, seeds and what is left (two-way analysis of variance; with holes
    by least squares). Draws are taken at evenly spread quantiles, so that few of them show the doubt.

    Args:
        log_steps: ln of the steps to target, `(seeds, sizes)`.
        known: where there was a run, 1.0 or 0.0, likewise.
        random: the generator.
        count: how many draws.
    """
    row, column = np.nonzero(known)
    rows, columns = np.unique(row), np.unique(column)
    table = np.hstack([row[:, None] == rows, (column[:, None] == columns)[:, 1:]]).astype(np.float64)
    values = log_steps[row, column]
    solution, _, rank, _ = np.linalg.lstsq(table, values)
    seeds = solution[: len(rows)]
    left = ((values - table @ solution) ** 2).sum()
    sigma2 = variance_draws(left, len(values) - int(rank), random, count)
    free = len(rows) - 1
    between = variance_draws(((seeds - seeds.mean()) ** 2).sum(), free, random, count)
    share = sigma2 / np.maximum(known[rows].sum(axis=1).mean(), 1) * free / (free + PRIOR_RUNS)
    return sigma2, np.maximum(between - share, between / 10)


def variance_draws(squares: float, degrees: int, random: np.random.Generator, count: int) -> Floats:
    """Draws of a variance, given a sum of squares and its degrees of freedom, at shuffled quantiles."""
    total = PRIOR_RUNS * PRIOR_SCATTER**2 + squares
    return np.asarray(total / random.permutation(_quantiles(PRIOR_RUNS + degrees, count)))


@lru_cache(maxsize=256)
def _quantiles(degrees: float, count: int) -> Floats:
    """Of chi-squared, evenly spread; a study asks for the same ones after every sweep."""
    return np.asarray(stats.chi2.ppf((np.arange(count) + 0.5) / count, degrees))
