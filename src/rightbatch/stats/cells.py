"""The likelihood of one run's steps to target, known exactly, between two evaluations, or only from below."""

from typing import NamedTuple, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import log_ndtr

from rightbatch.errors import SettingError
from rightbatch.stats.curves import Floats

Flags: TypeAlias = NDArray[np.bool_]

EXACT = 1e-6
"""An interval narrower than this in ln S is a point: no run repeats itself to one part in a million."""

_LOG_ROOT_2_PI = 0.5 * np.log(2 * np.pi)


class Cells(NamedTuple):
    """Every run's ln S lies between `low` and `high`; arrays `(seeds, sizes)`."""

    low: Floats
    high: Floats
    """Infinite where the target was missed."""
    known: Floats
    """1.0 where there was a run, else 0.0."""


class Terms(NamedTuple):
    """Of the runs' log likelihood, arrays like those of `Cells`; 0 where there was no run."""

    value: Floats
    by_mean: Floats
    """First derivative by the mean of ln S."""
    curvature: Floats
    """Second derivative by it, never above 0."""
    by_log_sigma: Floats


def checked_cells(low: ArrayLike, high: ArrayLike, sizes: Floats) -> Cells:
    """The runs, checked and in logarithms."""
    least, most = np.asarray(low, np.float64), np.asarray(high, np.float64)
    if least.ndim != 2 or least.shape != most.shape or least.shape[1] != sizes.size:
        raise SettingError(
            "low",
            f"must be like high {most.shape}, one row per seed and {sizes.size} columns, one per batch size",
            least.shape,
            "pass two tables of that shape",
        )
    known = ~np.isnan(least) & ~np.isnan(most)
    bad = known & ~((least > 0) & np.isfinite(least) & (most >= least))
    if bad.any():
        raise SettingError(
            "low",
            "must be above 0, finite and not above high",
            float(least[bad][0]),
            "write NaN in both for what was not run, and high = infinity where the target was missed",
        )
    return Cells(
        np.log(np.where(known, least, 1.0)), np.log(np.where(known, most, 1.0)), known.astype(np.float64)
    )


def terms(cells: Cells, mean: Floats, sigma: float) -> Terms:
    """The log likelihood of every run under ln S ~ N(mean, sigma²), and its derivatives.

    With a and b the ends in units of sigma from the mean, the likelihood of an interval is
    Φ(b) - Φ(a), and that of a point the density.

    Args:
        cells: the runs.
        mean: of ln S, broadcast against the cells.
        sigma: standard deviation of ln S.
    """
    a, b = (cells.low - mean) / sigma, (cells.high - mean) / sigma
    point = cells.high - cells.low < EXACT
    log_p = np.where(point, 0.0, _log_between(a, np.where(point, a + 1, b)))
    at_a, at_b = _over(a, log_p), _over(b, log_p)
    slope = np.where(point, a, at_a - at_b)
    bend = np.where(point, a**2 - 1, np.where(np.isfinite(b), a * at_a - _zero_where_inf(b) * at_b, a * at_a))
    value = np.where(point, -0.5 * a**2 - _LOG_ROOT_2_PI - np.log(sigma), log_p)
    curvature = np.where(point, -1.0, np.minimum(bend - slope**2, 0.0))
    known = cells.known
    return Terms(known * value, known * slope / sigma, known * curvature / sigma**2, known * bend)


def _log_between(a: Floats, b: Floats) -> Floats:
    """Ln(Φ(b) - Φ(a)), taken in the lower tail, where no digits are lost."""
    upper = a > 0
    low, high = np.where(upper, -b, a), np.where(upper, -a, b)
    below = np.minimum(log_ndtr(low) - log_ndtr(high), -1e-300)
    return np.asarray(log_ndtr(high) + np.log(-np.expm1(below)))


def _over(z: Floats, log_p: Floats) -> Floats:
    """The normal density at z over the probability."""
    return np.asarray(np.exp(-0.5 * np.square(z) - _LOG_ROOT_2_PI - log_p))


def _zero_where_inf(z: Floats) -> Floats:
    return np.where(np.isfinite(z), z, 0.0)
