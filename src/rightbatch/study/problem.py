"""A learner with its data as a subject of study: learning rates and seeds trained side by side."""

import math
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from rightbatch.data.loader import Loader
from rightbatch.learners.metrics import constant, evaluate, judged
from rightbatch.learners.protocol import Learner
from rightbatch.measure.clock import Timing, time_steps
from rightbatch.measure.crossing import next_check
from rightbatch.measure.feasible import POSSIBLE, trial
from rightbatch.measure.memory import peak_bytes, training_probe
from rightbatch.records import Array, Batch, Outcome, StepEvent
from rightbatch.study.grid import lr_at
from rightbatch.study.judge import Curve, Rules
from rightbatch.study.subject import DeadlineError, Run, Sweep
from rightbatch.train.loop import endless, train, train_apart
from rightbatch.train.memory import BatchTooLargeError
from rightbatch.train.target import Target, parse_target

_HARMLESS_LR = 1e-6

_TO_CROSS = 4
"""Evaluations from which a crossing is known: two medians of three."""

_DROP_BELOW = 0.7
"""Finished replicas are dropped when so few are left: a copy costs about three steps."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """What is trained, on what, to which metric."""

    learner: Learner[Any]
    train: tuple[Array, Array]
    validation: tuple[Array, Array]
    task: str
    """``"regression"`` or ``"classification"``."""

    @property
    def timed_apart(self) -> bool:
        """Steps are timed alone, one replica, before the runs."""
        return True

    @property
    def stacks(self) -> bool:
        """Whether replicas may have batches of their own."""
        return bool(getattr(self.learner, "takes_several", False))

    @property
    def samples(self) -> int:
        """Rows of the training part."""
        return len(self.train[0])

    def read_target(self, text: str) -> Target:
        """The target in the user's words."""
        return parse_target(text, self.task)

    def loader(self, batch_size: int, seed: int = 0) -> Loader:
        """Shuffled batches of exactly this size: a step at B is a step of B samples."""
        return Loader(self.train, batch_size, shuffle=True, seed=seed, last="drop")

    def metric(self, state: Any, target: Target) -> Array:
        """The target's metric of every replica, float64 `(replicas,)`."""
        return evaluate(self.learner, state, self._part(target), [target.metric])[target.metric]

    def untrained(self, target: Target, seed: int) -> float:
        """The target's metric before any step."""
        return float(self.metric(self.learner.start([seed]), target)[0])

    def baseline(self, target: Target) -> float | None:
        """The target's metric of a guess that is the same for every row, made from the training part."""
        (_, known), (x, y) = self.train, self._part(target)
        plain = self.task == "regression" or known.ndim == 1
        if not plain or getattr(self.learner, "own_loss", False):
            return None
        outputs = self.learner.predict(self.learner.start([0]), x[:1]).shape[-1]
        row = constant(known, self.task, outputs)
        if len(row) != outputs:
            return None
        same = np.broadcast_to(row, (1, len(y), outputs))
        value = float(judged(self.learner, same, y, [target.metric])[target.metric][0])
        return value if math.isfinite(value) else None

    def peak_bytes(self, batch_size: int) -> int:
        """Most bytes that training at the batch size takes beyond the data."""
        return peak_bytes(self.learner, self.loader, batch_size)

    def try_out(self, batch_size: int, limit: float) -> str:
        """Why two steps and an evaluation do not fit in so many bytes; empty: they do, or cannot be tried."""
        if not POSSIBLE:
            return ""
        return trial(training_probe(self.learner, self.loader, self.validation), batch_size, limit).reason

    def time_steps(
        self, batch_sizes: Sequence[int], *, rounds: int, first_round: int = 0
    ) -> Iterator[list[Timing]]:
        """Seconds per step, of a model that stays as it starts."""
        return time_steps(
            self.learner, self.loader, batch_sizes, rounds=rounds, lr=_HARMLESS_LR, first_round=first_round
        )

    def runs(self, sweep: Sweep, *, deadline: float = math.inf) -> tuple[list[Run], list[Timing]]:
        """Train learning rates and seeds side by side; seconds per step are timed apart, one alone."""
        return _side_by_side(self, sweep, deadline), []

    def _part(self, target: Target) -> tuple[Array, Array]:
        return self.validation if target.part == "validation" else self.train


