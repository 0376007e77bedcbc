"""The study against the oracle: regret of the recommendation, cost, critical batch size.

    python bench/regret.py [--seeds 3]

Each study is made twice, within its usual budget: until it has answered (`complete=False`), and with the rest
of the table, which is what it does unless told not to. Regret: seconds to target at the recommended batch
size over those at the oracle's best, less 1, by the oracle's own steps (`bench/sweeps`), and seconds per step
timed again beside the studies, since the machine's pace is another every day. Cost: the study's seconds,
everything counted, over the oracle's at that pace; all together: the seconds of all studies over those of
all their sweeps. The target is given to both; what the pilot takes that sets one where none is given is
printed beside it.

    python bench/regret.py --clock 0.12

The runs are made, but a step takes what the oracle says, in every round of timing wrong by 12 % at random:
what other programs do then changes nothing, and two versions of the study can be compared. Cost are the
seconds of steps, one replica after the other, and of timings.
"""

import argparse
import json
import math
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, nullcontext
from pathlib import Path
from typing import Any, Self
from unittest.mock import patch

import numpy as np
from threadpoolctl import threadpool_limits

from oracle import FOLDER, curve_of, file_of, problem_of
from rightbatch.answer import Study, study
from rightbatch.measure.clock import Timing
from rightbatch.records import Array
from rightbatch.stats.pace import paced
from rightbatch.study.aim import whole_steps
from rightbatch.study.pilot import pilot_target
from rightbatch.study.problem import Problem
from rightbatch.study.rules import first_points
from rightbatch.study.run import MIDDLE
from rightbatch.study.subject import Run, Sweep
from tasks import TASKS, Task

ROUNDS = 12
"""Of timings, each size in turn, before every study of a task and after the last."""

APART = 5000
"""From the first seed of one study to that of the next: they share none, and none with the oracle."""

SMALLEST = ("breast cancer", "wine", "diabetes")
"""Data sets of 124 to 399 training rows, on which a run takes a few steps."""

UNTIL = {False: "answer", True: "table"}
"""What a study has done, by whether it is complete."""


class Clock:
    """Stands in for the machine while it is entered: steps take what the oracle says, give or take.

    Args:
        oracle: of the task.
        spread: standard deviation of ln of what a round finds.
        seed: of the spread.
    """

    def __init__(self, oracle: dict[str, Any], spread: float, seed: int) -> None:
        known = {row["batch_size"]: row["seconds_per_step"] for row in oracle["sizes"]}
        self._sizes, self._per_step = np.array(sorted(known.items())).T
        self._spread, self._random = spread, np.random.default_rng(seed)
        self._runs, self._patches = Problem.runs, ExitStack()
        self.seconds, self.sweeps = 0.0, 0

    def per_step(self, size: int) -> float:
        """Seconds of a step."""
        return float(np.interp(size, self._sizes, self._per_step))

    def time_steps(
        self, problem: Problem, sizes: Sequence[int], *, rounds: int, first_round: int = 0
    ) -> Iterator[list[Timing]]:
        """As `Problem.time_steps`; each is timed for a millisecond at least."""
        del problem
        for number in range(first_round, rounds):
            self.seconds += sum(max(1e-3, self.per_step(size)) for size in sizes)
            wrong = np.exp(self._spread * self._random.standard_normal(len(sizes)))
            found = zip(sizes, wrong.tolist(), strict=True)
            yield [Timing(size, number, 1, self.per_step(size) * factor) for size, factor in found]

    def runs(self, problem: Problem, sweep: Sweep, **limits: Any) -> tuple[list[Run], list[Timing]]:
        """As `Problem.runs`."""
        found = self._runs(problem, sweep, **limits)
        self.seconds += sum(run.steps for run in found[0]) * self.per_step(sweep.batch_size)
        self.sweeps += 1
        return found

    def __enter__(self) -> Self:
        def timed(problem: Problem, *given: Any, **settings: Any) -> Iterator[list[Timing]]:
            return self.time_steps(problem, *given, **settings)

        def made(problem: Problem, *given: Any, **settings: Any) -> tuple[list[Run], list[Timing]]:
            return self.runs(problem, *given, **settings)

        self._patches.enter_context(patch.object(Problem, "time_steps", timed))
        self._patches.enter_context(patch.object(Problem, "runs", made))
        return self

    def __exit__(self, *_: object) -> None:
        self._patches.close()


