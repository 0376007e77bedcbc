"""What a step takes, from several timings: their mean, a fifth left out at either end.

A machine has more than one speed and changes between them within milliseconds, so timings lie in two
heaps: the median of a few falls into the one or the other, while a training takes the mean. Some timings
are many times too long, since another program had the processor: so the ends do not count.
"""

import math

import numpy as np
from numpy.typing import ArrayLike, NDArray

from rightbatch.stats.curves import Floats

TRIM = 0.2
"""Share left out at either end: other programs may have disturbed as many timings."""


def typical(rounds: ArrayLike) -> Floats:
    """The trimmed mean over the rounds, of everything timed in them.

    A timing of which only a part lies in the middle three fifths counts with that part.

    Args:
        rounds: seconds, `(rounds, ...)`; NaN: not timed in this round.

    Returns:
        Seconds, `(...)`; NaN: never timed.

    Example:
        >>> typical([[1.0, 5.0], [1.2, 5.0], [1.4, np.nan], [1.6, np.nan], [90.0, np.nan]])
        array([1.4, 5. ])

    Source: J. Tukey and D. McLaughlin, "Less vulnerable confidence and significance procedures for
    location based on a single sample", Sankhya A 25 (1963).
    """
    table = np.asarray(rounds, np.float64)
    columns = (
        column[~np.isnan(column)] for column in table.reshape(len(table), math.prod(table.shape[1:])).T
    )
    means = [_mean(column) if len(column) else np.nan for column in columns]
    return np.reshape(means, table.shape[1:])


def _mean(values: Floats) -> float:
    return float(resampled(values, np.ones((len(values), 1), np.int16))[0])


def resampled(values: Floats, times: NDArray[np.int16]) -> Floats:
    """The trimmed mean of each resample, all at once: the values are sorted but once.

    With the share s_i of the middle three fifths of a resample above the i-th smallest value v_i, it is
    v_1 plus the sum of s_i (v_(i+1) - v_i).

    Args:
        values: seconds, `(n,)`.
        times: how often each is in each resample, n in all, `(n, resamples)`.

    Returns:
        Seconds, `(resamples,)`.

    Example:
        >>> resampled(np.array([4.0, 1.0, 2.0]), np.array([[1, 0], [1, 3], [1, 0]], np.int16)).round(3)
        array([2.222, 1.   ])
    """
    order = np.argsort(values)
    ordered, (first, last) = values[order], (TRIM * len(values), (1 - TRIM) * len(values))
    below = np.clip(times[order[:-1]].cumsum(axis=0, dtype=times.dtype), first, last)
    return np.asarray(ordered[0] + np.diff(ordered) @ ((last - below) / (last - first)))
