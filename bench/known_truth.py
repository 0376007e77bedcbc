"""The study against problems whose answer is known exactly: regret, B_crit, intervals.

    python bench/known_truth.py [--seeds 3]

Stochastic gradient descent is simulated on quadratic problems (linear regression with fresh rows, white
inputs, a noisy quadratic) of several dimensions, spectra and noises, and handed to `rb.study` as train
functions; a step takes a + b B simulated seconds. Steps at the best learning rate follow from exact
recursions (tests/stats/known_truth.py), which the study never sees.
"""

import argparse
import math
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

import rightbatch as rb
from rightbatch.measure.crossing import next_check
from rightbatch.stats.scaling import fit_scaling

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))
from stats.known_truth import Isotropic, NoisyQuadratic, Regression

SIZES = tuple(2**power for power in range(11))
STEP, SAMPLE = 1e-3, 2e-5
"""Seconds of a step and of a sample: half of a step at B = 50."""

Descent = Callable[[int, float, np.random.Generator], Iterator[float]]


@dataclass(frozen=True)
class Case:
    """A problem, what simulates it, and what is known of it."""

    name: str
    target: float
    descend: Descent
    """The loss after each step."""
    exact: Callable[[int], float]
    """Steps at the best learning rate."""


def regression(name: str, problem: Regression) -> Case:
    """Linear regression on fresh rows; the loss is the excess risk."""

    def descend(batch_size: int, lr: float, random: np.random.Generator) -> Iterator[float]:
        off, root = problem.delta.copy(), np.sqrt(problem.h)
        while True:
            x = random.standard_normal((batch_size, len(off))) * root
            error = x @ off - problem.sigma * random.standard_normal(batch_size)
            off -= lr / batch_size * (x.T @ error)
            yield float(0.5 * off**2 @ problem.h)

    return Case(name, problem.target, descend, lambda size: problem.best(size)[0])


def spectrum(h: NDArray[np.float64], *, sigma: float, target: float) -> Regression:
    """A regression whose weights all begin at a distance of 1."""
    return Regression(h=h, delta=np.ones(len(h)), sigma=sigma, target=target)


def isotropic(name: str, problem: Isotropic) -> Case:
    """White inputs without noise, by the distribution of a step's factor."""

    def descend(batch_size: int, lr: float, random: np.random.Generator) -> Iterator[float]:
        risk = problem.ratio
        while True:
            a = random.chisquare(batch_size) / batch_size
            risk *= (1 - lr * a) ** 2 + lr**2 * a / batch_size * random.chisquare(problem.d - 1)
            yield risk

    return Case(name, 1.0, descend, lambda size: float(problem.exact(size)))


def quadratic(name: str, problem: NoisyQuadratic) -> Case:
    """A diagonal quadratic with gradient noise."""
    h = 1 / np.arange(1, problem.d + 1)

    def descend(batch_size: int, lr: float, random: np.random.Generator) -> Iterator[float]:
        theta = random.standard_normal(problem.d)
        while True:
            noise = np.sqrt(h / batch_size) * random.standard_normal(problem.d)
            theta = theta - lr * (h * theta + noise)
            yield float(0.5 * h @ theta**2)

    return Case(name, problem.target, descend, problem.steps)


def cases() -> list[Case]:
    """Other dimensions, spectra and noises than those of any published table."""
    power = np.arange(1.0, 16.0) ** -0.5
    steep = 0.7 ** np.arange(12.0)
    return [
        regression("regression, d 15, h i^-1/2, noise 1", spectrum(power, sigma=1.0, target=0.05)),
        regression("regression, d 12, h 0.7^i, noise 2", spectrum(steep, sigma=2.0, target=0.1)),
        regression("regression, d 30, h 1, noise 1/2", spectrum(np.ones(30), sigma=0.5, target=0.1)),
        isotropic("white, d 40, from 10^3", Isotropic(d=40, ratio=1e3)),
        isotropic("white, d 150, from 10^2", Isotropic(d=150, ratio=1e2)),
        quadratic("noisy quadratic, d 300", NoisyQuadratic(d=300, target=0.15)),
        quadratic("noisy quadratic, d 50", NoisyQuadratic(d=50, target=0.08)),
    ]


def train_of(case: Case) -> Callable[[int, float, int], Iterator[tuple[float, float, float]]]:
    """The case as a train function."""

    def train(batch_size: int, lr: float, seed: int) -> Iterator[tuple[float, float, float]]:
        random = np.random.default_rng([seed, batch_size])
        check = 1
        with np.errstate(all="ignore"):
            for step, loss in enumerate(case.descend(batch_size, lr, random), start=1):
                if step == check or not math.isfinite(loss):
                    check = next_check(check)
                    yield step * batch_size, step * (STEP + SAMPLE * batch_size), loss

    return train


def judged(case: Case, exact: dict[int, float], seed: int) -> dict[str, Any]:
    """One study, against the truth."""
    found = rb.study(
        train_of(case),
        samples=100_000,
        target=f"loss<={case.target}",
        batch_sizes=list(SIZES),
        seed=seed,
        budget="5m",
        complete=False,
    )
    seconds = {size: steps * (STEP + SAMPLE * size) for size, steps in exact.items()}
    b_crit = float(fit_scaling(list(exact), list(exact.values())).b_crit)
    best, fit = min(seconds, key=lambda size: seconds[size]), found.fit
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


def main() -> None:
    """Print a line a study, and the summary."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=3)
    seeds = parser.parse_args().seeds
    print("problem".ljust(40), "seed chosen  best  regret B_crit/true  covered   examples")
    rows = []
    for case in cases():
        exact = {size: case.exact(size) for size in SIZES}
        for seed in range(seeds):
            row = judged(case, exact, seed)
            rows.append(row)
            print(
                f"{case.name:40} {seed:4} {row['chosen']:6} {row['best']:5} {row['regret']:7.1%} "
                f"{row['b_crit']:11.2f} {row['covered']!s:>8} {row['examples']:10,}",
                flush=True,
            )
    regrets, ratios = (
        np.array([row["regret"] for row in rows]),
        np.abs(np.log([row["b_crit"] for row in rows])),
    )
    print(f"regret: median {np.median(regrets):.1%}, 95th percentile {np.quantile(regrets, 0.95):.1%}")
    print(f"B_crit within a factor 1.25 of the true: {np.mean(ratios <= math.log(1.25)):.0%}", end="; ")
    print(f"covered by its interval: {np.mean([row['covered'] for row in rows]):.0%}")


if __name__ == "__main__":
    main()
