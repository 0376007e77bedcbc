"""What an order costs: to begin an epoch, row numbers in the loader's windows, and a window of 10^12 rows.

    python bench/orders.py

Goal: any window of a million positions of 10^12 rows in under 1 s and 100 MB. One thread.
"""

import statistics
import time
import tracemalloc
from collections.abc import Callable
from typing import Any

import numpy as np

from rightbatch.data.balanced import Balanced
from rightbatch.data.batches import Batches
from rightbatch.data.bylength import ByLength
from rightbatch.data.order import Order, Shuffled
from rightbatch.data.stratified import Stratified
from rightbatch.data.weighted import Weighted

ROWS = 10**6
WINDOW = 2000
"""Positions, about those of a block of the loader."""


def seconds(action: Callable[[], Any], rounds: int = 5) -> float:
    """The median time of one call, after one to warm up."""
    action()
    times = []
    for _ in range(rounds):
        started = time.perf_counter()
        action()
        times.append(time.perf_counter() - started)
    return statistics.median(times)


def print_order(name: str, order: Order) -> None:
    """One line of the table."""
    meant = Batches(order.length(ROWS), 64)
    numbers = order.row_numbers(0, ROWS, meant)

    def windows() -> None:
        for start in range(0, ROWS, WINDOW):
            numbers[start : start + WINDOW]

    begin = seconds(lambda: order.row_numbers(0, ROWS, meant))
    print(f"{name:28} {order.length(ROWS):>10,} {begin * 1e3:10.1f} {seconds(windows) / ROWS * 1e9:10.1f}")


def print_huge() -> None:
    """The window of a huge order: time, and memory in a run of its own."""
    rows, size = 10**12, 10**6
    numbers = Shuffled().row_numbers(0, rows)
    taken = seconds(lambda: numbers[rows // 2 : rows // 2 + size])
    tracemalloc.start()
    numbers[rows // 2 : rows // 2 + size]
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    met = "met" if taken < 1 and peak < 10**8 else "missed"
    print(f"{size:,} positions of {rows:,} rows: {taken:.3f} s, {peak / 1e6:.0f} MB; goal 1 s, 100 MB: {met}")


def main() -> None:
    """Print a line an order."""
    draw = np.random.default_rng(0)
    labels = draw.choice(10, ROWS, p=np.array([200] + [1] * 9) / 209)
    weights, lengths = draw.random(ROWS), draw.lognormal(4, 1, ROWS).astype(np.int64)
    print(f"{ROWS:,} rows, row numbers in windows of {WINDOW:,}; medians of 5")
    print(f"{'order':28} {'positions':>10} {'ms to begin':>10} {'ns a row':>10}")
    print_order("Shuffled, exact", Shuffled(method="exact"))
    print_order("Shuffled, bijection", Shuffled(method="bijection"))
    print_order("Balanced, 200 to 1", Balanced(labels))
    print_order("Stratified", Stratified(labels))
    print_order("Weighted", Weighted(weights))
    print_order("Weighted, no replacement", Weighted(weights, replacement=False))
    print_order("ByLength", ByLength(lengths))
    print_order("ByLength, tokens", ByLength(lengths, tokens=8192))
    print_huge()


if __name__ == "__main__":
    main()
