"""Runs per second of a study with one and with two jobs, in turns, and whether their answers are the same.

    python bench/jobs.py [TURNS]

Each study is made by a fresh process. Beside them two studies of one job each, at once, which have nothing to
wait for: what two cores give that share caches and memory.

The next character of a text, with an MLP of 256 units: with one job half a minute, and then, with more
seeds, about a minute: what one process does alone weighs the less the longer a study is.

What is run hangs on how long steps take, which no two studies find the same. So every study times them, and
then takes what the first one found: all make the same runs, so that what differs is the jobs alone. The exit
status is 1 if they do not recommend the same.
"""

import multiprocessing
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from typing import Any
from unittest.mock import patch

import numpy as np

import rightbatch as rb
from rightbatch.measure.clock import Timing
from rightbatch.study.problem import Problem
from tasks import TASKS

TASK = next(task for task in TASKS if task.name == "characters, MLP, momentum")
SEEDS = (12, 36)
GOAL = 1.7

Timings = dict[tuple[int, int], Timing]
"""By round and batch size."""


def main() -> None:
    """Print a line for each study, and the ratio of the paces."""
    turns = int(sys.argv[1]) if len(sys.argv) > 1 else 2
    alike = True
    for seeds in SEEDS:
        timings: Timings = {}
        paces: dict[int, list[float]] = {1: [], 2: []}
        answers, beside = set(), []
        for jobs in (1, 2) * turns:
            ((document, seconds, timings),) = _studies(1, seeds, jobs, timings)
            answers.add(_answer(document))
            paces[jobs].append(document["cost"]["runs"] / seconds)
            said = f"{document['cost']['runs']} runs; {document['recommendation']['sentence']}"
            print(f"{seeds} seeds, {jobs} job(s): {seconds:6.1f} s, {said}", flush=True)
            if jobs == 2:
                at_once = _studies(2, seeds, 1, timings)
                beside.append(sum(found["cost"]["runs"] / spent for found, spent, _ in at_once))
        one, two = (np.mean(paces[jobs]) for jobs in (1, 2))
        told = "the same recommendation in all" if len(answers) == 1 else f"recommended: {sorted(answers)}"
        print(f"throughput of two over one: {two / one:.2f} (goal {GOAL}); {told}")
        print(f"two studies at once over one: {np.mean(beside) / one:.2f}", flush=True)
        alike &= len(answers) == 1
    raise SystemExit(not alike)


def _studies(
    count: int, seeds: int, jobs: int, known: Timings
) -> list[tuple[dict[str, Any], float, Timings]]:
    """So many studies at once, each in a process of its own: documents, the seconds they took, timings."""
    with ProcessPoolExecutor(count, multiprocessing.get_context("spawn")) as pool:
        return list(pool.map(_studied, [seeds] * count, [jobs] * count, [known] * count))


def _studied(seeds: int, jobs: int, known: Timings) -> tuple[dict[str, Any], float, Timings]:
    """The document of a study, the seconds it took once the data are there, and what steps took."""
    data = TASK.data()
    started = time.perf_counter()
    with patch.object(Problem, "time_steps", _remembered(known)):
        found = rb.study(
            rb.MLP(hidden=(256,)),
            data,
            optimizer=TASK.optimizer,
            batch_sizes=[8, 16, 32, 64, 128, 256, 512, 1024],
            target="val_loss=2.2",
            seeds=seeds,
            tolerance=0.99,
            budget="30m",
            jobs=jobs,
        )
    return found.to_dict(), time.perf_counter() - started, known


def _remembered(known: Timings) -> Callable[..., Iterator[list[Timing]]]:
    """As `Problem.time_steps`; of a size and round that were timed before it gives what was found then."""
    real = Problem.time_steps

    def time_steps(problem: Problem, *given: Any, **settings: Any) -> Iterator[list[Timing]]:
        for found in real(problem, *given, **settings):
            yield [known.setdefault((timing.round, timing.batch_size), timing) for timing in found]

    return time_steps


def _answer(document: dict[str, Any]) -> tuple[int, float]:
    """Batch size and learning rate recommended."""
    best = document["recommendation"]
    return best["batch_size"], best["learning_rate"]


if __name__ == "__main__":
    main()
