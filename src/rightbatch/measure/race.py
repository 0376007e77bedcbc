"""Seconds of an epoch by every installed way to make batches, measured side by side."""

import statistics
import time
from collections.abc import Callable, Iterator, Sequence
from itertools import islice
from typing import Any, NamedTuple

import numpy as np
import psutil

from rightbatch import units
from rightbatch.errors import SettingError
from rightbatch.measure.rivals import OURS, Epoch, Rival
from rightbatch.records import Array

LIMIT_SECONDS = 3.0
"""An epoch that takes longer is stopped, and what is left is reckoned by the rows so far."""

_PATTERN_ROWS = 1024
"""Rows drawn at random; more would only repeat them, and every page of memory is written all the same."""


_COPIES = 4
"""Of the data, at once in memory, with whatever way takes most."""


class Lap(NamedTuple):
    """One epoch of one way."""

    name: str
    round: int
    seconds: float
    whole: bool
    """Whether all of it was run."""


class Place(NamedTuple):
    """One way at one batch size, over all rounds."""

    name: str
    batch_size: int
    seconds: float
    """Of an epoch, median."""
    batch_seconds: float
    """Of a batch."""
    rows_per_second: float
    ratio: float
    """Times as long as this package takes in the same round, median."""
    least: float
    """The smallest such ratio of a round."""
    most: float
    whole: bool
    """Whether every epoch was run to its end."""


class NotAnEpochError(Exception):
    """A way that does not give every row once has no time to be compared."""


def made_up(rows: int, features: int, dtype: Any) -> tuple[Array, Array]:
    """Arrays to make batches of: x of a shape and dtype, and y that tells the rows apart.

    Args:
        rows: of both.
        features: columns of x; 0: x is of one dimension.
        dtype: of x.

    Returns:
        x, `(rows, features)` or `(rows,)`, and the row numbers, int64 `(rows,)`.

    Raises:
        SettingError: the dtype is none of numbers, or there is not memory enough.

    Example:
        >>> x, y = made_up(4, 2, "float32")
        >>> x.shape, x.dtype, y.tolist()
        ((4, 2), dtype('float32'), [0, 1, 2, 3])
    """
    kind, shape = _dtype(dtype), (features,) if features else ()
    _check_memory(rows, features, kind)
    draw = np.random.default_rng(0)
    pattern = (100 * draw.random((min(rows, _PATTERN_ROWS), *shape))).astype(kind)
    return np.resize(pattern, (rows, *shape)), np.arange(rows)


def _dtype(dtype: Any) -> np.dtype[Any]:
    instead = "write a dtype of numbers such as float32, float64 or uint8"
    try:
        kind = np.dtype(dtype)
    except TypeError:
        raise SettingError("dtype", "is not known to NumPy", dtype, instead) from None
    if kind.kind not in "biuf":
        raise SettingError("dtype", "is not one of numbers", dtype, instead)
    return kind


def _check_memory(rows: int, features: int, kind: np.dtype[Any]) -> None:
    """Some ways copy all data, and some keep their copy."""
    taken, free = rows * (max(1, features) * kind.itemsize + 8), psutil.virtual_memory().available
    if taken * _COPIES > free:
        raise SettingError(
            "rows",
            f"are {units.size(taken)} with these features, of {units.size(free)} of free memory",
            rows,
            f"write rows and features of at most {units.size(free / _COPIES)}",
        )


def race(
    rivals: Sequence[Rival],
    arrays: tuple[Array, Array],
    batch_size: int,
    *,
    rounds: int,
    limit: float = LIMIT_SECONDS,
    left_out: Callable[[str], Any] = print,
) -> Iterator[list[Lap]]:
    """One list of laps a round: every way in turn, so that a slow spell of the machine hits all alike.

    A first epoch of each warms it up, and is checked: it must have every row once.

    Args:
        rivals: the ways.
        arrays: x and y as `made_up` makes them.
        batch_size: rows of a batch.
        rounds: how often each way is timed.
        limit: seconds after which an epoch is stopped.
        left_out: told of each way that fails, with the reason.

    Yields:
        The laps of each round.
    """
    running: dict[str, Epoch] = {}
    for rival in rivals:
        try:
            epoch = rival.epochs(*arrays, batch_size)
            _check(epoch, len(arrays[1]), limit)
        except Exception as error:  # whatever another library raises, the others go on
            left_out(f"{rival.name} is left out: {type(error).__name__}: {_first_line(error)}")
        else:
            running[rival.name] = epoch
    for number in range(rounds):
        names = list(running)[:: 1 if number % 2 == 0 else -1]
        yield [_lap(name, number, running[name], len(arrays[1]), limit) for name in names]


