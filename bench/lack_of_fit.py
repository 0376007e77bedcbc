"""How often the test of the hyperbola is right, on simulated runs with a known answer.

Power: isotropic regression at the best learning rates, whose S(B) = ln R / ln(1 + B/(d+1)) is no hyperbola.
False alarms: the same at 2 % of these learning rates, where the hyperbola is exact. Goals: 95 % and 5 %.
"""

import argparse
import sys
from pathlib import Path

import numpy as np

from rightbatch.stats.lack_of_fit import lack_of_fit

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

from stats.known_truth import Isotropic


def found(problem: Isotropic, sizes: list[int], seeds: int, studies: int) -> float:
    """Share of the studies in which the test rejects the hyperbola at 5 %."""
    runs = problem.runs(sizes, seeds * studies, seed=seeds).reshape(studies, seeds, len(sizes))
    return float(np.mean([lack_of_fit(sizes, steps).p_value < 0.05 for steps in runs]))


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--studies", type=int, default=500)
    studies = parser.parse_args().studies
    print(f"Share of {studies} studies in which the hyperbola is rejected at 5 %")
    print(f"{'d':>4}{'sizes':>7}{'seeds':>7}{'best rate: power':>18}{'2 % of it: false alarms':>25}")
    for d in (20, 50, 100):
        for sizes in ([4**power for power in range(1, 6)], [2**power for power in range(2, 11)]):
            for seeds in (3, 5):
                power = found(Isotropic(d=d, ratio=1e4), sizes, seeds, studies)
                alarms = found(Isotropic(d=d, ratio=20.0, kappa=0.02), sizes, seeds, studies)
                print(f"{d:4}{len(sizes):7}{seeds:7}{power:18.1%}{alarms:25.1%}", flush=True)


if __name__ == "__main__":
    main()
