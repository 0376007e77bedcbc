"""The study against the oracle: regret of the recommendation, cost, critical batch size.

    python bench/oracle.py; python bench/regret.py [--seeds 3]

Regret: seconds to target at the recommended batch size over those at the oracle's best, less 1, by the
oracle's own steps and seconds per step. Cost: the study's seconds, everything counted, over the oracle's.
"""

import argparse
import json
import math
from pathlib import Path
from typing import Any

import numpy as np

from rightbatch.answer import study
from rightbatch.stats.scaling import fit_scaling
from tasks import TASKS, Task


def judged(task: Task, oracle: dict[str, Any], seed: int, complete: bool) -> dict[str, float]:
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
    rows = {row["batch_size"]: row for row in oracle["sizes"]}
    seconds = {size: math.exp(row["log_steps"]) * row["seconds_per_step"] for size, row in rows.items()}
    reached = {size: value for size, value in seconds.items() if math.isfinite(value)}
    chosen = found.recommendation
    curve = fit_scaling(list(reached), [math.exp(rows[size]["log_steps"]) for size in reached])
    return {
        "recommended": math.nan if chosen is None else chosen.batch_size,
        "best": min(reached, key=lambda size: reached[size]),
        "regret": math.inf if chosen is None else seconds[chosen.batch_size] / min(reached.values()) - 1,
        "cost": document["cost"]["seconds"] / oracle["seconds"],
        "seconds": document["cost"]["seconds"],
        "b_crit": math.nan if found.fit is None else found.fit.b_crit / float(curve.b_crit),
    }


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
        for seed in range(arguments.seeds):
            row = judged(task, oracle, seed, not arguments.answer_only)
            rows.append(row)
            print(
                f"{task.name:40} {seed:4} {row['recommended']:5} {row['best']:5} {row['regret']:7.1%} "
                f"{row['cost']:6.1%} {row['seconds']:7.1f} {row['b_crit']:13.2f}",
                flush=True,
            )
    regrets, costs = (np.array([row[name] for row in rows]) for name in ("regret", "cost"))
    ratios = np.abs(np.log([row["b_crit"] for row in rows]))
    print(f"regret: median {np.median(regrets):.1%}, 95th percentile {np.quantile(regrets, 0.95):.1%}")
    print(f"cost: median {np.median(costs):.1%}, most {costs.max():.1%}")
    print(f"B_crit within a factor 1.25 of the oracle's: {np.mean(ratios <= math.log(1.25)):.0%}")


if __name__ == "__main__":
    main()
