"""The gradient noise scale from averages of its two halves: a ratio, and what is known of it."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy import stats

from rightbatch.checks import positive
from rightbatch.errors import SettingError
from rightbatch.stats.curves import Floats
from rightbatch.units import count


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class NoiseScale:
    """B_simple (or B_noise) in examples; every array has one entry per replica."""

    value: Floats
    """The estimate; infinite where |G|² came out at 0 or below, NaN where nothing was measured."""
    lower: Floats
    upper: Floats
    """Infinite where |G|² is within chance of 0: then the scale is "at least" `lower`."""
    trace: Floats
    """tr(Σ), or tr(HΣ)."""
    square: Floats
    """|G|², or GᵀHG; negative by chance, expected late in training."""

    def words(self, replica: int = 0) -> str:
        """The scale of one replica, as a reader wants it.

        Example:
            >>> noise_scale([[90.0], [6.0]], [[[1.0], [0.2]], [[2.0], [-0.1]]]).words()
            '15 (12.4 to 18.2)'
            >>> noise_scale([[90.0], [-1.0]], [[[1.0], [2.0]], [[1.0], [-1.0]]]).words()
            'at least 9.54'
        """
        value, lower, upper = (float(array[replica]) for array in (self.value, self.lower, self.upper))
        if np.isnan(value):
            return "unknown"
        return (
            f"at least {count(lower)}"
            if upper == np.inf
            else f"{count(value)} ({count(lower)} to {count(upper)})"
        )


def noise_scale(
    means: ArrayLike,
    deviations: ArrayLike,
    *,
    degrees: int | None = None,
    data_rows: float | None = None,
    rows_each: float = 0,
    level: float = 0.95,
) -> NoiseScale:
    """The ratio of the averages of tr(Σ) and |G|², with an interval on its logarithm.

    With n and d the averages, V their covariance, and t the quantile of Student's t::

        value    = n/d · (1 + V_nd/nd) / (1 + V_dd/d²)       Beale's ratio: no bias of the order of V
        interval = n/d · exp(±t sqrt(V_nn/n² + V_dd/d² - 2 V_nd/nd))

    Where d is within t sqrt(V_dd) of 0 the scale has no upper end. The lower end is then the smaller
    of the above and Fieller's (which takes a d below 0 for 0), and the value is the plain n/d.

    The averages estimate those of the population that the rows were drawn from. For a training set of
    N rows, drawn without replacement, give `data_rows`: its own |G|² is larger by tr(Σ)/N, and where
    a measurement sees all rows nothing is left to chance, V · (1 - rows_each/N).

    Args:
        means: average tr(Σ) and |G|², shape `(2, replicas)`.
        deviations: whose outer products add up to V, as a jackknife gives them, `(groups, 2, replicas)`.
        degrees: degrees of freedom of V; `None` to take what the deviations are worth (Satterthwaite).
        data_rows: N of the training set; `None` for the population.
        rows_each: rows of one measurement, drawn without replacement; used with `data_rows`.
        level: nominal coverage, between 0 and 1.

    Returns:
        The scale of each replica; without any deviation the interval is open on both sides.

    Raises:
        SettingError: shapes, `data_rows`, `rows_each` or `level` cannot be used.

    Example:
        >>> halves = np.random.default_rng(0).normal([20.0, 2.0], 0.4, (40, 2))
        >>> deviations = (halves - halves.mean(axis=0)) / np.sqrt(40 * 39)
        >>> noise_scale(halves.mean(axis=0)[:, None], deviations[:, :, None], degrees=39).words()
        '9.67 (9.12 to 10.3)'

    Source: S. McCandlish et al., "An Empirical Model of Large-Batch Training" (2018), appendix A.1;
    E. Beale, "Some uses of computers in operational research", Industrielle Organisation 31 (1962);
    E. Fieller, "Some problems in interval estimation", JRSS B 16 (1954).
    """
    whole, off = _checked(means, deviations)
    added, left = _training_set(data_rows, rows_each)
    finite = np.array([[1.0, 0.0], [added, 1.0]])
    whole, off = finite @ whole, finite @ off
    known = off.any() if degrees is None else degrees
    with np.errstate(all="ignore"):  # what cannot be divided is unknown, and comes out as such
        v = np.einsum("gir,gjr->ijr", off, off) * left if known else np.full((2, *whole.shape), np.inf)
        return _scale(whole, v, _quantile(off[:, 1], degrees, level))


def _scale(whole: Floats, v: Floats, t: Floats) -> NoiseScale:
    n, d = whole
    bounded = d > t * np.sqrt(v[1, 1])
    plain = np.where(d > 0, np.maximum(n, 0) / d, np.where(np.isnan(d), np.nan, np.inf))
    beale = plain * (1 + v[0, 1] / (n * d)) / (1 + v[1, 1] / d**2)
    variance = v[0, 0] / n**2 + v[1, 1] / d**2 - 2 * v[0, 1] / (n * d)
    spread = np.exp(t * np.sqrt(np.maximum(variance, 0)))
    lower = np.where(bounded, plain / spread, np.fmin(plain / spread, _fieller_lower(n, d, v, t)))
    upper = np.where(n > 0, plain * spread, np.maximum(n + t * np.sqrt(v[0, 0]), 0) / d)
    return NoiseScale(
        value=np.where(bounded & (n > 0), beale, plain),
        lower=np.where(n > 0, np.nan_to_num(lower, posinf=np.inf), 0.0),
        upper=np.where(bounded, upper, np.inf),
        trace=n,
        square=d,
    )


def _fieller_lower(n: Floats, d: Floats, v: Floats, t: Floats) -> Floats:
    """The least R with (n - R d)² <= t² Var(n - R d), for a d within chance of 0; 0 if n is so too."""
    d = np.maximum(d, 0)
    a, b, c = d**2 - t**2 * v[1, 1], n * d - t**2 * v[0, 1], n**2 - t**2 * v[0, 0]
    return np.where(c > 0, c / (b + np.sqrt(b**2 - a * c)), 0.0)


def _training_set(data_rows: float | None, rows_each: float) -> tuple[float, float]:
    """What a finite training set adds to |G|², in tr(Σ), and the share of the variance that it leaves."""
    if data_rows is None:
        return 0.0, 1.0
    rows = positive("data_rows", data_rows, instead="write the rows of the training set, or None")
    if not 0 <= rows_each <= rows:
        raise SettingError(
            "rows_each", "must be from 0 to data_rows", rows_each, "write the rows of one measurement"
        )
    return 1 / rows, 1 - rows_each / rows


def _quantile(off: Floats, degrees: int | None, level: float) -> Floats:
    """Student's quantile, with the degrees of freedom that the deviations have in effect if none are given.

    Over a run the first measurements may have most of the variance. For normal deviations x of any
    variances, 3 (Σx²)² / Σx⁴ - 2 is about the number of equal ones that would be as certain (Satterthwaite).
    """
    if not 0 < level < 1:
        raise SettingError("level", "must be between 0 and 1", level, "write a number such as 0.95")
    if degrees is None:
        in_effect = 3 * (off**2).sum(axis=0) ** 2 / (off**4).sum(axis=0) - 2
        free = np.clip(np.nan_to_num(in_effect, nan=1), 1, np.maximum((off != 0).sum(axis=0), 1))
    else:
        free = np.full(off.shape[1:], max(degrees, 1), np.float64)
    return np.asarray(stats.t.ppf((1 + level) / 2, free))


def _checked(means: ArrayLike, deviations: ArrayLike) -> tuple[Floats, Floats]:
    whole, off = np.asarray(means, np.float64), np.asarray(deviations, np.float64)
    if whole.ndim != 2 or len(whole) != 2 or off.shape[1:] != whole.shape:
        raise SettingError(
            "deviations",
            f"must be groups x 2 x replicas, as means {whole.shape} is 2 x replicas",
            off.shape,
            "pass the means and mean_deviations of the same NoiseSums",
        )
    return whole, off
