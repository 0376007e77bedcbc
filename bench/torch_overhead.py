"""Training a PyTorch module against a bare hand-written PyTorch loop: MLP 64-64-10, SGD.

    python bench/torch_overhead.py

Goal: at batch size 32 at most 1.05 times the bare loop. "train" is the loop alone, against a bare loop
that never looks at the loss; "fit" is `rb.fit` with all that it makes before the first step, against
one that adds the losses up. All take turns, with the same threads.
"""

import argparse
import statistics
import time
from collections.abc import Callable

import numpy as np
import torch
from torch import nn

from rightbatch.data.dataset import load_data
from rightbatch.data.loader import Loader
from rightbatch.learners.torch_model import TorchModel
from rightbatch.learners.updates import optimizer_named
from rightbatch.records import Array, Shape
from rightbatch.train.fit import fit
from rightbatch.train.loop import train

EPOCHS = 10
LR = 0.1

Data = tuple[Array, Array]


def net() -> nn.Module:
    """The module that all train."""
    return nn.Sequential(nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 10))


def bare(data: Data, batch_size: int, *, sums: bool = False) -> float:
    """The loop of PyTorch's own tutorial, on tensors in memory; the mean loss of the last epoch."""
    x, y = (torch.from_numpy(array) for array in data)
    module, loss_of = net(), nn.CrossEntropyLoss()
    optimizer = torch.optim.SGD(module.parameters(), lr=LR)
    total = 0.0
    for _ in range(EPOCHS):
        total = 0.0
        for rows in torch.split(torch.randperm(len(x)), batch_size):
            optimizer.zero_grad()
            loss = loss_of(module(x[rows]), y[rows])
            loss.backward()
            optimizer.step()
            if sums:
                total += loss.item() * len(rows)
    return total / len(x)


def bare_with_sums(data: Data, batch_size: int) -> float:
    """The same, with the losses added up."""
    return bare(data, batch_size, sums=True)


def by_train(data: Data, batch_size: int) -> float:
    """The same steps by the training loop."""
    shape = Shape(features=64, outputs=10, task="classification")
    learner = TorchModel(net).build(shape, optimizer_named("sgd"))
    loader = Loader(data, batch_size, shuffle=True, seed=0)
    state = learner.start([0])
    for _ in range(EPOCHS):
        for event in train(learner, state, loader.batches(), np.full(1, LR, np.float32)):
            state = event.state
    return 0.0


def by_fit(data: Data, batch_size: int) -> float:
    """The same by `fit`; the mean loss of the last epoch."""
    result = fit(TorchModel(net), data, batch_size=batch_size, epochs=EPOCHS, lr=LR, schedule="constant")
    return result.history[-1]["loss"]


def seconds(training: Callable[[Data, int], float], data: Data, batch_size: int) -> float:
    """Seconds of one call."""
    started = time.perf_counter()
    training(data, batch_size)
    return time.perf_counter() - started


def main() -> None:
    """Print one line a batch size."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--threads", type=int, nargs="*", default=[1, 2])
    arguments = parser.parse_args()
    data = load_data("digits").train
    print(f"medians of {arguments.rounds} rounds, interleaved; the goal at 32 is 1.05")
    print(f"{'threads':>7} {'B':>5} {'bare/step':>10} {'train':>8} {'ratio':>6} {'fit':>8} {'ratio':>6}")
    for threads in arguments.threads:
        torch.set_num_threads(threads)
        for batch_size in (1, 8, 32, 128):
            steps = EPOCHS * -(-len(data[0]) // batch_size)
            kinds = (bare, by_train, bare_with_sums, by_fit)
            rows = [[seconds(kind, data, batch_size) for kind in kinds] for _ in range(arguments.rounds)]
            one, ours, _, whole = (
                statistics.median(column) / steps * 1e6 for column in zip(*rows, strict=True)
            )
            first = statistics.median(row[1] / row[0] for row in rows)
            second = statistics.median(row[3] / row[2] for row in rows)
            line = f"{threads:7} {batch_size:5} {one:8.1f}µs {ours:6.1f}µs {first:6.2f}"
            print(f"{line} {whole:6.1f}µs {second:6.2f}")
    print(f"last mean loss at 32: bare {bare_with_sums(data, 32):.4f}, fit {by_fit(data, 32):.4f}")


if __name__ == "__main__":
    main()
