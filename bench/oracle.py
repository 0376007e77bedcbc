"""An exhaustive sweep of every task of the suite: what the study's answers are compared with.

    python bench/oracle.py [--seeds 5] [--only digits] [--folder FOLDER] [--sharpen | --seconds | --print]

For each task: batch sizes in powers of two and the full batch, nine learning rates in steps of sqrt(2)
around the best, extended until the best over all seeds is inside, every run until it arrives or has
seen the data `EPOCHS` times: what a careful person would sweep. Then, not counted in its cost, more seeds,
so that the oracle's own noise is small: most for the sizes that may be the fastest, and for the others as
many as their curve asks for, since the best of nine learning rates over five seeds is mostly a lucky one. The
target is the one that the study sets by itself. Writes one JSON file a task and prints a line.

With `--sharpen` the sweeps that lie in the folder are kept, and only the seeds that they lack are run. All of
them take hours, so they are in the repository: steps to target hardly depend on the machine, and seconds are
told together with what a step took when they were measured. With `--seconds` only these are measured
again, of nine learning rates around the best known. With `--print` nothing is run.
"""

import argparse
import json
import math
import time
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from threadpoolctl import threadpool_limits

from rightbatch.answer import study
from rightbatch.learners.updates import optimizer_named
from rightbatch.stats.pace import paced
from rightbatch.stats.scaling import ScalingFit, fit_scaling
from rightbatch.study.problem import Problem
from rightbatch.study.rounds import rounds_of
from rightbatch.study.settings import batch_sizes_for
from rightbatch.study.subject import Run, Sweep
from rightbatch.train.target import Target, parse_target
from tasks import TASKS, Task

FOLDER = Path(__file__).parent / "sweeps"

ROUNDS = 60
EPOCHS = 30
MORE_SEEDS = 320
"""At most: runs scatter by 10 to 40 %, the mean of so many by 0.6 to 2.2 %."""
NEAR = 1.5
NEAR_ERROR, FAR_ERROR = 0.01, 0.03
"""Standard error of mean ln S at which a size within `NEAR` of the fastest has seeds enough; any other."""
ARRIVE = 0.9
"""Share of the runs that must reach the target for a learning rate to count."""

FEW = 10
"""Seeds between two looks."""

FIRST_SEED = 1000
"""The oracle's seeds are none of the study's."""


def problem_of(task: Task) -> Problem:
    """The task, ready to be trained."""
    data = task.data()
    learner = task.model.build(data.shape, optimizer_named(task.optimizer))
    return Problem(learner=learner, train=data.train, validation=data.validation, task=data.task)


def best_of(problem: Problem, target: Target, size: int, centre: int, seeds: int) -> dict[str, Any]:
    """Mean ln steps at the best learning rate of one batch size, over the seeds."""
    points = list(range(centre - 4, centre + 5))
    table: dict[int, list[float]] = {point: [] for point in points}
    most = EPOCHS * len(problem.train[0]) // size + 100
    while True:
        new = [point for point in points if not table[point]]
        for seed in range(FIRST_SEED, FIRST_SEED + seeds):
            for run in sweep(problem, target, size, seed=seed, points=new, most_steps=most):
                table[run.point].append(_log(run))
        means = {point: _level(table[point]) for point in points}
        best = min(points, key=lambda point: means[point])
        if points[0] < best < points[-1] or len(points) > 40 or math.isinf(means[best]):
            return {"batch_size": size, "point": best, "log_steps": means[best]}
        more = [points[0] - 2, points[0] - 1] if best == points[0] else [points[-1] + 1, points[-1] + 2]
        points = sorted(points + more)
        table |= {point: [] for point in more}


