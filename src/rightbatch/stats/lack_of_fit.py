"""Does S(B) = S_min (1 + B_crit / B) hold? A test against the scatter of the seeds."""

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike
from scipy import stats

from rightbatch.stats.curves import Curves, checked_curves
from rightbatch.stats.scaling import best_log_b_crit

NO_SCATTER = 1e-20
"""A sum of squares under this is rounding: seeds that agree to ten digits give no measure of chance."""


class LackOfFit(NamedTuple):
    """An F-test of the curve against the scatter of the seeds."""

    statistic: float
    """F: how much further the sizes lie from the curve than the seeds' scatter explains."""
    p_value: float
    """Chance of an F at least this large if the curve holds; NaN: cannot be tested."""
    degrees: tuple[int, int]
    """Degrees of freedom: sizes - 2, and (sizes - 1)(seeds - 1) where all were measured."""


def lack_of_fit(batch_sizes: ArrayLike, steps: ArrayLike) -> LackOfFit:
    """Test whether S(B) = S_min (1 + B_crit / B) holds, using the seeds as repetitions.

    Two models of ln S are compared, both with one free offset per seed (seeds are paired across
    sizes, so a lucky start shifts a whole curve): any value per size, against the curve. Their
    sums of squares give the classical F of lack of fit against pure error.

    Assumptions: what is left after the seed's offset is independent, and normal with the same
    variance at every size. Runs that did not reach the target are left out, which the test cannot
    know of. With many seeds it finds deviations too small to matter: read it together with
    `rms_log_residual`. It cannot be done with fewer than 3 sizes or 2 seeds.

    Args:
        batch_sizes: shape `(n,)`.
        steps: steps to target of each seed, above zero, shape `(seeds, n)`; NaN: left out.

    Example:
        >>> test = lack_of_fit([1, 8, 64], [[900, 120, 30], [980, 135, 31], [1000, 130, 34]])
        >>> test.degrees, test.p_value > 0.05
        ((1, 4), True)

    Source: N. Draper, H. Smith, "Applied Regression Analysis" (3rd ed., 1998), section 2.1; the
    offsets make it a two-way layout.
    """
    curves = checked_curves(batch_sizes, steps, None)
    residuals = curves.centred(curves.log_levels(best_log_b_crit(curves, shared=True)))
    curve_squares = float((curves.weights * residuals**2).sum())
    free_squares, free_parameters = _squares_of_free_sizes(curves)
    seeds = int(curves.weights.any(axis=1).sum())
    degrees = (free_parameters - seeds - 1, int(curves.weights.sum()) - free_parameters)
    statistic = _f_statistic(curve_squares - free_squares, free_squares, degrees)
    return LackOfFit(statistic, float(stats.f.sf(statistic, *degrees)), degrees)


def _f_statistic(lack: float, pure: float, degrees: tuple[int, int]) -> float:
    if min(degrees) < 1 or pure <= NO_SCATTER:
        return np.nan
    return max(lack, 0.0) / degrees[0] / (pure / degrees[1])


def _squares_of_free_sizes(curves: Curves) -> tuple[float, int]:
    """Least squares of ln S = (any value per size) + (any offset per seed); its rank."""
    seed, size = np.nonzero(curves.weights)
    table = np.hstack([np.eye(curves.weights.shape[0])[seed], np.eye(curves.sizes.size)[size]])
    values = curves.log_steps[seed, size]
    solution, _, rank, _ = np.linalg.lstsq(table, values)
    return float(((values - table @ solution) ** 2).sum()), int(rank)
