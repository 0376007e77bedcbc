"""Seconds per step against batch size where t(B) = a + b B does not hold: the curve that predicts best."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import ArrayLike
from scipy import optimize, special

from rightbatch.stats.curves import Floats
from rightbatch.stats.steptime import USUAL_DEVIATION, checked_seconds

MOST_GAMMA = 8.0
"""Of the saturating form: there the corner is within 9 % of max(a, bB), and data tell no more."""

_MORE_GAMMA = MOST_GAMMA - 1

_NEAR_END = 1e-3
"""Of the range of g: where a search starts, at an end it would not move."""

BETTER = 0.9
"""A form with more freedom is taken when its held-out error is this share of the simpler one's, or less."""

_ROUNDING = 1e-9
"""Of a held-out error: forms that are all exact do not differ."""

LEAST_SIZES = 5
"""Below this, leaving one out leaves too little to choose by."""

KINDS = ("affine", "saturating", "broken line")

_Constants: TypeAlias = tuple[float, float, float]
"""a, b and g."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class StepCurve:
    """Seconds per step, as the form that predicts sizes left out best."""

    kind: str
    """`affine`: a + bB; `saturating`: (a^g + (bB)^g)^(1/g); `broken line`: through what was seen."""
    a: float
    """Seconds of a small step; NaN of a broken line."""
    b: float
    """Seconds per sample of a large one; likewise."""
    gamma: float
    batch_sizes: Floats
    seconds: Floats
    """What was seen at each size (`paced`)."""
    held_out: dict[str, float]
    """Median relative error of each form at sizes left out, ends excepted; empty: too few sizes."""

    @property
    def error(self) -> float:
        """Of the form taken; NaN: too few sizes to tell."""
        return self.held_out.get(self.kind, np.nan)

    def predict(self, batch_sizes: ArrayLike) -> Floats:
        """Seconds per step at each batch size."""
        at = np.asarray(batch_sizes, np.float64)
        if self.kind == "broken line":
            return _along(self.batch_sizes, self.seconds, at)
        return _saturating(np.array([self.a, self.b]), self.gamma, at)

    def best_batch(self, b_crit: float, batch_sizes: ArrayLike) -> float:
        """The batch size, of those given, of least seconds to target, (1 + B_crit/B) t(B).

        Args:
            b_crit: of S(B) = S_min (1 + B_crit/B), in samples.
            batch_sizes: sizes to choose from, such as ``range(1, 1025)``.
        """
        sizes = np.asarray(batch_sizes, np.float64)
        return float(sizes[((1 + b_crit / sizes) * self.predict(sizes)).argmin()])


def fit_step_curve(batch_sizes: ArrayLike, seconds: ArrayLike) -> StepCurve:
    """Fit t(B) by three forms, and keep the one that predicts sizes left out best.

    The forms, from the stiffest: a + bB; (a^g + (bB)^g)^(1/g) with g from 1 (the same) to 8 (about
    max(a, bB): a device that is not full takes a constant time); and a line through what was seen in
    ln t against ln B, which assumes nothing, so that cache edges and slow powers of two are
    seen as they are. Each size but the ends is left out in turn; a form with more freedom must be
    10 % better than a stiffer one.

    Args:
        batch_sizes: at least 2 different ones, `(n,)`.
        seconds: seconds per step in each round, above 0, `(rounds, n)`; NaN: not measured.

    Returns:
        The curve.

    Raises:
        SettingError: the sizes or the seconds cannot be used.

    Example:
        >>> sizes = [1, 4, 16, 64, 256, 1024]
        >>> flat = fit_step_curve(sizes, [[1e-3, 1e-3, 1e-3, 1e-3, 4e-3, 1.6e-2]])
        >>> print(flat.kind, flat.best_batch(1e5, range(1, 1025)))
        broken line 64.0

    Source: A. Qiao et al., "Pollux: Co-adaptive Cluster Scheduling for Goodput-Optimized Deep Learning" (OSDI
    2021), equation 10, whose step time is such a soft maximum of its parts.
    """
    sizes, seen = checked_seconds(batch_sizes, seconds)
    order = np.argsort(sizes)
    sizes, seen = sizes[order], seen[order]
    kinds = KINDS if sizes.size >= LEAST_SIZES else KINDS[:1]
    fits = {kind: _FITS[kind](sizes, seen, None) for kind in kinds}
    held_out = _held_out(sizes, seen, fits) if len(kinds) > 1 else {}
    kind = KINDS[0]
    for other in kinds[1:]:
        if held_out[other] < BETTER * held_out[kind] - _ROUNDING:
            kind = other
    a, b, gamma = fits[kind]
    return StepCurve(kind=kind, a=a, b=b, gamma=gamma, batch_sizes=sizes, seconds=seen, held_out=held_out)


def _held_out(sizes: Floats, seen: Floats, whole: Mapping[str, _Constants]) -> dict[str, float]:
    """Median relative error at each size but the ends, from the others; `whole` are the fits to all sizes."""
    errors: dict[str, list[float]] = {kind: [] for kind in KINDS}
    for left in range(1, sizes.size - 1):
        others = np.delete(sizes, left), np.delete(seen, left)
        for kind in KINDS:
            a, b, gamma = _FITS[kind](*others, whole[kind])
            at = sizes[left : left + 1]
            found = _along(*others, at) if np.isnan(a) else _saturating(np.array([a, b]), gamma, at)
            errors[kind].append(abs(float(found[0] / seen[left]) - 1))
    return {kind: float(np.median(each)) for kind, each in errors.items()}


def _affine(sizes: Floats, seen: Floats, near: _Constants | None) -> _Constants:
    return _fitted(sizes, seen, near or _start(sizes, seen), free=2)


def _soft_maximum(sizes: Floats, seen: Floats, near: _Constants | None) -> _Constants:
    return _fitted(sizes, seen, near or _start(sizes, seen), free=3)


def _start(sizes: Floats, seen: Floats) -> _Constants:
    return float(seen.min()), float((seen / sizes).min()), 2.0


def _fitted(sizes: Floats, seen: Floats, near: _Constants, free: int) -> _Constants:
    """The first so many of a, b and g by robust least squares on ln t, from those near; else g is 1."""
    search = _Search(np.log(sizes), np.log(seen), free)
    odds = special.logit(np.clip((near[2] - 1) / _MORE_GAMMA, _NEAR_END, 1 - _NEAR_END))
    start = np.array([*np.log(near[:2]), odds])[:free]
    # not least_squares, which takes as long for its checks as for these few sizes
    with np.errstate(all="ignore"):  # of the covariance, which comes along
        found = optimize.leastsq(
            search.residuals, start, Dfun=search.slopes, full_output=True, diag=np.ones(free)
        )[0]
    return float(np.exp(found[0])), float(np.exp(found[1])), search.gamma(found)


@dataclass(frozen=True, slots=True)
class _Search:
    """The search in ln a, ln b and the log odds of g within its bounds, so that none is needed.

    Squares of the residuals add up to the loss, 2 (sqrt(1 + z) - 1) of z squared errors of the usual size.
    """

    log_sizes: Floats
    log_seen: Floats
    free: int

    def gamma(self, x: Floats) -> float:
        return 1 + _MORE_GAMMA * float(special.expit(x[2])) if self.free > 2 else 1.0

    def residuals(self, x: Floats) -> Floats:
        error = self._error(x)
        return np.asarray(error * np.sqrt(2 / (1 + np.hypot(1, error / USUAL_DEVIATION))))

    def slopes(self, x: Floats) -> Floats:
        error, gamma, high = self._error(x), self.gamma(x), x[1] + self.log_sizes
        share = special.expit(gamma * (x[0] - high))  # of a: how far its part rules at this size
        by_gamma = (share * x[0] + (1 - share) * high - self.log_seen - error) / gamma
        by_odds = by_gamma * (gamma - 1) * (MOST_GAMMA - gamma) / _MORE_GAMMA
        root = np.hypot(1, error / USUAL_DEVIATION)
        columns = np.column_stack([share, 1 - share, by_odds][: self.free])
        return np.asarray(columns / (root * np.sqrt(2 / (1 + root)))[:, None])

    def _error(self, x: Floats) -> Floats:
        """Of ln t."""
        gamma = self.gamma(x)
        found = np.logaddexp(gamma * x[0], gamma * (x[1] + self.log_sizes)) / gamma
        return np.asarray(found - self.log_seen)


def _no_form(sizes: Floats, seen: Floats, near: _Constants | None) -> _Constants:
    del sizes, seen, near
    return np.nan, np.nan, np.nan


_FITS: dict[str, Callable[[Floats, Floats, _Constants | None], _Constants]] = {
    "affine": _affine,
    "saturating": _soft_maximum,
    "broken line": _no_form,
}


def _saturating(constants: Floats, gamma: float, sizes: Floats) -> Floats:
    """(a^g + (bB)^g)^(1/g), in logarithms: seconds to the eighth power would underflow."""
    with np.errstate(divide="ignore"):
        a, b = np.log(constants)
    return np.asarray(np.exp(np.logaddexp(gamma * a, gamma * (b + np.log(sizes))) / gamma))


def _along(sizes: Floats, seconds: Floats, at: Floats) -> Floats:
    """Linear in ln t against ln B; beyond the ends the outermost slopes go on, from 0 to 1."""
    x, y, where = np.log(sizes), np.log(seconds), np.log(at)
    first, last = np.clip(np.diff(y)[[0, -1]] / np.diff(x)[[0, -1]], 0, 1)
    outside = first * np.minimum(where - x[0], 0) + last * np.maximum(where - x[-1], 0)
    return np.asarray(np.exp(np.interp(where, x, y) + outside))
