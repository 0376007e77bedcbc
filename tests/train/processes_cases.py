"""Trainings that one process and several make in the same way; run by `torchrun`, it writes what came out.

torchrun --nproc-per-node=2 processes_cases.py cases FOLDER
RANK=0 WORLD_SIZE=2 ... processes_cases.py cases FOLDER 2
"""

import atexit
import importlib
import json
import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from rightbatch.data.bylength import ByLength
from rightbatch.data.loader import Loader
from rightbatch.data.ragged import Ragged
from rightbatch.learners.torch_model import TorchModel
from rightbatch.train.fit import fit
from rightbatch.train.result import FitResult

RNG = np.random.default_rng(0)
X = RNG.normal(size=(53, 6)).astype(np.float32)
Y = (X @ RNG.normal(size=(6, 3))).argmax(axis=1)
TRAIN, HELD = (X[:41], Y[:41]), (X[41:], Y[41:])
BATCH = 9
"""41 rows in batches of 9: the last has 5 rows, and neither divides by 2."""


def net(features: int, outputs: int) -> nn.Module:
    """A small network."""
    return nn.Sequential(nn.Linear(features, 8), nn.Tanh(), nn.Linear(8, outputs))


class Spare(nn.Module):
    """A layer, and one that no row uses."""

    def __init__(self, features: int, outputs: int) -> None:
        super().__init__()
        self.layer, self.spare = nn.Linear(features, outputs), nn.Linear(2, 2)

    def forward(self, x: Tensor) -> Tensor:
        """Through the one."""
        found: Tensor = self.layer(x)
        return found


class Fragile(nn.Module):
    """A layer that ends its process in a certain call: `FRAGILE="1 30"` kills rank 1 in its 30th."""

    def __init__(self, features: int, outputs: int) -> None:
        super().__init__()
        self.layer, self.calls = nn.Linear(features, outputs), 0

    def forward(self, x: Tensor) -> Tensor:
        """Through the layer, if it comes to that."""
        self.calls += self.training
        rank, call = os.environ.get("FRAGILE", "0 0").split()
        if os.environ.get("RANK") == rank and self.training and self.calls == int(call):
            os.kill(os.getpid(), signal.SIGKILL)
        found: Tensor = self.layer(x)
        return found


class Careless(nn.Module):
    """Two layers, one of which is left out in the second process from its sixth call on."""

    def __init__(self, features: int, outputs: int) -> None:
        super().__init__()
        self.layer, self.other, self.calls = nn.Linear(features, outputs), nn.Linear(features, outputs), 0

    def forward(self, x: Tensor) -> Tensor:
        """The sum of both, or one."""
        self.calls += self.training
        found: Tensor = self.layer(x)
        return found if os.environ.get("RANK") == "1" and self.calls > 5 else found + self.other(x)


class Pooled(nn.Module):
    """The mean vector of the words of a row, which has no less than one."""

    def __init__(self) -> None:
        super().__init__()
        self.embed, self.layer = nn.Embedding(9, 4), nn.Linear(4, 3)

    def forward(self, x: Tensor, mask: Tensor, lengths: Tensor) -> Tensor:
        """Scores of three classes."""
        found: Tensor = self.layer((self.embed(x) * mask[..., None]).sum(1) / lengths[:, None])
        return found


def of_words() -> FitResult:
    """Rows that differ in length, batches of like length."""
    draw = np.random.default_rng(1)
    words = Ragged([draw.integers(0, 9, length) for length in draw.integers(1, 8, 41)])
    loader = Loader((words, TRAIN[1]), BATCH, order=ByLength(words.lengths, seed=2), last="pad")
    return fit(Pooled, loader, (words, TRAIN[1]), epochs=3, lr=0.3)


def jitter(x: Any, draw: Any) -> Any:
    """A little noise for every row."""
    return (x + 0.3 * draw.normal(x.shape[1])).astype(np.float32)


def mean_alone(outputs: Tensor, y: Tensor) -> Tensor:
    """A loss that gives one number, so that its rows cannot be weighted."""
    return functional.cross_entropy(outputs, y)


def count_of_rows(y_true: Any, y_pred: Any) -> float:
    """How many rows were evaluated."""
    assert len(y_true) == len(y_pred)
    return float(len(y_pred))


def trained(model: Any = net, **settings: Any) -> FitResult:
    """Four epochs, unless the settings say something else."""
    given: dict[str, Any] = {"batch_size": BATCH, "epochs": 4, "optimizer": "momentum", "lr": 0.05}
    return fit(model, TRAIN, HELD, **given | settings)


def in_a_loader() -> FitResult:
    """The batches are those of a loader that knows nothing of other processes."""
    loader = Loader(TRAIN, BATCH, shuffle=True, seed=3)
    return fit(net, loader, HELD, epochs=3, optimizer="adam", lr=0.01)


def in_parts() -> FitResult:
    """Of each batch the first half has the class that counts, and the second half has not."""
    y = np.tile(np.repeat([0, 1], 5), 4)
    loss = nn.CrossEntropyLoss(weight=torch.tensor([1.0, 0.0]))
    return fit(TorchModel(lambda: nn.Linear(6, 2), loss=loss), Loader((X[:40], y), 10), epochs=3, lr=0.1)


WEIGHTED = nn.CrossEntropyLoss(weight=torch.tensor([1.0, 0.2, 3.0]))

