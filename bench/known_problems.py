"""Quadratic problems to be simulated, many runs at a time, and what is known of them.

Stochastic gradient descent on linear regression with fresh rows, on white inputs, and on a noisy quadratic,
in other dimensions, spectra and noises than those of any published table. `Case.exact` is where the expected
loss meets the target, by recursions that never run it (tests/stats/known_truth.py). `measured` is what a
study measures: the mean ln steps at which runs meet it, which a noisy run does before the mean of all.
"""

import math
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rightbatch.measure.crossing import crossing, next_check
from rightbatch.train.target import Target

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))
from stats.known_truth import Isotropic, NoisyQuadratic, Regression

Floats = NDArray[Any]
Descent = Callable[[int, Floats, np.random.Generator, int], Iterator[Floats]]

FINE = 2.0 ** np.arange(-0.5, 0.76, 0.125)
"""Learning rates over that of the fewest expected steps: noisy runs like a larger one."""

AROUND = np.arange(-2, 4)
"""Learning rates of a sweep, in half octaves from the nearest to that of the fewest expected steps."""

RUNS = 100
ARRIVE = 0.9
"""Share of the runs that must meet the target for a learning rate to count."""


@dataclass(frozen=True)
class Case:
    """A problem, what simulates it, and what is known of it."""

    name: str
    target: float
    descend: Descent
    """The loss after each step, `(rates, runs)`; one run meets the same noise with every learning rate."""
    exact: Callable[[int], tuple[float, float]]
    """Steps until the expected loss meets the target at the best learning rate, and that learning rate."""


def measured(case: Case, size: int) -> tuple[float, float]:
    """Geometric mean of the steps of simulated runs at their best learning rate, by the study's crossings.

    Returns:
        By a sweep of learning rates in steps of sqrt(2), and by one in steps of 2^(1/8).
    """
    steps, best = case.exact(size)
    sweep = 2.0 ** ((round(2 * math.log2(best)) + AROUND) / 2)
    levels = [_level(runs) for runs in _runs(case, size, np.concatenate([sweep, best * FINE]), steps)]
    return math.exp(min(levels[: len(sweep)])), math.exp(min(levels[len(sweep) :]))


def _runs(case: Case, size: int, lrs: Floats, steps: float) -> list[list[float]]:
    """Steps to target of the runs that arrive, a list for each learning rate."""
    random, most = np.random.default_rng([size, 1]), math.ceil(1.6 * steps) + 20
    checks, losses, check = [], [], 1
    with np.errstate(all="ignore"):
        for step, loss in enumerate(case.descend(size, lrs, random, RUNS), start=1):
            if step == check:
                check = next_check(check)
                checks.append(step)
                losses.append(loss)
            if step >= most:
                break
    target, curves = Target("loss", "validation", case.target), np.array(losses)
    found = [[crossing(checks, runs.tolist(), target) for runs in curves[:, i].T] for i in range(len(lrs))]
    return [[value for value in row if value is not None] for row in found]


def _level(steps: list[float]) -> float:
    return float(np.mean(np.log(steps))) if len(steps) >= ARRIVE * RUNS else math.inf


def regression(name: str, problem: Regression) -> Case:
    """Linear regression on fresh rows; the loss is the excess risk."""

    def descend(size: int, lrs: Floats, random: np.random.Generator, runs: int) -> Iterator[Floats]:
        root, lr = np.sqrt(problem.h), lrs[:, None]
        off = np.tile(problem.delta, (runs, len(lrs), 1))
        while True:
            x = random.standard_normal((runs, size, len(root))) * root
            error = off @ np.swapaxes(x, 1, 2) - problem.sigma * random.standard_normal((runs, 1, size))
            off = off - lr / size * (error @ x)
            yield (0.5 * off**2 @ problem.h).T

    return Case(name, problem.target, descend, problem.best)


def isotropic(name: str, problem: Isotropic) -> Case:
    """White inputs without noise, by the distribution of a step's factor."""

    def descend(size: int, lrs: Floats, random: np.random.Generator, runs: int) -> Iterator[Floats]:
        lr, risk = lrs[:, None], np.full((len(lrs), runs), problem.ratio)
        while True:
            a = random.chisquare(size, runs) / size
            risk = risk * ((1 - lr * a) ** 2 + lr**2 * a / size * random.chisquare(problem.d - 1, runs))
            yield risk

    return Case(name, 1.0, descend, lambda size: (float(problem.exact(size)), problem.lr(size)))


def quadratic(name: str, problem: NoisyQuadratic) -> Case:
    """A diagonal quadratic with gradient noise."""
    h = 1 / np.arange(1, problem.d + 1)

    def descend(size: int, lrs: Floats, random: np.random.Generator, runs: int) -> Iterator[Floats]:
        lr = lrs[:, None, None]
        theta = np.tile(random.standard_normal((runs, problem.d)), (len(lrs), 1, 1))
        while True:
            theta = theta - lr * (h * theta + np.sqrt(h / size) * random.standard_normal((runs, problem.d)))
            yield 0.5 * theta**2 @ h

    return Case(name, problem.target, descend, problem.best)


def spectrum(h: Floats, *, sigma: float, target: float) -> Regression:
    """A regression whose weights all begin at a distance of 1."""
    return Regression(h=h, delta=np.ones(len(h)), sigma=sigma, target=target)


def cases() -> list[Case]:
    """Other dimensions, spectra and noises than those of any published table."""
    power, steep = np.arange(1.0, 16.0) ** -0.5, 0.7 ** np.arange(12.0)
    halves, inverse = 0.5 ** np.arange(8.0), 1 / np.arange(1.0, 26.0)
    return [
        regression("regression, d 15, h i^-1/2, noise 1", spectrum(power, sigma=1.0, target=0.05)),
        regression("regression, d 12, h 0.7^i, noise 2", spectrum(steep, sigma=2.0, target=0.1)),
        regression("regression, d 30, h 1, noise 1/2", spectrum(np.ones(30), sigma=0.5, target=0.1)),
        regression("regression, d 8, h 2^-i, noise 3/2", spectrum(halves, sigma=1.5, target=0.15)),
        regression("regression, d 25, h 1/i, noise 0.7", spectrum(inverse, sigma=0.7, target=0.06)),
        isotropic("white, d 40, from 10^3", Isotropic(d=40, ratio=1e3)),
        isotropic("white, d 150, from 10^2", Isotropic(d=150, ratio=1e2)),
        isotropic("white, d 70, from 500", Isotropic(d=70, ratio=500.0)),
        quadratic("noisy quadratic, d 300", NoisyQuadratic(d=300, target=0.15)),
        quadratic("noisy quadratic, d 50", NoisyQuadratic(d=50, target=0.08)),
        quadratic("noisy quadratic, d 120", NoisyQuadratic(d=120, target=0.2)),
    ]
