"""Runs per second of a study with one and with two jobs, in turns, and how far apart their answers are.

    python bench/jobs.py [TURNS]

Each study is made by a fresh process. Beside them two studies of one job each, at once, which have nothing to
wait for: what two cores give that share caches and memory.

The next character of a text, with an MLP of 256 units: with one job half a minute, and then, with more
seeds, over a minute: what one process does alone weighs the less the longer a study is. The tolerance is so
large that what is run hangs little on the timings. Every study times the steps anew: of two sizes as fast as
each other within a few per cent it may recommend the one or the other. Then the exit status is 1, and it is
told how much slower the sizes recommended are in each other's studies.
"""

import multiprocessing
import sys
import time
from concurrent.futures import ProcessPoolExecutor
from typing import Any

import numpy as np

import rightbatch as rb
from tasks import TASKS

TASK = next(task for task in TASKS if task.name == "characters, MLP, momentum")
SEEDS = (12, 36)
GOAL = 1.7


def main() -> None:
    """Print a line for each study, and the ratio of the paces."""
    turns = int(sys.argv[1]) if len(sys.argv) > 1 else 2
    alike = True
    for seeds in SEEDS:
        paces: dict[int, list[float]] = {1: [], 2: []}
        documents, beside = [], []
        for jobs in (1, 2) * turns:
            ((document, seconds),) = _studies(1, seeds, jobs)
            documents.append(document)
            paces[jobs].append(document["cost"]["runs"] / seconds)
            said = f"{document['cost']['runs']} runs; {document['recommendation']['sentence']}"
            print(f"{seeds} seeds, {jobs} job(s): {seconds:6.1f} s, {said}", flush=True)
            if jobs == 2:
                beside.append(sum(found["cost"]["runs"] / spent for found, spent in _studies(2, seeds, 1)))
        one, two = (np.mean(paces[jobs]) for jobs in (1, 2))
        same = len({_answer(document) for document in documents}) == 1
        told = "the same recommendation in all" if same else _apart(documents)
        print(f"throughput of two over one: {two / one:.2f} (goal {GOAL}); {told}")
        print(f"two studies at once over one: {np.mean(beside) / one:.2f}", flush=True)
        alike &= same
    raise SystemExit(not alike)


def _studies(count: int, seeds: int, jobs: int) -> list[tuple[dict[str, Any], float]]:
    """So many studies at once, each in a process of its own: documents, and the seconds they took."""
    with ProcessPoolExecutor(count, multiprocessing.get_context("spawn")) as pool:
        return list(pool.map(_studied, [seeds] * count, [jobs] * count))


def _studied(seeds: int, jobs: int) -> tuple[dict[str, Any], float]:
    """The document of a study, and the seconds it took, once the data are there."""
    data = TASK.data()
    started = time.perf_counter()
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
    return found.to_dict(), time.perf_counter() - started


def _answer(document: dict[str, Any]) -> tuple[int, float]:
    """Batch size and learning rate recommended."""
    best = document["recommendation"]
    return best["batch_size"], best["learning_rate"]


def _apart(documents: list[dict[str, Any]]) -> str:
    """How far apart the recommended sizes are, by any study's own seconds."""
    sizes = {_answer(document)[0] for document in documents}
    seconds = [
        {row["batch_size"]: row["seconds_to_target"] for row in document["batch_sizes"]}
        for document in documents
    ]
    most = max(known[size] / min(known[other] for other in sizes) for known in seconds for size in sizes)
    return (
        f"recommended: {sorted(map(_answer, documents))}, at most {most - 1:.1%} apart in any of the studies"
    )


if __name__ == "__main__":
    main()
