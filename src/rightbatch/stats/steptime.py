"""Seconds per step against batch size: t(B) = a + b B; and with it, the batch that trains fastest."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy import optimize

from rightbatch.errors import SettingError
from rightbatch.stats.curves import Floats, checked_sizes
from rightbatch.stats.scaling import ScalingFit

USUAL_DEVIATION = 0.1
"""Deviations from the line above 10 % (a cache edge, a busy machine) count less than squared."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StepTime:
    """t(B) = a + b B, fitted."""

    a: float
    """Seconds of a step that do not depend on the batch."""
    b: float
    """Seconds per sample."""
    rms_log_residual: float
    """Root mean squared residual of ln t: 0.05 means about 5 %."""

    def predict(self, batch_sizes: ArrayLike) -> Floats:
        """Seconds per step at each batch size."""
        return self.a + self.b * np.asarray(batch_sizes, dtype=np.float64)


def fit_step_time(batch_sizes: ArrayLike, seconds: ArrayLike) -> StepTime:
    """Fit t(B) = a + b B, with a and b not negative, to the medians over the rounds.

    Residuals are those of ln t, so that steps of microseconds count as much as steps of seconds,
    and a deviation of more than `USUAL_DEVIATION` counts in proportion, not squared.

    Args:
        batch_sizes: shape `(n,)`, at least 2 different ones.
        seconds: seconds per step in each round of measuring, above zero, shape `(rounds, n)`;
            NaN: not measured in this round.

    Returns:
        The fit.

    Raises:
        SettingError: the sizes or the seconds cannot be used.

    Example:
        >>> rounds = [[2.1e-5, 3e-5, 1.2e-4], [2.1e-5, 3e-5, 9e-4], [2.1e-5, 3e-5, 1.2e-4]]
        >>> line = fit_step_time([1, 10, 100], rounds)
        >>> print(f"{line.a * 1e6:.1f} µs a step and {line.b * 1e6:.1f} µs a sample")
        20.0 µs a step and 1.0 µs a sample
    """
    sizes, medians = _checked(batch_sizes, seconds)

    def residuals(parameters: Floats) -> Floats:
        return np.asarray(np.log(basis @ parameters / medians))

    def slopes(parameters: Floats) -> Floats:
        return np.asarray(basis / (basis @ parameters)[:, None])

    basis = np.column_stack([np.ones_like(sizes), sizes / sizes.max()]) * medians.max()
    start, _ = optimize.nnls(basis / medians[:, None], np.ones_like(sizes))
    found = optimize.least_squares(
        residuals, start, jac=slopes, bounds=(0, np.inf), loss="soft_l1", f_scale=USUAL_DEVIATION
    )
    a, b = found.x * medians.max() / [1, sizes.max()]
    return StepTime(a=float(a), b=float(b), rms_log_residual=float(np.sqrt(np.mean(found.fun**2))))


def best_batch(step_time: StepTime, scaling: ScalingFit) -> Floats:
    """The batch size of least seconds to target, B* = sqrt((a/b) B_crit), where both curves hold.

    It is the geometric mean of the batch at which the step's fixed and variable costs are equal
    and of the critical batch. Infinite where a larger batch costs nothing more (b = 0).

    Returns:
        A size that need be neither whole nor one that was run; shape `()`, or `(resamples,)`.

    Example:
        >>> time = StepTime(a=0.002, b=0.00001, rms_log_residual=0.0)
        >>> from rightbatch.stats.scaling import fit_scaling
        >>> curve = fit_scaling([1, 10, 100], [301_000, 31_000, 4_000])
        >>> print(f"B* {best_batch(time, curve):.2f}, T* {least_seconds(time, curve):.6f} s")
        B* 244.95, T* 9.898979 s
    """
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.sqrt(np.float64(step_time.a) / np.float64(step_time.b) * scaling.b_crit)


def least_seconds(step_time: StepTime, scaling: ScalingFit) -> Floats:
    """Seconds to target with the best batch, T* = S_min (sqrt(a) + sqrt(b B_crit))^2."""
    root = np.sqrt(step_time.a) + np.sqrt(step_time.b * scaling.b_crit)
    return np.asarray(scaling.s_min * root**2)


def seconds_to_target(step_time: StepTime, scaling: ScalingFit, batch_sizes: ArrayLike) -> Floats:
    """T(B) = S(B) t(B) at the batch sizes `(m,)`; shape `(m,)`, or `(resamples, m)`."""
    return scaling.predict(batch_sizes) * step_time.predict(batch_sizes)


def _checked(batch_sizes: ArrayLike, seconds: ArrayLike) -> tuple[Floats, Floats]:
    """The sizes and the median over the rounds at each."""
    sizes, rounds = checked_sizes(batch_sizes), np.asarray(seconds, dtype=np.float64)
    if rounds.ndim != 2 or rounds.shape[1] != sizes.size:
        raise SettingError(
            "seconds",
            f"must be one row per round with {sizes.size} columns, one per batch size",
            rounds.shape,
            "pass a table of that shape",
        )
    missing = np.isnan(rounds)
    measured = missing | ((rounds > 0) & np.isfinite(rounds))
    if not measured.all() or missing.all(axis=0).any():
        raise SettingError(
            "seconds",
            "must be above 0, with each batch size measured at least once",
            rounds.tolist(),
            "write NaN for what was not measured in a round",
        )
    return sizes, np.asarray(np.nanmedian(rounds, axis=0))
