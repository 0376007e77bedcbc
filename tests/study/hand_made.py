"""Runs, timings and problems made by hand, for the tests of the study."""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.linalg import hadamard

from rightbatch.learners.linear import LinearRegression
from rightbatch.learners.mlp import MLP
from rightbatch.learners.updates import SGD
from rightbatch.measure.clock import Timing
from rightbatch.records import Array, Outcome, Shape
from rightbatch.study.ahead import Ahead
from rightbatch.study.executor import Made
from rightbatch.study.problem import Problem
from rightbatch.study.subject import Run, Subject, Sweep
from rightbatch.train.target import Target

REGRESSION = Shape(features=4, outputs=1, task="regression")


def run(
    batch_size: int,
    point: int,
    seed: int,
    steps: float | None,
    *,
    outcome: Outcome | None = None,
    reason: str = "not there after 100 steps",
    curve: Sequence[float] = (0.9, 0.5, 0.2),
) -> Run:
    """A run that arrived after so many steps, or never (`None`): not in 100, unless it diverged before.

    It was evaluated as often as its curve is long, evenly, at last when it arrived.
    """
    arrived = Outcome.OUT_OF_STEPS if steps is None else Outcome.REACHED
    missed = len(curve) if outcome is Outcome.DIVERGED else 100
    last = max(len(curve), missed if steps is None else math.ceil(steps))
    return Run(
        batch_size=batch_size,
        point=point,
        seed=seed,
        outcome=outcome or arrived,
        reason=reason if steps is None else "reached val_loss<=0.2",
        steps_to_target=steps,
        curve_steps=tuple(math.ceil(last * k / len(curve)) for k in range(1, len(curve) + 1)),
        curve=tuple(curve),
    )


def timings(seconds: Mapping[int, float], rounds: int = 3) -> list[Timing]:
    """The same seconds per step in every round."""
    return [Timing(size, number, 10, value) for number in range(rounds) for size, value in seconds.items()]


def isotropic(rows: int = 64, features: int = 4) -> tuple[Array, Array]:
    """Inputs whose covariance is exactly the identity, of mean zero, and targets without noise.

    Columns of a Hadamard matrix; every weight is 1, so the loss starts at `features`.
    """
    x = hadamard(rows)[:, 1 : 1 + features].astype(np.float32)
    return x, x.sum(axis=1, keepdims=True)


def linear_problem(x: Array, y: Array) -> Problem:
    """Linear regression from weights of zero, evaluated on the rows it is trained on."""
    shape = Shape(features=x.shape[1], outputs=1, task="regression")
    return Problem(
        learner=LinearRegression().build(shape, SGD()), train=(x, y), validation=(x, y), task="regression"
    )


def blobs(rows: int = 300) -> Problem:
    """Three clouds of points in eight dimensions, and a small MLP to tell them apart."""
    rng = np.random.default_rng(0)
    y = rng.integers(0, 3, rows)
    x = (rng.normal(size=(3, 8))[y] * 0.8 + rng.normal(size=(rows, 8))).astype(np.float32)
    shape = Shape(features=8, outputs=3, task="classification")
    held = rows // 3
    return Problem(
        learner=MLP(hidden=(16,)).build(shape, SGD()),
        train=(x[held:], y[held:]),
        validation=(x[:held], y[:held]),
        task="classification",
    )


def sweep(
    problem: Problem,
    target: Target,
    *,
    points: Sequence[int],
    seed: int | None = None,
    deadline: float = math.inf,
    **settings: Any,
) -> list[Run]:
    """One run a learning rate, and seed where there are several."""
    seeds = settings.pop("seeds") if seed is None else (seed,)
    work = Sweep(target=target, seeds=seeds, points=tuple(points), **settings)
    return problem.runs(work, deadline=deadline)[0]


@dataclass
class Crowded:
    """A learner whose groups do not fit in memory together."""

    inner: Any

    def __getattr__(self, name: str) -> Any:
        return getattr(self.inner, name)

    def step_apart(self, *_: Any) -> Any:
        raise MemoryError


class Told(Ahead):
    """Makes sweeps one after the other, and knows what was expected and what was asked for."""

    def __init__(self) -> None:
        super().__init__(None)
        self.all_expected: list[list[Sweep]] = []
        self.asked: list[Sweep] = []

    @property
    def expected(self) -> list[Sweep]:
        """What was expected last."""
        return self.all_expected[-1]

    def expect(self, sweeps: Iterable[Sweep], *, first: bool = False) -> None:
        before = self.expected if first and self.all_expected else []
        self.all_expected.append([*sweeps, *before])

    def make(self, subject: Subject, sweep: Sweep, *, deadline: float, alone: bool = False) -> Made:
        self.asked.append(sweep)
        return super().make(subject, sweep, deadline=deadline, alone=alone)
