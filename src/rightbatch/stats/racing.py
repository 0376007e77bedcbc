"""A race of settings run from the same seeds: those that can hardly be worth it need no more seeds."""

import numpy as np
from scipy.special import ndtr

from rightbatch.records import Array

WORTH = 0.005
"""What a setting must promise to stay, as a difference of logs: half a per cent."""

LEAST_SCATTER = 0.05
"""Of a difference: where all runs take the same few steps, their scatter is nil and tells nothing."""


def in_the_race(logs: Array) -> Array:
    """Whether each setting may still be worth it, bool `(settings,)`.

    Seeds are paired: what a seed does to all settings alike cancels in the differences d to the setting of
    the least mean. Their scatter s is taken as one for all settings, since each has only a few. With
    e = s / sqrt(seeds) the gain that may be expected of a setting over the leader is that of a normal
    distribution, ``E max(0, -d) = e (phi(z) - z (1 - Phi(z))), z = d / e``. Who promises less than half a
    per cent is out.

    Args:
        logs: ln of what is to be small, such as steps to target, float64 `(seeds, settings)`, seeds >= 2.

    Example:
        >>> runs = np.log([[100, 103, 150, 300], [90, 92, 145, 290], [110, 108, 160, 320]])
        >>> in_the_race(runs).tolist()
        [True, True, False, False]

    Source: D. Jones, M. Schonlau and W. Welch, "Efficient Global Optimization of Expensive Black-Box
    Functions" (1998), section 4; O. Maron and A. Moore, "The Racing Algorithm" (1997).
    """
    leader = int(logs.mean(axis=0).argmin())
    behind = np.delete(logs - logs[:, [leader]], leader, axis=1)
    freedom = behind.shape[1] * (len(behind) - 1)
    variance = ((behind - behind.mean(axis=0)) ** 2).sum() / max(freedom, 1)
    error = np.sqrt(max(variance, LEAST_SCATTER**2) / len(logs))
    z = (logs - logs[:, [leader]]).mean(axis=0) / error
    gain = error * (np.exp(-(z**2) / 2) / np.sqrt(2 * np.pi) - z * ndtr(-z))
    return np.asarray((gain >= WORTH) | (np.arange(len(z)) == leader))
