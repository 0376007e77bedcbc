"""What a watcher is told, made by hand."""

from collections.abc import Sequence
from types import SimpleNamespace
from typing import Any

import numpy as np

from rightbatch.records import Array, Batch, Shape, StepEvent, StepResult
from rightbatch.train.watch import Run


def run_of(data: Any = (), *, task: str = "regression", learner: Any = None) -> Run:
    """A training on these data."""
    shape = Shape(features=2, outputs=3, task=task)
    return Run(learner=learner, shape=shape, loader=SimpleNamespace(data=data, waited=0.0))


def event_of(step: int, loss: float = 1.0, *, data: Any = None, rows: Sequence[int] = (4, 7)) -> StepEvent:
    """A step on a batch with these rows."""
    index: Array = np.array(rows)
    data = (np.ones((len(index), 2)), np.zeros(len(index))) if data is None else data
    batch = Batch(data, index, None, epoch=0, step=step - 1)
    result = StepResult(np.full(1, loss, np.float32))
    return StepEvent(None, result, batch, step, step * len(index), np.full(1, 0.1, np.float32))


def row_of(epoch: int, loss: float = 1.0, **more: float) -> dict[str, float]:
    """A row of the history."""
    return {"epoch": epoch, "step": 10 * epoch, "loss": loss, **more}
