"""How well a few timings tell which of two batch sizes is faster, by the share left out at either end.

    python bench/typical.py [--rounds 1200]

Neighbouring batch sizes are timed in turn for many rounds, as a study does it. Printed is the standard
deviation of ln of the ratio of neighbours over stretches of so many rounds, root mean square over tasks and
pairs: of the mean, of trimmed means and of the median (all but the middle left out).
"""

import argparse
from collections.abc import Callable

import numpy as np
from scipy.stats import trim_mean
from threadpoolctl import threadpool_limits

from oracle import problem_of
from rightbatch.records import Array
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


def _trimmed(share: float) -> Callable[[Array], Array]:
    return lambda rounds: trim_mean(rounds, share)


ESTIMATES: dict[str, Callable[[Array], Array]] = {
    "mean": _trimmed(0),
    "10 %": _trimmed(0.1),
    f"study ({TRIM:.0%})": typical,
    "30 %": _trimmed(0.3),
    "median": lambda rounds: np.median(rounds, axis=0),
}


def timed(task: Task, rounds: int) -> Array:
    """Seconds per step, `(rounds, sizes)`."""
    with threadpool_limits(1):
        lines = problem_of(task).time_steps(SIZES, rounds=rounds)
        return np.array([[timing.seconds for timing in sorted(line)] for line in lines])


def variance(rounds: Array, stretch: int, estimate: Callable[[Array], Array]) -> float:
    """Of ln of the ratio of neighbours, mean over the pairs."""
    parts = range(0, len(rounds) - stretch + 1, stretch)
    found = np.log([estimate(rounds[start : start + stretch]) for start in parts])
    return float(np.diff(found, axis=1).var(axis=0, ddof=1).mean())


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=1200)
    count = parser.parse_args().rounds
    tables = [timed(task, count) for task in TASKS if task.name in NAMES]
    print(f"{len(tables)} tasks, {count} rounds of batch sizes {', '.join(map(str, SIZES))}")
    print(f"{'rounds':>6}" + "".join(f"{name:>14}" for name in ESTIMATES))
    for stretch in STRETCHES:
        roots = [
            np.sqrt(np.mean([variance(rounds, stretch, estimate) for rounds in tables]))
            for estimate in ESTIMATES.values()
        ]
        print(f"{stretch:6}" + "".join(f"{root:14.1%}" for root in roots))


if __name__ == "__main__":
    main()
