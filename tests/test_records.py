"""The values that travel between the stages."""

import copy
import pickle
from typing import Any

import numpy as np
import pytest

from rightbatch.records import Batch, Outcome, Progress, Shape, StepEvent, StepResult


def batch() -> Batch:
    """A batch of two rows."""
    return Batch(data=np.zeros((2, 3)), index=np.arange(2), weight=None, epoch=0, step=0)


def event() -> StepEvent:
    """An event of one replica."""
    one = np.ones(1, dtype=np.float32)
    return StepEvent(state="state", result=StepResult(loss=one), batch=batch(), step=3, samples=96, lr=one)


def test_records_hold_no_surprises() -> None:
    """What is made once a step takes no attribute that it does not have."""
    for record in (batch(), event(), event().result):
        with pytest.raises(AttributeError):
            setattr(record, "lable", 1)  # noqa: B010 (a type checker would refuse the assignment)


def test_events_and_shapes_cannot_be_changed() -> None:
    """An event, its result and a shape are values: setting a field is refused."""
    shape = Shape(features=2, outputs=1, task="regression")
    for record, field in ((event(), "step"), (event().result, "loss"), (shape, "features")):
        with pytest.raises(AttributeError):
            setattr(record, field, 0)


def test_the_axes_of_a_row_change_no_shape() -> None:
    """They are for modules that want them, neither compared nor shown: stores know shapes by those."""
    flat = Shape(features=12, outputs=1, task="regression")
    image = Shape(features=12, outputs=1, task="regression", row=(3, 4))
    assert (flat, hash(flat), repr(flat)) == (image, hash(image), repr(image))
    assert (flat.row, image.row) == ((), (3, 4))


def test_batches_are_compared_by_identity() -> None:
    """Two batches with equal arrays are two batches: comparing arrays would be ambiguous."""
    one, other = batch(), batch()
    assert {one: 1, other: 2}[one] == 1
    assert one != copy.copy(one)


@pytest.mark.parametrize(
    "record",
    [
        Outcome.OUT_OF_STEPS,
        Shape(features=64, outputs=10, task="classification"),
        Progress("seeds", "batch size 32", done=3, total=9, best="", elapsed=1.5, left=None),
    ],
)
def test_values_travel_between_processes(record: Any) -> None:
    """A record that was pickled is equal to itself."""
    assert pickle.loads(pickle.dumps(record)) == record


def test_outcomes_are_their_words() -> None:
    """An outcome is stored and shown as the words it stands for."""
    words = ["reached", "diverged", "hopeless", "out of steps", "out of memory"]
    assert [str(outcome) for outcome in Outcome] == words
    assert Outcome("out of steps") is Outcome.OUT_OF_STEPS
