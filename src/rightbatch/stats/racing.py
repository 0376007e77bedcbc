"""A race of settings run from the same seeds: who is clearly worse, or promises too little, needs no more."""

import numpy as np
from scipy.special import ndtr

from rightbatch.records import Array

CLEAR = 3.0
"""Standard errors behind the leader at which one is out: the best is, in less than one race of a hundred."""

NEAR = 0.05
"""Nobody is out who is this near, as a difference of logs: where all runs take the same few steps, their
scatter is nil and tells nothing."""


LEAST_SCATTER = 0.05
"""Of a difference: where runs take the same few steps it may be nil, and tells nothing."""

WORTH = 0.005
"""What a setting must promise to stay, as a difference of logs: half a per cent."""

ENOUGH = 9
"""Seeds from which promises count: at the edge of stability one run of a few takes several times as long as
others, which three seeds often do not show."""


def in_the_race(logs: Array) -> Array:
    """Whether each setting may still be the best of all, bool `(settings,)`.

    Seeds are paired: what a seed does to all settings alike cancels in the differences d to the setting of
    the least mean. Their scatter s is taken as one for all settings, since each has only a few. Who has
    mean d > 3 s / sqrt(seeds) is out.

    From nine seeds on who can hardly be better is out, too. With e the standard error of d, of each setting
    its own, the gain that may be expected is that of a normal distribution,
    ``E max(0, -d) = e (phi(z) - z (1 - Phi(z))), z = d / e``; below half a per cent it is not worth a run.

    Args:
        logs: ln of what is to be small, such as steps to target, float64 `(seeds, settings)`, seeds >= 2.

    Example:
        >>> runs = np.log([[100, 104, 150, 300], [90, 95, 145, 290], [110, 108, 160, 320]])
        >>> in_the_race(runs).tolist()
        [True, True, False, False]

    Source: O. Maron and A. Moore, "The Racing Algorithm: Model Selection for Lazy Learners" (1997); D. Jones,
    M. Schonlau and W. Welch, "Efficient Global Optimization of Expensive Black-Box Functions" (1998), eq. 15.
    """
    leader = int(logs.mean(axis=0).argmin())
    behind = np.delete(logs - logs[:, [leader]], leader, axis=1)
    freedom = behind.shape[1] * (len(behind) - 1)
    variance = ((behind - behind.mean(axis=0)) ** 2).sum() / max(freedom, 1)
    allowed = max(CLEAR * float(np.sqrt(variance / len(logs))), NEAR)
    left = (logs - logs[:, [leader]]).mean(axis=0) <= allowed
    return np.asarray(left & _promising(logs, leader) if len(logs) >= ENOUGH else left)


def _promising(logs: Array, leader: int) -> Array:
    """Who may be worth a run, by the gain over the leader that is to be expected; the leader in any case."""
    behind = logs - logs[:, [leader]]
    error = np.maximum(behind.std(axis=0, ddof=1), LEAST_SCATTER) / np.sqrt(len(logs))
    z = behind.mean(axis=0) / error
    gain = error * (np.exp(-(z**2) / 2) / np.sqrt(2 * np.pi) - z * ndtr(-z))
    return np.asarray((gain >= WORTH) | (np.arange(len(gain)) == leader))
