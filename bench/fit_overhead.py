"""`rb.fit` against a bare hand-written NumPy loop that does the same arithmetic: MLP 64-64-10, SGD.

    python bench/fit_overhead.py

Goal: at most 1.15 times the bare loop. Both run with one thread of linear algebra, in turns.
"""

import argparse
import statistics
import time
from typing import Any

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from rightbatch.data.dataset import load_data
from rightbatch.learners.mlp import MLP
from rightbatch.train.fit import fit

EPOCHS = 10
LR = np.float32(0.1)

Floats = NDArray[Any]


def bare(x: Floats, y: Floats, batch_size: int) -> float:
    """The loop of a text book; the mean loss of the last epoch."""
    rng = np.random.default_rng(0)
    w1 = rng.uniform(-0.3, 0.3, (64, 64)).astype(np.float32)
    w2 = rng.uniform(-0.3, 0.3, (64, 10)).astype(np.float32)
    b1, b2 = np.zeros(64, np.float32), np.zeros(10, np.float32)
    mean = 0.0
    for _ in range(EPOCHS):
        order = rng.permutation(len(x))
        total = 0.0
        for start in range(0, len(x), batch_size):
            rows = order[start : start + batch_size]
            xb, yb = x[rows], y[rows]
            hidden = np.maximum(xb @ w1 + b1, 0)
            logits = hidden @ w2 + b2
            logits -= logits.max(axis=1, keepdims=True)
            exps = np.exp(logits)
            p = exps / exps.sum(axis=1, keepdims=True)
            picked = np.arange(len(rows)), yb
            total += float(-np.log(p[picked]).sum())
            p[picked] -= 1
            p /= len(rows)
            slope = (p @ w2.T) * (hidden > 0)
            w2 -= LR * (hidden.T @ p)
            b2 -= LR * p.sum(axis=0)
            w1 -= LR * (xb.T @ slope)
            b1 -= LR * slope.sum(axis=0)
        mean = total / len(x)
    return mean


def ours(x: Floats, y: Floats, batch_size: int) -> float:
    """The same by `fit`; the mean loss of the last epoch."""
    result = fit(
        MLP(hidden=(64,)), (x, y), batch_size=batch_size, epochs=EPOCHS, lr=float(LR), schedule="constant"
    )
    return result.history[-1]["loss"]


def seconds(training: Any, *arguments: Any) -> float:
    """Seconds of one call."""
    started = time.perf_counter()
    training(*arguments)
    return time.perf_counter() - started


def main() -> None:
    """Print one line a batch size."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=15)
    rounds = parser.parse_args().rounds
    x, y = load_data("digits").train
    print(f"medians of {rounds} rounds, interleaved")
    print(f"{'B':>5} {'bare/step':>10} {'fit/step':>10} {'ratio':>6}")
    with threadpool_limits(1):
        for batch_size in (1, 8, 32, 128, 1257):
            steps = EPOCHS * -(-len(x) // batch_size)
            pairs = [
                (seconds(bare, x, y, batch_size), seconds(ours, x, y, batch_size)) for _ in range(rounds)
            ]
            theirs, mine = (statistics.median(column) / steps * 1e6 for column in zip(*pairs, strict=True))
            ratio = statistics.median(b / a for a, b in pairs)
            met = "met" if ratio <= 1.15 else "missed"
            print(f"{batch_size:5} {theirs:8.1f}µs {mine:8.1f}µs {ratio:6.2f}   goal 1.15: {met}")
    print(f"last mean loss at 32: bare {bare(x, y, 32):.4f}, fit {ours(x, y, 32):.4f}")


if __name__ == "__main__":
    main()
