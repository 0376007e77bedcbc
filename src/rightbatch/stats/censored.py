"""S(B) = S_min (1 + B_crit / B) fitted to runs that missed the target, or reached it between evaluations."""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy import optimize, stats

from rightbatch.errors import SettingError
from rightbatch.stats.cells import Cells, Flags, checked_cells
from rightbatch.stats.curves import REACH, Floats, checked_sizes
from rightbatch.stats.rows import log_likelihood
from rightbatch.stats.scaling import fit_scaling

LEAST_SCATTER, MOST_SCATTER = 1e-3, 3.0
"""Range of sigma and omega: 0.1 % to a factor of 20 between runs that differ by chance alone."""

TOLERANCE = 1e-3
"""Ends of an interval are found to 0.1 %."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CensoredFit:
    """S(B) = S_min (1 + B_crit / B) by maximum likelihood, with intervals."""

    s_min: float
    b_crit: float
    interval: dict[str, tuple[float, float]]
    """Profile-likelihood intervals of `s_min`, `b_crit` and `e_min`; from 0 or to infinity: open."""
    sigma: float
    """Scatter of ln S from run to run, with the degrees of freedom of the fit."""
    omega: float
    """Scatter of ln S that a seed shares at all sizes; 0 with one seed."""
    reached: int
    missed: int
    """Runs, among those given."""

    @property
    def e_min(self) -> float:
        """Examples to target with the smallest batch, S_min * B_crit."""
        return self.s_min * self.b_crit

    def predict(self, batch_sizes: ArrayLike) -> Floats:
        """Steps to target at the batch sizes."""
        return np.asarray(self.s_min * (1 + self.b_crit / np.asarray(batch_sizes, np.float64)))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Likelihood:
    """Of the curve's two constants and the two scatters, all as logarithms."""

    cells: Cells
    sizes: Floats
    bounds: tuple[tuple[float, float], ...]

    def maximise(self, start: Floats, fixed: str = "", at: float = 0.0) -> tuple[float, Floats]:
        """The highest log likelihood and where it is: ln S_min, ln B_crit, ln sigma, ln omega.

        Args:
            start: where to begin.
            fixed: `s_min`, `b_crit` or `e_min`, if its logarithm is held at `at`.
            at: that logarithm.
        """
        examples = fixed == "e_min"
        x, bounds = start.copy(), list(self.bounds)
        if fixed:
            place = int(fixed == "b_crit")
            x[place], bounds[place] = at, (at, at)
        found = optimize.minimize(
            self._minus, x, args=(examples,), jac=True, method="L-BFGS-B", bounds=bounds
        )
        best = found.x.copy()
        best[0] -= examples * best[1]
        return -float(found.fun), best

    def _minus(self, x: Floats, examples: bool) -> tuple[float, Floats]:
        ratio = np.exp(x[1]) / self.sizes
        curve = x[0] - examples * x[1] + np.log1p(ratio)
        omega = np.exp(x[3]) if len(self.cells.low) > 1 else 0.0
        rows = log_likelihood(self.cells, curve, float(np.exp(x[2])), float(omega))
        by_log_b = ratio / (1 + ratio) - examples
        return -rows.value, -np.array(
            [
                rows.by_curve.sum(),
                (rows.by_curve * by_log_b).sum(),
                rows.by_log_sigma,
                rows.by_log_omega,
            ]
        )


