"""How the scatter of runs changes with the batch size: less where a batch averages the noise away."""

from typing import NamedTuple

import numpy as np

from rightbatch.stats.curves import Floats

EXPONENTS = np.linspace(-0.5, 2.0, 6)
"""From runs that scatter more the larger the batch, to ones that do much more the smaller it is."""

USUAL, DOUBT = 0.5, 0.5
"""Normal prior of the exponent: 0 where the batch averages nothing away, 1 where all luck is in gradients."""


class Spread(NamedTuple):
    """What the variance of ln S may be at each batch size."""

    variance: Floats
    """Of a run, beside what is its seed's, `(guesses, n)`."""
    chance: Floats
    """Of each guess, `(guesses,)`."""


def spread(sizes: Floats, residuals: Floats, known: Floats, *, b_crit: float, floor: float) -> Spread:
    """Variances of the form c (B_crit / (B_crit + B))^gamma, by what the scatter says of c and gamma.

    What the gradients' noise adds to a step is that share of what it takes from it (McCandlish et al. 2018,
    equation 2.7), so steps to target vary as it does, gamma = 1; other luck is alike at all sizes, gamma = 0.
    A few runs hardly tell gamma: it is averaged over rather than picked. Its chances are those of restricted
    likelihood and a weak prior.

    Args:
        sizes: batch sizes, `(n,)`.
        residuals: of ln S less a value per size and one per seed, `(seeds, n)`; 0 where not run.
        known: 1.0 where there was a run, else 0.0, likewise; at least one of each size.
        b_crit: about where the curve bends.
        floor: standard deviation that measuring alone makes: no size has less.

    Example:
        >>> residuals = np.array([[0.2, -0.1, 0.02, 0.01], [-0.2, 0.1, -0.02, -0.01]])
        >>> sizes = np.array([4.0, 16, 64, 256])
        >>> found = spread(sizes, residuals, np.ones((2, 4)), b_crit=32.0, floor=0.01)
        >>> found.variance[3].round(3), found.chance.round(2)
        (array([0.035, 0.026, 0.013, 0.004]), array([0.02, 0.14, 0.38, 0.35, 0.11, 0.01]))

    Source: D. Harville, "Maximum likelihood approaches to variance component estimation and to related
    problems", JASA 72 (1977): likelihood of what is left once sizes and seeds are taken out.
    """
    share = np.log(b_crit / (b_crit + sizes))
    share = share - np.average(share, weights=known.sum(axis=0))
    variance = np.exp(EXPONENTS[:, None] * share)
    total = (1 / variance) @ known.T
    ran = known.any(axis=1)
    shared = (((1 / variance) @ residuals[ran].T) ** 2 / total[:, ran]).sum(axis=1)
    squares = np.maximum((1 / variance) @ (residuals**2).sum(axis=0) - shared, 0.0)
    free = known.sum() - len(sizes) - ran.sum() + 1
    offsets = (1 - 1 / ran.sum()) * np.log(total[:, ran]).sum(axis=1)
    likely = free * np.log(np.maximum(squares, free * floor**2))
    against = 0.5 * (likely + offsets + ((EXPONENTS - USUAL) / DOUBT) ** 2)
    chance = np.exp(against.min() - against)
    return Spread(np.maximum((squares / free)[:, None] * variance, floor**2), chance / chance.sum())