def standings(
    rivals: Sequence[Rival],
    arrays: tuple[Array, Array],
    batch_sizes: Sequence[int],
    *,
    rounds: int,
    left_out: Callable[[str], Any] = print,
    progress: Callable[[str], Any] = len,
) -> Iterator[Place]:
    """The standing of every way at every batch size.

    Args:
        rivals: the ways.
        arrays: x and y as `made_up` makes them.
        batch_sizes: rows of a batch, one race each.
        rounds: how often each way is timed.
        left_out: told of each way that fails, with the reason.
        progress: told what was done.
    """
    for size in batch_sizes:
        laps = []
        for row in race(rivals, arrays, size, rounds=rounds, left_out=left_out):
            laps.append(row)
            progress(f"batch size {size}: round {len(laps)} of {rounds}")
        yield from places(laps, len(arrays[1]), size)


def places(laps: Sequence[Sequence[Lap]], rows: int, batch_size: int) -> list[Place]:
    """The standing of every way, in the sequence of the first round.

    Args:
        laps: those of each round, as `race` yields them.
        rows: of the arrays.
        batch_size: that the laps were run with.

    Example:
        >>> laps = [[Lap("rightbatch", 0, 0.1, True), Lap("loop", 0, 0.3, True)]]
        >>> [(place.name, round(place.ratio, 6), place.batch_seconds) for place in places(laps, 100, 10)]
        [('rightbatch', 1.0, 0.01), ('loop', 3.0, 0.03)]
    """
    return [_place([_of(name, row) for row in laps], laps, rows, batch_size) for name in _names(laps)]


def _names(laps: Sequence[Sequence[Lap]]) -> list[str]:
    return [lap.name for lap in laps[0]] if laps else []


def _of(name: str, laps: Sequence[Lap]) -> Lap:
    return next(lap for lap in laps if lap.name == name)


def _place(its: list[Lap], laps: Sequence[Sequence[Lap]], rows: int, batch_size: int) -> Place:
    ratios = [lap.seconds / _of(OURS, row).seconds for lap, row in zip(its, laps, strict=True)]
    seconds = statistics.median(lap.seconds for lap in its)
    return Place(
        name=its[0].name,
        batch_size=batch_size,
        seconds=seconds,
        batch_seconds=seconds / -(-rows // batch_size),
        rows_per_second=rows / seconds,
        ratio=statistics.median(ratios),
        least=min(ratios),
        most=max(ratios),
        whole=all(lap.whole for lap in its),
    )


def _check(epoch: Epoch, rows: int, limit: float) -> None:
    times, started = np.zeros(rows, np.int64), time.perf_counter()
    for _, y in epoch():
        np.add.at(times, np.asarray(y), 1)
        if time.perf_counter() - started > limit:
            break
    else:
        if not times.all():
            raise NotAnEpochError(f"{(times == 0).sum():,} of {rows:,} rows are missing in its first epoch")
    if times.max() > 1:
        raise NotAnEpochError(f"{(times > 1).sum():,} of {rows:,} rows come twice in its first epoch")


def _lap(name: str, number: int, epoch: Epoch, rows: int, limit: float) -> Lap:
    """As many epochs as take long enough to be measured; the mean of them."""
    epochs, started, whole = 0, time.perf_counter(), True
    seconds = 0.0
    while whole and (not epochs or time.perf_counter() - started < _LEAST_SECONDS):
        taken, whole = _epoch(epoch, rows, limit)
        seconds += taken
        epochs += 1
    return Lap(name, number, seconds / epochs, whole)


def _epoch(epoch: Epoch, rows: int, limit: float) -> tuple[float, bool]:
    """Seconds of an epoch, and whether it was run to its end."""
    started = time.perf_counter()
    batches = iter(epoch())
    done = begun = _rows(next(batches))
    first = time.perf_counter()
    # the clock is read once in many batches, so that it costs nothing
    while some := list(map(_rows, islice(batches, _BETWEEN_LOOKS))):
        done += sum(some)
        if done < rows and time.perf_counter() - started > limit:
            break
    taken = time.perf_counter() - first
    rest = taken * (rows - begun) / (done - begun) if done > begun else 0.0
    return first - started + rest, done == rows


_LEAST_SECONDS = 0.02
_BETWEEN_LOOKS = 64


def _rows(batch: Any) -> int:
    return len(batch[1])


def _first_line(error: Exception) -> str:
    return str(error).strip().split("\n", 1)[0]
