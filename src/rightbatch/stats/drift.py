"""Did something change while rounds were timed: the machine's pace, or one size beside the others?"""

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from rightbatch.errors import SettingError
from rightbatch.rng import generator
from rightbatch.stats.curves import Floats

LEAST = 1.10
"""A change of less than 10 % is let pass."""

CHANCE = 0.05
PERMUTATIONS = 2000
"""A p-value of 5 % is then known to half a per cent."""


class Drift(NamedTuple):
    """A change."""

    round: int
    """First round after the change, or the middle of a slow one."""
    factor: float
    """What is timed after it, over that before."""
    p_value: float
    """Chance of a change this clear if the rounds were in no order."""


def drift(series: ArrayLike, *, chance: float = CHANCE) -> Drift | None:
    """Find a change over the rounds of timing, in one step or gradual.

    All places to split the rounds in two are tried, and the largest difference of the means of ln, in
    standard errors, is compared with those of permuted rounds: that the rounds of a busy machine scatter
    widely, or have outliers, raises no alarm. A slow trend shows as a split near its middle.

    Args:
        series: the pace of each round, or what one size took in it over what it usually takes at that
            pace; above 0, `(rounds,)`, in the order they were made.
        chance: how often a change may be found where there is none.

    Returns:
        The change; `None`: none of 10 % or more that chance does not explain. With fewer than 8 rounds
        nothing is that clear.

    Raises:
        SettingError: the series cannot be used.

    Example:
        >>> steady = np.array([1.0, 1.01] * 5)
        >>> steady[6:] *= 1.5
        >>> found = drift(steady)
        >>> print(found.round, round(found.factor, 2))
        6 1.5
        >>> drift(steady[:6])

    Source: A. Pettitt, "A non-parametric approach to the change-point problem", Applied Statistics 28
    (1979), with means for ranks and permutations for its approximation.
    """
    values = np.asarray(series, np.float64)
    if values.ndim != 1 or not (values > 0).all():
        raise SettingError(
            "series", "must be numbers above 0, one per round", values.tolist(), "pass (rounds,)"
        )
    if len(values) < 4:
        return None
    speed = np.log(values)
    clear, place = _clearest(speed[None])
    at = int(place[0])
    factor = float(np.exp(np.median(speed[at:]) - np.median(speed[:at])))
    if max(factor, 1 / factor) < LEAST:
        return None
    shuffled = generator("drift").permuted(np.tile(speed, (PERMUTATIONS, 1)), axis=1)
    p_value = (1 + int((_clearest(shuffled)[0] >= clear[0] * (1 - 1e-9)).sum())) / (1 + PERMUTATIONS)
    return Drift(at, factor, p_value) if p_value <= chance else None


def _clearest(speed: Floats) -> tuple[Floats, Floats]:
    """Of every row: the largest standardised difference between two parts, and where the second begins."""
    count = speed.shape[1]
    first = np.arange(1, count)
    sums = np.cumsum(speed - speed.mean(axis=1, keepdims=True), axis=1)[:, :-1]
    scaled = np.abs(sums) * np.sqrt(count / (first * (count - first)))
    return scaled.max(axis=1), scaled.argmax(axis=1) + 1
