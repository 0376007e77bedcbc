"""Padding in batches of similar length: the share of padded values, for log-normal lengths of about 60.

    python bench/padding.py

Goal: at most 5 % where `ByLength` says so. *sorted* is the least there can be in batches of one size,
*random* what shuffled batches cost.
"""

import numpy as np
from numpy.typing import NDArray

from rightbatch.data.batches import Batches, Cut, GivenBatches
from rightbatch.data.bylength import ByLength

Numbers = NDArray[np.int64]
EPOCHS = 5


def share(lengths: Numbers, rows: Numbers, cut: Cut) -> float:
    """Padding in all padded values, in percent."""
    padded = 0
    for run in cut.runs():
        batches = lengths[rows[run.start : run.start + run.size * run.batches]].reshape(run.batches, run.size)
        padded += int(batches.max(axis=1).sum()) * run.size
    return 100 * (1 - int(lengths.sum()) / padded)


def worst(order: ByLength, lengths: Numbers, asked: Cut) -> float:
    """The largest share of some epochs."""
    shares = []
    for epoch in range(EPOCHS):
        sizes = order.batch_sizes(epoch)
        cut = asked if sizes is None else GivenBatches(sizes)
        shares.append(share(lengths, order.row_numbers(epoch, len(lengths), cut)[0 : len(lengths)], cut))
    return max(shares)


def main() -> None:
    """Print a line a setting."""
    print(f"the worst of {EPOCHS} epochs, %")
    print(f"{'rows':>8} {'sigma':>5} {'batches':>12} {'ByLength':>9} {'sorted':>7} {'random':>7}")
    for rows in (1_000, 10_000, 100_000):
        for sigma in (0.5, 1.0):
            draw = np.random.default_rng(rows)
            lengths = np.maximum(1, draw.lognormal(np.log(60), sigma, rows)).astype(np.int64)
            for batch_size in (16, 32, 64, 128):
                cut = Batches(rows, batch_size)
                ours = worst(ByLength(lengths), lengths, cut)
                least = share(lengths, np.argsort(lengths), cut)
                random = share(lengths, draw.permutation(rows), cut)
                settings = f"{rows:8,} {sigma:5.1f} {batch_size:7} rows"
                print(f"{settings} {ours:9.1f} {least:7.1f} {random:7.1f}")
            budget = max(int(100 * lengths.mean()), int(lengths.max()))
            ours = worst(ByLength(lengths, tokens=budget), lengths, Batches(rows, rows))
            print(f"{rows:8,} {sigma:5.1f} {budget:5} tokens {ours:9.1f}")


if __name__ == "__main__":
    main()
