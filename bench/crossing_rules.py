"""How much the rule for "target reached" moves the critical batch size: first evaluation, median of three.

    python bench/crossing_rules.py

Digits, MLP 64-64-10, SGD, val_loss 0.2; the runs of one study a split, read by both rules.
"""

import math
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from rightbatch.answer import study
from rightbatch.measure.crossing import crossing
from rightbatch.stats.scaling import fit_scaling
from rightbatch.study.store import Store
from rightbatch.study.subject import Run
from rightbatch.train.target import Target

TARGET = Target("loss", "validation", 0.2)
Rule = Callable[[Sequence[float], Sequence[float], Target], float | None]


def first(steps: Sequence[float], values: Sequence[float], target: Target) -> float | None:
    """The first evaluation that meets the target, interpolated."""
    met = next((i for i, value in enumerate(values) if target.met(value)), None)
    if met is None:
        return None
    if met == 0 or not math.isfinite(values[met - 1]):
        return steps[met]
    share = (target.value - values[met - 1]) / (values[met] - values[met - 1])
    return steps[met - 1] + share * (steps[met] - steps[met - 1])


def steps_by(rule: Rule, runs: Sequence[Run]) -> dict[int, float]:
    """Steps to target at each batch size with its best learning rate among those that always arrive."""
    cells: dict[int, dict[int, list[float | None]]] = {}
    for run in runs:
        steps = rule(run.curve_steps, run.curve, TARGET)
        cells.setdefault(run.batch_size, {}).setdefault(run.point, []).append(steps)
    found = {}
    for size, points in sorted(cells.items()):
        seeds = max(map(len, points.values()))
        means = [_mean(steps) for steps in points.values() if len(steps) == seeds]
        found[size] = min((mean for mean in means if mean is not None), default=math.nan)
    return found


def _mean(steps: Sequence[float | None]) -> float | None:
    known = [step for step in steps if step is not None]
    return float(np.exp(np.mean(np.log(known)))) if len(known) == len(steps) else None


def main() -> None:
    """Print one line a split and rule."""
    rules: dict[str, Rule] = {"first evaluation": first, "median of three": crossing}
    for split in (0, 1, 2):
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "study.db"
            study("mlp", "digits", target=TARGET, seeds=8, seed=split, store=path, budget="5m")
            runs = Store(path).runs()
        for name, rule in rules.items():
            steps = steps_by(rule, runs)
            fit = fit_scaling(list(steps), list(steps.values()))
            print(f"split {split}  {name:17}  S_min {float(fit.s_min):5.1f}  B_crit {float(fit.b_crit):5.1f}")


if __name__ == "__main__":
    main()
