"""How well the noise scale along one tuned run foretells the critical batch size, task by task.

A study of each task gives B_crit; one of its own runs, at batch size 32, is made again with the noise
scale measured on the way.
"""

import argparse

import numpy as np

import rightbatch as rb
from rightbatch.study.noise import noise_along
from rightbatch.study.question import question_of
from rightbatch.study.subject import Run, Subject, Sweep
from tasks import TASKS, Task

_SIZE = 32


def main() -> None:
    """Print a row a task, and how often the two agree."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--budget", default="20s", help="of each study")
    budget = parser.parse_args().budget
    print(f"{'task':32s} {'B_crit':>8s} {'noise':>8s} {'ratio':>7s} {'interval':>18s} {'cost':>6s}")
    ratios = [ratio for task in TASKS if (ratio := _row(task, budget)) is not None]
    off = np.abs(np.log2(ratios))
    print(f"{len(ratios)} tasks: median ratio {np.median(ratios):.2f};", end=" ")
    print("; ".join(f"within {2.0**k:g} times: {(off <= k).sum()}" for k in (1, 2, 3)))


def _row(task: Task, budget: str) -> float | None:
    data = task.data()
    found = rb.study(task.model, data, optimizer=task.optimizer, budget=budget, complete=False)
    row = next((row for row in found.table() if row["batch_size"] == _SIZE), None)
    if found.fit is None or row is None or row["learning_rate"] is None:
        print(f"{task.name:32s} no fit, or {_SIZE} did not reach the target")
        return None
    subject = question_of(task.model, data, optimizer=task.optimizer).subject
    noise = noise_along(subject, _run(subject, found.to_dict()["target"]["text"], row["learning_rate"]))
    if noise is None:
        print(f"{task.name:32s} no noise scale")
        return None
    ratio = noise.value / found.fit.b_crit
    interval = f"{noise.low:.3g} to {noise.high:.3g}"
    print(f"{task.name:32s} {found.fit.b_crit:8.3g} {noise.value:8.3g} {ratio:7.2f} {interval:>18s}", end=" ")
    print(f"{noise.cost:6.2f}", flush=True)
    return ratio


def _run(subject: Subject, target: str, rate: float) -> Run:
    work = Sweep(
        target=subject.read_target(target),
        batch_size=_SIZE,
        seeds=(0,),
        points=(round(2 * float(np.log2(rate))),),
        most_steps=1_000_000,
    )
    return subject.runs(work, deadline=float("inf"))[0][0]


if __name__ == "__main__":
    main()
