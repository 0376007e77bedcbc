"""The cliff: the batch size or learning rate beyond which runs no longer reach the target."""

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike
from scipy import optimize, special, stats

from rightbatch.errors import SettingError
from rightbatch.stats.curves import Floats


class Cliff(NamedTuple):
    """Where the share of runs that arrive falls through one half."""

    at: float
    """Between the last value at which most arrive and the next; infinite: most arrive everywhere,
    0: nowhere."""
    low: float
    """Least value at which it may be; 0: not known."""
    high: float
    """Largest; infinite: not known."""


def cliff(values: ArrayLike, reached: ArrayLike, tried: ArrayLike, *, level: float = 0.95) -> Cliff:
    """Where, along batch sizes or learning rates, the target stops being reached.

    The share p(x) of runs that arrive is taken to fall with x, and nothing more: no logistic curve, whose
    steepness a clean cliff sends to infinity. A cliff between two neighbours means p >= 1/2 up to
    the first and p <= 1/2 from the second on. The likelihood with and without that constraint is
    the binomial one at isotonic shares, held at 1/2; the interval is that of all neighbours at which
    twice the difference is within the quantile of chi-squared with 1 degree. The asymptotic quantile of
    this statistic is less (2.3 for 3.8), so the interval is on the safe side.

    A run that diverged, ran out of steps or whose floor lies above the target has not arrived. Where
    small batches miss the target as well (a noise floor), pass the sizes above the best one.

    Args:
        values: batch sizes or learning rates, rising, above 0, `(n,)`.
        reached: runs that reached the target at each, `(n,)`.
        tried: runs made, at least 1 each, `(n,)`.
        level: nominal coverage.

    Returns:
        The cliff; its ends are values that were tried, 0 or infinity.

    Raises:
        SettingError: the arguments cannot be used.

    Example:
        >>> cliff([1, 4, 16, 64], reached=[5, 5, 0, 0], tried=[5, 5, 5, 5])
        Cliff(at=8.0, low=4.0, high=16.0)
        >>> cliff([0.1, 0.2], reached=[1, 1], tried=[1, 1])
        Cliff(at=inf, low=0.0, high=inf)

    Source: M. Banerjee, J. Wellner, "Likelihood ratio tests for monotone functions", Annals of
    Statistics 29 (2001).
    """
    x, arrived, made = _checked(values, reached, tried)
    edges = np.concatenate([[0.0], x, [np.inf]])
    likelihood = np.array([_log_likelihood(arrived, made, place) for place in range(x.size + 1)])
    free = _binomial(arrived, made, _falling(arrived, made))
    kept = np.flatnonzero(2 * (free - likelihood) <= stats.chi2.ppf(level, 1))
    last = int((_falling(arrived, made) > 0.5).sum())
    inside = 0 < last < x.size
    at = math.sqrt(edges[last] * edges[last + 1]) if inside else (np.inf if last else 0.0)
    return Cliff(float(at), float(edges[kept[0]]), float(edges[kept[-1] + 1]))


def _log_likelihood(arrived: Floats, made: Floats, place: int) -> float:
    """Where the cliff lies before the value at `place`."""
    before = np.maximum(_falling(arrived[:place], made[:place]), 0.5)
    after = np.minimum(_falling(arrived[place:], made[place:]), 0.5)
    return _binomial(arrived, made, np.concatenate([before, after]))


def _falling(arrived: Floats, made: Floats) -> Floats:
    """The falling shares of highest likelihood."""
    if not made.size:
        return made
    return np.asarray(optimize.isotonic_regression(arrived / made, weights=made, increasing=False).x)


def _binomial(arrived: Floats, made: Floats, share: Floats) -> float:
    return float((special.xlogy(arrived, share) + special.xlogy(made - arrived, 1 - share)).sum())


def _checked(values: ArrayLike, reached: ArrayLike, tried: ArrayLike) -> tuple[Floats, Floats, Floats]:
    x, arrived, made = (np.asarray(given, np.float64) for given in (values, reached, tried))
    if x.ndim != 1 or not x.size or not (np.diff(x, prepend=0) > 0).all():
        raise SettingError("values", "must be above 0 and rising", x.tolist(), "sort them, each once")
    if arrived.shape != x.shape or made.shape != x.shape or not ((made >= 1) & (arrived <= made)).all():
        raise SettingError(
            "tried",
            "must be at least 1 and not below reached, one per value",
            made.tolist(),
            "count the runs at each value",
        )
    return x, arrived, made
