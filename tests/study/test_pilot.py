"""The pilot sets a target that training reaches, and says how."""

import math
import time
from typing import Any

import numpy as np
import pytest

from rightbatch.errors import DataError
from rightbatch.records import Outcome
from rightbatch.study.pilot import PilotTarget, pilot_target
from rightbatch.study.problem import Problem
from rightbatch.study.subject import DeadlineError
from study.hand_made import blobs, isotropic, linear_problem, sweep


def piloted(problem: Problem, **settings: Any) -> PilotTarget:
    """A pilot with defaults for what a test does not care about."""
    usual: dict[str, Any] = {
        "points": [-10, -8, -6],
        "most_steps": 60,
        "deadline": math.inf,
        "batch_size": 64,
    }
    return pilot_target(problem, seed=0, **{**usual, **settings})


def test_the_target_is_most_of_the_way() -> None:
    """The loss falls from 4 as 4 (1 - 2/16)^(2 step): 95 % of the way is 0.2000009, two digits, rounded up.

    The best loss is the larger one of the last two evaluations, at step 57.
    """
    found = piloted(linear_problem(*isotropic()), points=[-12, -10, -8])
    assert (found.target.name, found.target.value) == ("val_loss", 0.21)
    assert found.how == (
        "set from a pilot: at batch size 64, 60 epochs with the best of 3 learning rates (0.0625) "
        f"brought val_loss from 4 to {4 * 0.875 ** (2 * 57):.3g}; the target is 95 % of that way"
    )


def test_the_target_is_reached_by_the_rate_that_set_it() -> None:
    """The same training, given the target, arrives."""
    problem = blobs()
    found = piloted(problem, batch_size=32)
    runs = sweep(problem, found.target, batch_size=32, seed=0, points=[-10, -8, -6], most_steps=200)
    assert any(run.outcome is Outcome.REACHED for run in runs)


def test_when_every_rate_diverges_it_looks_lower() -> None:
    """Rates of 500 and more diverge; a factor of 512 below them one learns."""
    found = piloted(linear_problem(*isotropic()), points=[4, 6, 8], most_steps=80)
    assert "best of 6 learning rates" in found.how
    assert found.target.value < 1


def test_labels_without_sense_are_refused() -> None:
    """A target of 0 in every row is learnt before the first step: there is nothing to gain."""
    x, y = isotropic()
    with pytest.raises(DataError) as caught:
        piloted(linear_problem(x, np.zeros_like(y)))
    assert str(caught.value) == (
        "The pilot found nothing to learn: the best of 3 learning rates brought val_loss from 0 to 0; "
        "check the label, or set a target yourself."
    )


def test_a_deadline_ends_it() -> None:
    """The budget may be spent in the pilot."""
    with pytest.raises(DeadlineError):
        piloted(blobs(), deadline=time.perf_counter())
