"""How far windows of a stratified epoch are from the classes' shares, in rows.

    python bench/stratified.py

Batches of the size that the epoch was laid out for must be less than one row away. Other windows are
what a change of the batch size inside the epoch gives, and the parts of shards.
"""

import numpy as np
from numpy.typing import NDArray

from rightbatch.data.batches import Batches
from rightbatch.data.stratified import Stratified

Numbers = NDArray[np.float64]


def ahead(rows: int, classes: int, batch_size: int) -> Numbers:
    """Rows by which each class is ahead of its share before each position, `(classes, positions + 1)`."""
    draw = np.random.default_rng(classes)
    labels = draw.choice(classes, rows, p=draw.dirichlet(np.ones(classes)))
    seen = labels[Stratified(labels).row_numbers(0, rows, Batches(rows, batch_size))[0:rows]]
    result = np.zeros((classes, rows + 1))
    for label in range(classes):
        np.cumsum(seen == label, out=result[label, 1:])
        result[label] -= np.arange(rows + 1) * (result[label, -1] / rows)
    return result


def worst(lead: Numbers, start: int, size: int) -> float:
    """Of the windows of a size, one after the other."""
    return float(np.abs(np.diff(lead[:, start::size], axis=1)).max())


def main() -> None:
    """Print a line a setting."""
    print(f"{'rows':>9} {'classes':>7} {'B':>5} {'batches':>8} {'B/2':>6} {'B+1':>6} {'2B':>6} {'any':>6}")
    settings = [(10**6, 10, 32), (10**6, 3, 64), (10**6, 3, 1), (200_000, 2, 64), (100_000, 50, 256)]
    for rows, classes, batch_size in settings:
        lead = ahead(rows, classes, batch_size)
        sizes = [max(1, batch_size // 2), batch_size + 1, 2 * batch_size]
        changed = [worst(lead, 9 * batch_size, size) for size in sizes]
        any_window = float((lead.max(axis=1) - lead.min(axis=1)).max())
        numbers = "".join(f" {value:6.2f}" for value in [*changed, any_window])
        print(f"{rows:9,} {classes:7} {batch_size:5} {worst(lead, 0, batch_size):8.3f}{numbers}")


if __name__ == "__main__":
    main()
