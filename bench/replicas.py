"""K = 16 replicas against one training: seconds per step of the MLP 64-64-10, side by side.

    python bench/replicas.py

Goal: at batch size 8 at most 4 times one training, at 32 at most 6 times.
"""

import argparse
import statistics
import time
from collections.abc import Callable, Iterator

import numpy as np
from threadpoolctl import threadpool_limits

from rightbatch.data.loader import Loader
from rightbatch.learners.mlp import MLP
from rightbatch.learners.updates import optimizer_named
from rightbatch.records import Shape, StepEvent
from rightbatch.train.loop import endless, train

BLOCK = 400
"""Steps timed together."""


def training(replicas: int, batch_size: int, optimizer: str) -> Iterator[StepEvent]:
    """An endless training on random digits-like data."""
    rng = np.random.default_rng(0)
    x, y = rng.standard_normal((1257, 64), dtype=np.float32), rng.integers(0, 10, 1257)
    shape = Shape(features=64, outputs=10, task="classification")
    learner = MLP(hidden=(64,)).build(shape, optimizer_named(optimizer))
    loader = Loader((x, y), batch_size, shuffle=True, seed=0, last="drop")
    lr = np.full(replicas, 0.01, np.float32)
    return train(learner, learner.start([0] * replicas), endless(loader), lr)


def block(events: Iterator[StepEvent]) -> Callable[[], float]:
    """Times one block of steps; the result in seconds per step."""

    def run() -> float:
        started = time.perf_counter()
        for _ in range(BLOCK):
            next(events)
        return (time.perf_counter() - started) / BLOCK

    return run


def main() -> None:
    """Print one line a case."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--threads", type=int, nargs="*", default=[1, 2])
    parser.add_argument("--optimizer", default="sgd")
    arguments = parser.parse_args()
    print(f"medians of {arguments.rounds} rounds, interleaved")
    print(f"{'threads':>7} {'B':>5} {'one':>9} {'K=16':>9} {'ratio':>6}")
    for threads in arguments.threads:
        with threadpool_limits(threads):
            for batch_size, goal in ((1, None), (8, 4), (32, 6), (128, None)):
                one, many = (block(training(k, batch_size, arguments.optimizer)) for k in (1, 16))
                pairs = [(one(), many()) for _ in range(arguments.rounds)]
                t1, t16 = (statistics.median(column) * 1e6 for column in zip(*pairs, strict=True))
                ratio = statistics.median(b / a for a, b in pairs)
                met = "" if goal is None else f"   goal {goal}: {'met' if ratio <= goal else 'missed'}"
                print(f"{threads:7} {batch_size:5} {t1:7.1f}µs {t16:7.1f}µs {ratio:6.2f}{met}")


if __name__ == "__main__":
    main()
