"""Runs per second of a study with one and with two processes, and whether the answer is the same.

    python bench/jobs.py

The next character of a text, with an MLP; every size gets all seeds, so that both do the same work.
"""

import time

import rightbatch as rb
from tasks import TASKS

TASK = next(task for task in TASKS if task.name == "characters, MLP, momentum")


def main() -> None:
    """Print a line for each number of processes, and the ratio."""
    paces = {}
    for jobs in (1, 2):
        started = time.perf_counter()
        found = rb.study(
            TASK.model,
            TASK.data(),
            optimizer=TASK.optimizer,
            batch_sizes=[16, 64, 256, 1024],
            target="val_loss=2.2",
            tolerance=1e-9,
            budget="10m",
            jobs=jobs,
        )
        seconds = time.perf_counter() - started
        paces[jobs] = found.to_dict()["cost"]["runs"] / seconds
        print(f"{jobs} job(s): {seconds:6.1f} s, {paces[jobs]:6.2f} runs a second; {found}", flush=True)
    print(f"throughput of two over one: {paces[2] / paces[1]:.2f} (goal 1.7)")


if __name__ == "__main__":
    main()
