"""Seconds per step as a table of rounds by batch sizes, in which not every size is timed in every round.

A size of which nothing was timed yet, for of a train function only runs tell the seconds, is foretold by the
sizes around it: a step of more examples takes no less time, and an example in it no more.
"""

from collections.abc import Sequence
from functools import lru_cache

import numpy as np

from rightbatch.measure.clock import Timing
from rightbatch.records import Array
from rightbatch.rng import generator
from rightbatch.stats.pace import drawn, paced
from rightbatch.stats.steptime import fit_step_time


def rounds_of(timings: Sequence[Timing], batch_sizes: Sequence[int]) -> Array:
    """Seconds per step, `(rounds, batch sizes)`; NaN: not timed in this round."""
    rows = {number: i for i, number in enumerate(sorted({timing.round for timing in timings}))}
    columns = {size: i for i, size in enumerate(batch_sizes)}
    table = np.full((len(rows), len(columns)), np.nan)
    for timing in timings:
        table[rows[timing.round], columns[timing.batch_size]] = timing.seconds
    return table


def foretold(rounds: Array, batch_sizes: Sequence[int]) -> Array:
    """The same rounds; a size that was never timed has, at their pace, what the other sizes foretell.

    Between two sizes that is the line through them, beyond all of them that of all, so far as it may be.
    """
    timed = ~np.isnan(rounds).all(axis=0)
    if timed.all():
        return rounds
    whole, known, sizes = rounds.copy(), paced(rounds[:, timed]), np.asarray(batch_sizes, np.float64)
    lowest, highest = _bounds(sizes[timed], known.seconds, sizes[~timed])
    line = np.interp(sizes[~timed], sizes[timed], known.seconds)
    outside = (sizes[~timed] < sizes[timed].min()) | (sizes[~timed] > sizes[timed].max())
    if timed.sum() > 1:
        beyond = fit_step_time(sizes[timed], rounds[:, timed]).predict(sizes[~timed])
        line = np.where(outside, np.clip(beyond, lowest, highest), line)
    whole[:, ~timed] = known.pace[:, None] * line
    return whole


def doubt(rounds: Array, batch_sizes: Sequence[int]) -> Array:
    """Standard deviation of ln of what is foretold, `(sizes,)`, a quarter of its range; 0: it was timed."""
    timed, sizes = ~np.isnan(rounds).all(axis=0), np.asarray(batch_sizes, np.float64)
    found = np.zeros(len(sizes))
    if not timed.all():
        lowest, highest = _bounds(sizes[timed], paced(rounds[:, timed]).seconds, sizes[~timed])
        found[~timed] = np.abs(np.log(highest / lowest)) / 4
    return found


def _bounds(sizes: Array, seconds: Array, at: Array) -> tuple[Array, Array]:
    """The least and the most that a step can take at each of these sizes, by others, which rise."""
    after = np.searchsorted(sizes, at)
    has_less, has_more = after > 0, after < len(sizes)
    less, more = np.maximum(after - 1, 0), np.minimum(after, len(sizes) - 1)
    in_proportion = [seconds[near] * at / sizes[near] for near in (less, more)]
    lowest = np.maximum(np.where(has_less, seconds[less], 0), np.where(has_more, in_proportion[1], 0))
    highest = np.minimum(
        np.where(has_more, seconds[more], np.inf), np.where(has_less, in_proportion[0], np.inf)
    )
    return np.minimum(lowest, highest), np.maximum(lowest, highest)


def drawn_seconds(rounds: Array, batch_sizes: Sequence[int], draws: int, seed: int) -> Array:
    """Draws of what a step takes, `(draws, sizes)`: asked after every sweep, mostly of the same rounds.

    Args:
        rounds: seconds per step, `(rounds, sizes)`; NaN: not timed.
        batch_sizes: of the columns, rising.
        draws: how many.
        seed: of the draws.
    """
    return _drawn(rounds.tobytes(), tuple(batch_sizes), draws, seed)


@lru_cache(maxsize=2)
def _drawn(rounds: bytes, batch_sizes: tuple[int, ...], draws: int, seed: int) -> Array:
    table = np.frombuffer(rounds).reshape(-1, len(batch_sizes))
    found, apart = drawn(paced(foretold(table, batch_sizes)), draws, seed), doubt(table, batch_sizes)
    if not apart.any():
        return found
    normal = generator("foretold seconds", seed).standard_normal(found.shape)
    return np.asarray(found * np.exp(normal * apart))
