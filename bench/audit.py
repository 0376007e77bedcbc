"""What the audit costs while training: seconds of a step with it and without, the digits, an MLP 64-32-10.

    python bench/audit.py

Goal: under 1 %. The smaller model is the smallest anybody trains, an epoch of it takes 1 ms. One thread.
"""

import statistics
import time
from collections.abc import Iterable

import numpy as np

from rightbatch.data.audit import Audit
from rightbatch.data.dataset import Dataset, load_data
from rightbatch.data.loader import Loader
from rightbatch.learners.mlp import MLP
from rightbatch.learners.updates import SGD
from rightbatch.records import Batch
from rightbatch.study.machine import fixed_threads
from rightbatch.train.loop import train

BATCH_SIZES = (1, 8, 64, 256)
ROUNDS, SECONDS = 21, 0.05


class Training:
    """One model that is trained epoch after epoch."""

    def __init__(self, data: Dataset, hidden: tuple[int, ...]) -> None:
        self.learner = MLP(hidden=hidden).build(data.shape, SGD())
        self.state = self.learner.start([0])

    def seconds(self, batches: Iterable[Batch]) -> float:
        """Of an epoch."""
        started = time.perf_counter()
        for event in train(self.learner, self.state, batches, np.full(1, 1e-3, np.float32)):
            self.state = event.state
        return time.perf_counter() - started


def cost(data: Dataset, hidden: tuple[int, ...], batch_size: int) -> tuple[float, float]:
    """Seconds of a step without the audit, and what share it adds: medians of paired rounds."""
    training = Training(data, hidden)
    loader = Loader(data.train, batch_size, shuffle=True)
    audit = Audit(Loader(data.train, batch_size, shuffle=True))
    epochs = max(1, round(SECONDS / training.seconds(loader.batches())))
    steps, shares = [], []
    for _ in range(ROUNDS):
        plain = audited = 0.0
        for number in range(2 * epochs):  # each goes first as often as the other
            if number % 2:
                audited += training.seconds(audit.batches())
                plain += training.seconds(loader.batches())
            else:
                plain += training.seconds(loader.batches())
                audited += training.seconds(audit.batches())
        steps.append(plain / (2 * epochs) / len(loader))
        shares.append(audited / plain - 1)
    return statistics.median(steps), statistics.median(shares)


def main() -> None:
    """Print a line a batch size."""
    data = load_data("digits")
    print(f"{'model':>14} {'batch size':>10} {'µs a step':>10} {'audit adds':>10}   goal 1 %")
    with fixed_threads(1):
        for hidden in ((32,), (512, 512)):
            for size in BATCH_SIZES:
                step, share = cost(data, hidden, size)
                met = "met" if share < 0.01 else "missed"
                print(f"{hidden!s:>14} {size:>10} {step * 1e6:>10.1f} {share:>10.2%}   {met}")


if __name__ == "__main__":
    main()
