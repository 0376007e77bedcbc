"""Intervals from few repetitions: the bootstrap over seeds."""

import math

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import stats

from rightbatch.checks import whole_number
from rightbatch.errors import SettingError
from rightbatch.rng import generator


def resamples(n: int, count: int, seed: int, *, of: str = "seeds") -> NDArray[np.int64]:
    """Which of n things each bootstrap resample is made of, drawn with replacement.

    Args:
        n: how many there are.
        count: how many resamples to draw.
        seed: the study's seed; the same one gives the same resamples.
        of: what they are; resamples of different things are independent of each other.

    Returns:
        Row numbers in [0, n), shape `(count, n)`.

    Example:
        >>> resamples(5, 1000, seed=0).shape
        (1000, 5)
    """
    whole_number("n", n, at_least=1)
    whole_number("count", count, at_least=1, instead="write a whole number such as 1000")
    return generator("resamples", of, seed).integers(0, n, size=(count, n))


def percentile_interval(
    values: ArrayLike, *, n: int, level: float = 0.95, lowest: float = 0.0
) -> tuple[float, float]:
    """The expanded percentile interval of a bootstrap distribution.

    The plain percentile interval is too narrow when n is small, for two reasons: it has no
    n/(n-1) in its variance, and it uses normal quantiles where Student's are due. Each end
    therefore leaves out alpha' instead of (1 - level)/2::

        alpha' = Phi(-sqrt(n / (n - 1)) * t),    t = the (1 + level)/2 quantile of Student's t, n - 1 degrees

    The ends are resampled values, rounded outwards. A value that is not a number may lie
    anywhere, so it counts as `lowest` for the lower end and as infinite for the upper end; an
    end that falls on such a value is open. From one seed nothing is known: both ends are open.

    With two to four seeds alpha' is below what resampling can reach: the interval is the whole
    range of the resampled values, and covers less than its level (docs/decisions/0005).

    Args:
        values: the statistic in each resample, shape `(count,)`; NaN and infinity are allowed.
        n: how many seeds were resampled.
        level: nominal coverage, between 0 and 1.
        lowest: the least value the statistic can have.

    Returns:
        The lower and the upper end; `(lowest, inf)` where nothing is known.

    Raises:
        SettingError: there are no values, n is under 1, or the level is not between 0 and 1.

    Example:
        >>> percentile_interval(np.arange(1, 1001), n=20)
        (16.0, 985.0)

    Source: T. Hesterberg, "What Teachers Should Know About the Bootstrap", The American
    Statistician 69 (2015), arXiv:1411.5279.
    """
    found = np.asarray(values, dtype=np.float64).ravel()
    if found.size == 0:
        raise SettingError("values", "must not be empty", 0, "pass at least one resampled value")
    tail = _expanded_tail(whole_number("n", n, at_least=1), level)
    unknown = np.isnan(found)
    lower = np.quantile(np.where(unknown, lowest, found), tail, method="lower")
    upper = np.quantile(np.where(unknown, np.inf, found), 1 - tail, method="higher")
    return (float(lower), float(upper)) if n > 1 else (lowest, math.inf)


def _expanded_tail(n: int, level: float) -> float:
    if not 0 < level < 1:
        raise SettingError("level", "must be between 0 and 1", level, "write a number such as 0.95")
    if n == 1:
        return 0.0
    return float(stats.norm.cdf(-math.sqrt(n / (n - 1)) * stats.t.ppf((1 + level) / 2, n - 1)))


def geometric_mean(values: ArrayLike, axis: int | None = None) -> NDArray[np.float64]:
    """The geometric mean, exp(mean(log x)): the mean of what varies by factors, such as steps to target.

    NaN and infinity are not left out: the mean of runs that include an unfinished one is unknown.

    Args:
        values: numbers above zero.
        axis: the axis to average over; all of them when `None`.

    Example:
        >>> geometric_mean([[1, 100], [2, 8]], axis=1).round(6).tolist()
        [10.0, 4.0]
    """
    return np.asarray(np.exp(np.mean(np.log(np.asarray(values, dtype=np.float64)), axis=axis)))
