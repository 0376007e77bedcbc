"""How well a few timings tell which of two batch sizes is faster.

    python bench/typical.py [--rounds 1200]

Neighbouring batch sizes are timed in turn for many rounds, as a study does it. The first table is the
standard deviation of ln of the ratio of neighbours over stretches of so many rounds, root mean square over
tasks and pairs: of the mean of each size, of its trimmed means, of its median (all but the middle left out),
and of what the study takes, with the pace of every round taken out. In the second the two sizes in the middle
were timed as often again 100 rounds later, and one of them is compared with its neighbour that was not.
"""

import argparse
from collections.abc import Callable

import numpy as np
from scipy.stats import trim_mean
from threadpoolctl import threadpool_limits

from oracle import problem_of
from rightbatch.records import Array
from rightbatch.stats.pace import paced
from rightbatch.stats.typical import TRIM, typical
from tasks import TASKS, Task

NAMES = (
    "digits, MLP, sgd",
    "digits, softmax, momentum",
    "digits, MLP 32-32 tanh, adam",
    "wine, MLP, sgd",
    "friedman, MLP, sgd",
    "clusters, MLP, adam",
)
SIZES = (16, 32, 64, 120)
STRETCHES = (8, 12, 24, 48)
LATER = 100

Estimate = Callable[[Array], Array]


def _trimmed(share: float) -> Estimate:
    return lambda rounds: trim_mean(rounds, share)


def _paced(rounds: Array) -> Array:
    return paced(rounds).seconds


ALONE: dict[str, Estimate] = {
    "mean": _trimmed(0),
    "10 %": _trimmed(0.1),
    f"{TRIM:.0%}": typical,
    "30 %": _trimmed(0.3),
    "median": lambda rounds: np.median(rounds, axis=0),
    "pace out": _paced,
}
WITH_GAPS: dict[str, Estimate] = {f"{TRIM:.0%}": typical, "pace out": _paced}


def timed(task: Task, rounds: int) -> Array:
    """Seconds per step, `(rounds, sizes)`."""
    with threadpool_limits(1):
        lines = problem_of(task).time_steps(SIZES, rounds=rounds)
        return np.array([[timing.seconds for timing in sorted(line)] for line in lines])


def variance(rounds: Array, stretch: int, estimate: Estimate) -> float:
    """Of ln of the ratio of neighbours, mean over the pairs."""
    parts = range(0, len(rounds) - stretch + 1, stretch)
    found = np.log([estimate(rounds[start : start + stretch]) for start in parts])
    return float(np.diff(found, axis=1).var(axis=0, ddof=1).mean())


def variance_with_gaps(rounds: Array, stretch: int, estimate: Estimate) -> float:
    """Of ln of the ratio of a size that was timed again later to one that was not."""
    contended = rounds.copy()
    contended[:, [0, -1]] = np.nan
    parts = range(0, len(rounds) - LATER - stretch + 1, stretch)
    found = [
        estimate(np.vstack([rounds[at : at + stretch], contended[at + LATER : at + LATER + stretch]]))
        for at in parts
    ]
    return float(np.diff(np.log(found), axis=1)[:, -1].var(ddof=1))


def show(
    tables: list[Array],
    estimates: dict[str, Estimate],
    variance_of: Callable[[Array, int, Estimate], float],
) -> None:
    """Print one table."""
    print(f"{'rounds':>6}" + "".join(f"{name:>10}" for name in estimates))
    for stretch in STRETCHES:
        each = [
            np.sqrt(np.mean([variance_of(rounds, stretch, estimate) for rounds in tables]))
            for estimate in estimates.values()
        ]
        print(f"{stretch:6}" + "".join(f"{root:10.1%}" for root in each))


def main() -> None:
    """Print both tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=1200)
    count = parser.parse_args().rounds
    tables = [timed(task, count) for task in TASKS if task.name in NAMES]
    print(f"{len(tables)} tasks, {count} rounds of batch sizes {', '.join(map(str, SIZES))}")
    show(tables, ALONE, variance)
    print(f"\nas many rounds more of {SIZES[1]} and {SIZES[2]}, {LATER} later: {SIZES[3]} over {SIZES[2]}")
    show(tables, WITH_GAPS, variance_with_gaps)


if __name__ == "__main__":
    main()
