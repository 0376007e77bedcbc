"""Runs made again, to the two moments at which their losses are compared."""

import math
import time
from dataclasses import replace
from itertools import islice
from typing import Any

import numpy as np
import pytest
import scipy.special

from rightbatch.study.ahead import Ahead
from rightbatch.study.problem import Problem
from rightbatch.study.processes import Workers
from rightbatch.study.rerun import Losses, measure
from rightbatch.study.subject import DeadlineError, Run
from rightbatch.train.target import Target
from study.hand_made import Crowded, blobs, sweep


def test_the_losses_are_those_of_the_moments() -> None:
    """A run made by hand to its arrival, and to so many examples, has the same losses on both parts."""
    problem = blobs()
    (run,) = sweep(
        problem, Target("loss", "validation", 0.6), batch_size=10, seed=1, points=[-4], most_steps=500
    )
    assert run.steps_to_target is not None
    (found,) = measure(problem, [run], examples=200.0, ahead=Ahead(None), deadline=math.inf)

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
        measure(problem, runs, examples=200.0, ahead=Ahead(None), deadline=time.perf_counter() - 1)


def test_seeds_find_what_each_finds_alone() -> None:
    """Trained side by side; and to the last bit where they do not fit in memory so."""
    problem, target = blobs(), Target("loss", "validation", 0.6)
    runs = sweep(problem, target, seeds=(1, 2, 3), batch_size=10, points=[-4], most_steps=500)

    def measured(learner: Any, runs: list[Run]) -> list[Losses]:
        with_learner = replace(problem, learner=learner)
        return measure(with_learner, runs, examples=200.0, ahead=Ahead(None), deadline=math.inf)

    alone = [found for run in runs for found in measured(problem.learner, [run])]
    assert [found.seed for found in alone] == [1, 2, 3]
    assert measured(Crowded(problem.learner), runs) == alone
    for one, other in zip(measured(problem.learner, runs), alone, strict=True):
        assert (one.batch_size, one.seed) == (other.batch_size, other.seed)
        assert one.at_target == pytest.approx(other.at_target, rel=1e-4)
        assert one.at_examples == pytest.approx(other.at_examples, rel=1e-4)


def test_processes_find_the_same_losses() -> None:
    """Two at once, and in the same order."""
    problem, target = blobs(), Target("loss", "validation", 0.6)
    runs = [
        *sweep(problem, target, batch_size=10, seed=1, points=[-4, -6], most_steps=500),
        *sweep(problem, target, batch_size=20, seed=1, points=[-4], most_steps=500),
    ]
    alone = measure(problem, runs, examples=200.0, ahead=Ahead(None), deadline=math.inf)
    workers = Workers(problem, 2)
    try:
        together = measure(problem, runs, examples=200.0, ahead=Ahead(workers), deadline=math.inf)
    finally:
        workers.close()
    assert together == alone
