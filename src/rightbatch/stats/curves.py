"""Measured steps to target against batch size, checked and in logarithms."""

from typing import NamedTuple, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from rightbatch.errors import SettingError

Floats: TypeAlias = NDArray[np.float64]

REACH = 100.0
"""B_crit is looked for from the least batch size / REACH to the greatest * REACH: beyond, the
curve differs from a constant (or from 1/B) by less than 1 % at every size."""


class Curves(NamedTuple):
    """One row per curve; what was not measured has weight 0."""

    sizes: Floats
    """Batch sizes, shape `(n,)`."""
    log_steps: Floats
    """Natural logarithm of the steps to target, shape `(curves, n)`."""
    weights: Floats
    """Of each squared residual, shape `(curves, n)`."""

    @property
    def limits(self) -> tuple[float, float]:
        """The range in which B_crit is looked for."""
        return float(self.sizes.min() / REACH), float(self.sizes.max() * REACH)

    def centred(self, values: Floats) -> Floats:
        """The values less their weighted mean over the sizes of their row."""
        return values - self.mean(values)[:, None]

    def mean(self, values: Floats) -> Floats:
        """The weighted mean over the sizes of each row; 0 where nothing was measured."""
        total = np.maximum(self.weights.sum(axis=1), np.finfo(float).tiny)
        return np.asarray((self.weights * values).sum(axis=1) / total)

    def log_levels(self, log_b_crit: Floats) -> Floats:
        """What is left of ln S without the shape ln(1 + B_crit/B): constant in a row that fits."""
        return self.log_steps - np.log1p(np.exp(log_b_crit)[:, None] / self.sizes)


def checked_curves(batch_sizes: ArrayLike, steps: ArrayLike, weights: ArrayLike | None) -> Curves:
    """The measured curves, one per row; NaN steps get weight 0."""
    sizes, found = checked_sizes(batch_sizes), np.asarray(steps, dtype=np.float64)
    if found.ndim not in {1, 2} or found.shape[-1] != sizes.size:
        raise SettingError(
            "steps",
            f"must end in {sizes.size} columns, one per batch size",
            found.shape,
            "pass one curve, or one row per resample",
        )
    if (bad := ~np.isnan(found) & ~((found > 0) & np.isfinite(found))).any():
        raise SettingError(
            "steps", "must be above 0 and finite", float(found[bad][0]), "write NaN for what was not measured"
        )
    known = np.atleast_2d(~np.isnan(found))
    return Curves(sizes, np.log(np.where(known, found, 1.0)), known * _checked_weights(weights, found, sizes))


def _checked_weights(weights: ArrayLike | None, steps: Floats, sizes: Floats) -> Floats:
    given = np.ones(sizes.shape) if weights is None else np.asarray(weights, dtype=np.float64)
    if given.shape not in {sizes.shape, steps.shape}:
        raise SettingError(
            "weights",
            f"must have the shape of batch_sizes {sizes.shape} or of steps {steps.shape}",
            given.shape,
            "leave them out for equal weights",
        )
    if not ((given >= 0) & np.isfinite(given)).all():
        raise SettingError("weights", "must be finite and from 0 up", weights, "write 0 to leave a size out")
    return given


def checked_sizes(batch_sizes: ArrayLike) -> Floats:
    """The batch sizes as floats, shape `(n,)`, if they are at least two, all different and above zero.

    Example:
        >>> checked_sizes([8, 32, 128])
        array([  8.,  32., 128.])
    """
    sizes = np.asarray(batch_sizes, dtype=np.float64)
    above_zero = sizes.ndim == 1 and bool((np.isfinite(sizes) & (sizes > 0)).all())
    if not above_zero or sizes.size < 2 or np.unique(sizes).size < sizes.size:
        raise SettingError(
            "batch_sizes",
            "must be at least 2 numbers above 0, all different",
            sizes.tolist(),
            "write a list such as [8, 32, 128]",
        )
    return sizes
