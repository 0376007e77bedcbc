"""The study against the oracle: regret of the recommendation, cost, critical batch size.

    python bench/oracle.py; python bench/regret.py [--seeds 3]

Regret: seconds to target at the recommended batch size over those at the oracle's best, less 1, by the
oracle's own steps, and seconds per step timed again beside the studies, since the machine's pace changes from
day to day. Cost: the study's seconds, everything counted, over the oracle's.
"""

import argparse
import json
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from threadpoolctl import threadpool_limits

from oracle import problem_of
from rightbatch.answer import study
from rightbatch.records import Array
from rightbatch.stats.scaling import fit_scaling
from tasks import TASKS, Task

ROUNDS = 20
"""Of timings, each size in turn, before the studies of a task and after them."""


def timed(task: Task, sizes: Sequence[int]) -> Array:
    """Seconds per step, `(rounds, sizes)`."""
    with threadpool_limits(1):
        rounds = problem_of(task).time_steps(sizes, rounds=ROUNDS)
        return np.array([[timing.seconds for timing in sorted(line)] for line in rounds])


def judged(task: Task, oracle: dict[str, Any], seed: int, complete: bool) -> dict[str, Any]:
    """One study of the task, measured by the oracle."""
    found = study(
        task.model,
        task.data(),
        optimizer=task.optimizer,
        target=oracle["target"],
        seed=seed,
        budget="5m",
        complete=complete,
    )
    document = found.to_dict()
    chosen = found.recommendation
    steps = {row["batch_size"]: math.exp(row["log_steps"]) for row in oracle["sizes"]}
    reached = [size for size, count in steps.items() if math.isfinite(count)]
    curve = fit_scaling(reached, [steps[size] for size in reached])
    return {
        "task": task.name,
        "seed": seed,
        "recommended": None if chosen is None else chosen.batch_size,
        "cost": document["cost"]["seconds"] / oracle["seconds"],
        "seconds": document["cost"]["seconds"],
        "b_crit": math.nan if found.fit is None else found.fit.b_crit / float(curve.b_crit),
    }


def add_regret(rows: Sequence[dict[str, Any]], oracle: dict[str, Any], per_step: dict[int, float]) -> None:
    """Add the best size, and what the recommended one takes more, by these seconds per step."""
    steps = {row["batch_size"]: math.exp(row["log_steps"]) for row in oracle["sizes"]}
    seconds = {size: steps[size] * per_step[size] for size in steps}
    best = min(seconds, key=lambda size: seconds[size])
    for row in rows:
        chosen = seconds.get(row["recommended"], math.inf)
        row.update(best=best, regret=chosen / seconds[best] - 1)


def main() -> None:
    """Print one line a study, and the summary."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=2)
    parser.add_argument("--only", default="")
    parser.add_argument("--answer-only", action="store_true", help="without the rest of the table")
    parser.add_argument("--folder", type=Path, default=Path(__file__).parent / ".oracle")
    arguments = parser.parse_args()
    rows = []
    heads = f"{'task':40} {'seed':>4} {'rec':>5} {'best':>5} {'regret':>7} {'cost':>6}"
    print(f"{heads} {'seconds':>7} {'B_crit/oracle':>13}")
    for task in TASKS:
        path = arguments.folder / f"{task.name.replace(', ', '-').replace(' ', '_')}.json"
        if arguments.only not in task.name or not path.exists():
            continue
        oracle = json.loads(path.read_text())
        sizes = [row["batch_size"] for row in oracle["sizes"]]
        before = timed(task, sizes)
        found = [judged(task, oracle, seed, not arguments.answer_only) for seed in range(arguments.seeds)]
        per_step = np.median(np.concatenate([before, timed(task, sizes)]), axis=0)
        add_regret(found, oracle, dict(zip(sizes, per_step.tolist(), strict=True)))
        rows += found
        for row in found:
            print(
                f"{row['task']:40} {row['seed']:4} {row['recommended']:5} {row['best']:5} "
                f"{row['regret']:7.1%} {row['cost']:6.1%} {row['seconds']:7.1f} {row['b_crit']:13.2f}",
                flush=True,
            )
    regrets, costs = (np.array([row[name] for row in rows]) for name in ("regret", "cost"))
    ratios = np.abs(np.log([row["b_crit"] for row in rows]))
    print(f"regret: median {np.median(regrets):.1%}, 95th percentile {np.quantile(regrets, 0.95):.1%}")
    print(f"cost: median {np.median(costs):.1%}, most {costs.max():.1%}")
    print(f"B_crit within a factor 1.25 of the oracle's: {np.mean(ratios <= math.log(1.25)):.0%}")


if __name__ == "__main__":
    main()
