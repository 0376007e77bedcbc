"""One sweep: several learning rates at one batch size from one seed, trained side by side."""

import math
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from rightbatch.data.loader import Loader
from rightbatch.learners.metrics import evaluate
from rightbatch.learners.protocol import Learner
from rightbatch.measure.crossing import crossing, next_check
from rightbatch.records import Array, Outcome, StepEvent
from rightbatch.study.grid import lr_at
from rightbatch.train.loop import endless, train
from rightbatch.train.target import Target

HOPELESS = 2.0
"""A learning rate is given up after this many times the steps of the first one to arrive."""

_DROP_BELOW = 0.7
"""Finished replicas are dropped when so few are left: a copy costs about three steps."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """One (batch size, learning rate, seed), trained."""

    batch_size: int
    point: int
    """The learning rate's point of the grid."""
    seed: int
    outcome: Outcome
    reason: str
    """Why it ended, in words."""
    steps_to_target: float | None
    curve_steps: tuple[int, ...]
    curve: tuple[float, ...]
    """The metric at each of `curve_steps`."""

    @property
    def lr(self) -> float:
        """The learning rate."""
        return lr_at(self.point)

    @property
    def steps(self) -> int:
        """Steps made."""
        return self.curve_steps[-1]


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """What is trained, on what, to which metric."""

    learner: Learner[Any]
    train: tuple[Array, Array]
    validation: tuple[Array, Array]

    def loader(self, batch_size: int, seed: int = 0) -> Loader:
        """Shuffled batches of exactly this size: a step at B is a step of B samples."""
        return Loader(self.train, batch_size, shuffle=True, seed=seed, last="drop")

    def metric(self, state: Any, target: Target) -> Array:
        """The target's metric of every replica, float64 `(replicas,)`."""
        part = self.validation if target.part == "validation" else self.train
        return evaluate(self.learner, state, part, [target.metric])[target.metric]


@dataclass(slots=True)
class _Curve:
    point: int
    steps: list[int] = field(default_factory=list)
    values: list[float] = field(default_factory=list)
    outcome: Outcome | None = None
    reason: str = ""
    crossed: float | None = None


class DeadlineError(Exception):
    """The time for runs was up before the sweep was done; its runs are in flight and lost."""


def sweep(
    problem: Problem,
    target: Target,
    *,
    batch_size: int,
    seed: int,
    points: Sequence[int],
    most_steps: int,
    deadline: float = math.inf,
    stop_when_reached: bool = True,
) -> list[Run]:
    """Train one replica a learning rate until each has reached the target or is given up.

    Args:
        problem: what is trained.
        target: when a run counts as trained.
        batch_size: rows of each step.
        seed: of the starting weights and the order, the same for all learning rates.
        points: the learning rates, as points of the grid.
        most_steps: steps after which a run is out of steps.
        deadline: `time.perf_counter()` after which the sweep is abandoned.
        stop_when_reached: whether a run ends when it reaches the target, and the others soon
            after; a pilot, which has no target yet, goes on to `most_steps`.

    Returns:
        One run a learning rate, in the order of `points`.

    Raises:
        DeadlineError: the deadline passed.
    """
    curves = [_Curve(point) for point in points]
    rules = _Rules(target, most_steps, stop_when_reached)
    batches = endless(problem.loader(batch_size, seed))
    state = problem.learner.start([seed] * len(points))
    alive = curves
    step = 0
    while alive:
        lr = np.array([lr_at(curve.point) for curve in alive], np.float32)
        for event in _evaluations(train(problem.learner, state, batches, lr, step=step), step):
            if time.perf_counter() > deadline:
                raise DeadlineError
            _note(alive, event, problem.metric(event.state, target))
            rules.judge(alive, event.step)
            keep = [i for i, curve in enumerate(alive) if curve.outcome is None]
            if len(keep) <= _DROP_BELOW * len(alive):
                state = problem.learner.select(event.state, keep) if keep else None
                step = event.step
                break
        alive = [alive[i] for i in keep]
    return [_run(curve, batch_size, seed) for curve in curves]


def _evaluations(events: Iterator[StepEvent], step: int) -> Iterator[StepEvent]:
    """The events at which to evaluate."""
    check = next_check(step)
    for event in events:
        if event.step == check:
            check = next_check(check)
            yield event


def _note(curves: Sequence[_Curve], event: StepEvent, values: Array) -> None:
    """The metric of this evaluation; NaN once the loss is infinite: an accuracy alone does not show it."""
    seen = np.where(np.isfinite(event.result.loss), values, np.nan)
    for curve, value in zip(curves, seen.tolist(), strict=True):
        if curve.outcome is None:
            curve.steps.append(event.step)
            curve.values.append(value)


@dataclass(slots=True)
class _Rules:
    """When a run is over."""

    target: Target
    most_steps: int
    stop_when_reached: bool
    first_arrival: float = math.inf

    def judge(self, curves: Sequence[_Curve], step: int) -> None:
        """Give an outcome to every run that is over at this step."""
        running = [curve for curve in curves if curve.outcome is None]
        for curve in running:
            self._judge_alone(curve, step)
        for curve in running:
            if curve.outcome is None and step > HOPELESS * self.first_arrival:
                curve.outcome = Outcome.HOPELESS
                curve.reason = f"not there after {HOPELESS:g} times the steps of a better learning rate"

    def _judge_alone(self, curve: _Curve, step: int) -> None:
        if not math.isfinite(curve.values[-1]):
            curve.outcome, curve.reason = Outcome.DIVERGED, f"the loss was infinite by step {step:,}"
            return
        if self.stop_when_reached:
            curve.crossed = crossing(curve.steps[-4:], curve.values[-4:], self.target)
        if curve.crossed is not None:
            curve.outcome, curve.reason = Outcome.REACHED, f"reached {self.target}"
            self.first_arrival = min(self.first_arrival, curve.crossed)
        elif step >= self.most_steps:
            curve.outcome = Outcome.OUT_OF_STEPS
            curve.reason = f"not there after {step:,} steps"


def _run(curve: _Curve, batch_size: int, seed: int) -> Run:
    if curve.outcome is None:
        raise AssertionError("a sweep ends when every run has an outcome")
    return Run(
        batch_size=batch_size,
        point=curve.point,
        seed=seed,
        outcome=curve.outcome,
        reason=curve.reason,
        steps_to_target=curve.crossed,
        curve_steps=tuple(curve.steps),
        curve=tuple(float(f"{value:.7g}") for value in curve.values),
    )