def _side_by_side(problem: Problem, sweep: Sweep, deadline: float) -> list[Run]:
    """Train one replica a learning rate and seed until each has reached the target or is given up.

    Args:
        problem: what is trained.
        sweep: how far.
        deadline: `time.perf_counter()` after which the sweep is abandoned.

    Returns:
        One run a learning rate and seed, in their order.

    Raises:
        DeadlineError: the deadline passed.
    """
    several = len(sweep.seeds) > 1
    if several and not problem.stacks:
        return _seed_after_seed(problem, sweep, deadline)
    lanes = [_Lane(seed, Curve(point)) for seed in sweep.seeds for point in sweep.points]
    try:
        _train(problem, sweep, lanes, deadline)
    except BatchTooLargeError as error:
        if several:
            return _seed_after_seed(problem, sweep, deadline)
        for curve in [lane.curve for lane in lanes if lane.curve.outcome is None]:
            curve.note(error.step + 1, math.nan)
            curve.end(Outcome.OUT_OF_MEMORY, f"a batch of {sweep.batch_size:,} did not fit in memory")
    if (sweep.unseen or sweep.seldom) and any(_early(lane.curve, sweep) for lane in lanes):
        return _side_by_side(problem, replace(sweep, unseen=0, seldom=0), deadline)
    return [lane.curve.run(sweep.batch_size, lane.seed) for lane in lanes]


def _early(curve: Curve, sweep: Sweep) -> bool:
    """Whether a run arrived where too little was looked at to know when."""
    close = sum(step >= sweep.seldom for step in curve.steps[-_TO_CROSS:])
    return curve.crossed is not None and close < _TO_CROSS


def _seed_after_seed(problem: Problem, sweep: Sweep, deadline: float) -> list[Run]:
    alone = (replace(sweep, seeds=(seed,)) for seed in sweep.seeds)
    return [run for each in alone for run in _side_by_side(problem, each, deadline)]


@dataclass(frozen=True, slots=True)
class _Lane:
    """One replica's seed and its run."""

    seed: int
    curve: Curve


def _train(problem: Problem, sweep: Sweep, lanes: list[_Lane], deadline: float) -> None:
    """Give every curve its outcome."""
    rules = {seed: Rules(sweep) for seed in sweep.seeds}
    batches = {seed: endless(problem.loader(sweep.batch_size, seed)) for seed in sweep.seeds}
    state = problem.learner.start([lane.seed for lane in lanes])
    alive = lanes
    step = 0
    while alive:
        for event in _evaluations(_steps(problem, state, alive, batches, step), step, sweep):
            if time.perf_counter() > deadline:
                raise DeadlineError
            _note([lane.curve for lane in alive], event, problem.metric(event.state, sweep.target))
            for seed, rule in rules.items():
                rule.judge([lane.curve for lane in alive if lane.seed == seed], event.step)
            keep = [i for i, lane in enumerate(alive) if lane.curve.outcome is None]
            if len(keep) <= _DROP_BELOW * len(alive):
                state = problem.learner.select(event.state, keep) if keep else None
                step = event.step
                break
        alive = [alive[i] for i in keep]


def _steps(
    problem: Problem, state: Any, alive: Sequence[_Lane], batches: Mapping[int, Iterator[Batch]], step: int
) -> Iterator[StepEvent]:
    """Steps of the replicas that are left, those of each seed with its own batches."""
    lr = np.array([lr_at(lane.curve.point) for lane in alive], np.float32)
    counts = Counter(lane.seed for lane in alive)
    streams = [batches[seed] for seed in counts]
    if len(streams) == 1:
        return train(problem.learner, state, streams[0], lr, step=step)
    learner: Any = problem.learner
    return train_apart(learner, state, streams, tuple(counts.values()), lr, step=step)


def _evaluations(events: Iterator[StepEvent], step: int, sweep: Sweep) -> Iterator[StepEvent]:
    """The events at which to evaluate."""
    check = _next_check(step, sweep)
    for event in events:
        if event.step == check:
            check = _next_check(check, sweep)
            yield event


def _next_check(step: int, sweep: Sweep) -> int:
    if step < sweep.seldom:
        return min(max(2 * step, 1), sweep.seldom)
    return next_check(max(step, sweep.unseen))


def _note(curves: Sequence[Curve], event: StepEvent, values: Array) -> None:
    """The metric of this evaluation; NaN once the loss is infinite: an accuracy alone does not show it."""
    seen = np.where(np.isfinite(event.result.loss), values, np.nan)
    for curve, value in zip(curves, seen.tolist(), strict=True):
        if curve.outcome is None:
            curve.note(event.step, value)
