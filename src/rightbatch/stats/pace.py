"""What a step takes at every size, the machine's pace taken out, which is another in every round.

A machine changes its speed within milliseconds, and again within minutes, at all sizes alike. So ln of the
seconds of round r at size s is taken for pace_r + step_s and an error, which is now and then large.
"""

from functools import lru_cache
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from rightbatch.rng import generator
from rightbatch.stats.cells import Flags
from rightbatch.stats.curves import Floats
from rightbatch.stats.typical import TRIM, typical

_HUBER = 1.345
"""Errors of more standard deviations pull no more than one of so many; where they are normal this costs as
much as a twentieth of the rounds."""

_TO_DEVIATION = 1.4826
"""The median of the absolute errors times this is the standard deviation of normal ones."""

_LEAST_DEVIATION = 1e-6
"""Of ln t; no clock tells less."""

_TIE = 1e-8
"""In timings: how much a pace is drawn to the usual one, so that two sizes that no chain of rounds joins
have seconds, too."""

_LEAST_FREEDOM = 3
"""Student's t of fewer degrees has no variance."""

_PASSES, _CLOSE = 30, 0.01
"""At most so many passes, until no step moves by more than this share of an error's standard deviation."""


class Paced(NamedTuple):
    """Seconds per step, with their doubt."""

    seconds: Floats
    """At the usual pace, `(sizes,)`; NaN: never timed."""
    pace: Floats
    """Of each round, `(rounds,)`: 1.2 took a fifth longer than usual."""
    pulls: Floats
    """How far each round pulls ln of the seconds, `(rounds, sizes)`; their squares add up to the variance."""
    kinds: NDArray[np.int64]
    """Which rounds timed the same sizes, `(rounds,)`: those of one number."""


def paced(rounds: ArrayLike) -> Paced:
    """The seconds per step of every size, from rounds that time some sizes each, in turn.

    Least squares of ln t_rs = pace_r + step_s in which an error of more than 1.345 standard deviations
    counts in proportion. A size that was alone in a round counts there only if it never had company:
    alone it cannot tell its step from the pace.

    Args:
        rounds: seconds per step, above 0, `(rounds, sizes)`; NaN: not timed in this round.

    Returns:
        Seconds at the usual pace, which is the mean one, a fifth left out at either end.

    Example:
        >>> found = paced([[1.0, 5.0, 9.0], [2.0, 10.0, 18.0], [1.0, 60.0, 9.0], [1.2, 6.0, np.nan]])
        >>> print((found.seconds / found.seconds[0]).round(1), found.pace.round(1))
        [1. 5. 9.] [0.9 1.7 0.9 1. ]

    Source: P. Huber, "Robust regression: asymptotics, conjectures and Monte Carlo", Annals of Statistics 1
    (1973); the table is that of J. Tukey's median polish, "Exploratory Data Analysis" (1977), chapter 11.
    """
    table = np.ascontiguousarray(rounds, np.float64)
    return _paced(table.tobytes(), table.shape)


@lru_cache(maxsize=4)
def _paced(rounds: bytes, shape: tuple[int, ...]) -> Paced:
    """Kept, for several ask for those of the same rounds."""
    table = np.frombuffer(rounds).reshape(shape)
    timed = ~np.isnan(table)
    logs = np.log(np.where(timed, table, 1.0))
    used = _used(timed)
    step, pace, errors, least = _fitted(logs, used)
    rest = np.where(timed, logs - step, 0.0).sum(axis=1) / np.maximum(timed.sum(axis=1), 1)
    paces = np.exp(np.where(used.any(axis=1), pace, rest))
    usual = float(typical(np.where(timed.any(axis=1), paces, np.nan)))
    kinds = np.unique(used, axis=0, return_inverse=True)[1].reshape(-1)
    seconds = np.where(timed.any(axis=0), np.exp(step) * usual, np.nan)
    pulls = _pulls(errors, used, kinds, least) + _pace_pulls(np.log(paces))[:, None]
    return Paced(seconds, paces / usual, pulls, kinds)


