"""The best learning rate against batch size, lr(B) = eps / (1 + B_0 / B)^alpha."""

from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import ndtr

from rightbatch.errors import SettingError
from rightbatch.stats.curves import REACH, Floats

_Places: TypeAlias = NDArray[np.intp]

ALPHAS = np.linspace(0.0, 1.0, 6)
"""1 for SGD, about 1/2 for Adam; 0: the same learning rate everywhere."""

SPREADS = np.array([0.2, 0.4, 0.8])
"""How far the best learning rates lie off the law, in log2: by 15 %, 30 % or 75 %."""

B_STEP = 0.35
"""Step of the grid in ln B_0: half a unit of log2, where alpha is 1."""

EPS_AROUND = np.arange(-4.0, 4.1, 0.25)
"""Log2 eps, around what fits the sizes best: five of the largest spreads, in steps of the smallest."""

_UNLIKELY = 12.0
"""Points so far below the likeliest, in the log, are left out."""

ALPHA_PRIOR = 0.35
"""Alpha is 1 give or take this much, half-normal, until two far-apart sizes say otherwise."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class LearningRateLaw:
    """lr(B) = eps / (1 + B_0 / B)^alpha, as weighted points of a grid."""

    log2_eps: Floats
    """Shape `(points,)`, as all of these."""
    log_b: Floats
    alpha: Floats
    spread: Floats
    weight: Floats
    """Posterior probabilities; they add up to 1."""

    def predict(self, batch_size: float) -> tuple[float, float]:
        """Log2 of the best learning rate at a batch size, measured or not: its mean and standard deviation.

        Args:
            batch_size: in samples.
        """
        log2 = self.log2_eps - self.alpha * np.log2(1 + np.exp(self.log_b) / batch_size)
        centre = float(self.weight @ log2)
        variance = float(self.weight @ ((log2 - centre) ** 2 + self.spread**2))
        return centre, float(np.sqrt(variance))


def fit_lr_law(batch_sizes: ArrayLike, best_lr: ArrayLike, step: ArrayLike = 2.0) -> LearningRateLaw:
    """Fit lr(B) = eps / (1 + B_0 / B)^alpha to the best learning rates found so far.

    Each was the best of a grid, so the true one lies anywhere within half a step of it: its
    likelihood is the probability of that interval under log2 lr ~ N(law, spread²). Eps, B_0, alpha
    and the spread are averaged over a grid, so one size is enough to start with, and the
    doubt of a prediction grows with its distance from the sizes measured.

    Assumptions: the priors are flat in log eps and log B_0, alpha is from 0 to 1 and rather near 1;
    the law rises with B. For Adam it may fall again beyond some B (Li et al. 2024): there the spread
    has to hold it.

    Args:
        batch_sizes: in samples, `(n,)`, at least 1.
        best_lr: the best learning rate found at each, `(n,)`.
        step: ratio of neighbouring learning rates of the grid it was found on, above 1, one or `(n,)`.

    Returns:
        The law.

    Raises:
        SettingError: the arguments cannot be used.

    Example:
        >>> law = fit_lr_law([8, 64, 512], [0.06, 0.25, 0.5], step=2.0)
        >>> centre, spread = law.predict(128)
        >>> print(f"{2**centre:.2f}, within a factor of {2**spread:.1f}")
        0.32, within a factor of 1.5

    Source: S. McCandlish et al., "An Empirical Model of Large-Batch Training" (2018), equation A.3.
    """
    sizes, found, width = _checked(batch_sizes, best_lr, step)
    log_b = np.arange(np.log(sizes.min() / REACH), np.log(sizes.max() * REACH), B_STEP)
    bend = np.log2(1 + np.exp(log_b)[:, None] / sizes)
    law = -ALPHAS[:, None, None] * bend
    level = found - law
    eps = level.mean(axis=2)[:, :, None] + EPS_AROUND
    far = np.abs(level[:, :, None, :] - eps[..., None])
    (spread, alpha, place, height), log_weight = _likely(far, width)
    weight = np.exp(log_weight - log_weight.max())
    return LearningRateLaw(
        log2_eps=eps[alpha, place, height],
        log_b=log_b[place],
        alpha=ALPHAS[alpha],
        spread=SPREADS[spread],
        weight=weight / weight.sum(),
    )


def _likely(far: Floats, width: Floats) -> tuple[tuple[_Places, ...], Floats]:
    """Points of the grid, `(spread, alpha, B_0, eps)`, within e^-12 of the likeliest, with the log posterior.

    As Phi(-z) < e^(-z²/2), it is at most -sum z² / 2 and the prior, with z the distance from the nearer end
    of the interval in spreads. Only points that this does not rule out are computed.

    Args:
        far: how far each best learning rate is from the law, `(alphas, B_0s, epses, n)`.
        width: of its interval, `(n,)`.
    """
    prior = -0.5 * ((1 - ALPHAS) / ALPHA_PRIOR) ** 2
    apart = (np.maximum(far - width / 2, 0) ** 2).sum(axis=-1)
    most = prior[:, None, None] - apart / (2 * SPREADS[:, None, None, None] ** 2)

    def exactly(spread: _Places, *place: _Places) -> Floats:
        inside = _log_probability(far[place], width, SPREADS[spread][:, None])
        return np.asarray(inside.sum(axis=-1) + prior[place[0]])

    best = np.unravel_index([most.argmax()], most.shape)
    cells = np.nonzero(most > exactly(*best) - _UNLIKELY)
    found = exactly(*cells)
    kept = found > found.max() - _UNLIKELY
    return tuple(cell[kept] for cell in cells), found[kept]


def _log_probability(far: Floats, width: Floats, spread: Floats) -> Floats:
    """Of the grid's interval around each best learning rate, so far from the law."""
    # with far at 0 or more the interval lies in the lower tail, where the difference keeps its digits
    inside = ndtr((width / 2 - far) / spread) - ndtr((-width / 2 - far) / spread)
    with np.errstate(divide="ignore"):
        return np.asarray(np.log(inside))


def _checked(batch_sizes: ArrayLike, best_lr: ArrayLike, step: ArrayLike) -> tuple[Floats, Floats, Floats]:
    """Sizes, log2 of the best learning rates and of the grid's steps."""
    sizes, found = np.asarray(batch_sizes, np.float64), np.asarray(best_lr, np.float64)
    ratio = np.asarray(step, np.float64)
    if sizes.ndim != 1 or sizes.size == 0 or found.shape != sizes.shape:
        raise SettingError(
            "best_lr",
            f"must be one learning rate per batch size, {sizes.shape}",
            found.shape,
            "pass two lists of the same length",
        )
    for name, values, least in (("batch_sizes", sizes, 0), ("best_lr", found, 0), ("step", ratio, 1)):
        if not ((values > least) & np.isfinite(values)).all():
            raise SettingError(
                name, f"must be above {least} and finite", values.tolist(), "leave out what was not found"
            )
    return sizes, np.log2(found), np.broadcast_to(np.log2(ratio), sizes.shape)
