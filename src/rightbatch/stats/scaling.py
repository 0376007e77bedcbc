"""Steps to target against batch size: the curve S(B) = S_min (1 + B_crit / B)."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from rightbatch.stats.curves import Curves, Floats, checked_curves

GRID_STEP = 0.1
"""Step of the first search in ln B_crit: the curve has no feature narrower than about 2."""

HALVINGS = 36
"""Bisections of one grid step: down to 1e-12 of B_crit."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ScalingFit:
    """S(B) = S_min (1 + B_crit / B), fitted; every array has shape `()`, or `(resamples,)`."""

    s_min: Floats
    """Steps to target with an unlimited batch."""
    b_crit: Floats
    """The critical batch size, in samples; within `limits`."""
    rms_log_residual: Floats
    """Root of the (weighted) mean squared residual of ln S: 0.05 means about 5 %."""
    limits: tuple[float, float]
    """The range in which `b_crit` was looked for."""

    @property
    def e_min(self) -> Floats:
        """Examples to target with the smallest batch, S_min * B_crit."""
        return np.asarray(self.s_min * self.b_crit)

    @property
    def open_b_crit(self) -> Floats:
        """`b_crit`, with 0 and infinity where it lies on a limit: there the data only bound it."""
        lowest, highest = self.limits
        below, above = self.b_crit <= lowest * (1 + 1e-6), self.b_crit >= highest * (1 - 1e-6)
        return np.asarray(np.where(below, 0.0, np.where(above, np.inf, self.b_crit)))

    def predict(self, batch_sizes: ArrayLike) -> Floats:
        """Steps to target at the batch sizes `(m,)`; shape `(m,)`, or `(resamples, m)`."""
        sizes = np.asarray(batch_sizes, dtype=np.float64)
        return np.asarray(self.s_min[..., None] * (1 + self.b_crit[..., None] / sizes))


def fit_scaling(batch_sizes: ArrayLike, steps: ArrayLike, weights: ArrayLike | None = None) -> ScalingFit:
    """Fit S(B) = S_min (1 + B_crit / B) by least squares on ln S, many resamples at once.

    For a given B_crit the best ln S_min is the weighted mean of ln S - ln(1 + B_crit/B), so the
    search is in ln B_crit alone: a grid, then bisection of the slope around the best point.

    B_crit is bounded: see `limits` and `open_b_crit` of the result. A constant S gives the lower
    limit, S proportional to 1/B (or steeper) the upper one, where S_min means nothing and
    `e_min` still does.

    Args:
        batch_sizes: shape `(n,)`, at least 2 different ones.
        steps: steps to target, above zero, shape `(n,)` or `(resamples, n)`; NaN: not measured
            or not reached, left out.
        weights: of each squared residual, `(n,)` or like `steps`; all 1 when `None`.

    Returns:
        The fit; NaN where fewer than 2 sizes were measured.

    Raises:
        SettingError: sizes, steps or weights cannot be used.

    Example:
        >>> fit = fit_scaling([1, 10, 100, 1000], [2020, 220, 40, 22])
        >>> print(f"S_min {fit.s_min:.2f}, B_crit {fit.b_crit:.2f}, E_min {fit.e_min:.1f}")
        S_min 20.00, B_crit 100.00, E_min 2000.0

    Source: S. McCandlish et al., "An Empirical Model of Large-Batch Training" (2018),
    equation 2.11 and appendix A.3.
    """
    curves = checked_curves(batch_sizes, steps, weights)
    log_b_crit = best_log_b_crit(curves)
    levels = curves.log_levels(log_b_crit)
    rms = np.sqrt(curves.mean(curves.centred(levels) ** 2))
    unknown = np.count_nonzero(curves.weights, axis=1) < 2
    s_min, b_crit, rms = (
        np.where(unknown, np.nan, value).reshape(np.shape(steps)[:-1])
        for value in (np.exp(curves.mean(levels)), np.exp(log_b_crit), rms)
    )
    return ScalingFit(s_min=s_min, b_crit=b_crit, rms_log_residual=rms, limits=curves.limits)


def best_log_b_crit(curves: Curves, *, shared: bool = False) -> Floats:
    """The ln B_crit of least squares, one per curve; with `shared`, one for all curves together."""
    grid = _grid(*curves.limits)
    squares = _squares(curves, grid)
    if shared:
        squares = np.broadcast_to(squares.sum(axis=0), squares.shape)
    best = squares.argmin(axis=1)
    below, above = grid[np.maximum(best - 1, 0)], grid[np.minimum(best + 1, grid.size - 1)]
    for _ in range(HALVINGS):
        middle = (below + above) / 2
        slope = _slope(curves, middle)
        rising = (np.full_like(slope, slope.sum()) if shared else slope) > 0
        below, above = np.where(rising, below, middle), np.where(rising, middle, above)
    return np.asarray((below + above) / 2)


def _grid(lowest: float, highest: float) -> Floats:
    points = 2 + int(np.log(highest / lowest) / GRID_STEP)
    return np.linspace(np.log(lowest), np.log(highest), points)


def _squares(curves: Curves, grid: Floats) -> Floats:
    """Sum of squared residuals of each curve at each point of the grid, up to a constant of the curve.

    The squares are multiplied out, so that the whole table is three matrix products.
    """
    shapes = np.log1p(np.exp(grid)[:, None] / curves.sizes).T
    cross = (curves.weights * curves.centred(curves.log_steps)) @ shapes
    sums = curves.weights @ shapes
    total = np.maximum(curves.weights.sum(axis=1), np.finfo(float).tiny)[:, None]
    return np.asarray(curves.weights @ shapes**2 - sums**2 / total - 2 * cross)


def _slope(curves: Curves, log_b_crit: Floats) -> Floats:
    """Half the derivative of the sum of squares by ln B_crit."""
    b_crit = np.exp(log_b_crit)[:, None]
    residuals = curves.centred(curves.log_levels(log_b_crit))
    return np.asarray(-(curves.weights * residuals * b_crit / (b_crit + curves.sizes)).sum(axis=1))
