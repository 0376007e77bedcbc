"""What the runs say of S(B) at every batch size, measured or not, as draws to compute with.

The model of seed i at batch size B_j::

    ln S_ij = ln S_min + ln(1 + B_crit/B_j) + d_j + u_i + e_ij
    d_j ~ N(0, tau²): how far the size lies off the hyperbola
    u_i ~ N(0, omega²): a lucky or unlucky seed, at all sizes alike, since seeds are paired
    e_ij ~ N(0, sigma²): what is left

Real problems follow the hyperbola to a few per cent (McCandlish et al. 2018; Shallue et al. 2019), so a
size that was measured is drawn a little towards the curve, and one that was not lies near it. The
priors are flat in ln S_min and ln B_crit. Sigma and omega have weak priors at 10 %, what seeds usually
do, worth `PRIOR_RUNS` runs each; tau is averaged over `DEVIATIONS`.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from rightbatch.errors import SettingError
from rightbatch.rng import generator
from rightbatch.stats.curves import REACH, Floats, checked_sizes

PRIOR_SCATTER = 0.1
PRIOR_RUNS = 4.0

DEVIATIONS = (0.01, 0.03, 0.06, 0.12, 0.25)
"""Values of tau, from a hyperbola that holds exactly to one that is only a trend."""

GRID_STEP = 0.05
"""Step in ln B_crit."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Steps:
    """Draws of the curve and of every batch size."""

    s_min: Floats
    """Shape `(draws,)`."""
    b_crit: Floats
    log_steps: Floats
    """ln S of every size, measured or not, shape `(draws, sizes)`."""


def steps_posterior(batch_sizes: ArrayLike, log_steps: ArrayLike, *, draws: int, seed: int) -> Steps:
    """Draws of S(B) given the runs.

    Args:
        batch_sizes: all sizes, shape `(n,)`, at least 2 different ones.
        log_steps: ln of the steps to target of each seed, shape `(seeds, n)`; NaN: not run or not reached.
        draws: how many.
        seed: of the draws.

    Raises:
        SettingError: fewer than 2 sizes were measured.

    Example:
        >>> measured = np.log([[610.0, np.nan, 43.0, 24.0, np.nan]])
        >>> steps = steps_posterior([1, 8, 32, 256, 1024], measured, draws=1000, seed=0)
        >>> print(np.exp(np.median(steps.log_steps, axis=0)).round(-1))
        [620. 100.  40.  20.  20.]
    """
    sizes, table = checked_sizes(batch_sizes), np.asarray(log_steps, np.float64)
    known = np.isfinite(table).sum(axis=0)
    if (known > 0).sum() < 2:
        raise SettingError(
            "log_steps", "must be known at two sizes or more", table.tolist(), "run more sizes"
        )
    random = generator("posterior", seed)
    mean = np.where(np.isfinite(table), table, 0).sum(axis=0) / np.maximum(known, 1)
    sigma2, omega2 = _scatter(table, random, draws)
    variance = np.divide(np.median(sigma2), known, out=np.full(len(sizes), np.inf), where=known > 0)
    b_crit, tau2 = _curve(sizes, mean, variance, random, draws)
    level = np.log1p(b_crit[:, None] / sizes)
    noise = np.divide(sigma2[:, None], known, out=np.full((draws, len(sizes)), np.inf), where=known > 0)
    weight = 1 / (tau2[:, None] + noise)
    total = weight.sum(axis=1)
    luck = random.standard_normal(draws) * np.sqrt(omega2 / max(int(np.isfinite(table).any(axis=1).sum()), 1))
    log_s_min = (weight * (mean - level)).sum(axis=1) / total + random.standard_normal(draws) / np.sqrt(total)
    curve = log_s_min[:, None] + level
    trust = tau2[:, None] * weight
    spread = np.sqrt(tau2[:, None] * (1 - trust))
    return Steps(
        s_min=np.exp(log_s_min + luck),
        b_crit=b_crit,
        log_steps=curve
        + trust * (mean - curve)
        + spread * random.standard_normal(curve.shape)
        + luck[:, None],
    )


def _scatter(table: Floats, random: np.random.Generator, draws: int) -> tuple[Floats, Floats]:
    """Draws of sigma² and omega²: scaled inverse chi-squared, from the table and the priors."""
    known = np.isfinite(table)
    count = np.maximum(known.sum(axis=0), 1)
    rest = np.where(known, table - np.where(known, table, 0).sum(axis=0) / count, 0)
    seeds = rest.sum(axis=1) / np.maximum(known.sum(axis=1), 1)
    left = np.where(known, rest - seeds[:, None], 0)
    rows, columns = int(known.any(axis=1).sum()), int(known.any(axis=0).sum())
    return (
        _variance((left**2).sum(), max(int(known.sum()) - rows - columns + 1, 0), random, draws),
        _variance((seeds**2).sum(), max(rows - 1, 0), random, draws),
    )


def _variance(squares: float, degrees: int, random: np.random.Generator, draws: int) -> Floats:
    total = PRIOR_RUNS * PRIOR_SCATTER**2 + squares
    return np.asarray(total / random.chisquare(PRIOR_RUNS + degrees, draws))


def _curve(
    sizes: Floats, mean: Floats, variance: Floats, random: np.random.Generator, draws: int
) -> tuple[Floats, Floats]:
    """Draws of B_crit and tau² together, with S_min integrated out."""
    grid = np.arange(np.log(sizes.min() / REACH), np.log(sizes.max() * REACH), GRID_STEP)
    measured = np.isfinite(variance)
    rest = mean[measured] - np.log1p(np.exp(grid)[:, None] / sizes[measured])
    log_weight = np.stack([_log_weight(rest, tau**2 + variance[measured]) for tau in DEVIATIONS])
    weight = np.exp(log_weight - log_weight.max())
    cell = random.choice(weight.size, draws, p=(weight / weight.sum()).reshape(-1))
    tau, place = np.unravel_index(cell, weight.shape)
    within = random.uniform(-GRID_STEP / 2, GRID_STEP / 2, draws)
    return np.exp(grid[place] + within), np.array(DEVIATIONS)[tau] ** 2


def _log_weight(rest: Floats, variance: Floats) -> Floats:
    """Log likelihood of ln S less the curve's shape, a constant apart, up to a constant of the data."""
    inverse = 1 / variance
    level = (rest * inverse).sum(axis=1, keepdims=True) / inverse.sum()
    squares = ((rest - level) ** 2 * inverse).sum(axis=1)
    return np.asarray(-0.5 * (squares + np.log(variance).sum() + np.log(inverse.sum())))