def sharper(problem: Problem, target: Target, row: dict[str, Any], error: float) -> dict[str, Any]:
    """The row with many seeds at its best learning rate and its neighbours, until the best lies between.

    Args:
        problem: what is trained.
        target: when a run counts as trained.
        row: of the batch size.
        error: standard error of mean ln S at which seeds are enough.
    """
    size, most = row["batch_size"], EPOCHS * len(problem.train[0]) // row["batch_size"] + 100
    table: dict[int, list[float]] = {}
    best = row["point"]
    while new := [point for point in (best - 1, best, best + 1) if point not in table]:
        runs = (
            sweep(problem, target, size, seed=seed, points=new, most_steps=most)
            for seed in range(FIRST_SEED, FIRST_SEED + MORE_SEEDS)
        )
        table |= dict(zip(new, _enough(runs, error), strict=True))
        best = min(table, key=lambda point: _level(table[point]))
    better = {"point": best, "log_steps": _level(table[best])} if math.isfinite(_level(table[best])) else {}
    return row | better | {"seeds": len(table[best]), "error": error}


def _enough(sweeps: Iterable[list[Run]], error: float) -> list[list[float]]:
    """The ln steps of each learning rate, of all sweeps or until each mean is known to this error."""
    logs: list[list[float]] = []
    for runs in sweeps:
        logs = [[*known, _log(run)] for known, run in zip(logs or [[] for _ in runs], runs, strict=True)]
        if len(logs[0]) % FEW == 0 and all(_error(known) <= error for known in logs):
            break
    return logs


def _error(logs: Sequence[float]) -> float:
    """Standard error of mean ln steps; 0 where too few runs arrive to count."""
    arrived = [value for value in logs if math.isfinite(value)]
    return float(np.std(arrived) / math.sqrt(len(arrived))) if math.isfinite(_level(logs)) else 0.0


def _level(logs: Sequence[float]) -> float:
    """Mean ln steps of the runs that arrived; infinite where more than a tenth did not."""
    arrived = [value for value in logs if math.isfinite(value)]
    return float(np.mean(arrived)) if len(arrived) >= ARRIVE * len(logs) else math.inf


def sweep(
    problem: Problem, target: Target, size: int, *, seed: int, points: Sequence[int], most_steps: int
) -> list[Run]:
    """One run a learning rate, none given up because another is faster."""
    work = Sweep(
        target=target,
        batch_size=size,
        seeds=(seed,),
        points=tuple(points),
        most_steps=most_steps,
        hopeless=math.inf,
    )
    return problem.runs(work)[0]


def _log(run: Run) -> float:
    return math.inf if run.steps_to_target is None else math.log(run.steps_to_target)


def oracle(task: Task, seeds: int) -> dict[str, Any]:
    """The whole sweep of one task, not sharpened yet."""
    pilot = study(task.model, task.data(), optimizer=task.optimizer, seed=0, budget="5m").to_dict()
    problem = problem_of(task)
    target = parse_target(pilot["target"]["text"], problem_task(task))
    known = {row["batch_size"]: row["learning_rate"] for row in pilot["batch_sizes"] if row["learning_rate"]}
    sizes = [size for size in batch_sizes_for(len(problem.train[0])) if size in known]
    centres = {size: round(2 * math.log2(known[size])) for size in sizes}
    started = time.process_time()  # one thread at work: what else the machine does counts little
    rows = [best_of(problem, target, size, centre, seeds) for size, centre in centres.items()]
    seconds = time.process_time() - started
    add_timings(problem, rows)
    return {"task": task.name, "target": str(target), "seconds": seconds, "seeds": seeds, "sizes": rows}


def add_timings(problem: Problem, rows: list[dict[str, Any]]) -> None:
    """Give every row its seconds per step."""
    sizes = [row["batch_size"] for row in rows]
    for row, seconds in zip(rows, seconds_per_step(problem, sizes, ROUNDS), strict=True):
        row["seconds_per_step"] = seconds


def seconds_per_step(problem: Problem, sizes: Sequence[int], rounds: int) -> list[float]:
    """Of every size, timed in turn."""
    timed = [timing for line in problem.time_steps(sizes, rounds=rounds) for timing in line]
    return [float(seconds) for seconds in paced(rounds_of(timed, sizes)).seconds]