CASES: dict[str, Callable[[], FitResult]] = {
    **{last: lambda last=last: trained(last=last) for last in ("keep", "pad", "drop", "spread")},  # type: ignore[misc]
    "accumulated": lambda: trained(accumulate=3, clip_norm=0.3, weight_decay=0.01),
    "single rows": lambda: trained(batch_size=1, epochs=1),
    "regression": lambda: fit(net, (X, X[:, 0] - X[:, 1]), batch_size=BATCH, epochs=3, lr=0.05),
    "weighted classes": lambda: trained(TorchModel(net, loss=WEIGHTED), accumulate=2),
    "a part that does not count": in_parts,
    "mean alone": lambda: trained(TorchModel(net, loss=mean_alone), accumulate=2),
    "unused": lambda: trained(Spare, optimizer="adam"),
    "growing": lambda: trained(batch_size={1: 4, 3: 10}),
    "measured": lambda: trained(batch_size="auto", epochs=3),
    "a scheduler": lambda: trained(schedule="CosineAnnealingLR", optimizer="AdamW"),
    "patience": lambda: trained(epochs=60, patience=2, lr=0.5),
    "target": lambda: trained(target="loss=0.9", epochs=30),
    "rows": lambda: trained(metrics=count_of_rows, epochs=2),
    "bfloat16": lambda: trained(precision="bfloat16"),
    "loader": in_a_loader,
    "ragged": of_words,
    "augmented": lambda: trained(augment=jitter),
}


def summary(result: FitResult) -> dict[str, Any]:
    """What is compared."""
    history = [{k: v for k, v in row.items() if k != "seconds"} for row in result.history]
    parameters = {name: value.tolist() for name, value in result.parameters().items()}
    return {"history": history, "parameters": parameters, "stopped": result.stopped}


def heard() -> int:
    """How often the progress of a training was shown."""
    calls: list[Any] = []
    trained(epochs=1, progress=calls.append)
    return len(calls)


def by_the_clock() -> int:
    """Steps of a training that ends after some seconds, whose clock goes at another pace in every process."""
    return int(trained(epochs=None, seconds=0.05).history[-1]["step"])


def normalised() -> dict[str, Any]:
    """Of a network that normalises over its batch: its running means, and what it scores."""
    made = trained(lambda: nn.Sequential(nn.Linear(6, 4), nn.BatchNorm1d(4), nn.Linear(4, 3)), last="drop")
    return {"mean": made.parameters()["1.running_mean"].tolist(), "score": made.score(HELD)["loss"]}


def noise() -> list[bool]:
    """Which values dropout sets to zero in the first step, for rows of ones."""
    seen: list[list[bool]] = []

    class Noisy(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.layer, self.drop = nn.Linear(6, 3), nn.Dropout(0.5)

        def forward(self, x: Tensor) -> Tensor:
            dropped = self.drop(torch.ones_like(x))
            if self.training:
                seen.append((dropped == 0).flatten().tolist())
            found: Tensor = self.layer(dropped * x)
            return found

    trained(Noisy, steps=1, epochs=None, batch_size=40)
    return seen[-1]


def kept(folder: Path) -> FitResult:
    """A training that goes on from its checkpoints, if there are any; 30 steps."""
    return trained(Fragile, epochs=6, optimizer="adam", checkpoint=folder, checkpoint_every=3, resume=True)


def write_kept(folder: Path) -> None:
    """Write what came out of the training that is kept."""
    found = summary(kept(folder / "checkpoints"))
    (folder / f"{os.environ['RANK']}.json").write_text(json.dumps(found), encoding="utf-8")


def write_careless(folder: Path) -> None:
    """It does not come to that."""
    (folder / "never").write_text(trained(Careless).stopped, encoding="utf-8")


def write_threads(file: Path) -> None:
    """Write the names of the threads that this process has now."""
    names = [name.read_text(encoding="utf-8").strip() for name in Path("/proc/self/task").glob("*/comm")]
    file.write_text(json.dumps(names), encoding="utf-8")


def write_cases(folder: Path) -> None:
    """Write what came out of all others, and at the very end which threads are left."""
    atexit.register(write_threads, folder / f"{os.environ['RANK']}.threads")
    cases = {name: summary(make()) for name, make in CASES.items()}
    others = {made.__name__: made() for made in (heard, by_the_clock, normalised, noise)}
    found = {"cases": cases, **others}
    (folder / f"{os.environ['RANK']}.json").write_text(json.dumps(found), encoding="utf-8")


def forked(world: int, folder: Path) -> None:
    """Go on in so many processes, which need not import all of it again; the first writes how they ended.

    Unlike `torchrun`, it ends none of them when another one dies.
    """
    importlib.import_module("torch._dynamo")  # as optimizers do later, in seconds
    children = []
    for rank in range(world):
        child = os.fork()
        if not child:
            os.environ["RANK"] = str(rank)
            os.dup2(os.open(folder / f"{rank}.err", os.O_CREAT | os.O_TRUNC | os.O_WRONLY), 2)
            return
        children.append(child)
    codes = [os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) for child in children]
    (folder / "codes.json").write_text(json.dumps(codes), encoding="utf-8")
    sys.exit()


if __name__ == "__main__":
    torch.set_num_threads(1)
    what, written, *several = sys.argv[1:]
    if several:
        forked(int(several[0]), Path(written))
    {"cases": write_cases, "kept": write_kept, "careless": write_careless}[what](Path(written))
