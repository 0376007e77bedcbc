"""Did the machine change while the steps were timed? Then the timings are to be made again."""

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from rightbatch.errors import SettingError
from rightbatch.rng import generator
from rightbatch.stats.curves import Floats

LEAST = 1.10
"""A change of less than 10 % in all timings alike does not change which batch size is fastest."""

CHANCE = 0.05
PERMUTATIONS = 2000
"""A p-value of 5 % is then known to half a per cent."""


class Drift(NamedTuple):
    """A change of all step times alike."""

    round: int
    """First round after the change, or the middle of a slow one."""
    factor: float
    """Seconds per step after it, over those before."""
    p_value: float
    """Chance of a change this clear if the rounds were in no order."""


def drift(rounds: ArrayLike) -> Drift | None:
    """Find a change of speed over the rounds of timing, in one step or gradual.

    The speed of a round is the median over the sizes of ln t less the size's own median. All places to split
    the rounds in two are tried, and the largest difference of means, in standard errors, is
    compared with those of permuted rounds: that the rounds of a busy machine scatter widely, or have
    outliers, raises no alarm. A slow trend shows as a split near its middle.

    Args:
        rounds: seconds per step, above 0, `(rounds, sizes)`, in the order they were made; NaN: not measured.

    Returns:
        The change; `None`: none of 10 % or more that chance does not explain. With fewer than 8 rounds
        nothing is that clear.

    Raises:
        SettingError: the table cannot be used.

    Example:
        >>> steady = np.array([[1.0, 5.0], [1.01, 5.02]] * 5)
        >>> steady[6:] *= 1.5
        >>> found = drift(steady)
        >>> print(found.round, round(found.factor, 2))
        6 1.5
        >>> drift(steady[:6])

    Source: A. Pettitt, "A non-parametric approach to the change-point problem", Applied Statistics 28
    (1979), with means for ranks and permutations for its approximation.
    """
    table = np.asarray(rounds, np.float64)
    if table.ndim != 2 or (table <= 0).any():
        raise SettingError(
            "rounds", "must be seconds above 0, one row per round", table.shape, "pass (rounds, sizes)"
        )
    logs = np.log(table[~np.isnan(table).all(axis=1)])
    if len(logs) < 4:
        return None
    speed = np.nanmedian(logs - np.nanmedian(logs, axis=0), axis=1)
    clear, place = _clearest(speed[None])
    at = int(place[0])
    factor = float(np.exp(np.median(speed[at:]) - np.median(speed[:at])))
    if max(factor, 1 / factor) < LEAST:
        return None
    shuffled = generator("drift").permuted(np.tile(speed, (PERMUTATIONS, 1)), axis=1)
    p_value = (1 + int((_clearest(shuffled)[0] >= clear[0] * (1 - 1e-9)).sum())) / (1 + PERMUTATIONS)
    return Drift(at, factor, p_value) if p_value <= CHANCE else None


def _clearest(speed: Floats) -> tuple[Floats, Floats]:
    """Of every row: the largest standardised difference between two parts, and where the second begins."""
    count = speed.shape[1]
    first = np.arange(1, count)
    sums = np.cumsum(speed - speed.mean(axis=1, keepdims=True), axis=1)[:, :-1]
    scaled = np.abs(sums) * np.sqrt(count / (first * (count - first)))
    return scaled.max(axis=1), scaled.argmax(axis=1) + 1
