"""Sweeps made ahead by other processes: the study is the same, and no process is left."""

import math
import multiprocessing
import os
import signal
import threading
from collections.abc import Iterator
from typing import Any

import pytest

import rightbatch as rb
from rightbatch.errors import SettingError
from rightbatch.study.function import Function
from rightbatch.study.processes import Ahead, Workers
from rightbatch.study.subject import DeadlineError, Sweep
from rightbatch.train.target import Target
from study.hand_made import blobs


def sweep(seed: int = 0) -> Sweep:
    """Three learning rates of the blobs."""
    target = Target("loss", "validation", 0.45)
    return Sweep(target=target, batch_size=16, seed=seed, points=(-8, -6, -4), most_steps=2000)


@pytest.fixture
def workers() -> Iterator[Workers]:
    """Two processes."""
    made = Workers(blobs(), 2)
    yield made
    made.close()


def test_a_sweep_made_ahead_is_the_sweep(workers: Workers) -> None:
    """The same runs as in this process, each taken once."""
    ahead = Ahead(workers)
    ahead.expect([sweep(0), sweep(1), sweep(2)], deadline=math.inf)
    for seed in (0, 1):
        made = ahead.take(16, seed)
        assert made is not None
        assert made[0] == blobs().runs(sweep(seed))[0]
    assert ahead.take(16, 2) is None  # there were two processes
    assert ahead.take(16, 0) is None


def test_a_spent_budget_ends_it(workers: Workers) -> None:
    """As in this process."""
    ahead = Ahead(workers)
    ahead.expect([sweep()], deadline=0.0)
    with pytest.raises(DeadlineError):
        ahead.take(16, 0)


def test_a_killed_process_does_no_harm(workers: Workers) -> None:
    """What it made is made here instead, and nothing is made ahead any more."""
    ahead = Ahead(workers)
    ahead.expect([sweep()], deadline=math.inf)
    assert ahead.take(16, 0) is not None
    for child in multiprocessing.active_children():
        os.kill(child.pid or 0, signal.SIGKILL)
    ahead.expect([sweep(1)], deadline=math.inf)
    assert ahead.take(16, 1) is None
    ahead.expect([sweep(2)], deadline=math.inf)
    assert ahead.take(16, 2) is None


def test_no_process_is_left() -> None:
    """However much is still to be done."""
    made = Workers(blobs(), 2)
    Ahead(made).expect([sweep(seed) for seed in range(8)], deadline=math.inf)
    made.close()
    for child in multiprocessing.active_children():
        child.join(10)
    assert multiprocessing.active_children() == []


def test_a_study_is_the_same_with_any_number_of_processes() -> None:
    """The same runs at the same learning rates."""
    settings: dict[str, Any] = {"target": "val_loss=0.3", "batch_sizes": [8, 32, 128], "budget": "5m"}
    settings |= {"complete": False, "tolerance": 1e-9, "seeds": 3}
    one = rb.study("logistic", "digits", **settings)
    two = rb.study("logistic", "digits", **settings, jobs=2)
    for mine, theirs in zip(one.table(), two.table(), strict=True):
        assert mine["learning_rates"] == theirs["learning_rates"]
        assert mine["runs"] == theirs["runs"]


def test_what_cannot_be_sent_is_refused() -> None:
    """A lock has no copy in another process."""
    lock = threading.Lock()
    train: Any = lambda *_: iter([lock])  # noqa: E731
    function = Function(train=train, samples=10, name="train")
    with pytest.raises(SettingError) as caught:
        Workers(function, 2)
    assert str(caught.value) == (
        "jobs needs a model that can be sent to another process (cannot pickle '_thread.lock' object), "
        "got 2; write jobs=1."
    )


@pytest.mark.parametrize("jobs", [0, -1, 1.5])
def test_jobs_are_whole(jobs: Any) -> None:
    """One at least."""
    with pytest.raises(SettingError) as caught:
        rb.study("mlp", "digits", jobs=jobs)
    assert str(caught.value).startswith("jobs must be ")
    assert str(caught.value).endswith(f"got {jobs}; write a number such as 2.")
