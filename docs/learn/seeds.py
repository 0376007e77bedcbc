"""The same over several seeds: a mean with its 95 % interval."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from scipy import stats

from rightbatch import units
from rightbatch.report.tables import Table


class Mean(NamedTuple):
    """Of values from independent seeds; the interval is Student's."""

    value: float
    low: float
    high: float

    def said(self, written: units.Written = units.plain) -> str:
        """Such as ``0.93 (0.92 to 0.94)``."""
        return f"{written(self.value)} ({units.between(self.low, self.high, written)})"


def mean(values: Sequence[float]) -> Mean:
    """The mean of at least two values, with its 95 % interval.

    Example:
        >>> mean([1.0, 2.0, 3.0]).said()
        '2 (-0.484 to 4.48)'
    """
    middle = float(np.mean(values))
    half = float(stats.t.ppf(0.975, len(values) - 1) * stats.sem(values))
    return Mean(middle, middle - half, middle + half)


def geometric(values: Sequence[float]) -> Mean:
    """The geometric mean, for what differs by factors.

    Example:
        >>> round(geometric([1.0, 4.0]).value, 6)
        2.0
    """
    return Mean(*(float(np.exp(end)) for end in mean(np.log(values).tolist())))


def share(value: float | None) -> str:
    """A share near others: per cent with a digit after the point.

    Example:
        >>> share(0.9834)
        '98.3 %'
    """
    return f"{100 * (value or 0):.1f} %"


def table(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> Table:
    """A table of text."""
    return Table(tuple(columns), tuple(tuple(row) for row in rows))
