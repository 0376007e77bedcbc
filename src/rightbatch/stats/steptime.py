"""Seconds per step against batch size: t(B) = a + b B; and with it, the batch that trains fastest."""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy import optimize

from rightbatch.errors import SettingError
from rightbatch.stats.curves import Floats, checked_sizes
from rightbatch.stats.pace import paced

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
    """Fit t(B) = a + b B, with a and b not negative, to the seconds of each size (`paced`).

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
        >>> rounds = [[2.1e-5, 3e-5, 1.2e-4]] * 4
        >>> line = fit_step_time([1, 10, 100], [[2.1e-5, 3e-5, 9e-4], *rounds])
        >>> print(f"{line.a * 1e6:.1f} µs a step and {line.b * 1e6:.1f} µs a sample")
        20.0 µs a step and 1.0 µs a sample
    """
    return line_through(*checked_seconds(batch_sizes, seconds))


def line_through(sizes: Floats, seen: Floats) -> StepTime:
    """The same for one figure a size, both `(n,)`."""

    def residuals(parameters: Floats) -> Floats:
        return np.asarray(np.log(basis @ parameters / seen))

    def slopes(parameters: Floats) -> Floats:
        return np.asarray(basis / (basis @ parameters)[:, None])

    basis = np.column_stack([np.ones_like(sizes), sizes / sizes.max()]) * seen.max()
    start, _ = optimize.nnls(basis / seen[:, None], np.ones_like(sizes))
    found = optimize.least_squares(
        residuals, start, jac=slopes, bounds=(0, np.inf), loss="soft_l1", f_scale=USUAL_DEVIATION
    )
    a, b = found.x * seen.max() / [1, sizes.max()]
    return StepTime(a=float(a), b=float(b), rms_log_residual=float(np.sqrt(np.mean(found.fun**2))))


def best_batch(step_time: StepTime, b_crit: float) -> float:
    """The batch size of least seconds to target, B* = sqrt((a/b) B_crit), where both curves hold.

    It is the geometric mean of the batch at which the step's fixed and variable costs are equal
    and of the critical batch: T(B) = S_min (1 + B_crit/B) (a + b B) is least there.

    Args:
        step_time: t(B) = a + b B.
        b_crit: of S(B) = S_min (1 + B_crit/B), in samples.

    Returns:
        A size that need be neither whole nor one that was run; infinite where a larger batch costs
        nothing more (b = 0).

    Example:
        >>> print(f"{best_batch(StepTime(a=0.002, b=0.00001, rms_log_residual=0.0), 300):.2f}")
        244.95
    """
    return math.sqrt(step_time.a / step_time.b * b_crit) if step_time.b > 0 else math.inf


def checked_seconds(batch_sizes: ArrayLike, seconds: ArrayLike) -> tuple[Floats, Floats]:
    """The sizes, checked, and the seconds of each."""
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
    return sizes, paced(rounds).seconds
