"""Did the machine change while the steps were timed, and all sizes alike?"""

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from rightbatch.errors import SettingError
from rightbatch.rng import generator
from rightbatch.stats.curves import Floats

LEAST = 1.10
"""A change of less than 10 % in all timings alike does not change which batch size is fastest."""

CHANCE = 0.05
OUTLIER = 4
"""Median distances from what is usual, 2.7 standard deviations, beyond which all timings count alike."""

PERMUTATIONS = 2000
"""A p-value of 5 % is then known to half a per cent."""


class Drift(NamedTuple):
    """A change of the speed."""

    round: int
    """First round after the change, or the middle of a slow one."""
    factor: float
    """Seconds per step after it, over those before."""
    p_value: float
    """Chance of a change this clear if the rounds were in no order."""
    alike: bool
    """Whether, as far as can be told, all step times changed by this factor: then their ratios did not."""


def drift(rounds: ArrayLike) -> Drift | None:
    """Find a change of speed over the rounds of timing, in one step or gradual.

    The speed of a round is the median over the sizes of ln t less the size's own median. All places to split
    the rounds in two are tried, and the largest difference of means, in standard errors, is
    compared with those of permuted rounds: that the rounds of a busy machine scatter widely, or have
    outliers, raises no alarm. A slow trend shows as a split near its middle. That some sizes changed more
    than others is said when, with the speed of each round taken out, one of them differs between the two
    parts by 10 % or more, and by more than in 95 % of the permutations.

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
        >>> print(found.round, round(found.factor, 2), found.alike)
        6 1.5 True
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
    random = generator("drift")
    shuffled = random.permuted(np.tile(speed, (PERMUTATIONS, 1)), axis=1)
    p_value = _chance(clear[0], _clearest(shuffled)[0])
    if p_value > CHANCE:
        return None
    after = np.arange(len(speed)) >= at
    parts = random.permuted(np.tile(after, (PERMUTATIONS, 1)), axis=1)
    return Drift(at, factor, p_value, _alike(logs - speed[:, None], after, parts))


def _chance(found: float, shuffled: Floats) -> float:
    return (1 + int((shuffled >= found * (1 - 1e-9)).sum())) / (1 + PERMUTATIONS)


def _alike(logs: Floats, after: NDArray[np.bool_], parts: NDArray[np.bool_]) -> bool:
    """Whether no size differs between two parts of the rounds, more than between other parts of as many."""
    both = ~np.isnan(logs[after]).all(axis=0) & ~np.isnan(logs[~after]).all(axis=0)
    logs = logs[:, both]
    shift = np.nanmedian(logs[after], axis=0) - np.nanmedian(logs[~after], axis=0)
    if np.abs(shift).max() < np.log(LEAST):
        return True
    return _chance(_uneven(logs, after[None])[0], _uneven(logs, parts)) > CHANCE


def _uneven(logs: Floats, parts: NDArray[np.bool_]) -> Floats:
    """Of every way to take a part: how much the size that differs most does so, standardised."""
    known = ~np.isnan(logs)
    off = logs - np.nanmedian(logs, axis=0)
    most = OUTLIER * np.nanmedian(np.abs(off))
    values = np.where(known, np.clip(off, -most, most), 0)
    within, without = parts @ (known * 1.0), ~parts @ (known * 1.0)
    told = np.minimum(within, without) > 0
    within, without = np.maximum(within, 1), np.maximum(without, 1)
    shift = parts @ values / within - ~parts @ values / without
    clear = np.abs(shift) / np.sqrt(1 / within + 1 / without)
    return np.asarray(np.where(told, clear, 0).max(axis=1))


def _clearest(speed: Floats) -> tuple[Floats, Floats]:
    """Of every row: the largest standardised difference between two parts, and where the second begins."""
    count = speed.shape[1]
    first = np.arange(1, count)
    sums = np.cumsum(speed - speed.mean(axis=1, keepdims=True), axis=1)[:, :-1]
    scaled = np.abs(sums) * np.sqrt(count / (first * (count - first)))
    return scaled.max(axis=1), scaled.argmax(axis=1) + 1
