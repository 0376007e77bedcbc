"""Is the difference small? Two one-sided tests, which can show sameness where a large p-value cannot."""

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike
from scipy import stats

from rightbatch.checks import positive
from rightbatch.errors import SettingError

SAME, DIFFERS, UNKNOWN = "same within margin", "differs", "not enough runs"


class Equivalence(NamedTuple):
    """What paired runs say of a mean difference."""

    verdict: str
    """`same within margin`, `differs` (by more than chance), or `not enough runs` to say either."""
    difference: float
    """Mean of a - b; NaN: no pair."""
    low: float
    """The interval in which the difference lies; infinite from fewer than two pairs."""
    high: float
    p_same: float
    """Chance of runs this near each other if the true difference were the margin, on either side."""
    p_differs: float
    """Chance of runs this far apart if there were no difference (Student's paired t)."""
    pairs: int


def equivalence(a: ArrayLike, b: ArrayLike, margin: float, *, level: float = 0.95) -> Equivalence:
    """Compare two settings by paired runs: same within a margin, different, or not known.

    They are the same within the margin if both one-sided t-tests reject a difference of the margin:
    equivalently, if the 90 % interval (at `level` 0.95) of the mean difference lies within
    (-margin, margin). They differ if the interval of `level` excludes 0. Where both hold the
    difference is real and does not matter: the verdict is then that they are the same. For the
    generalisation of a batch size let a and b be validation less training loss of the same
    seeds at two batch sizes.

    Assumptions: differences of pairs are normal, or there are many; which pairs exist does not
    depend on their difference (a run that missed the target has none).

    Args:
        a: a value of each seed, `(seeds,)`; NaN: no run.
        b: likewise, of the same seeds in the same order.
        margin: the largest difference that does not matter, above 0, in the unit of a and b.
        level: 1 less the chance of a false verdict of either kind.

    Returns:
        The verdict, with the interval of `level`.

    Raises:
        SettingError: the arguments cannot be used.

    Example:
        >>> near = equivalence([0.31, 0.30, 0.33, 0.29], [0.30, 0.31, 0.32, 0.30], margin=0.05)
        >>> print(near.verdict, round(near.low, 3), round(near.high, 3))
        same within margin -0.018 0.018
        >>> equivalence([0.31, 0.30], [0.30, 0.31], margin=0.01).verdict
        'not enough runs'

    Source: D. Schuirmann, "A comparison of the two one-sided tests procedure and the power approach for
    assessing the equivalence of average bioavailability", J. Pharmacokinetics and Biopharmaceutics 15 (1987).
    """
    reach = positive("margin", margin, instead="write the largest difference that does not matter")
    first, second = np.asarray(a, np.float64), np.asarray(b, np.float64)
    if first.ndim != 1 or first.shape != second.shape:
        raise SettingError(
            "b", f"must have one value per seed, like a {first.shape}", second.shape, "pair the runs by seed"
        )
    if not 0.5 < level < 1:
        raise SettingError("level", "must be between 0.5 and 1", level, "write a number such as 0.95")
    gaps = first - second
    gaps = gaps[np.isfinite(gaps)]
    mean, free = float(gaps.mean()) if gaps.size else np.nan, gaps.size - 1
    if free < 1:
        return Equivalence(UNKNOWN, mean, -np.inf, np.inf, 1.0, 1.0, gaps.size)
    error = max(float(gaps.std(ddof=1)) / np.sqrt(gaps.size), np.finfo(float).tiny)
    half = float(stats.t.ppf((1 + level) / 2, free)) * error
    p_same = float(stats.t.sf((reach - abs(mean)) / error, free))
    p_differs = float(2 * stats.t.sf(abs(mean) / error, free))
    verdict = SAME if p_same < 1 - level else DIFFERS if p_differs < 1 - level else UNKNOWN
    return Equivalence(verdict, mean, mean - half, mean + half, p_same, p_differs, gaps.size)
