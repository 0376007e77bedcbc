"""What checkpoints cost: a network of a million parameters, one checkpoint a second against none.

    python bench/checkpoint_cost.py

Goal:under 2 % of the time of training. One training writes a checkpoint every two seconds, counted in
steps. The second that begins with it, with its copying and the writing beside the next steps, is compared
with the second after, which has none: neighbours by a second, on a machine whose speed changes from one ten
seconds to the next. The cost is the median of their ratios with its 95 % interval, by the clock and by the
processor, whose time the thread that writes is counted in. "copy" is what the training itself waits for;
writing is done beside it, and takes its time from the training only where there is no core free for it. The
state of the least loss is copied at ends of epochs as well, for 0.2 % of the time at most, in either
second.
"""

import argparse
import os
import statistics
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
from threadpoolctl import threadpool_limits
from torch import nn

from rightbatch.learners.mlp import MLP
from rightbatch.records import Array, StepEvent
from rightbatch.stats.resampling import resamples
from rightbatch.train.checkpoint import Checkpoint, write
from rightbatch.train.fit import fit
from rightbatch.train.watch import Run, Watcher

FEATURES, HIDDEN, OUTPUTS, ROWS, BATCH_SIZE = 784, (1000, 200), 10, 4096, 64
OPTIMIZER = "adam"

WARM_UP = 4
"""Pairs that do not count: of its first checkpoints a training makes the files that it writes over later."""

RNG = np.random.default_rng(0)
DATA = RNG.normal(size=(ROWS, FEATURES)).astype(np.float32), RNG.integers(0, OUTPUTS, ROWS)


def net(features: int, outputs: int) -> nn.Module:
    """The same layers as a PyTorch module, with dropout."""
    first, second = HIDDEN
    hidden = nn.Linear(features, first), nn.ReLU(), nn.Dropout(0.1), nn.Linear(first, second), nn.ReLU()
    return nn.Sequential(*hidden, nn.Linear(second, outputs))


MODELS: dict[str, Any] = {"numpy": MLP(hidden=HIDDEN), "torch": net}


class Clock(Watcher):
    """Looks at the clock, and at the processor's, after every step and before its checkpoint."""

    def __init__(self) -> None:
        self.times: list[tuple[float, float]] = []

    def step(self, run: Run, event: StepEvent) -> None:
        """Both, in seconds."""
        del run, event
        self.times.append((time.perf_counter(), time.process_time()))


def times(model: Any, steps: int, folder: Path | None, every: int) -> Array:
    """Seconds by the clock and by the processor after each of so many steps, `(steps, 2)`."""
    clock = Clock()
    fit(
        model,
        DATA,
        optimizer=OPTIMIZER,
        lr=1e-4,
        batch_size=BATCH_SIZE,
        steps=steps,
        checkpoint=folder,
        checkpoint_every=every,
        watchers=[clock],
    )
    return np.array(clock.times)


def parts(model: Any) -> tuple[float, float, int]:
    """Seconds of one copy and of one writing, and the bytes of the file."""
    learner = fit(model, DATA, optimizer=OPTIMIZER, steps=1).learner
    state = learner.start([0])
    copies, writings = [], []
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "step.npz"
        for step in range(7):
            before = time.perf_counter()
            tree = learner.state_dict(state)
            between = time.perf_counter()
            write(path, Checkpoint(belongs={}, step=step, watched=None, tree=tree))
            copies.append(between - before)
            writings.append(time.perf_counter() - between)
        return statistics.median(copies), statistics.median(writings), path.stat().st_size


def _spread(ratios: Array) -> str:
    """The median of the ratios, less 1, and its 95 % interval."""
    low, high = np.quantile(np.median(ratios[resamples(len(ratios), 2000, 0)], axis=1), [0.025, 0.975])
    return f"{np.median(ratios) - 1:.2%} ({low - 1:.2%} to {high - 1:.2%})"


def measured(model: Any, given: argparse.Namespace) -> str:
    """What checkpoints cost this model, in words."""
    copy, writing, size = parts(model)
    steps = int(100 / np.ptp(times(model, 101, None, 100)[1:, 0]))
    with tempfile.TemporaryDirectory() as folder:
        found = times(model, 2 * steps * (given.pairs + WARM_UP) + 1, Path(folder) / "kept", 2 * steps)
    halves = np.diff(found[2 * steps * WARM_UP - 1 :: steps], axis=0)
    ratios = halves[0::2][: given.pairs] / halves[1::2][: given.pairs]
    cost = f"{_spread(ratios[:, 0])} of the time, {_spread(ratios[:, 1])} of the processor's"
    once = f"copy {1e3 * copy:.1f} ms, writing {1e3 * writing:.0f} ms, {size / 1e6:.1f} MB"
    return f"{cost}; {once}; {steps} steps in {np.median(halves[1::2, 0]):.2f} s"


def main() -> None:
    """Print one line a model."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pairs", type=int, default=60, help="of seconds with a checkpoint and without")
    parser.add_argument("--threads", type=int, default=1)
    given = parser.parse_args()
    count = sum(a * b + b for a, b in zip((FEATURES, *HIDDEN), (*HIDDEN, OUTPUTS), strict=True))
    print(f"{count:,} parameters, {OPTIMIZER}, batch size {BATCH_SIZE}, a checkpoint a second or none,")
    print(
        f"{given.threads} threads of linear algebra on {os.cpu_count()} cores, {given.pairs} pairs of seconds"
    )
    with threadpool_limits(given.threads):
        for name, model in MODELS.items():
            print(f"{name}: {measured(model, given)}")


if __name__ == "__main__":
    main()
