"""Runs that missed the target, given the steps that they would have taken: draws by Gibbs sampling."""

import numpy as np
from scipy.special import log_ndtr, ndtri_exp

from rightbatch.stats.cells import Flags
from rightbatch.stats.curves import Floats
from rightbatch.stats.scatter import PRIOR_RUNS, PRIOR_SCATTER
from rightbatch.stats.worlds import Worlds, draw

ROUNDS = 10
"""Of the sampler; more do not move the coverage (`bench/coverage.py --only rounds`: 10 to 80)."""

COARSE = 60
"""Cells in ln B_crit while sampling: nothing is read off the grid but a curve for the missing runs."""


def imputed(
    sizes: Floats,
    log_steps: Floats,
    known: Floats,
    missed: Flags,
    *,
    random: np.random.Generator,
    worlds: int,
) -> Worlds:
    """Worlds in which every run that missed the target reached it later.

    Missed runs start where those that arrived put their sizes. Each round draws the steps of the
    missed runs from the normal distribution above the steps that they made, then the curve and the
    sizes given the completed runs, the seeds' luck given those, and the two variances (data
    augmentation).

    Args:
        sizes: batch sizes, `(n,)`.
        log_steps: ln of the steps to target, or of those made where it was missed, `(seeds, n)`.
        known: 1.0 where there was a run, likewise.
        missed: whether it missed the target, bool, likewise.
        random: the generator.
        worlds: how many chains, each of which is one world.

    Source: M. Tanner, W. Wong, "The calculation of posterior distributions by data augmentation",
    JASA 82 (1987).
    """
    table = np.tile(log_steps, (worlds, 1, 1))
    arrived, usual = known * ~missed, np.full(worlds, PRIOR_SCATTER**2)
    start = draw(sizes, Worlds(table, arrived, usual, usual), random, worlds, COARSE)
    mean, sigma2, omega2 = np.broadcast_to(start.log_steps[:, None, :], table.shape), usual, usual
    low = log_steps[missed]
    for _ in range(ROUNDS):
        table[:, missed] = _above(low, mean[:, missed], np.sqrt(sigma2)[:, None], random)
        state = Worlds(table, known, sigma2, omega2)
        sized = draw(sizes, state, random, worlds, start.edges).log_steps
        luck = _luck(state, sized, random)
        mean = sized[:, None, :] + luck[:, :, None]
        sigma2 = _variances((known * (table - mean) ** 2).sum(axis=(1, 2)), int(known.sum()), random)
        omega2 = _variances((luck**2).sum(axis=1), len(known), random)
    table[:, missed] = _above(low, mean[:, missed], np.sqrt(sigma2)[:, None], random)
    return Worlds(table, known, sigma2, omega2)


def _luck(state: Worlds, sized: Floats, random: np.random.Generator) -> Floats:
    """Every seed's luck, `(worlds, seeds)`, given ln S of the sizes."""
    rest = (state.known * (state.log_steps - sized[:, None, :])).sum(axis=2)
    precision = state.known.sum(axis=1) / state.sigma2[:, None] + 1 / state.omega2[:, None]
    noise = random.standard_normal(rest.shape) / np.sqrt(precision)
    return np.asarray(rest / state.sigma2[:, None] / precision + noise)


def _variances(squares: Floats, count: int, random: np.random.Generator) -> Floats:
    total = PRIOR_RUNS * PRIOR_SCATTER**2 + squares
    return np.asarray(total / random.chisquare(PRIOR_RUNS + count, len(squares)))


def _above(low: Floats, mean: Floats, sigma: Floats, random: np.random.Generator) -> Floats:
    """Normal values above `low`: the upper tail's probability is drawn, and found in the lower one."""
    tail = log_ndtr((mean - low) / sigma)
    return np.asarray(mean - sigma * ndtri_exp(tail + np.log(random.random(mean.shape))))
