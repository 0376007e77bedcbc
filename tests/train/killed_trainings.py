"""Kills trainings at random moments and resumes them; a script, for it forks before any thread is there.

    python killed_trainings.py numpy|torch KILLS FOLDER

Prints one JSON object: how many were killed, how many of the resumed went on from a checkpoint, and
whether the weights of all that came to their end are those of a training that nobody disturbed.
"""

import importlib
import json
import os
import random
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from rightbatch.learners.mlp import MLP
from rightbatch.train.fit import fit

RNG = np.random.default_rng(7)
X = RNG.normal(size=(400, 12)).astype(np.float32)
Y = np.argmax(X[:, :4], axis=1)

ENDED = os.WEXITED | os.WNOHANG | os.WNOWAIT if hasattr(os, "WEXITED") else 0
"""Look whether a process has ended, and leave it as it is."""

KILLS_OF_ONE = 4
"""Kills of one training before it may come to its end."""


def numpy_model() -> dict[str, Any]:
    """Momentum, and the best epoch's weights kept."""
    return {"model": MLP(hidden=(32,)), "optimizer": "momentum", "lr": 0.02, "patience": 50}


def torch_model() -> dict[str, Any]:
    """Dropout, running means, AdamW and a scheduler."""
    from torch import nn  # noqa: PLC0415 (the script also runs without PyTorch)

    def net(features: int, outputs: int) -> nn.Module:
        hidden = nn.Linear(features, 32), nn.BatchNorm1d(32), nn.ReLU(), nn.Dropout(0.3)
        return nn.Sequential(*hidden, nn.Linear(32, outputs))

    return {"model": net, "optimizer": "AdamW", "schedule": "CosineAnnealingLR"}


def train(make: Callable[[], dict[str, Any]], epochs: int, out: Path, folder: Path | None) -> None:
    """Train to the end and write the weights; the first line of the log says where it began."""
    settings = make()
    kept: dict[str, Any] = {}
    if folder is not None:
        kept = {"checkpoint": folder, "resume": True, "checkpoint_every": 3}
    result = fit(
        settings.pop("model"), (X[:320], Y[:320]), (X[320:], Y[320:]), epochs=epochs, **settings, **kept
    )
    np.savez(out, **result.parameters())  # type: ignore[arg-type]


def forked(work: Callable[[], None]) -> int:
    """A process of its own that does the work."""
    child = os.fork()
    if child:
        return child
    try:
        work()
    except BaseException as error:
        print(repr(error), file=sys.stderr)
        os._exit(1)
    os._exit(0)


def killed(child: int, where: Path) -> bool:
    """Kill it some time after none, one, two or three new checkpoints; whether it was still running."""
    before, wanted = newest(where), random.randrange(4)
    for _ in range(wanted):
        while newest(where) == before and not os.waitid(
            os.P_PID, child, os.WEXITED | os.WNOHANG | os.WNOWAIT
        ):
            time.sleep(0.001)
        before = newest(where)
    time.sleep(random.uniform(0, 0.02))
    os.kill(child, signal.SIGKILL)
    _, status = os.waitpid(child, 0)
    return os.WIFSIGNALED(status)


def newest(where: Path) -> str:
    """The name of the newest checkpoint."""
    return max((path.name for path in where.glob("step*")), default="")


def main(kind: str, kills: int, folder: Path) -> dict[str, Any]:
    """Train one training after the other until so many kills were made."""
    make, epochs = {"numpy": (numpy_model, 20), "torch": (torch_model, 5)}[kind]
    if kind == "torch":  # what is imported at a first step is imported once, by the parent
        make()
        for name in ("rightbatch.learners.torch_schedules", "torch._dynamo"):
            importlib.import_module(name)
    assert os.waitpid(forked(lambda: train(make, epochs, folder / "alone.npz", None)), 0)[1] == 0
    undisturbed = np.load(folder / "alone.npz")
    done, resumed, same, number = 0, 0, True, 0
    while done < kills:
        number += 1
        where, out = folder / str(number), folder / f"{number}.npz"
        for _ in range(KILLS_OF_ONE):
            resumed += any(where.glob("step*"))
            child = forked(lambda where=where, out=out: train(make, epochs, out, where))  # type: ignore[misc]
            done += killed(child, where)
        assert os.waitpid(forked(lambda: train(make, epochs, out, where)), 0)[1] == 0  # noqa: B023
        ended = np.load(out)
        same &= all(ended[name].tobytes() == undisturbed[name].tobytes() for name in undisturbed.files)
    return {"killed": done, "resumed": resumed, "same": bool(same)}


if __name__ == "__main__":
    print(json.dumps(main(sys.argv[1], int(sys.argv[2]), Path(sys.argv[3]))))
