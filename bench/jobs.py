"""Runs per second of a study with one and with two jobs, in turns, and whether the answer is the same.

    python bench/jobs.py [TURNS]

The next character of a text, with an MLP of 256 units: with one job half a minute, and then, with more
seeds, over a minute: what one process does alone weighs the less the longer a study is. The tolerance is so
large and the seeds are so many that every size gets all of them, whatever the timings say, so both do the
same work.
"""

import sys
import time
from typing import Any

import rightbatch as rb
from tasks import TASKS

TASK = next(task for task in TASKS if task.name == "characters, MLP, momentum")
SEEDS = (12, 36)
GOAL = 1.7


def main() -> None:
    """Print a line for each study, and the ratio of the paces."""
    turns = int(sys.argv[1]) if len(sys.argv) > 1 else 1
    for seeds in SEEDS:
        paces, answers = {1: [0.0, 0.0], 2: [0.0, 0.0]}, []
        for jobs in (1, 2) * turns:
            found, seconds = _studied(seeds, jobs)
            runs = found.to_dict()["cost"]["runs"]
            paces[jobs][0] += runs
            paces[jobs][1] += seconds
            answers.append(_answer(found))
            print(f"{seeds} seeds, {jobs} job(s): {seconds:6.1f} s, {runs} runs; {found}", flush=True)
        if any(answer != answers[0] for answer in answers):
            raise SystemExit(f"The recommendations differ: {answers}")
        one, two = (paces[jobs][0] / paces[jobs][1] for jobs in (1, 2))
        print(f"the same recommendation; throughput of two over one: {two / one:.2f} (goal {GOAL})")


def _studied(seeds: int, jobs: int) -> tuple[rb.Study, float]:
    """The study, and the seconds it took."""
    started = time.perf_counter()
    found = rb.study(
        rb.MLP(hidden=(256,)),
        TASK.data(),
        optimizer=TASK.optimizer,
        batch_sizes=[8, 16, 32, 64, 128, 256, 512, 1024],
        target="val_loss=2.2",
        seeds=seeds,
        tolerance=0.99,
        budget="30m",
        jobs=jobs,
    )
    return found, time.perf_counter() - started


def _answer(found: rb.Study) -> tuple[Any, ...] | None:
    """Batch size and learning rate recommended."""
    best = found.recommendation
    return None if best is None else (best.batch_size, best.learning_rate)


if __name__ == "__main__":
    main()
