"""K = 16 learning rates of a PyTorch module, stacked, against one training: seconds per step, side by side.

    python bench/torch_replicas.py

Goal: for the MLP 64-64-10 at batch size 32 at most 5 times one training. "one by one" is the same
16 learning rates without stacking; "bare" is a hand-written PyTorch loop of one training.
At the end three seeds with batches of their own, as in `bench/replicas.py`.
"""

import argparse
import statistics
import time
from collections.abc import Callable, Iterator

import numpy as np
import torch
from torch import nn

from replicas import seeds
from rightbatch.data.loader import Loader
from rightbatch.learners.torch_model import TorchModel
from rightbatch.learners.updates import optimizer_named
from rightbatch.records import Array, Shape
from rightbatch.train.loop import endless, train

REPLICAS = 16
GOAL = 5


def mlp() -> nn.Module:
    """The module of the goal."""
    return nn.Sequential(nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 10))


def cnn() -> nn.Module:
    """A small convolutional network for the digits."""
    return nn.Sequential(
        nn.Unflatten(1, (1, 8, 8)),
        *(nn.Conv2d(1, 8, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2)),
        *(nn.Conv2d(8, 16, 3, padding=1), nn.ReLU(), nn.Flatten()),
        nn.Linear(256, 10),
    )


def data() -> tuple[Array, Array]:
    """Random rows, digits-like."""
    rng = np.random.default_rng(0)
    return rng.standard_normal((1257, 64), dtype=np.float32), rng.integers(0, 10, 1257)


def training(
    make: Callable[[], nn.Module], replicas: int, batch_size: int, optimizer: str, *, stack: bool = True
) -> Iterator[object]:
    """An endless training by our loop."""
    shape = Shape(features=64, outputs=10, task="classification")
    learner = TorchModel(make, stack=stack).build(shape, optimizer_named(optimizer))
    loader = Loader(data(), batch_size, shuffle=True, seed=0, last="drop")
    lr = np.full(replicas, 0.01, np.float32)
    return train(learner, learner.start([0] * replicas), endless(loader), lr)


def bare(make: Callable[[], nn.Module], batch_size: int, optimizer: str) -> Iterator[object]:
    """An endless training as one writes it by hand, from tensors in memory."""
    x, y = (torch.from_numpy(array) for array in data())
    module, loss_of = make(), nn.CrossEntropyLoss()
    kinds = {"sgd": torch.optim.SGD, "adam": torch.optim.Adam}
    rule = kinds[optimizer](module.parameters(), lr=0.01)
    while True:
        for rows in torch.split(torch.randperm(len(x)), batch_size)[: len(x) // batch_size]:
            rule.zero_grad()
            loss = loss_of(module(x[rows]), y[rows])
            loss.backward()
            rule.step()
            yield loss


def seconds(steps: Iterator[object], block: int) -> float:
    """Seconds per step, of a block of them."""
    started = time.perf_counter()
    for _ in range(block):
        next(steps)
    return (time.perf_counter() - started) / block


def main() -> None:
    """Print one line a case."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--block", type=int, default=100, help="steps timed together")
    parser.add_argument("--threads", type=int, nargs="*", default=[1, 2])
    parser.add_argument("--optimizer", default="sgd", choices=["sgd", "adam"])
    arguments = parser.parse_args()
    print(f"medians of {arguments.rounds} rounds, interleaved; ratios to one training; {arguments.optimizer}")
    print(f"{'threads':>7} {'model':>5} {'B':>4} {'one':>9} {'bare':>6} {'stacked':>8} {'one by one':>11}")
    for threads in arguments.threads:
        torch.set_num_threads(threads)
        for make, batch_size in ((mlp, 1), (mlp, 8), (mlp, 32), (mlp, 128), (cnn, 32)):
            kinds = [
                training(make, 1, batch_size, arguments.optimizer),
                bare(make, batch_size, arguments.optimizer),
                training(make, REPLICAS, batch_size, arguments.optimizer),
                training(make, REPLICAS, batch_size, arguments.optimizer, stack=False),
            ]
            for kind in kinds:
                seconds(kind, 3)
            block = arguments.block if make is mlp else max(1, arguments.block // 10)
            rows = [[seconds(kind, block) for kind in kinds] for _ in range(arguments.rounds)]
            ratios = [statistics.median(row[i] / row[0] for row in rows) for i in (1, 2, 3)]
            one = statistics.median(row[0] for row in rows) * 1e6
            line = f"{threads:7} {make.__name__:>5} {batch_size:4} {one:7.1f}µs"
            met = "met" if ratios[1] <= GOAL else "missed"
            goal = f"   goal {GOAL}: {met}" if make is mlp and batch_size == 32 else ""
            print(f"{line} {ratios[0]:6.2f} {ratios[1]:8.2f} {ratios[2]:11.2f}{goal}", flush=True)
    torch.set_num_threads(1)
    seeds({"PyTorch 64-64-10": TorchModel(mlp)}, arguments)


if __name__ == "__main__":
    main()
