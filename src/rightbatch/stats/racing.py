"""A race of settings run from the same seeds: those that are clearly worse need no more seeds."""

import numpy as np

from rightbatch.records import Array

CLEAR = 3.0
"""Standard errors behind the leader at which one is out: the best is, in less than one race of a hundred."""

NEAR = 0.05
"""Nobody is out who is this near, as a difference of logs: where all runs take the same few steps, their
scatter is nil and tells nothing."""


def in_the_race(logs: Array) -> Array:
    """Whether each setting may still be the best of all, bool `(settings,)`.

    Seeds are paired: what a seed does to all settings alike cancels in the differences d to the setting of
    the least mean. Their scatter s is taken as one for all settings, since each has only a few. Who has
    mean d > 3 s / sqrt(seeds) is out.

    Args:
        logs: ln of what is to be small, such as steps to target, float64 `(seeds, settings)`, seeds >= 2.

    Example:
        >>> runs = np.log([[100, 104, 150, 300], [90, 95, 145, 290], [110, 108, 160, 320]])
        >>> in_the_race(runs).tolist()
        [True, True, False, False]

    Source: O. Maron and A. Moore, "The Racing Algorithm: Model Selection for Lazy Learners" (1997).
    """
    leader = int(logs.mean(axis=0).argmin())
    behind = np.delete(logs - logs[:, [leader]], leader, axis=1)
    freedom = behind.shape[1] * (len(behind) - 1)
    variance = ((behind - behind.mean(axis=0)) ** 2).sum() / max(freedom, 1)
    allowed = max(CLEAR * float(np.sqrt(variance / len(logs))), NEAR)
    return np.asarray((logs - logs[:, [leader]]).mean(axis=0) <= allowed)
