"""Runs made again, to the two moments at which their losses are compared."""

import math
import time
from collections.abc import Sequence
from dataclasses import replace
from itertools import islice
from typing import Any

import numpy as np
import pytest
import scipy.special

from rightbatch.learners.metrics import evaluate
from rightbatch.study import rerun
from rightbatch.study.ahead import Ahead
from rightbatch.study.problem import Problem
from rightbatch.study.processes import Workers
from rightbatch.study.rerun import Losses, measure
from rightbatch.study.subject import DeadlineError, Run
from rightbatch.train.target import Target
from study.hand_made import Crowded, blobs, sweep


def measured(problem: Problem, runs: Sequence[Run], **given: Any) -> list[Losses]:
    """The losses of the runs, after 200 examples, too; side by side, here and without end, if not said."""
    usual: dict[str, Any] = {"together": lambda _: True, "ahead": Ahead(None), "deadline": math.inf}
    return measure(problem, runs, 200.0, **{**usual, **given})


def test_the_losses_are_those_of_the_moments() -> None:
    """A run made by hand to its arrival, and to so many examples, has the same losses on both parts."""
    problem = blobs()
    (run,) = sweep(
        problem, Target("loss", "validation", 0.6), batch_size=10, seed=1, points=[-4], most_steps=500
    )
    assert run.steps_to_target is not None
    (found,) = measured(problem, [run])

    def by_hand(steps: int) -> list[float]:
        state = problem.learner.start([1])
        for batch in islice(problem.loader(10, 1).batches(), steps):
            state, _ = problem.learner.step(state, batch, np.full(1, run.lr, np.float32))
        return [loss(problem, state, part) for part in (problem.train, problem.validation)]

    assert math.ceil(run.steps_to_target) <= 20  # within the first epoch, so that one pass tells
    assert found.at_target == pytest.approx(by_hand(math.ceil(run.steps_to_target)), rel=1e-6)
    assert found.at_examples == pytest.approx(by_hand(20), rel=1e-6)


def loss(problem: Problem, state: Any, part: Any) -> float:
    """Mean cross-entropy, from the outputs, by SciPy's log-softmax."""
    logits = problem.learner.predict(state, part[0])[0]
    logs = scipy.special.log_softmax(logits.astype(float), axis=1)
    return float(-logs[np.arange(len(logits)), part[1]].mean())


def test_a_spent_budget_ends_it() -> None:
    """Before the next run is made."""
    problem = blobs()
    target = Target("loss", "validation", 0.6)
    runs = sweep(problem, target, batch_size=10, seed=1, points=[-4], most_steps=500)
    with pytest.raises(DeadlineError):
        measured(problem, runs, deadline=time.perf_counter() - 1)


def test_seeds_find_what_each_finds_alone() -> None:
    """Side by side; and to the last bit where they do not gain by it, or do not fit in memory so."""
    problem, target = blobs(), Target("loss", "validation", 0.6)
    runs = sweep(problem, target, seeds=(1, 2, 3), batch_size=10, points=[-4], most_steps=500)

    alone = [found for run in runs for found in measured(problem, [run])]
    assert [found.seed for found in alone] == [1, 2, 3]
    assert measured(replace(problem, learner=Crowded(problem.learner)), runs) == alone
    assert measured(problem, runs, together=lambda _: False) == alone
    for one, other in zip(measured(problem, runs), alone, strict=True):
        assert (one.batch_size, one.seed) == (other.batch_size, other.seed)
        assert one.at_target == pytest.approx(other.at_target, rel=1e-4)
        assert one.at_examples == pytest.approx(other.at_examples, rel=1e-4)


def test_only_the_run_that_is_at_a_moment_is_evaluated(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of several side by side: each at its target and after so many examples, on both parts."""
    problem, target, replicas = blobs(), Target("loss", "validation", 0.6), list[int]()
    runs = sweep(problem, target, seeds=(1, 2, 3), batch_size=10, points=[-4], most_steps=500)
    arrivals = {math.ceil(run.steps_to_target or 0) for run in runs}
    assert len(arrivals - {20}) > 1  # not all at once

    def counted(learner: Any, state: Any, part: Any, names: Sequence[str]) -> Any:
        found = evaluate(learner, state, part, names)
        replicas.append(len(found["loss"]))
        return found

    monkeypatch.setattr(rerun, "evaluate", counted)
    measured(problem, runs)
    assert sum(replicas) == 2 * sum(1 + (math.ceil(run.steps_to_target or 0) != 20) for run in runs)


def test_processes_find_the_same_losses() -> None:
    """Two at once, and in the same order."""
    problem, target = blobs(), Target("loss", "validation", 0.6)
    runs = [
        *sweep(problem, target, batch_size=10, seed=1, points=[-4, -6], most_steps=500),
        *sweep(problem, target, batch_size=20, seed=1, points=[-4], most_steps=500),
    ]
    alone = measured(problem, runs)
    workers = Workers(problem, 2)
    try:
        together = measured(problem, runs, ahead=Ahead(workers))
    finally:
        workers.close()
    assert together == alone
