"""Seconds per step as a table of rounds by batch sizes, in which not every size is timed in every round."""

from collections.abc import Sequence
from functools import lru_cache

import numpy as np

from rightbatch.measure.clock import Timing
from rightbatch.records import Array
from rightbatch.stats.resampling import resamples
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
    """The same rounds; a size that was never timed has the seconds that the other sizes foretell."""
    timed = ~np.isnan(rounds).all(axis=0)
    if timed.all():
        return rounds
    whole = rounds.copy()
    sizes = np.asarray(batch_sizes, np.float64)
    if timed.sum() > 1:
        whole[:, ~timed] = fit_step_time(sizes[timed], rounds[:, timed]).predict(sizes[~timed])
    else:
        whole[:, ~timed] = np.nanmedian(rounds)
    return whole


def drawn_medians(rounds: Array, draws: int, seed: int) -> Array:
    """Medians of resampled rounds, `(draws, sizes)`; sizes timed in the same rounds are resampled together.

    A size has as many in every draw as it was timed, so that its doubt is that of its own rounds.

    Args:
        rounds: seconds per step, `(rounds, sizes)`; NaN: not timed, but in some round each size was.
        draws: how many.
        seed: of the resamples.
    """
    return _drawn_medians(rounds.tobytes(), len(rounds), draws, seed)


@lru_cache(maxsize=2)
def _drawn_medians(rounds: bytes, count: int, draws: int, seed: int) -> Array:
    """A study asks after every sweep, and its rounds are the same for nearly all of it."""
    table = np.frombuffer(rounds).reshape(count, -1)
    timed, group = np.unique(~np.isnan(table), axis=1, return_inverse=True)
    medians = np.empty((draws, table.shape[1]))
    for number, rows in enumerate(timed.T):
        times = _times(int(rows.sum()), draws, seed)
        for column in np.flatnonzero(group == number):
            medians[:, column] = _medians(table[rows, column], times)
    return medians


def _times(count: int, draws: int, seed: int) -> Array:
    """How often each of so many rounds is in each resample, `(count, draws)`."""
    places = resamples(count, draws, seed, of="rounds") * draws + np.arange(draws)[:, None]
    return np.bincount(places.ravel(), minlength=count * draws).reshape(count, draws).astype(np.int16)


def _medians(values: Array, times: Array) -> Array:
    """The median of each resample: values are sorted once for all, a fifth of the work of `np.median`."""
    order = np.argsort(values)
    below, values = times[order].cumsum(axis=0, dtype=times.dtype), values[order]
    middles = (len(values) - 1) // 2, len(values) // 2
    lower, upper = (values[(below <= middle).sum(axis=0, dtype=times.dtype)] for middle in middles)
    return (lower + upper) / 2
