"""S(B) where the hyperbola does not hold: more batch takes no more steps, and no fewer examples."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy import optimize

from rightbatch.errors import SettingError
from rightbatch.stats.curves import Floats, checked_sizes


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class MonotoneFit:
    """Ln S against ln B as a broken line with slopes from -1 to 0."""

    batch_sizes: Floats
    """Rising."""
    steps: Floats
    """At these."""
    rms_log_residual: float
    """Root of the (weighted) mean squared residual of ln S: 0.05 means about 5 %."""

    def predict(self, batch_sizes: ArrayLike) -> Floats:
        """Steps to target; beyond the sizes measured the outermost slopes go on."""
        x, y = np.log(self.batch_sizes), np.log(self.steps)
        at = np.log(np.asarray(batch_sizes, np.float64))
        slope = np.diff(y) / np.diff(x)
        before, after = np.minimum(at - x[0], 0), np.maximum(at - x[-1], 0)
        return np.asarray(np.exp(np.interp(at, x, y) + slope[0] * before + slope[-1] * after))


def fit_monotone(batch_sizes: ArrayLike, steps: ArrayLike, weights: ArrayLike | None = None) -> MonotoneFit:
    """Fit S(B) by least squares on ln S, S falling and B S(B) rising, and nothing else assumed.

    Both hold of any problem in which the best use of a larger batch is at least as good as that of
    a smaller one, and two steps of B are at least as good as one of 2B. A hyperbola is one of these
    curves. It is the fallback where `lack_of_fit` rejects the hyperbola.

    Args:
        batch_sizes: at least 2 different ones, `(n,)`.
        steps: steps to target, above 0, `(n,)`; NaN: left out.
        weights: of each squared residual, `(n,)`; all 1 when `None`.

    Returns:
        The fit, at the sizes that were measured.

    Raises:
        SettingError: the sizes or steps cannot be used.

    Example:
        >>> fit = fit_monotone([8, 16, 32, 64], [100, 48, 30, 31])
        >>> print(fit.steps.round(1), fit.predict([23]).round(0))
        [98.  49.  30.5 30.5] [38.]

    Source: R. Barlow et al., "Statistical Inference under Order Restrictions" (1972); the slopes'
    second bound makes it a bounded least-squares problem.
    """
    sizes, values = checked_sizes(batch_sizes), np.asarray(steps, np.float64)
    weight = np.ones(sizes.shape) if weights is None else np.asarray(weights, np.float64)
    kept = np.flatnonzero(~np.isnan(values)) if values.shape == sizes.shape else np.array([], int)
    kept = kept[np.argsort(sizes[kept])]
    if kept.size < 2 or weight.shape != sizes.shape or not (values[kept] > 0).all():
        raise SettingError(
            "steps",
            "must be above 0 and known at two sizes or more, one per batch size",
            values.tolist(),
            "write NaN for what was not measured",
        )
    x, y, root = np.log(sizes[kept]), np.log(values[kept]), np.sqrt(weight[kept])
    falls = -np.tril(np.tile(np.diff(x, prepend=x[0]), (x.size, 1)))[:, 1:]
    design = np.column_stack([np.ones_like(x), falls])
    bounds = (
        np.concatenate([[-np.inf], np.zeros(x.size - 1)]),
        np.concatenate([[np.inf], np.ones(x.size - 1)]),
    )
    found = optimize.lsq_linear(design * root[:, None], y * root, bounds=bounds, method="bvls")
    line = design @ found.x
    rms = np.sqrt((root**2 * (y - line) ** 2).sum() / (root**2).sum())
    return MonotoneFit(batch_sizes=sizes[kept], steps=np.exp(line), rms_log_residual=float(rms))
