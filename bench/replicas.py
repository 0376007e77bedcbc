"""Replicas against one training: seconds per step of the MLP 64-64-10 and of its output layer alone.

    python bench/replicas.py

First K = 16 learning rates on the same batches, over one training; goal: at batch size 8 at most 4 times one,
at 32 at most 6 times. Then three seeds of two learning rates each, each seed with batches of its own: in one
pass, over one seed after the other.
"""

import argparse
import statistics
import time
from collections.abc import Callable, Iterator, Mapping
from itertools import product
from typing import Any

import numpy as np
from threadpoolctl import threadpool_limits

from rightbatch.data.loader import Loader
from rightbatch.learners.linear import LogisticRegression
from rightbatch.learners.mlp import MLP
from rightbatch.learners.updates import optimizer_named
from rightbatch.records import Shape, StepEvent
from rightbatch.train.loop import endless, train, train_apart

BLOCK = 400
"""Steps timed together."""


def training(model: Any, seeds: int, rates: int, batch_size: int, optimizer: str) -> Iterator[StepEvent]:
    """An endless training on random digits-like data, so many learning rates from each of so many seeds."""
    rng = np.random.default_rng(0)
    data = rng.standard_normal((1257, 64), dtype=np.float32), rng.integers(0, 10, 1257)
    shape = Shape(features=64, outputs=10, task="classification")
    learner = model.build(shape, optimizer_named(optimizer))
    streams = [endless(Loader(data, batch_size, shuffle=True, seed=k, last="drop")) for k in range(seeds)]
    state = learner.start([0] * seeds * rates)
    lr = np.full(seeds * rates, 0.01, np.float32)
    if seeds == 1:
        return train(learner, state, streams[0], lr)
    return train_apart(learner, state, streams, (rates,) * seeds, lr)


def block(events: Iterator[StepEvent]) -> Callable[[], float]:
    """Times one block of steps; the result in seconds per step."""

    def run() -> float:
        started = time.perf_counter()
        for _ in range(BLOCK):
            next(events)
        return (time.perf_counter() - started) / BLOCK

    return run


def compared(
    rounds: int, fewer: Callable[[], float], more: Callable[[], float]
) -> tuple[float, float, float]:
    """Median seconds of both, taken in turn, and the median ratio of the second to the first."""
    pairs = [(fewer(), more()) for _ in range(rounds)]
    first, second = (statistics.median(column) for column in zip(*pairs, strict=True))
    return first, second, statistics.median(b / a for a, b in pairs)


def learning_rates(arguments: argparse.Namespace) -> None:
    """One training against sixteen learning rates on the same batches."""
    print(f"{'threads':>7} {'B':>5} {'one':>9} {'K=16':>9} {'ratio':>6}")
    for threads in arguments.threads:
        with threadpool_limits(threads):
            for batch_size, goal in ((1, None), (8, 4), (32, 6), (128, None)):
                trainings = (training(MLP(), 1, k, batch_size, arguments.optimizer) for k in (1, 16))
                one, many = map(block, trainings)
                t1, t16, ratio = compared(arguments.rounds, one, many)
                met = "" if goal is None else f"   goal {goal}: {'met' if ratio <= goal else 'missed'}"
                print(f"{threads:7} {batch_size:5} {t1 * 1e6:7.1f}µs {t16 * 1e6:7.1f}µs {ratio:6.2f}{met}")


def seeds(models: Mapping[str, Any], arguments: argparse.Namespace) -> None:
    """Three seeds of two learning rates one after the other, against all in one pass."""
    print(f"\n{'model':>16} {'B':>5} {'in turn':>9} {'together':>9} {'ratio':>6}   one thread")
    for name, batch_size in product(models, (8, 32, 128, 512)):
        trainings = (training(models[name], k, 2, batch_size, arguments.optimizer) for k in (1, 3))
        one, three = map(block, trainings)
        turn, together, ratio = compared(arguments.rounds, one, three)
        print(f"{name:>16} {batch_size:5} {3e6 * turn:7.1f}µs {1e6 * together:7.1f}µs {ratio / 3:6.2f}")


def main() -> None:
    """Print one line a case."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--threads", type=int, nargs="*", default=[1, 2])
    parser.add_argument("--optimizer", default="sgd")
    arguments = parser.parse_args()
    print(f"medians of {arguments.rounds} rounds, interleaved")
    learning_rates(arguments)
    with threadpool_limits(1):
        seeds({"64-64-10": MLP(), "64-10": LogisticRegression()}, arguments)


if __name__ == "__main__":
    main()
