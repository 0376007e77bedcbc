"""How long a run goes on before it is given up: longer where seeds scatter more."""

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


def patience(runs: Sequence[Run], batch_sizes: Collection[int], size: int) -> float:
    """How many times the steps of the fastest a run may take: 2, or 4 or more where seeds scatter widely.

    Where runs scatter by sigma in ln S, a good learning rate is e^(2.5 sigma) times as slow as the fastest in
    one run of a hundred. Sigma is that of the size's own seeds and, worth a few of them, of all sizes.

    Args:
        runs: those of the fine grid, at every size.
        batch_sizes: sizes they are of.
        size: the batch size in question, which need not be among them.
    """
    table = pool(runs, [*batch_sizes])
    logs = chosen_log_steps(table, choices(table))
    squares, free = _spread(logs)
    everywhere = (PRIOR_RUNS * PRIOR_SCATTER**2 + squares.sum()) / (PRIOR_RUNS + free.sum())
    own = np.array(table.batch_sizes) == size
    variance = (PRIOR_RUNS * everywhere + squares[own].sum()) / (PRIOR_RUNS + free[own].sum())
    wanted = math.exp(_RARE * math.sqrt(variance))
    return min(2.0 ** math.ceil(math.log2(max(wanted, HOPELESS))), MOST)


def _spread(logs: Array) -> tuple[Array, Array]:
    """Sums of squares about the mean of each column, and their degrees of freedom; NaN: not run."""
    known = ~np.isnan(logs)
    count = known.sum(axis=0)
    mean = np.where(known, logs, 0).sum(axis=0) / np.maximum(count, 1)
    return (np.where(known, logs - mean, 0) ** 2).sum(axis=0), np.maximum(count - 1, 0)