def timed(task: Task, sizes: Sequence[int]) -> Array:
    """Seconds per step, `(rounds, sizes)`."""
    with threadpool_limits(1):
        rounds = problem_of(task).time_steps(sizes, rounds=ROUNDS)
        return np.array([[timing.seconds for timing in sorted(line)] for line in rounds])


def piloted(task: Task) -> float:
    """Seconds of the pilot that a study makes where no target is given."""
    problem = problem_of(task)
    with threadpool_limits(1):
        started = time.perf_counter()
        pilot_target(
            problem,
            batch_size=MIDDLE,
            seed=0,
            points=first_points(task.optimizer),
            most_steps=whole_steps(problem, MIDDLE),
            deadline=math.inf,
        )
        return time.perf_counter() - started


def judged(
    task: Task, oracle: dict[str, Any], seed: int, complete: bool, spread: float | None
) -> dict[str, Any]:
    """One study of the task, measured by the oracle."""
    with Clock(oracle, spread, seed) if spread is not None else nullcontext() as clock:
        started = time.perf_counter()
        found = study(
            task.model,
            task.data(),
            optimizer=task.optimizer,
            target=oracle["target"],
            seed=seed,
            complete=complete,
        )
        row = {"task": task.name, "seed": seed, "complete": complete, "sweeps": 0}
        row["seconds"] = time.perf_counter() - started
        if clock:
            row.update(sweeps=clock.sweeps, seconds=clock.seconds)
    row["recommended"] = found.recommendation and found.recommendation.batch_size
    row["b_crit"] = (
        math.nan if found.fit is None else found.fit.b_crit / float(curve_of(oracle["sizes"]).b_crit)
    )
    row["off"] = steps_off(found, oracle)
    return row


def steps_off(found: Study, oracle: dict[str, Any]) -> list[float]:
    """Difference of ln S to the oracle's, of the sizes that the study ran and both reached the target at."""
    true = {row["batch_size"]: row["log_steps"] for row in oracle["sizes"]}
    rows = {row["batch_size"]: row["steps_to_target"] for row in found.table() if row["runs"]}
    both = [size for size, steps in rows.items() if steps and math.isfinite(true.get(size, math.inf))]
    return [math.log(rows[size]) - true[size] for size in both]


def found_of(task: Task, oracle: dict[str, Any], arguments: argparse.Namespace) -> list[dict[str, Any]]:
    """The studies of a task, with regret and cost."""
    sizes = [row["batch_size"] for row in oracle["sizes"]]
    simulated = arguments.clock is not None
    pilot = 0.0 if simulated else piloted(task)
    rows, rounds = [], []
    for seed in range(0, arguments.seeds * APART, APART):
        for complete in (False, True)[: 1 + arguments.complete]:
            rounds += [] if simulated else [timed(task, sizes)]
            rows.append(judged(task, oracle, seed, complete, arguments.clock))
    stored = np.array([row["seconds_per_step"] for row in oracle["sizes"]])
    per_step = stored if simulated else paced(np.concatenate([*rounds, timed(task, sizes)])).seconds
    add_regret(rows, oracle, dict(zip(sizes, per_step.tolist(), strict=True)))
    add_cost(rows, oracle["seconds"] * float(np.exp(np.log(per_step / stored).mean())), pilot)
    return rows


def add_regret(rows: Sequence[dict[str, Any]], oracle: dict[str, Any], per_step: dict[int, float]) -> None:
    """Add the best size, and what the recommended one takes more, by these seconds per step."""
    steps = {row["batch_size"]: math.exp(row["log_steps"]) for row in oracle["sizes"]}
    seconds = {size: steps[size] * per_step[size] for size in steps}
    best = min(seconds, key=lambda size: seconds[size])
    for row in rows:
        chosen = seconds.get(row["recommended"], math.inf)
        row.update(best=best, regret=chosen / seconds[best] - 1)


