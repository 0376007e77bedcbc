"""Does S(B) = S_min (1 + B_crit / B) hold? A test against the scatter of the seeds."""

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike
from scipy import stats

from rightbatch.stats.curves import Curves, Floats, checked_curves
from rightbatch.stats.scaling import best_log_b_crit
from rightbatch.stats.spread import Spread, spread

MEASURED = 0.01
"""Steps to target are known to about 1 %: evaluations are 6 % apart, and crossings interpolated between.
Seeds that agree better than that, or shift all sizes alike, do so by how they are measured."""

BEND = 0.9
"""Share of the level that is spent on a knee too sharp or too soft; the rest is for single sizes."""


class LackOfFit(NamedTuple):
    """A test of the curve against the scatter of the seeds."""

    statistic: float
    """F: how much further the sizes lie from the curve than the seeds' scatter explains."""
    p_value: float
    """Chance of sizes so far from the curve, or bent away from it so clearly, if the curve holds; NaN: too
    few sizes or seeds."""
    degrees: tuple[int, int]
    """Degrees of freedom of F: sizes - 2, and (sizes - 1)(seeds - 1) where all were measured."""


class _Squares(NamedTuple):
    """Weighted sums of squares that are left of ln S, each model having an offset per seed."""

    curve: float
    """By the curve."""
    bent: float
    """By the curve with a knee of any sharpness."""
    free: float
    """By any value per size."""


def lack_of_fit(batch_sizes: ArrayLike, steps: ArrayLike) -> LackOfFit:
    """Test whether S(B) = S_min (1 + B_crit / B) holds, using the seeds as repetitions.

    Three models of ln S are compared, each with one free offset per seed (seeds are paired across
    sizes, so a lucky start shifts a whole curve): any value per size; the curve; and between them
    (S / S_min)^q = 1 + (B_crit / B)^q, whose knee is sharper than the curve's for q > 1 and softer for q < 1.
    Curves that are not the hyperbola mostly miss it in this one way, so nine tenths of the level go to
    the F-test of q = 1, which has one degree of freedom, and a tenth to that of what a knee leaves. Runs are
    weighted by the variance at their size, which small batches often have more of, and which is at least
    that of measuring; both tests are averaged over what it may be (`spread`).

    Assumptions: what is left after the seed's offset is independent and normal. Runs that did not reach
    the target are left out, which the test cannot know of. With many seeds it finds deviations too small to
    matter: read it together with `rms_log_residual`. It cannot be done with fewer than 3 sizes or 2 seeds.

    Args:
        batch_sizes: shape `(n,)`.
        steps: steps to target of each seed, above zero, shape `(seeds, n)`; NaN: left out.

    Example:
        >>> test = lack_of_fit([1, 8, 64], [[900, 120, 30], [980, 135, 31], [1000, 130, 34]])
        >>> test.degrees, test.p_value > 0.05
        ((1, 4), True)

    Source: N. Draper, H. Smith, "Applied Regression Analysis" (3rd ed., 1998), section 2.1; the
    offsets make it a two-way layout. One degree of freedom for the likeliest departure: J. Tukey, "One degree
    of freedom for non-additivity", Biometrics 5 (1949).
    """
    curves = checked_curves(batch_sizes, steps, None)
    free, free_parameters = _free_residuals(curves)
    seeds = int(curves.weights.any(axis=1).sum())
    degrees = (free_parameters - seeds - 1, int(curves.weights.sum()) - free_parameters)
    if min(degrees) < 1:
        return LackOfFit(np.nan, np.nan, degrees)
    found = _spread(curves, free)
    tests = [_test(_squares(_weighted(curves, variance)), degrees) for variance in found.variance]
    statistic, p_value = found.chance @ np.array(tests)
    return LackOfFit(float(statistic), float(p_value), degrees)


def _free_residuals(curves: Curves) -> tuple[Floats, int]:
    """What least squares of ln S = (any value per size) + (any offset per seed) leaves; its rank."""
    return _left(curves, curves.log_steps, np.eye(curves.sizes.size))


def _left(curves: Curves, values: Floats, columns: Floats) -> tuple[Floats, int]:
    """What weighted least squares by functions of the size and an offset per seed leaves; its rank.

    Args:
        curves: the runs, with weights.
        values: of each run, `(seeds, sizes)`.
        columns: the functions, `(sizes, functions)`.
    """
    total = curves.weights.sum(axis=1, keepdims=True)
    share = np.divide(curves.weights, total, out=np.zeros_like(curves.weights), where=total > 0)
    seed, size = np.nonzero(curves.weights)
    root = np.sqrt(curves.weights[seed, size])
    # An offset per seed fits the seed's own mean: what is left of values and functions beside it is fitted.
    own = root * (values[seed, size] - (share * np.where(share > 0, values, 0)).sum(axis=1)[seed])
    table = root[:, None] * (columns[size] - (share @ columns)[seed])
    solution, _, rank, _ = np.linalg.lstsq(table, own)
    left = np.zeros(curves.weights.shape)
    left[seed, size] = own - table @ solution
    return left, int(rank) + int(np.count_nonzero(total))


def _spread(curves: Curves, free: Floats) -> Spread:
    """How the scatter may change with the size; a size that was not run has variance 1."""
    ran = curves.weights.any(axis=0)
    b_crit = float(np.exp(best_log_b_crit(curves, shared=True)[0]))
    found = spread(curves.sizes[ran], free[:, ran], curves.weights[:, ran], b_crit=b_crit, floor=MEASURED)
    variance = np.ones((len(found.chance), ran.size))
    variance[:, ran] = found.variance
    return Spread(variance, found.chance)


def _weighted(curves: Curves, variance: Floats) -> Curves:
    return curves._replace(weights=curves.weights / variance)


def _squares(curves: Curves) -> _Squares:
    """What the three models leave; the knee's model is taken by its derivative at q = 1."""
    log_b_crit = best_log_b_crit(curves, shared=True)
    left = curves.log_levels(log_b_crit)
    ratio = np.exp(log_b_crit[0]) / curves.sizes
    slope = ratio / (1 + ratio)
    knee = slope * np.log(ratio) - np.log1p(ratio)
    models = (np.zeros((ratio.size, 0)), np.column_stack([slope, knee]), np.eye(ratio.size))
    return _Squares(*(float((_left(curves, left, columns)[0] ** 2).sum()) for columns in models))


def _test(squares: _Squares, degrees: tuple[int, int]) -> tuple[float, float]:
    """F of any lack of fit, and the p-value."""
    error = max(squares.free / degrees[1], 1.0)
    lack, others = max(squares.curve - squares.free, 0.0) / error, degrees[0] - 1
    knee = float(stats.f.sf(max(squares.curve - squares.bent, 0.0) / error, 1, degrees[1]))
    if others == 0:
        return lack, knee
    rest = float(stats.f.sf(max(squares.bent - squares.free, 0.0) / others / error, others, degrees[1]))
    return lack / degrees[0], _either(knee, rest)


def _either(knee: float, rest: float) -> float:
    """The p-value of the clearer of the two, for having been chosen of two (Šidák, with unequal shares)."""
    least = min(knee / BEND, rest / (1 - BEND))
    return 1 - (1 - min(BEND * least, 1.0)) * (1 - min((1 - BEND) * least, 1.0))
