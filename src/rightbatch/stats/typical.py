"""What is typical of several timings, or paces of a machine: their mean, a fifth left out at either end.

A machine has more than one speed and changes between them within milliseconds, so timings lie in two
heaps: the median of a few falls into the one or the other, while a training takes the mean. Some timings
are many times too long, since another program had the processor: so the ends do not count.
"""

import math

import numpy as np
from numpy.typing import ArrayLike

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
    inside = np.clip(np.arange(len(values) + 1), TRIM * len(values), (1 - TRIM) * len(values))
    return float(np.diff(inside) @ np.sort(values) / (inside[-1] - inside[0]))
