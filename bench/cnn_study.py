"""The study of a small convolutional network on digits, and a sweep of the same: seconds, and who is right.

    python bench/cnn_study.py [--budget 150s] [--seeds 3] [--around 2] [--study-only]

Goals: the study ends in under 3 minutes on 2 cores, and the batch size that it recommends takes at most 5 %
more seconds to the target than the best of the sweep. The sweep takes the batch sizes around that one, in
powers of two, with nine learning rates or more each, every run until it arrives (see bench/oracle.py); its
seeds are none of the study's.
"""

import argparse
import math
import time
from collections.abc import Sequence
from typing import Any

from torch import nn

from oracle import NEAR_ERROR, best_of, seconds_per_step, sharper
from rightbatch.answer import study
from rightbatch.data.dataset import Dataset, load_data
from rightbatch.learners.torch_model import TorchModel
from rightbatch.learners.updates import optimizer_named
from rightbatch.study.machine import fixed_threads
from rightbatch.study.problem import Problem
from rightbatch.train.target import parse_target

OPTIMIZER, ROUNDS = "momentum", 40


def cnn(outputs: int) -> nn.Module:
    """Two convolutions on 8 x 8 pixels, then a linear layer."""
    return nn.Sequential(
        *(nn.Conv2d(1, 8, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2)),
        *(nn.Conv2d(8, 16, 3, padding=1), nn.ReLU(), nn.Flatten(), nn.Linear(256, outputs)),
    )


MODEL = TorchModel(cnn, input_shape=(1, 8, 8))


def studied(data: Dataset, budget: str) -> tuple[dict[str, Any], float]:
    """The study's document, and the seconds it took."""
    started = time.perf_counter()
    found = study(MODEL, data, optimizer=OPTIMIZER, budget=budget).to_dict()
    return found, time.perf_counter() - started


def swept(data: Dataset, document: dict[str, Any], around: int, seeds: int) -> list[dict[str, Any]]:
    """One row a batch size: mean ln steps at the best learning rate, and seconds per step."""
    learner = MODEL.build(data.shape, optimizer_named(OPTIMIZER))
    problem = Problem(learner=learner, train=data.train, validation=data.validation, task=data.task)
    target = parse_target(document["target"]["text"], data.task)
    known = {row["batch_size"]: row["learning_rate"] for row in document["batch_sizes"]}
    best = document["recommendation"]["batch_size"]
    sizes = [size for size in known if known[size] and abs(math.log2(size / best)) <= around]
    rows = []
    for size in sizes:
        row = best_of(problem, target, size, round(2 * math.log2(known[size])), seeds)
        rows.append(row | sharper(problem, target, row, NEAR_ERROR))
    for row, seconds in zip(rows, seconds_per_step(problem, sizes, ROUNDS), strict=True):
        row["seconds_per_step"] = seconds
    return rows


def seconds_of(row: dict[str, Any]) -> float:
    """Seconds to the target, T(B) = S(B) t(B)."""
    return math.exp(row["log_steps"]) * float(row["seconds_per_step"])


def show(rows: Sequence[dict[str, Any]], best: int) -> None:
    """The table of the sweep, and how much the recommended batch size costs."""
    fastest = min(seconds_of(row) for row in rows)
    print(f"{'B':>5} {'lr':>8} {'steps':>8} {'per step':>10} {'seconds':>8} {'more':>6}")
    for row in rows:
        lr, steps = 2 ** (row["point"] / 2), math.exp(row["log_steps"])
        line = f"{row['batch_size']:5} {lr:8.3g} {steps:8.1f} {row['seconds_per_step'] * 1e6:8.0f}µs"
        print(f"{line} {seconds_of(row):8.3f} {seconds_of(row) / fastest - 1:6.1%}")
    regret = next(seconds_of(row) for row in rows if row["batch_size"] == best) / fastest - 1
    print(f"recommended {best}: {regret:.1%} more seconds than the best of the sweep; the goal is 5 %")


def main() -> None:
    """Print what the study says, the seconds it took, and the sweep."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--budget", default="150s")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--around", type=int, default=2, help="doublings of the batch size on either side")
    parser.add_argument("--study-only", action="store_true")
    arguments = parser.parse_args()
    data = load_data("digits", seed=0)
    with fixed_threads(1):
        document, seconds = studied(data, arguments.budget)
        print(f"{document['target']['text']}: {document['recommendation']['sentence']}")
        print(f"the study took {seconds:.1f} s; the goal is 180", flush=True)
        if not arguments.study_only:
            best = document["recommendation"]["batch_size"]
            show(swept(data, document, arguments.around, arguments.seeds), best)


if __name__ == "__main__":
    main()