def sharpen(problem: Problem, target: Target, rows: list[dict[str, Any]]) -> None:
    """Give every row more seeds: most to those that may be the fastest, until no other row may be."""
    while left := [row for row in rows if row.get("error", math.inf) > _asked(row, rows)]:
        for row in left:
            row.update(sharper(problem, target, row, _asked(row, rows)))


def _asked(row: dict[str, Any], rows: Sequence[dict[str, Any]]) -> float:
    """Standard error of mean ln S that is wanted of a size; any will do where the target is not reached."""
    if not math.isfinite(row["log_steps"]):
        return math.inf
    return NEAR_ERROR if _is_near(row, rows) else FAR_ERROR


def _is_near(row: dict[str, Any], rows: Sequence[dict[str, Any]]) -> bool:
    seconds = [math.exp(row["log_steps"]) * row["seconds_per_step"] for row in (row, *rows)]
    return seconds[0] <= NEAR * min(seconds)


def sharpened(task: Task, path: Path) -> dict[str, Any]:
    """The stored sweep of a task with the seeds that it lacks."""
    found: dict[str, Any] = json.loads(path.read_text())
    sharpen(problem_of(task), parse_target(found["target"], problem_task(task)), found["sizes"])
    return found


def timed_again(task: Task, path: Path) -> dict[str, Any]:
    """The stored sweep of a task with today's seconds."""
    found: dict[str, Any] = json.loads(path.read_text())
    problem, target = problem_of(task), parse_target(found["target"], problem_task(task))
    started = time.process_time()
    for row in found["sizes"]:
        best_of(problem, target, row["batch_size"], row["point"], found["seeds"])
    found["seconds"] = time.process_time() - started
    add_timings(problem, found["sizes"])
    return found


def curve_of(rows: Sequence[dict[str, Any]]) -> ScalingFit:
    """The hyperbola through the sizes that reach the target."""
    reached = [row for row in rows if math.isfinite(row["log_steps"])]
    return fit_scaling(
        [row["batch_size"] for row in reached], [math.exp(row["log_steps"]) for row in reached]
    )


def file_of(task: Task, folder: Path) -> Path:
    """Where the sweep of a task lies."""
    return folder / f"{task.name.replace(', ', '-').replace(' ', '_')}.json"


def store(found: dict[str, Any], path: Path) -> None:
    """Write what was found; a file that is there is replaced whole."""
    part = path.with_suffix(".part")
    part.write_text(json.dumps(found, indent=1))
    part.replace(path)


def problem_task(task: Task) -> str:
    """Regression or classification."""
    return task.data().task


def made(task: Task, path: Path, arguments: argparse.Namespace) -> None:
    """Write the sweep of the task, or what was asked for of it."""
    if arguments.print:
        return
    with threadpool_limits(1):
        if arguments.seconds:
            store(timed_again(task, path), path)
            return
        if not arguments.sharpen:
            store(oracle(task, arguments.seeds), path)  # the seeds that it lacks may take hours
        store(sharpened(task, path), path)


def main() -> None:
    """Make the files, and print a line each."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--only", default="")
    parser.add_argument("--folder", type=Path, default=FOLDER)
    parser.add_argument("--sharpen", action="store_true")
    parser.add_argument("--seconds", action="store_true")
    parser.add_argument("--print", action="store_true")
    arguments = parser.parse_args()
    arguments.folder.mkdir(exist_ok=True)
    for task in TASKS:
        if arguments.only not in task.name:
            continue
        path = file_of(task, arguments.folder)
        made(task, path, arguments)
        found = json.loads(path.read_text())
        best = min(found["sizes"], key=lambda row: row["log_steps"] + math.log(row["seconds_per_step"]))
        curve = curve_of(found["sizes"])
        print(
            f"{task.name:40} {found['target']:18} best {best['batch_size']:5}  {found['seconds']:6.1f} s  "
            f"B_crit {float(curve.b_crit):6.1f}, sizes {float(curve.rms_log_residual):5.1%} off",
            flush=True,
        )


if __name__ == "__main__":
    main()