def add_cost(rows: Sequence[dict[str, Any]], sweep: float, pilot: float) -> None:
    """Add the seconds of each study over those of the sweep, without a pilot and with one."""
    for row in rows:
        row.update(cost=row["seconds"] / sweep, piloted=(row["seconds"] + pilot) / sweep)


def main() -> None:
    """Print one line a study, and the summary."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=2)
    parser.add_argument("--only", default="")
    parser.add_argument(
        "--complete", action=argparse.BooleanOptionalAction, default=True, help="the whole table, too"
    )
    parser.add_argument("--clock", type=float, help="a simulated one, by so much wrong in every round")
    parser.add_argument("--folder", type=Path, default=FOLDER)
    arguments = parser.parse_args()
    rows = []
    heads = f"{'task':33} {'seed':>5} {'until':6} {'rec':>5} {'best':>5} {'regret':>7} {'cost':>6}"
    print(f"{heads} {'seconds':>7} {'B_crit/oracle':>13}")
    for task in TASKS:
        path = file_of(task, arguments.folder)
        if arguments.only not in task.name or not path.exists():
            continue
        for row in (found := found_of(task, json.loads(path.read_text()), arguments)):
            print(
                f"{row['task']:33} {row['seed']:5} {UNTIL[row['complete']]:6} {row['recommended']:5} "
                f"{row['best']:5} {row['regret']:7.1%} {row['cost']:6.1%} {row['seconds']:7.1f} "
                f"{row['b_crit']:13.2f}",
                flush=True,
            )
        rows += found
    for whole, until in UNTIL.items():
        if these := [row for row in rows if row["complete"] == whole]:
            print(f"\nUntil the {until}:")
            summarise(these)
            larger = [row for row in these if not row["task"].startswith(SMALLEST)]
            if 0 < len(larger) < len(these):
                print(f"without {', '.join(SMALLEST)}:")
                summarise(larger)


def summarise(rows: Sequence[dict[str, Any]]) -> None:
    """Print what the goals are of."""
    regrets, costs = (np.array([row[name] for row in rows]) for name in ("regret", "cost"))
    ratios = np.abs(np.log([row["b_crit"] for row in rows]))
    over = np.mean(regrets > 0.05)
    seconds = np.array([row["seconds"] for row in rows])
    print(f"{len(rows)} studies of {min(seconds):.1f} to {max(seconds):.1f} s")
    print(
        f"regret: median {np.median(regrets):.1%}, 95th percentile {np.quantile(regrets, 0.95):.1%}, "
        f"over 5 % in {over:.1%}"
    )
    oracles = seconds / costs
    together = seconds.sum() / oracles.sum()
    print(f"cost: median {np.median(costs):.1%}, most {costs.max():.1%}, all together {together:.1%}")
    if rows[0]["piloted"] > rows[0]["cost"]:
        piloted = np.array([row["piloted"] for row in rows])
        together = (piloted * oracles).sum() / oracles.sum()
        print(f"cost with a pilot: median {np.median(piloted):.1%}, all together {together:.1%}")
    print(f"B_crit within a factor 1.25 of the oracle's: {np.mean(ratios <= math.log(1.25)):.0%}")
    off = np.expm1(np.abs(np.concatenate([row["off"] for row in rows])))
    middle, far = np.quantile(off, [0.5, 0.95])
    print(f"steps to target of {len(off)} rows: median {middle:.1%} off, 95th percentile {far:.1%}")
    if sweeps := sum(row["sweeps"] for row in rows):
        middle = np.exp(np.mean(np.log(seconds)))
        print(f"simulated: {middle:.3f} s a study in the geometric mean, {sweeps:,} sweeps in all")


if __name__ == "__main__":
    main()
