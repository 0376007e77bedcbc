"""Seconds per step as a table of rounds by batch sizes, in which not every size is timed in every round."""

from collections.abc import Sequence
from functools import lru_cache

import numpy as np

from rightbatch.measure.clock import Timing
from rightbatch.records import Array
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
    """The same rounds; a size that was never timed has, at their pace, what the other sizes foretell."""
    timed = ~np.isnan(rounds).all(axis=0)
    if timed.all():
        return rounds
    whole, known = rounds.copy(), paced(rounds[:, timed])
    sizes = np.asarray(batch_sizes, np.float64)
    if timed.sum() > 1:
        seconds = fit_step_time(sizes[timed], rounds[:, timed]).predict(sizes[~timed])
    else:
        seconds = known.seconds
    whole[:, ~timed] = known.pace[:, None] * seconds
    return whole


def drawn_seconds(rounds: Array, draws: int, seed: int) -> Array:
    """Draws of what a step takes, `(draws, sizes)`: asked after every sweep, mostly of the same rounds.

    Args:
        rounds: seconds per step, `(rounds, sizes)`; NaN: not timed, but in some round each size was.
        draws: how many.
        seed: of the draws.
    """
    return _drawn(rounds.tobytes(), rounds.shape, draws, seed)


@lru_cache(maxsize=2)
def _drawn(rounds: bytes, shape: tuple[int, ...], draws: int, seed: int) -> Array:
    return drawn(paced(np.frombuffer(rounds).reshape(shape)), draws, seed)
