"""Does S(B) = S_min (1 + B_crit / B) hold? A test against the scatter of the seeds."""

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike
from scipy import stats

from rightbatch.stats.curves import Curves, Floats, checked_curves
from rightbatch.stats.scaling import best_log_b_crit

MEASURED = 0.01
"""Steps to target are known to about 1 %: evaluations are 6 % apart, and crossings interpolated between.
Seeds that agree better than that, or shift all sizes alike, do so by how they are measured."""

EXPONENTS = np.linspace(-1.0, 1.0, 41)
"""The variance of runs goes as B to one of these: a gradient's goes as 1/B, and steps vary no faster."""

USUAL = 0.5
"""Normal prior of the exponent: a few runs cannot tell it, and then it is near 0."""


class LackOfFit(NamedTuple):
    """An F-test of the curve against the scatter of the seeds."""

    statistic: float
    """F: how much further the sizes lie from the curve than the seeds' scatter explains."""
    p_value: float
    """Chance of an F at least this large if the curve holds; NaN: too few sizes or seeds."""
    degrees: tuple[int, int]
    """Degrees of freedom: sizes - 2, and (sizes - 1)(seeds - 1) where all were measured."""


def lack_of_fit(batch_sizes: ArrayLike, steps: ArrayLike) -> LackOfFit:
    """Test whether S(B) = S_min (1 + B_crit / B) holds, using the seeds as repetitions.

    Two models of ln S are compared, both with one free offset per seed (seeds are paired across
    sizes, so a lucky start shifts a whole curve): any value per size, against the curve. Their
    sums of squares give the classical F of lack of fit against pure error, which is taken to be at
    least that of measuring.

    Assumptions: what is left after the seed's offset is independent, and normal with the same
    variance at every size, or one that is a power of B (small batches often scatter more): the
    p-value allows for it by Box's correction. Runs that did not reach the target are left out,
    which the test cannot know of. With many seeds it finds deviations too small to matter: read it
    together with `rms_log_residual`. It cannot be done with fewer than 3 sizes or 2 seeds.

    Args:
        batch_sizes: shape `(n,)`.
        steps: steps to target of each seed, above zero, shape `(seeds, n)`; NaN: left out.

    Example:
        >>> test = lack_of_fit([1, 8, 64], [[900, 120, 30], [980, 135, 31], [1000, 130, 34]])
        >>> test.degrees, test.p_value > 0.05
        ((1, 4), True)

    Source: N. Draper, H. Smith, "Applied Regression Analysis" (3rd ed., 1998), section 2.1; the
    offsets make it a two-way layout. G. Box, "Some theorems on quadratic forms applied in the study of
    analysis of variance problems", Annals of Mathematical Statistics 25 (1954).
    """
    curves = checked_curves(batch_sizes, steps, None)
    log_b_crit = best_log_b_crit(curves, shared=True)
    residuals = curves.centred(curves.log_levels(log_b_crit))
    free, free_parameters = _free_residuals(curves)
    pure = float((free**2).sum())
    lack = max(float((curves.weights * residuals**2).sum()) - pure, 0.0)
    seeds = int(curves.weights.any(axis=1).sum())
    degrees = (free_parameters - seeds - 1, int(curves.weights.sum()) - free_parameters)
    if min(degrees) < 1:
        return LackOfFit(np.nan, np.nan, degrees)
    statistic = lack / degrees[0] / max(pure / degrees[1], MEASURED**2)
    return LackOfFit(statistic, _p_value(statistic, degrees, curves, free, float(log_b_crit[0])), degrees)


def _free_residuals(curves: Curves) -> tuple[Floats, int]:
    """What least squares of ln S = (any value per size) + (any offset per seed) leaves; its rank."""
    seed, size = np.nonzero(curves.weights)
    table = np.hstack([np.eye(curves.weights.shape[0])[seed], np.eye(curves.sizes.size)[size]])
    values = curves.log_steps[seed, size]
    solution, _, rank, _ = np.linalg.lstsq(table, values)
    left = np.zeros(curves.weights.shape)
    left[seed, size] = values - table @ solution
    return left, int(rank)


def _p_value(
    statistic: float, degrees: tuple[int, int], curves: Curves, free: Floats, log_b_crit: float
) -> float:
    """Box's: the two sums of squares matched in mean and variance, where the sizes' variances differ."""
    ran = curves.weights.any(axis=0)
    sizes = curves.sizes[ran]
    variance = np.diag(_variances(sizes, curves.weights[:, ran], free[:, ran]))
    ones = np.ones_like(sizes)
    slope = np.exp(log_b_crit) / (np.exp(log_b_crit) + sizes)
    off_mean, off_curve = (_off(np.column_stack(columns)) @ variance for columns in ([ones], [ones, slope]))
    above, below = np.trace(off_curve) / degrees[0], np.trace(off_mean) / (sizes.size - 1)
    effective = [np.trace(part) ** 2 / np.trace(part @ part) for part in (off_curve, off_mean)]
    shared = degrees[1] / (sizes.size - 1)
    return float(stats.f.sf(statistic * below / above, effective[0], effective[1] * shared))


def _off(columns: Floats) -> Floats:
    """The projection onto what the columns do not span."""
    return np.asarray(np.eye(len(columns)) - columns @ np.linalg.pinv(columns))


def _variances(sizes: Floats, weights: Floats, free: Floats) -> Floats:
    """The variance of each size, up to a factor: a power of B, of highest likelihood."""
    count = weights.sum(axis=0)
    x = np.log(sizes) - np.average(np.log(sizes), weights=count)
    squares = (free**2).sum(axis=0)
    if squares.sum() <= count.sum() * MEASURED**2:
        return np.ones_like(x)
    spread = np.log((squares * np.exp(-EXPONENTS[:, None] * x)).sum(axis=1))
    against = 0.5 * (count.sum() - len(x) - len(weights) + 1) * spread + 0.5 * (EXPONENTS / USUAL) ** 2
    return np.asarray(np.exp(EXPONENTS[against.argmin()] * x))
