"""What checkpoints cost: a network of a million parameters, one checkpoint a second against none.

    python bench/checkpoint_cost.py

Goal: under 2 % of the time of training. Both trainings make the same steps, in turns; the cost is the median
of the ratios of neighbours, by the clock and by the processor, whose time other programs do not take and the
thread that writes is counted in. "copy" is what the training itself waits for at each checkpoint; writing is
done beside it, and takes its time from the training only where there is no core free for it.
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
from rightbatch.train.checkpoint import Checkpoint, write
from rightbatch.train.fit import fit

FEATURES, HIDDEN, OUTPUTS, ROWS, BATCH_SIZE = 784, (1000, 200), 10, 4096, 64
OPTIMIZER = "adam"

RNG = np.random.default_rng(0)
DATA = RNG.normal(size=(ROWS, FEATURES)).astype(np.float32), RNG.integers(0, OUTPUTS, ROWS)


def net(features: int, outputs: int) -> nn.Module:
    """The same layers as a PyTorch module, with dropout."""
    first, second = HIDDEN
    hidden = nn.Linear(features, first), nn.ReLU(), nn.Dropout(0.1), nn.Linear(first, second), nn.ReLU()
    return nn.Sequential(*hidden, nn.Linear(second, outputs))


MODELS: dict[str, Any] = {"numpy": MLP(hidden=HIDDEN), "torch": net}


def seconds(model: Any, steps: int, folder: Path | None, every: str) -> tuple[float, float]:
    """Seconds of so many steps, as the history tells them, and those of the processor for all of `fit`."""
    before = time.process_time()
    result = fit(
        model,
        DATA,
        optimizer=OPTIMIZER,
        lr=1e-4,
        batch_size=BATCH_SIZE,
        steps=steps,
        checkpoint=folder,
        checkpoint_every=every,
    )
    return result.history[-1]["seconds"], time.process_time() - before


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


def _spread(ratios: list[float]) -> str:
    return f"{statistics.median(ratios):.2f} % ({min(ratios):.2f} to {max(ratios):.2f})"


def measured(model: Any, given: argparse.Namespace) -> str:
    """What checkpoints cost this model, in words."""
    copy, writing, size = parts(model)
    steps = max(100, int(100 * given.seconds / seconds(model, 100, None, given.every)[0]))
    ratios, processor, without = [], [], []
    for number in range(given.rounds):
        with tempfile.TemporaryDirectory() as folder:
            kept = Path(folder) / "kept"
            order = [None, kept] if number % 2 else [kept, None]
            took = {where: seconds(model, steps, where, given.every) for where in order}
        ratios.append(100 * (took[kept][0] / took[None][0] - 1))
        processor.append(100 * (took[kept][1] / took[None][1] - 1))
        without.append(took[None][0])
    cost = f"{_spread(ratios)} of the time, {_spread(processor)} of the processor's"
    once = f"copy {1e3 * copy:.1f} ms, writing {1e3 * writing:.0f} ms, {size / 1e6:.1f} MB"
    return f"{cost}; {once}; {steps:,} steps in {statistics.median(without):.1f} s"


def main() -> None:
    """Print one line a model."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--seconds", type=float, default=10.0, help="of one training")
    parser.add_argument("--every", default="1s")
    parser.add_argument("--threads", type=int, default=1)
    given = parser.parse_args()
    count = sum(a * b + b for a, b in zip((FEATURES, *HIDDEN), (*HIDDEN, OUTPUTS), strict=True))
    print(f"{count:,} parameters, {OPTIMIZER}, batch size {BATCH_SIZE}, a checkpoint every {given.every},")
    print(f"{given.threads} threads of linear algebra on {os.cpu_count()} cores, {given.rounds} rounds")
    with threadpool_limits(given.threads):
        for name, model in MODELS.items():
            print(f"{name}: {measured(model, given)}")


if __name__ == "__main__":
    main()
