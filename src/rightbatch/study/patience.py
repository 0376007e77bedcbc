"""How long a run goes on before it is given up, and from where it is looked at, by how seeds scatter."""

import math
from collections.abc import Collection, Mapping
from typing import NamedTuple

import numpy as np

from rightbatch.stats.scatter import PRIOR_RUNS, PRIOR_SCATTER
from rightbatch.study.pool import Pool, choices, chosen_log_steps
from rightbatch.study.subject import HOPELESS

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


class Spread(NamedTuple):
    """How ln S scatters over the seeds of a batch size."""

    squares: float
    """Sum of squares about the mean."""
    free: int
    """Its degrees of freedom."""


def spread_of(table: Pool) -> Spread:
    """The spread of the runs at each size's best learning rate, of all sizes of the table together.

    A run that missed the target counts with the steps it made.
    """
    logs = chosen_log_steps(table, choices(table))
    known = ~np.isnan(logs)
    count = known.sum(axis=0)
    mean = np.where(known, logs, 0).sum(axis=0) / np.maximum(count, 1)
    squares = (np.where(known, logs - mean, 0) ** 2).sum()
    return Spread(float(squares), int(np.maximum(count - 1, 0).sum()))


def scatters(spreads: Mapping[int, Spread], wanted: Collection[int]) -> dict[int, float]:
    """Standard deviation of ln S: of a size's own seeds and, worth a few of them, of all sizes.

    Rounded up to a multiple of 0.05: what is trained next seldom hangs on the last run.

    Args:
        spreads: of every size with runs on the fine grid.
        wanted: the batch sizes in question, which need not be among them.

    Example:
        >>> scatters({8: Spread(4.0, 100), 64: Spread(0.1, 10)}, [8, 32])
        {8: 0.2, 32: 0.2}
    """
    everywhere = _variance(PRIOR_SCATTER**2, spreads.values())
    own = {size: _variance(everywhere, [spreads[size]] if size in spreads else []) for size in wanted}
    return {size: _GRAIN * math.ceil(math.sqrt(own[size]) / _GRAIN - _ROUNDING) for size in wanted}


def _variance(expected: float, spreads: Collection[Spread]) -> float:
    """Of runs that scatter so, expected to be another, which is worth a few of them."""
    squares = PRIOR_RUNS * expected + sum(spread.squares for spread in spreads)
    return squares / (PRIOR_RUNS + sum(spread.free for spread in spreads))


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
