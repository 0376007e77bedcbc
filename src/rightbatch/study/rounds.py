"""Seconds per step as a table of rounds by batch sizes, in which not every size is timed in every round."""

from collections.abc import Sequence
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from rightbatch.measure.clock import Timing
from rightbatch.records import Array
from rightbatch.stats.resampling import resamples
from rightbatch.stats.steptime import fit_step_time
from rightbatch.stats.typical import resampled, typical


def rounds_of(timings: Sequence[Timing], batch_sizes: Sequence[int]) -> Array:
    """Seconds per step, `(rounds, batch sizes)`; NaN: not timed in this round."""
    rows = {number: i for i, number in enumerate(sorted({timing.round for timing in timings}))}
    columns = {size: i for i, size in enumerate(batch_sizes)}
    table = np.full((len(rows), len(columns)), np.nan)
    for timing in timings:
        table[rows[timing.round], columns[timing.batch_size]] = timing.seconds
    return table


def foretold(rounds: Array, batch_sizes: Sequence[int]) -> Array:
    """The same rounds; a size that was never timed has the seconds that the other sizes foretell."""
    timed = ~np.isnan(rounds).all(axis=0)
    if timed.all():
        return rounds
    whole = rounds.copy()
    sizes = np.asarray(batch_sizes, np.float64)
    if timed.sum() > 1:
        whole[:, ~timed] = fit_step_time(sizes[timed], rounds[:, timed]).predict(sizes[~timed])
    else:
        whole[:, ~timed] = typical(rounds[~np.isnan(rounds)])
    return whole


def drawn_seconds(rounds: Array, draws: int, seed: int) -> Array:
    """What is typical of resampled rounds, `(draws, sizes)`; sizes timed in the same ones are drawn together.

    A size has as many in every draw as it was timed, so that its doubt is that of its own rounds.

    Args:
        rounds: seconds per step, `(rounds, sizes)`; NaN: not timed, but in some round each size was.
        draws: how many.
        seed: of the resamples.
    """
    columns = (column[~np.isnan(column)].tobytes() for column in rounds.T)
    return np.column_stack([_drawn(column, draws, seed) for column in columns])


@lru_cache(maxsize=64)
def _drawn(timed: bytes, draws: int, seed: int) -> Array:
    """A study asks after every sweep, and the rounds of a size are the same for nearly all of it."""
    values = np.frombuffer(timed)
    return resampled(values, _times(len(values), draws, seed))


@lru_cache(maxsize=2)
def _times(count: int, draws: int, seed: int) -> NDArray[np.int16]:
    """How often each of so many rounds is in each resample, `(count, draws)`."""
    places = resamples(count, draws, seed, of="rounds") * draws + np.arange(draws)[:, None]
    return np.bincount(places.ravel(), minlength=count * draws).reshape(count, draws).astype(np.int16)
