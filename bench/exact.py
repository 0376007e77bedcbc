"""Steps to target and B_crit of problems whose answers are exact, measured as a study measures them.

    python bench/exact.py

At each batch size the problem is trained at the learning rate that its formula or recursion says, many runs
at once, and their mean loss is handed to a study as a train function's: for the exact steps are those of
the expected loss. S(B) is where the study finds the target; B_crit is that of the hyperbola through these.
The exact steps of linear regression are whole, as in the table of `tests/stats/known_truth.py`: 40 says
that the target is met after more than 39.
"""

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import NamedTuple

import numpy as np

from known_problems import Case, isotropic, quadratic, regression, spectrum
from rightbatch.stats.scaling import fit_scaling
from rightbatch.study.function import Function, TrainFunction
from rightbatch.study.subject import Sweep
from rightbatch.train.target import own_target
from stats.known_truth import PRINTED, PRINTED_BEST, Isotropic, NoisyQuadratic

POINT = -6
"""A point of the grid of learning rates, which stands for the one that the problem says."""

MOST_RUNS, LEAST_RUNS, DRAWS = 2000, 30, 4e8
"""Runs that are averaged, and what numbers they may draw in all."""

WIDE = tuple(4**power for power in range(7))


class Problem(NamedTuple):
    """A case, and what is known of it."""

    case: Case
    sizes: Sequence[int]
    numbers: Callable[[int], int]
    """That a step of a run draws at a batch size."""
    b_crit: float | None = None
    """By a formula."""
    whole: bool = False
    """Whether the exact steps are."""
    table: Mapping[int, tuple[float, ...]] | None = None
    """Steps and learning rates, where they are printed."""

    def exact(self, size: int) -> tuple[float, float]:
        """Steps and their learning rate."""
        if self.table is None:
            return self.case.exact(size)
        return self.table[size][0], self.table[size][1]


def problems() -> list[Problem]:
    """Those of the reference, and others beside them."""
    steep = spectrum(0.7 ** np.arange(12.0), sigma=2.0, target=0.1)
    white, slow, wider = (
        Isotropic(d=50, ratio=1e4),
        Isotropic(d=50, ratio=100.0, kappa=0.02),
        Isotropic(d=120, ratio=100.0, kappa=0.02),
    )
    printed = regression("regression, d 20, h 1/i (4.2)", PRINTED)
    noisy = quadratic("noisy quadratic, d 1000 (4.5)", NoisyQuadratic(d=1000, target=0.1))
    return [
        Problem(printed, tuple(PRINTED_BEST), lambda size: 20 * size, whole=True, table=PRINTED_BEST),
        Problem(regression("regression, d 12, h 0.7^i", steep), WIDE, lambda size: 20 * size, whole=True),
        Problem(isotropic("white, d 50, best lr (4.3)", white), (1, 2, 8, 32, 51, 128, 512), lambda _: 2),
        Problem(isotropic("white, d 50, 2 % of the lr (4.4)", slow), WIDE, lambda _: 2, b_crit=51.0),
        Problem(isotropic("white, d 120, 2 % of the lr", wider), WIDE, lambda _: 2, b_crit=121.0),
        Problem(noisy, WIDE[1:6], lambda _: 1000),
    ]


def mean_of(case: Case, size: int, lr: float, runs: int) -> TrainFunction:
    """Many runs as one, whose loss is their mean."""

    def train(batch_size: int, _: float, seed: int) -> Iterator[tuple[float, float, float]]:
        losses = case.descend(size, np.array([lr]), np.random.default_rng([seed, size]), runs)
        for step, loss in enumerate(losses, start=1):
            yield step * batch_size, step * 1e-3, float(loss.mean())

    return train


def found(problem: Problem, size: int) -> tuple[float, float, float]:
    """Exact and measured steps, and the learning rate."""
    case, (steps, lr) = problem.case, problem.exact(size)
    runs = int(min(max(DRAWS / (steps * problem.numbers(size)), LEAST_RUNS), MOST_RUNS))
    target = own_target(f"loss<={case.target}")
    work = Sweep(target=target, batch_size=size, seeds=(0,), points=(POINT,), most_steps=10**7)
    subject = Function(train=mean_of(case, size, lr, runs), samples=10**6, name=case.name)
    (run,), _ = subject.runs(work)
    return steps, run.steps_to_target or math.inf, lr


def off(exact: float, measured: float, *, whole: bool) -> float:
    """How much too many steps were measured, as a share; of whole steps those beyond the step."""
    least = exact - 1 if whole else exact
    return (measured - min(max(measured, least), exact)) / exact


def main() -> None:
    """Print a row a problem and batch size, and a line a problem."""
    print(f"{'problem':33} batch size  learning rate     exact  measured    off")
    for problem in problems():
        case, sizes, b_crit = problem.case, problem.sizes, problem.b_crit
        rows = [found(problem, size) for size in sizes]
        for size, (exact, measured, lr) in zip(sizes, rows, strict=True):
            share = f"{off(exact, measured, whole=problem.whole):+5.1%}"
            print(f"{case.name:33} {size:10}  {lr:13.4g}  {exact:8.1f}  {measured:8.1f}  {share}", flush=True)
        of_exact, of_measured = (float(fit_scaling(sizes, [row[i] for row in rows]).b_crit) for i in range(2))
        formula = "" if b_crit is None else f", by the formula {b_crit:g} ({of_measured / b_crit - 1:+.1%})"
        print(
            f"{case.name}: B_crit {of_measured:.1f}, of the exact steps {of_exact:.1f}{formula}", flush=True
        )


if __name__ == "__main__":
    main()
