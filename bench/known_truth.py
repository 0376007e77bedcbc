"""The study against problems whose answer is known: regret, B_crit, intervals.

    python bench/known_truth.py [--seeds 3] [--no-complete]

The problems of `known_problems.py` are handed to `rb.study` as train functions; a step takes a + b B
simulated seconds. The truth is measured apart, by an exhaustive sweep of 100 runs at each learning rate of
the study's grid. Printed beside it is B_crit at learning rates 2^(1/8) apart, and of the exact recursions,
which speak of the mean of all runs.
"""

import argparse
import math
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

import rightbatch as rb
from known_problems import Case, cases, measured
from rightbatch.measure.crossing import next_check
from rightbatch.stats.scaling import fit_scaling

SIZES = tuple(2**power for power in range(11))
STEP, SAMPLE = 1e-3, 2e-5
"""Seconds of a step and of a sample: half of a step at B = 50."""

APART = 5000
"""From the first seed of one study to that of the next: they share none."""


def train_of(case: Case) -> Callable[[int, float, int], Iterator[tuple[float, float, float]]]:
    """The case as a train function."""

    def train(batch_size: int, lr: float, seed: int) -> Iterator[tuple[float, float, float]]:
        losses = case.descend(batch_size, np.array([lr]), np.random.default_rng([seed, batch_size]), 1)
        check = 1
        with np.errstate(all="ignore"):
            for step, loss in enumerate(losses, start=1):
                if step == check or not math.isfinite(loss[0, 0]):
                    check = next_check(check)
                    yield step * batch_size, step * (STEP + SAMPLE * batch_size), float(loss[0, 0])

    return train


def judged(case: Case, steps: dict[int, float], seed: int, complete: bool) -> dict[str, Any]:
    """One study, against the truth."""
    found = rb.study(
        train_of(case),
        samples=100_000,
        target=f"loss<={case.target}",
        batch_sizes=list(SIZES),
        seed=seed,
        budget="5m",
        complete=complete,
    )
    seconds = {size: count * (STEP + SAMPLE * size) for size, count in steps.items()}
    b_crit, fit = fitted(steps), found.fit
    best = min(seconds, key=lambda size: seconds[size])
    chosen = None if found.recommendation is None else found.recommendation.batch_size
    low, high = (0.0, math.inf) if fit is None else (fit.interval.get("b_crit") or (None, None))
    return {
        "chosen": chosen,
        "best": best,
        "regret": math.inf if chosen is None else seconds[chosen] / seconds[best] - 1,
        "b_crit": math.nan if fit is None else fit.b_crit / b_crit,
        "covered": (low or 0.0) <= b_crit <= (high or math.inf),
        "examples": found.to_dict()["cost"]["samples"],
    }


def fitted(steps: dict[int, float]) -> float:
    """B_crit of the hyperbola through all sizes."""
    return float(fit_scaling(list(steps), list(steps.values())).b_crit)


def main() -> None:
    """Print a line a study, and the summary."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--only", default="")
    parser.add_argument(
        "--complete", action=argparse.BooleanOptionalAction, default=True, help="the whole table, too"
    )
    arguments = parser.parse_args()
    print(
        "problem".ljust(37), "B_crit   fine   mean  seed chosen  best  regret B_crit/true covered   examples"
    )
    rows = []
    for case in cases():
        if arguments.only not in case.name:
            continue
        found = {size: (*measured(case, size), case.exact(size)[0]) for size in SIZES}
        swept, fine, mean = ({size: steps[i] for size, steps in found.items()} for i in range(3))
        head = f"{case.name:37} {fitted(swept):6.1f} {fitted(fine):6.1f} {fitted(mean):6.1f}"
        for seed in range(0, arguments.seeds * APART, APART):
            row = judged(case, swept, seed, arguments.complete)
            rows.append(row)
            print(
                f"{head} {seed:5} {row['chosen']:6} {row['best']:5} {row['regret']:7.1%} "
                f"{row['b_crit']:11.2f} {row['covered']!s:>7} {row['examples']:10,}",
                flush=True,
            )
    regrets, ratios = np.array([row["regret"] for row in rows]), np.log([row["b_crit"] for row in rows])
    print(f"regret: median {np.median(regrets):.1%}, 95th percentile {np.quantile(regrets, 0.95):.1%}")
    print(f"B_crit over the true: median {np.exp(np.median(ratios)):.2f}", end="; ")
    print(f"within a factor 1.25: {np.mean(np.abs(ratios) <= math.log(1.25)):.0%}", end="; ")
    print(f"covered by its interval: {np.mean([row['covered'] for row in rows]):.0%}")


if __name__ == "__main__":
    main()
