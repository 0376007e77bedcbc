"""Limits of a training."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rightbatch.data.batches import Batches
from rightbatch.errors import SettingError
from rightbatch.records import Batch, StepEvent, StepResult
from rightbatch.train.budget import Budget, counted


def event(step: int, samples: int) -> StepEvent:
    """A step of which only the counts matter."""
    one = np.ones(1, np.float32)
    return StepEvent(None, StepResult(one), Batch((), np.arange(1), None, 0, 0), step, samples, one)


@pytest.mark.parametrize(
    ("limits", "words"),
    [
        ({"steps": 1200}, ["", "1,200 steps", "1,200 steps"]),
        ({"samples": 5000}, ["", "5,000 samples", "5,000 samples"]),
        ({"epochs": 3}, ["", "3 epochs", "3 epochs"]),
        ({"seconds": 2.5}, ["", "2.5 seconds", "2.5 seconds"]),
        ({"steps": 1200, "epochs": 3}, ["", "1,200 steps", "1,200 steps"]),
        ({"steps": 1201, "samples": 5001, "epochs": 4, "seconds": 2.6}, ["", "", "1,201 steps"]),
        ({}, ["", "", ""]),
    ],
)
def test_the_limit_that_was_reached(limits: dict[str, Any], words: list[str]) -> None:
    """Just before a limit there are no words, at it and after it there are: the limit's."""
    budget = Budget(**limits)
    moments = [
        (event(1199, 4999), 2, 2.4999),
        (event(1200, 5000), 3, 2.5),
        (event(1300, 5300), 4, 9.0),
    ]
    assert [budget.spent(e, epochs=n, seconds=seconds) for e, n, seconds in moments] == words


@given(
    st.integers(1, 30),
    st.integers(1, 30),
    st.sampled_from(["keep", "drop"]),
    st.fixed_dictionaries(
        {}, optional={name: st.integers(1, 200) for name in ("steps", "samples", "epochs")}
    ).filter(bool),
)
def test_the_most_steps_are_those_of_a_training(
    rows: int, batch_size: int, last: str, limits: dict[str, int]
) -> None:
    """Counting batch by batch, the budget is spent after just so many steps."""
    batch_size = min(batch_size, rows)
    cut = Batches(rows, batch_size, last)
    sizes = [run.size for run in cut.runs() for _ in range(run.batches)]
    budget, steps, samples, words = Budget(**limits), 0, 0, ""
    while not words:
        samples += sizes[steps % len(sizes)]
        steps += 1
        words = budget.spent(event(steps, samples), epochs=steps // len(sizes), seconds=0)
    assert budget.most_steps(len(sizes), batch_size, sum(sizes)) == steps


def test_the_clock_alone_tells_no_steps() -> None:
    """With a limit on seconds only, or none, the number of steps is not known."""
    assert Budget(seconds=60).most_steps(10, 32, 320) is None
    assert Budget().most_steps(10, 32, 320) is None


def test_one_has_no_plural() -> None:
    """Numbers and nouns as they are read."""
    assert [counted(n, "step") for n in (1, 2, 12345)] == ["1 step", "2 steps", "12,345 steps"]


@pytest.mark.parametrize(
    ("limits", "text"),
    [
        ({"epochs": 0}, "epochs must be at least 1, got 0; write a number of epochs such as 100."),
        ({"epochs": 1.5}, "epochs must be a whole number, got 1.5; write a number of epochs such as 100."),
        ({"steps": -3}, "steps must be at least 1, got -3; write a number of steps such as 100."),
        ({"steps": True}, "steps must be a whole number, got True; write a number of steps such as 100."),
        ({"samples": 0}, "samples must be at least 1, got 0; write a number of samples such as 100."),
        ({"seconds": 0}, "seconds must be above 0, got 0; write a number of seconds such as 60."),
        ({"seconds": "60s"}, "seconds must be a number, got '60s'; write a number of seconds such as 60."),
        (
            {"seconds": float("inf")},
            "seconds must be a finite number, got inf; write a number of seconds such as 60.",
        ),
    ],
)
def test_limits_that_cannot_be_used(limits: dict[str, Any], text: str) -> None:
    """The sentence names the limit and says what to write."""
    with pytest.raises(SettingError) as caught:
        Budget(**limits)
    assert str(caught.value) == text
