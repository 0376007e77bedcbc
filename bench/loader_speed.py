"""The loader against a loop by hand, one bare `np.take`, and PyTorch's DataLoader: the goals, one by one.

    python bench/loader_speed.py

Everything is timed in turns, one thread of the linear algebra library; a ratio is taken within a round, and
the median over the rounds is printed. Drawing the permutation counts on all sides.
"""

import statistics
import time
import tracemalloc
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import numpy as np

from rightbatch.data.loader import Loader
from rightbatch.measure.race import made_up
from rightbatch.measure.rivals import installed
from rightbatch.records import Array
from rightbatch.study.machine import describe, fixed_threads

ROUNDS, TORCH_ROUNDS = 15, 5
SHAPES = ((1_000_000, 32), (100_000, 784))
MOST_SINGLE = 200_000
"""Batches of one row that are timed: an epoch of them takes a data loader 20 s."""

GOALS = {(32, 1): 2.0, (32, 32): 2.0, (32, 1024): 1.5, (784, 64): 1.0}
"""Times as fast as the loop by hand, by columns and batch size."""

Epoch = Callable[[], Iterable[Any]]


def by_hand(x: Array, y: Array, batch_size: int, most: int) -> Epoch:
    """`X[perm[i:i+B]], y[perm[i:i+B]]`, `most` batches of it."""
    draw = np.random.default_rng(0)

    def epoch() -> Iterator[Any]:
        rows = draw.permutation(len(x))
        for start in range(0, min(len(x), most * batch_size), batch_size):
            index = rows[start : start + batch_size]
            yield x[index], y[index]

    return epoch


def bare_take(x: Array, y: Array) -> Epoch:
    """The whole data by one call a field, into memory made before."""
    draw, into_x, into_y = np.random.default_rng(0), np.empty_like(x), np.empty_like(y)

    def epoch() -> list[Any]:
        rows = draw.permutation(len(x))
        np.take(x, rows, axis=0, out=into_x, mode="clip")
        np.take(y, rows, axis=0, out=into_y, mode="clip")
        return []

    return epoch


def few(epoch: Epoch, most: int) -> Epoch:
    """The first batches of an epoch."""

    def shorter() -> Iterator[Any]:
        for number, batch in enumerate(epoch(), start=1):
            yield batch
            if number == most:
                return

    return shorter


def seconds(epoch: Epoch) -> float:
    """Of one epoch whose batches nobody keeps."""
    started = time.perf_counter()
    deque(epoch(), maxlen=0)
    return time.perf_counter() - started


def ratio(ours: Epoch, theirs: Epoch, rounds: int = ROUNDS) -> float:
    """Theirs over ours, the median over rounds that take them in turn, after one to warm up."""
    seconds(ours), seconds(theirs)
    return statistics.median(1 / (seconds(ours) / seconds(theirs)) for _ in range(rounds))


def say(what: str, found: float, goal: float) -> None:
    """One line."""
    print(f"{what:66s} {found:7.2f}   goal {goal:g}: {'met' if found >= goal else 'missed'}", flush=True)


def against_loops(x: Array, y: Array) -> None:
    """The loop by hand, and the bare take."""
    columns = x.shape[1]
    for batch_size in (1, 32, 64, 1024) if columns == 32 else (64, 1024):
        most = MOST_SINGLE if batch_size == 1 else len(x)
        loader = Loader((x, y), batch_size, shuffle=True)
        found = ratio(few(lambda loader=loader: loader, most), by_hand(x, y, batch_size, most))  # type: ignore[misc]
        goal = GOALS.get((columns, batch_size), 1.0)
        say(f"d={columns} B={batch_size}: times as fast as the loop by hand", found, goal)
    for threads, goal in ((1, 0.9), (2, 1.7)):
        for batch_size in (256, 1024):
            loader = Loader((x, y), batch_size, shuffle=True, threads=threads)
            found = ratio(lambda loader=loader: loader, bare_take(x, y))  # type: ignore[misc]
            what = f"d={columns} B={batch_size}, {threads} thread(s): speed over one bare np.take"
            say(what, found, goal)


def against_torch(x: Array, y: Array) -> None:
    """PyTorch's DataLoader, in the faster of two ways to write it; whole epochs but for single rows.

    Its workers are processes, which cost more than they bring here; the loader's are threads.
    """
    theirs = {"torch DataLoader", "DataLoader batch sampler"}
    rivals = [rival for rival in installed()[0] if rival.name in theirs]
    for batch_size in (1, 32, 256, 1024) if rivals else ():
        most = MOST_SINGLE if batch_size == 1 else len(x)
        ways = [few(rival.epochs(x, y, batch_size), most) for rival in rivals]
        way = min(ways, key=lambda way: min(seconds(way), seconds(way)))
        for output, threads in (("numpy", 1), ("numpy", 2), ("torch", 1), ("torch", 2)):
            loader = Loader((x, y), batch_size, shuffle=True, output=output, threads=threads)
            found = ratio(few(lambda loader=loader: loader, most), way, TORCH_ROUNDS)  # type: ignore[misc]
            how = f"{output}, {threads} thread(s)"
            what = f"d={x.shape[1]} B={batch_size}, {how}: times as fast as torch's DataLoader"
            say(what, found, 20 if batch_size <= 256 else 10)
        if batch_size >= 256:
            found = ratio(bare_take(x, y), way, TORCH_ROUNDS)
            print(f"d={x.shape[1]}, one bare np.take: {found:.2f} times as fast as torch's at B={batch_size}")


def memory(x: Array, y: Array) -> None:
    """Allocated beyond the data and the permutation, at most."""
    ahead: dict[str, Any] = {"prefetch": 2, "threads": 2}
    for batch_size, settings in ((64, {}), (1024, {}), (1024, ahead)):
        tracemalloc.start()
        deque(Loader((x, y), batch_size, shuffle=True, **settings), maxlen=0)
        most = (tracemalloc.get_traced_memory()[1] - 8 * len(x)) / 1e6
        tracemalloc.stop()
        print(f"d={x.shape[1]} B={batch_size} {settings}: {most:.1f} MB beyond data and permutation, goal 64")


def main() -> None:
    """Print all ratios."""
    machine = describe(1)
    rounds = f"{ROUNDS} rounds, {TORCH_ROUNDS} with PyTorch"
    print(f"{machine['cpu']}, {machine['cores']} cores; medians of {rounds}")
    with fixed_threads(1):
        for rows, columns in SHAPES:
            x, y = made_up(rows, columns, "float32")
            against_loops(x, y)
            against_torch(x, y)
            memory(x, y)


if __name__ == "__main__":
    main()