def fit_censored(
    batch_sizes: ArrayLike, low: ArrayLike, high: ArrayLike, *, level: float = 0.95
) -> CensoredFit:
    """Fit S(B) = S_min (1 + B_crit / B) where some runs are known only to take more steps.

    The model of seed i at size B_j is ln S_ij = ln S_min + ln(1 + B_crit/B_j) + u_i + e_ij with
    u_i ~ N(0, omega²) and e_ij ~ N(0, sigma²). A run that reached the target between two evaluations
    adds the probability of that interval, one that missed it that of all above `low`. With every
    run exact and the table full it is the least-squares fit of `fit_scaling` to the seeds' means.

    An interval holds the values whose profile likelihood is within (v + 1) ln(1 + t²/v) of twice the
    highest, t the quantile of Student's t with v degrees of freedom: for a normal linear model that
    is Student's own interval. Where it reaches the range searched for B_crit it is open.

    Assumptions: normal scatter, equal at all sizes; the hyperbola holds (see `lack_of_fit`); a run
    that missed the target would have reached it, later. One that diverged, or whose floor lies
    above the target, never does: leave such sizes out.

    Args:
        batch_sizes: shape `(n,)`, at least 2 different ones.
        low: the last steps at which the target was not reached, above 0, `(seeds, n)`; NaN: no run.
        high: the first at which it was, likewise; equal to `low`: known exactly; infinite: missed.
        level: nominal coverage of the intervals.

    Returns:
        The fit.

    Raises:
        SettingError: the sizes or tables cannot be used, or fewer than 2 sizes were reached.

    Example:
        >>> steps = np.array([[2000.0, 221, 41, 22], [2060.0, 219, 40, 23], [2010.0, 226, 39, 23]])
        >>> fit = fit_censored(
        ...     [1, 10, 100, 1000], steps.clip(max=1900), np.where(steps > 1900, np.inf, steps)
        ... )
        >>> low, high = fit.interval["b_crit"]
        >>> print(f"{fit.missed} runs missed the target; B_crit {fit.b_crit:.0f}, {low:.0f} to {high:.0f}")
        3 runs missed the target; B_crit 98, 93 to 103

    Source: W. Meeker, L. Escobar, "Statistical Methods for Reliability Data" (1998), chapters 8 and
    17; the small-sample threshold is that of a normal linear model (D. Bates, D. Watts, "Nonlinear
    Regression Analysis", 1988, section 6.1).
    """
    sizes = checked_sizes(batch_sizes)
    cells = checked_cells(low, high, sizes)
    reached = cells.known.astype(bool) & np.isfinite(cells.high)
    if reached.any(axis=0).sum() < 2:
        raise SettingError(
            "high", "must be finite at two sizes or more", np.asarray(high).tolist(), "run more sizes"
        )
    used = cells.known.any(axis=1)
    cells, reached = Cells(*(part[used] for part in cells)), reached[used]
    likelihood = _Likelihood(cells=cells, sizes=sizes, bounds=_bounds(sizes))
    highest, best = likelihood.maximise(_start(sizes, cells, reached))
    s_min, b_crit, sigma, omega = np.exp(best).tolist()
    many = len(cells.low) > 1
    within = int(reached.sum()) - len(cells.low) - 1
    return CensoredFit(
        s_min=s_min,
        b_crit=b_crit,
        interval={
            name: _interval(likelihood, name, (highest, best), _degrees(sizes, reached, best, name), level)
            for name in ("s_min", "b_crit", "e_min")
        },
        sigma=sigma * math.sqrt((within + 1) / max(within, 1)),
        omega=omega if many else 0.0,
        reached=int(reached.sum()),
        missed=int(cells.known.sum() - reached.sum()),
    )


def _bounds(sizes: Floats) -> tuple[tuple[float, float], ...]:
    scatter = (np.log(LEAST_SCATTER), np.log(MOST_SCATTER))
    reach = (np.log(sizes.min() / REACH), np.log(sizes.max() * REACH))
    return (-np.inf, np.inf), reach, scatter, scatter


def _start(sizes: Floats, cells: Cells, reached: Flags) -> Floats:
    """The plain fit, with a missed run at the steps it made."""
    middle = np.where(reached, (cells.low + cells.high) / 2, cells.low)
    known = cells.known > 0
    mean = np.where(known, middle, 0).sum(axis=0) / np.where(known.any(axis=0), known.sum(axis=0), np.nan)
    fit = fit_scaling(sizes, np.exp(mean))
    return np.array([np.log(fit.s_min), np.log(fit.b_crit), np.log(0.1), np.log(0.1)])


def _degrees(sizes: Floats, reached: Flags, best: Floats, name: str) -> float:
    """Degrees of freedom of a variance, part of it from runs and part from seeds (Satterthwaite)."""
    seeds, count = len(reached), int(reached.sum())
    within = max(count - seeds - 1, 0)
    if seeds == 1 or name == "b_crit":
        return within
    slope = np.exp(best[1]) / (np.exp(best[1]) + sizes)
    design = np.column_stack([np.ones_like(sizes), slope]) * np.sqrt(reached.sum(axis=0))[:, None]
    direction = np.array([1.0, float(name == "e_min")])
    of_runs = np.exp(2 * best[2]) * direction @ np.linalg.pinv(design.T @ design) @ direction
    of_seeds = np.exp(2 * best[3]) / (seeds - 1)  # a maximum-likelihood variance lacks seeds / (seeds - 1)
    return float((of_runs + of_seeds) ** 2 / (of_runs**2 / max(within, 1) + of_seeds**2 / (seeds - 1)))


def _interval(
    likelihood: _Likelihood, name: str, top: tuple[float, Floats], degrees: float, level: float
) -> tuple[float, float]:
    if degrees < 1:
        return 0.0, np.inf
    t = stats.t.ppf((1 + level) / 2, degrees)
    allowed = top[0] - 0.5 * (degrees + 1) * np.log1p(t**2 / degrees)
    low, high = (_end(likelihood, name, top[1], allowed, side) for side in (-1, 1))
    return float(np.exp(low)), float(np.exp(high))


def _end(likelihood: _Likelihood, name: str, best: Floats, allowed: float, side: int) -> float:
    """Where the profile likelihood falls to `allowed`; infinite: not within the range of B_crit."""
    lowest, highest = likelihood.bounds[1]
    centre = {"s_min": best[0], "b_crit": best[1], "e_min": best[0] + best[1]}[name]
    start = best.copy()
    start[0] += (name == "e_min") * start[1]

    def left(distance: float) -> float:
        return likelihood.maximise(start, name, centre + side * distance)[0] - allowed

    span = (best[1] - lowest, highest - best[1])[side > 0] if name == "b_crit" else highest - lowest
    far = 0.05
    while far < span and left(far) > 0:
        far *= 2
    far = min(far, span)
    if left(far) > 0:
        return side * np.inf
    return float(centre + side * optimize.brentq(left, 0.0, far, xtol=TOLERANCE))