def drawn(found: Paced, draws: int, seed: int) -> Floats:
    """Draws of the seconds, `(draws, sizes)`; rounds that timed the same sizes share Student's doubt.

    Args:
        found: the seconds.
        draws: how many.
        seed: of the draws.
    """
    random = generator("paced", seed)
    normal = random.standard_normal((draws, len(found.kinds)))
    for kind in np.unique(found.kinds):
        alike = found.kinds == kind
        free = max(_LEAST_FREEDOM, int(alike.sum()) - 1)
        normal[:, alike] *= np.sqrt(free / random.chisquare(free, (draws, 1)))
    return np.asarray(found.seconds * np.exp(normal @ found.pulls))


def _used(timed: Flags) -> Flags:
    """Which timings count."""
    alone = timed.sum(axis=1) == 1
    accompanied = timed[~alone].any(axis=0)
    return timed & ~(alone[:, None] & accompanied)


def _fitted(logs: Floats, used: Flags) -> tuple[Floats, Floats, Floats, float]:
    """Steps, paces, errors, and from which error on they count in proportion."""
    weights, least = used.astype(np.float64), np.inf
    step, pace = _solved(logs, weights, used)
    for _ in range(_PASSES):
        errors = np.abs(logs - step - pace[:, None])
        deviation = _TO_DEVIATION * float(np.median(errors[used])) if used.any() else 0.0
        least, before = _HUBER * max(deviation, _LEAST_DEVIATION), step
        step, pace = _solved(logs, used * (least / np.maximum(errors, least)), used)
        if np.abs(step - before).max(initial=0.0) < _CLOSE * least / _HUBER:
            break
    return step, pace, used * (logs - step - pace[:, None]), least


def _solved(logs: Floats, weights: Floats, used: Flags) -> tuple[Floats, Floats]:
    """Steps and paces by weighted least squares."""
    share = _share(weights, used)
    sums = (weights * logs).sum(axis=1)
    step = np.linalg.solve(_normal(weights, share), (weights * logs).sum(axis=0) - weights.T @ (share * sums))
    return step, share * (weights * (logs - step)).sum(axis=1)


def _share(weights: Floats, used: Flags) -> Floats:
    """What of a round's errors is laid to its pace, for each unit of weight; none where a size was alone."""
    return np.where(used.sum(axis=1) > 1, 1 / (weights.sum(axis=1) + _TIE), 0.0)


def _normal(weights: Floats, share: Floats) -> Floats:
    """The matrix of the normal equations of the steps, the paces eliminated."""
    total = weights.sum(axis=0)
    return np.asarray(np.diag(np.where(total > 0, total, 1.0)) - weights.T @ (share[:, None] * weights))


def _pulls(errors: Floats, used: Flags, kinds: NDArray[np.int64], least: float) -> Floats:
    """How far the steps would move without each round, to first order: the jackknife's influence."""
    weights = used.astype(np.float64)
    share = _share(weights, used)
    felt = np.clip(errors, -least, least)
    apart = felt - weights * (share * felt.sum(axis=1))[:, None]
    free = (np.abs(errors[used]) <= least).mean() if used.any() else 1.0
    alike = np.bincount(kinds)[kinds]
    lost = alike / np.maximum(alike - 1, 1)
    pulls = np.linalg.solve(_normal(weights, share), apart.T).T / float(free)
    return np.asarray(lost[:, None] * pulls)


def _pace_pulls(paces: Floats) -> Floats:
    """How far each round pulls ln of the usual pace: that of a trimmed mean, by its winsorised values."""
    if len(paces) < 2:
        return np.zeros(len(paces))
    values = np.clip(paces, *np.quantile(paces, [TRIM, 1 - TRIM]))
    apart = (values - values.mean()) / ((1 - 2 * TRIM) * len(paces))
    return np.asarray(apart * len(paces) / (len(paces) - 1))
