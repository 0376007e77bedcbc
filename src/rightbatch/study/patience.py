"""How long a run goes on before it is given up, and from where it is looked at, by how seeds scatter."""

import math
from collections.abc import Collection, Sequence

import numpy as np

from rightbatch.records import Array
from rightbatch.stats.scatter import PRIOR_RUNS, PRIOR_SCATTER
from rightbatch.study.pool import choices, chosen_log_steps, pool
from rightbatch.study.subject import HOPELESS, Run

MOST = 8 * HOPELESS
"""Times the steps of the fastest run after which any other is given up."""

_RARE = 2.5
"""Standard deviations of ln S by which a run is late once in a hundred times, and seldom among the best."""

_NEVER = 3 * math.sqrt(2)
"""Standard deviations of one run by which one is earlier than another once in 700 times."""

_GRAIN = 0.05
"""Scatter is a multiple of this."""

_ROUNDING = 1e-9
"""By which a float may be above the multiple that it is."""

_MOST_UNSEEN = 0.7
"""Most of a run that is not looked at."""


def scatters(runs: Sequence[Run], batch_sizes: Collection[int], wanted: Collection[int]) -> dict[int, float]:
    """Standard deviation of ln S: of a size's own seeds and, worth a few of them, of all sizes.

    Rounded up to a multiple of 0.05: what is trained next seldom hangs on the last run.

    Args:
        runs: those of the fine grid, at every size.
        batch_sizes: sizes they are of.
        wanted: the batch sizes in question, which need not be among them.
    """
    table = pool(runs, [*batch_sizes])
    logs = chosen_log_steps(table, choices(table))
    squares, free = _spread(logs)
    everywhere = (PRIOR_RUNS * PRIOR_SCATTER**2 + squares.sum()) / (PRIOR_RUNS + free.sum())
    found = {}
    for size in wanted:
        own = np.array(table.batch_sizes) == size
        variance = (PRIOR_RUNS * everywhere + squares[own].sum()) / (PRIOR_RUNS + free[own].sum())
        found[size] = _GRAIN * math.ceil(math.sqrt(variance) / _GRAIN - _ROUNDING)
    return found


def patience(scatter: float) -> float:
    """How many times the steps of the fastest a run may take: 2, or 4 or more where seeds scatter widely.

    Where runs scatter by sigma in ln S, a good learning rate is e^(2.5 sigma) times as slow as the fastest in
    one run of a hundred.

    Example:
        >>> [patience(scatter) for scatter in (0.1, 0.45, 1.0)]
        [2.0, 4.0, 16.0]
    """
    wanted = math.exp(_RARE * scatter)
    return min(2.0 ** math.ceil(math.log2(max(wanted, HOPELESS))), MOST)


def unseen(scatter: float, *, known: bool) -> float:
    """Share of the steps of a size's first seed in which no other seed arrives.

    Args:
        scatter: standard deviation of ln S.
        known: whether it is also that of seeds of the size itself.

    Example:
        >>> [round(unseen(scatter, known=True), 2) for scatter in (0.05, 0.1, 0.2, 1.0)]
        [0.7, 0.65, 0.43, 0.03]
        >>> unseen(0.1, known=False)
        0.25
    """
    surely = 1 / (HOPELESS * patience(scatter))
    return max(surely, min(_MOST_UNSEEN, math.exp(-_NEVER * scatter))) if known else surely


def _spread(logs: Array) -> tuple[Array, Array]:
    """Sums of squares about the mean of each column, and their degrees of freedom; NaN: not run."""
    known = ~np.isnan(logs)
    count = known.sum(axis=0)
    mean = np.where(known, logs, 0).sum(axis=0) / np.maximum(count, 1)
    return (np.where(known, logs - mean, 0) ** 2).sum(axis=0), np.maximum(count - 1, 0)
