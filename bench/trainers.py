"""Seconds per step of `rb.fit` and of other trainers: MLP 64-64-10, SGD, batch size 32, on the CPU.

    pip install "rightbatch[bench]"; python bench/trainers.py

Goals: at most 1.05 times a bare hand-written PyTorch loop, and at least 3 times faster than Keras 3 (on
PyTorch), Lightning's `Trainer` and skorch. All train the same module with the same optimizer on the same
rows, each as its documentation says, with what costs time and changes nothing (progress bars, logs,
checkpoints) switched off. They take turns, after a training each to warm up. What is not installed is left
out, with a line.
"""

import argparse
import importlib.util
import logging
import os
import statistics
import time
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

from rightbatch.data.dataset import load_data
from rightbatch.learners.torch_model import TorchModel
from rightbatch.records import Array
from rightbatch.train.fit import fit

BATCH_SIZE, LR = 32, 0.1

Data = tuple[Array, Array]
Trainer = Callable[[Data, int], float]
"""From the data and the epochs to the loss of all rows at the end."""


def net() -> nn.Module:
    """The module that all train."""
    return nn.Sequential(nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 10))


def loss_of(module: Callable[[Any], Any], data: Data) -> float:
    """Mean loss of all rows: a check that all have learnt the same."""
    x, y = (torch.from_numpy(array) for array in data)
    with torch.no_grad():
        return float(nn.functional.cross_entropy(module(x), y))


def by_hand(data: Data, epochs: int) -> float:
    """The loop of PyTorch's tutorial, fed from tensors; like the others it adds up the losses."""
    x, y = (torch.from_numpy(array) for array in data)
    module, criterion = net(), nn.CrossEntropyLoss()
    optimizer = torch.optim.SGD(module.parameters(), lr=LR)
    for _ in range(epochs):
        total = 0.0
        for rows in torch.split(torch.randperm(len(x)), BATCH_SIZE):
            optimizer.zero_grad()
            loss = criterion(module(x[rows]), y[rows])
            loss.backward()
            optimizer.step()
            total += loss.item() * len(rows)
    return loss_of(module, data)


def by_fit(data: Data, epochs: int) -> float:
    """`rb.fit`."""
    model = TorchModel(net)
    result = fit(model, data, batch_size=BATCH_SIZE, epochs=epochs, lr=LR, schedule="constant")
    return loss_of(result.learner.module(result.state), data)


def by_keras(data: Data, epochs: int) -> float:
    """Keras 3 on PyTorch: the module in a layer of its own, `compile` and `fit`."""
    keras: Any = importlib.import_module("keras")
    module = net()
    model = keras.Sequential([keras.Input((64,)), keras.layers.TorchModuleWrapper(module)])
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(optimizer=keras.optimizers.SGD(LR), loss=loss)
    model.fit(*data, batch_size=BATCH_SIZE, epochs=epochs, verbose=0)
    return loss_of(module, data)


def by_lightning(data: Data, epochs: int) -> float:
    """Lightning: a module with a `training_step`, PyTorch's own loader, `Trainer.fit`."""
    lightning: Any = importlib.import_module("lightning")

    class Lit(lightning.LightningModule):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__()
            self.net = net()

        def training_step(self, batch: Any, number: int) -> Any:
            del number
            x, y = batch
            return nn.functional.cross_entropy(self.net(x), y)

        def configure_optimizers(self) -> Any:
            return torch.optim.SGD(self.parameters(), lr=LR)

    off = dict.fromkeys(
        ("logger", "enable_checkpointing", "enable_progress_bar", "enable_model_summary"), False
    )
    lit = Lit()
    trainer = lightning.Trainer(max_epochs=epochs, accelerator="cpu", **off)
    rows = TensorDataset(*(torch.from_numpy(array) for array in data))
    trainer.fit(lit, DataLoader(rows, batch_size=BATCH_SIZE, shuffle=True))
    return loss_of(lit.net, data)


def by_skorch(data: Data, epochs: int) -> float:
    """skorch: `NeuralNetClassifier.fit`, without a validation part."""
    skorch: Any = importlib.import_module("skorch")
    found = skorch.NeuralNetClassifier(
        net,
        criterion=nn.CrossEntropyLoss,
        optimizer=torch.optim.SGD,
        lr=LR,
        batch_size=BATCH_SIZE,
        max_epochs=epochs,
        train_split=None,
        iterator_train__shuffle=True,
        verbose=0,
    )
    found.fit(*data)
    return loss_of(found.module_, data)


TRAINERS: dict[str, tuple[str | None, Trainer]] = {
    "bare loop": (None, by_hand),
    "rb.fit": (None, by_fit),
    "Keras 3": ("keras", by_keras),
    "Lightning": ("lightning", by_lightning),
    "skorch": ("skorch", by_skorch),
}
"""By name: the package that it needs, and how it trains."""


def installed() -> dict[str, Trainer]:
    """Those that can run here; a line tells of each that cannot."""
    found = {}
    for name, (package, trainer) in TRAINERS.items():
        if package is None or importlib.util.find_spec(package) is not None:
            found[name] = trainer
        else:
            print(f"{name} is left out: {package} is not installed")
    return found


def rounds(trainers: dict[str, Trainer], data: Data, epochs: int, number: int) -> dict[str, list[float]]:
    """Seconds per step of each in each round; they take turns."""
    steps = epochs * -(-len(data[0]) // BATCH_SIZE)
    found: dict[str, list[float]] = {name: [] for name in trainers}
    for _ in range(number):
        for name, trainer in trainers.items():
            started = time.perf_counter()
            trainer(data, epochs)
            found[name].append((time.perf_counter() - started) / steps)
    return found


def main() -> None:
    """Print one line a trainer."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=11)
    parser.add_argument("--epochs", type=int, default=10)
    parser.add_argument("--threads", type=int, default=2)
    arguments = parser.parse_args()
    os.environ["KERAS_BACKEND"] = "torch"
    logging.getLogger("lightning").setLevel(logging.ERROR)
    logging.getLogger("lightning.pytorch").setLevel(logging.ERROR)
    warnings.simplefilter("ignore")
    torch.set_num_threads(arguments.threads)
    torch.manual_seed(0)
    x, y = load_data("digits").train
    data = np.ascontiguousarray(x), y
    trainers = installed()
    losses = {name: trainer(data, arguments.epochs) for name, trainer in trainers.items()}
    found = rounds(trainers, data, arguments.epochs, arguments.rounds)
    print(f"{len(x):,} rows, batch size {BATCH_SIZE}, {arguments.epochs} epochs, {arguments.threads} threads")
    print(f"medians of {arguments.rounds} rounds, interleaved; ratios are medians of the rounds' own")
    print(f"{'':10} {'per step':>10} {'× rb.fit':>9} {'× bare':>7} {'loss at the end':>16}")
    for name, seconds in found.items():
        ours = statistics.median(a / b for a, b in zip(seconds, found["rb.fit"], strict=True))
        bare = statistics.median(a / b for a, b in zip(seconds, found["bare loop"], strict=True))
        each = statistics.median(seconds) * 1e6
        print(f"{name:10} {each:8.1f}µs {ours:9.2f} {bare:7.2f} {losses[name]:16.4f}")


if __name__ == "__main__":
    main()
