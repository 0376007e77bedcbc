"""Tuned runs made again, to two moments, at which both losses are measured: the target, and as many examples.

Apart from what is made of them (`generalisation`), so that another process that makes runs need not import
the statistics.
"""

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import groupby, islice
from typing import Any

import numpy as np

from rightbatch.learners.metrics import evaluate
from rightbatch.records import StepEvent
from rightbatch.study.ahead import Ahead
from rightbatch.study.problem import Problem
from rightbatch.study.subject import Run
from rightbatch.train.loop import endless, train, train_apart
from rightbatch.train.memory import BatchTooLargeError

AT_TARGET, AT_EXAMPLES = "at_target", "at_examples"

_TOGETHER = 5
"""Runs trained side by side at most: more hardly gain."""

_ROWS = 10_000
"""Of the training part, on which its loss is measured: the loss of so many is known to a per cent."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Losses:
    """Training and validation loss of one run at both moments."""

    batch_size: int
    seed: int
    at_target: tuple[float, float]
    at_examples: tuple[float, float]


def measure(
    problem: Problem,
    runs: Sequence[Run],
    examples: float,
    *,
    together: Callable[[int], bool],
    ahead: Ahead,
    deadline: float,
) -> list[Losses]:
    """Train runs again, and evaluate both parts at the target and after so many examples.

    Args:
        problem: what is trained.
        runs: of several batch sizes and the same seeds, size after size; all reached the target.
        examples: seen by each at the second moment.
        together: whether runs of this batch size gain by being trained side by side.
        ahead: makes several at once.
        deadline: `time.perf_counter()` after which no more are begun.

    Raises:
        DeadlineError: the deadline passed.
    """
    works = [partial(_losses, runs=stack, examples=examples) for stack in _stacks(runs, together)]
    return [losses for made in ahead.each(problem, works, deadline=deadline) for losses in made]


def _stacks(runs: Sequence[Run], together: Callable[[int], bool]) -> Iterator[Sequence[Run]]:
    """Runs of one batch size that are trained side by side, or one by one."""
    for size, same in groupby(runs, key=lambda run: run.batch_size):
        while stack := list(islice(same, _TOGETHER if together(size) else 1)):
            yield stack


def _losses(problem: Problem, runs: Sequence[Run], examples: float) -> list[Losses]:
    """The losses of runs trained side by side, or one after the other where that does not fit in memory."""
    try:
        return _side_by_side(problem, runs, examples)
    except (BatchTooLargeError, MemoryError):
        if len(runs) == 1:
            raise
        return [losses for run in runs for losses in _losses(problem, [run], examples)]


def _side_by_side(problem: Problem, runs: Sequence[Run], examples: float) -> list[Losses]:
    size = runs[0].batch_size
    moments = [
        {
            AT_TARGET: max(1, math.ceil(run.steps_to_target or 0)),
            AT_EXAMPLES: max(1, round(examples / size)),
        }
        for run in runs
    ]
    last = max(step for steps in moments for step in steps.values())
    seen: list[dict[str, tuple[float, float]]] = [{} for _ in runs]
    for event in islice(_trained(problem, runs), last):
        due = [(k, name) for k, steps in enumerate(moments) for name in steps if steps[name] == event.step]
        losses = _losses_of(problem, event.state, sorted({k for k, _ in due}), of=len(runs))
        for k, name in due:
            seen[k][name] = losses[k]
    return [Losses(batch_size=size, seed=run.seed, **when) for run, when in zip(runs, seen, strict=True)]


def _trained(problem: Problem, runs: Sequence[Run]) -> Iterator[StepEvent]:
    """The steps of these runs, each with the batches of its seed."""
    streams = [endless(problem.loader(run.batch_size, run.seed)) for run in runs]
    state, lr = problem.learner.start([run.seed for run in runs]), np.array([run.lr for run in runs])
    if len(runs) == 1:
        return train(problem.learner, state, streams[0], lr)
    learner: Any = problem.learner
    return train_apart(learner, state, streams, (1,) * len(runs), lr)


def _losses_of(
    problem: Problem, state: Any, replicas: Sequence[int], *, of: int
) -> dict[int, tuple[float, float]]:
    """Training and validation loss of these replicas: to evaluate all takes longer than many steps."""
    if not replicas:
        return {}
    chosen = state if len(replicas) == of else problem.learner.select(state, replicas)
    x, y = problem.train
    parts = (x[:_ROWS], y[:_ROWS]), problem.validation
    training, validation = (evaluate(problem.learner, chosen, part, ["loss"])["loss"] for part in parts)
    return dict(zip(replicas, zip(training.tolist(), validation.tolist(), strict=True), strict=True))
