"""What the runs say of S(B) at every batch size, measured or not, as draws to compute with.

The model of seed i at batch size B_j::

    ln S_ij = ln S_min + ln(1 + B_crit/B_j) + d_j + u_i + e_ij
    d_j ~ N(0, tau²): how far the size lies off the hyperbola
    u_i ~ N(0, omega²): a lucky or unlucky seed, at all sizes alike, since seeds are paired
    e_ij ~ N(0, sigma²): what is left

Real problems follow the hyperbola to a few per cent (McCandlish et al. 2018; Shallue et al. 2019), so a
size that was measured is drawn a little towards the curve, and one that was not lies near it. The
priors are flat in ln S_min and ln B_crit. Sigma and omega have weak priors at 10 %, what seeds usually
do, worth a few runs each; tau has a half-Cauchy one of median 4 %. Sigma and omega are drawn first
(`scatter`), and where runs missed the target their steps with them (`imputed`); given these the rest is
drawn exactly (`worlds`).
"""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from rightbatch.errors import SettingError
from rightbatch.rng import generator
from rightbatch.stats.curves import Floats, checked_sizes
from rightbatch.stats.imputed import imputed
from rightbatch.stats.scatter import scatter
from rightbatch.stats.worlds import Worlds, draw, peak

WORLDS = 16
"""Draws of the scatter: an interval from 16 has the ends of one from 256 to 2 % of its length."""

CELLS = 160
"""Of the grid in ln B_crit: they are a ninth as wide as they are far from the peak."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Steps:
    """Draws of the curve and of every batch size."""

    s_min: Floats
    """Shape `(draws,)`."""
    b_crit: Floats
    log_steps: Floats
    """ln S of every size, measured or not, shape `(draws, sizes)`."""
    scatter: float
    """Sigma, the standard deviation of ln S of a run, a seed's luck apart: the root of its mean square."""


def steps_posterior(
    batch_sizes: ArrayLike,
    log_steps: ArrayLike,
    *,
    draws: int,
    seed: int,
    missed: ArrayLike | None = None,
) -> Steps:
    """Draws of S(B) given the runs.

    Args:
        batch_sizes: all sizes, shape `(n,)`, at least 2 different ones.
        log_steps: ln of the steps to target of each seed, shape `(seeds, n)`; NaN: not run.
        draws: how many.
        seed: of the draws.
        missed: whether the run missed the target, bool `(seeds, n)`; then its `log_steps` are those it
            made, and it would have taken more. `None`: all reached it.

    Raises:
        SettingError: fewer than 2 sizes were measured, or `missed` has another shape.

    Example:
        >>> measured = np.log([[610.0, np.nan, 43.0, 24.0, np.nan]])
        >>> steps = steps_posterior([1, 8, 32, 256, 1024], measured, draws=4000, seed=0)
        >>> print(np.exp(np.median(steps.log_steps, axis=0)).round(-1))
        [620. 100.  40.  20.  20.]
        >>> missed = [[False, False, True, False, False]]
        >>> more = steps_posterior([1, 8, 32, 256, 1024], measured, draws=1000, seed=0, missed=missed)
        >>> bool(np.median(more.log_steps[:, 2]) > np.median(steps.log_steps[:, 2]))
        True
    """
    sizes, random = checked_sizes(batch_sizes), generator("posterior", seed)
    worlds = _worlds(sizes, log_steps, missed, random)
    found = draw(sizes, worlds, random, draws, CELLS)
    return Steps(
        s_min=np.exp(found.log_s_min),
        b_crit=np.exp(found.log_b_crit),
        log_steps=found.log_steps,
        scatter=float(np.sqrt(worlds.sigma2.mean())),
    )


def likeliest_curve(
    batch_sizes: ArrayLike, log_steps: ArrayLike, *, seed: int, missed: ArrayLike | None = None
) -> tuple[float, float]:
    """S_min and B_crit of the likeliest curve, by the same posterior; exact where all runs lie on one.

    Args:
        batch_sizes: all sizes, shape `(n,)`, at least 2 different ones.
        log_steps: as for `steps_posterior`.
        seed: of the draws of what is taken as known.
        missed: as for `steps_posterior`.

    Raises:
        SettingError: as `steps_posterior`.

    Example:
        >>> s_min, b_crit = likeliest_curve([1, 10, 100, 1000], np.log([[2020, 220, 40, 22]]), seed=0)
        >>> print(f"S_min {s_min:.4f}, B_crit {b_crit:.4f}")
        S_min 20.0000, B_crit 100.0000
    """
    sizes = checked_sizes(batch_sizes)
    found = peak(sizes, _worlds(sizes, log_steps, missed, generator("posterior", seed)))
    return math.exp(found[0]), math.exp(found[1])


def _worlds(
    sizes: Floats, log_steps: ArrayLike, missed: ArrayLike | None, random: np.random.Generator
) -> Worlds:
    """Guesses at the scatter, and at the steps of the runs that missed the target."""
    table = np.asarray(log_steps, np.float64)
    known = np.isfinite(table)
    late = _checked_missed(missed, known)
    if (known & ~late).any(axis=0).sum() < 2:
        raise SettingError(
            "log_steps", "must be known at two sizes or more", table.tolist(), "run more sizes"
        )
    values, ran = np.where(known, table, 0), known * 1.0
    if late.any():
        return imputed(sizes, values, ran, late, random=random, worlds=WORLDS)
    return Worlds(np.tile(values, (WORLDS, 1, 1)), ran, *scatter(values, ran, random, WORLDS))


def _checked_missed(missed: ArrayLike | None, known: NDArray[np.bool_]) -> NDArray[np.bool_]:
    late = np.zeros(known.shape, np.bool_) if missed is None else np.asarray(missed, np.bool_)
    if late.shape != known.shape:
        raise SettingError(
            "missed",
            f"must have the shape of log_steps {known.shape}",
            late.shape,
            "pass one value per run",
        )
    return late & known
