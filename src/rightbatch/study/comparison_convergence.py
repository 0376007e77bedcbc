"""When a method counts as converged: the training loss that all are held to."""

import math
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np

from rightbatch.data.dataset import Dataset
from rightbatch.errors import DataError
from rightbatch.learners.linear import LinearRegression
from rightbatch.records import Array
from rightbatch.study.problem import Problem
from rightbatch.study.subject import Sweep
from rightbatch.train.target import Target

SHARE = 0.99
"""Of the way from the untrained loss to the least one."""

_PILOT_EPOCHS = 10
_LEAST_PILOT_STEPS = 333
_LEAST_GAIN = 0.001
"""Where training can improve the loss by a smaller share than this, there is nothing to converge to."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Convergence:
    """The training loss at which a method has converged, and where it comes from."""

    target: Target
    start: float
    """Training loss before the first update."""
    least: float
    how: str
    """What the least loss is, in words."""
    solution: tuple[Array, Array] | None
    """Weights `(features, outputs)` and bias `(outputs,)` of least squares, of standardised data."""


def convergence_of(
    problem: Problem, data: Dataset, model: Any, *, seed: int, points: tuple[int, ...], middle: int
) -> Convergence:
    """The loss of least squares where the model is linear regression; else the best of a pilot.

    Args:
        problem: what is trained, with any update rule.
        data: its data.
        model: its model.
        seed: of start and order.
        points: learning rates of a pilot.
        middle: its batch size.

    Raises:
        DataError: there is nothing to learn.
    """
    start = problem.untrained(_loss(0.0), seed)
    if isinstance(model, LinearRegression) and model.l2 == 0:
        solution = least_squares(*data.train)
        return _convergence(start, _squared(solution, *data.train), "that of least squares", solution)
    steps = max(_PILOT_EPOCHS * (problem.samples // middle), _LEAST_PILOT_STEPS)
    least = _pilot(problem, seed, points, middle, steps)
    tried = f"the least that a pilot reached: {steps:,} updates at batch size {middle}"
    return _convergence(start, least, f"{tried} with the best of {len(points)} learning rates", None)


def least_squares(x: Array, y: Array) -> tuple[Array, Array]:
    """Weights and bias of least mean squared error; of many such, the shortest.

    Example:
        >>> weights, bias = least_squares(np.array([[0.0], [1.0], [2.0]]), np.array([[1.0], [3.0], [5.0]]))
        >>> weights.round(9).tolist(), bias.round(9).tolist()
        ([[2.0]], [1.0])
    """
    inputs = np.column_stack([x.reshape(len(x), -1), np.ones(len(x))]).astype(np.float64)
    solved = np.linalg.lstsq(inputs, y.astype(np.float64), rcond=None)[0]
    return solved[:-1], solved[-1]


def _squared(solution: tuple[Array, Array], x: Array, y: Array) -> float:
    weights, bias = solution
    return float(np.mean((x.reshape(len(x), -1) @ weights + bias - y) ** 2))


def _convergence(start: float, least: float, how: str, solution: tuple[Array, Array] | None) -> Convergence:
    if not start - least > _LEAST_GAIN * abs(start):
        raise DataError(
            f"There is nothing to learn: the training loss is {start:.4g} at the start, and {least:.4g} is "
            f"{how}; check the label."
        )
    target = _loss(least + (1 - SHARE) * (start - least))
    return Convergence(target=target, start=start, least=least, how=how, solution=solution)


def _pilot(problem: Problem, seed: int, points: tuple[int, ...], middle: int, steps: int) -> float:
    """The least training loss met by two evaluations in a row: one alone may be noise."""
    work = Sweep(
        target=_loss(0.0),
        batch_size=middle,
        seeds=(seed,),
        points=points,
        most_steps=steps,
        stop_when_reached=False,
    )
    runs, _ = problem.runs(work)
    pairs = (max(pair) for run in runs for pair in pairwise(run.curve) if math.isfinite(sum(pair)))
    return min(pairs, default=math.inf)


def _loss(value: float) -> Target:
    return Target("loss", "train", value)
