"""Batches that do not fit in memory, and the largest that does."""

import math
from typing import Any

import numpy as np

from rightbatch.errors import RightbatchError, SettingError
from rightbatch.learners.protocol import Learner
from rightbatch.learners.shortage import short_of_memory
from rightbatch.records import Batch
from rightbatch.train.steps import rows_of


class BatchTooLargeError(SettingError):
    """A step needed more memory than there is; its batch and the state before it are kept.

    Args:
        state: of the learner before the step.
        batch: of the step.
        step: steps done before.
    """

    def __init__(self, state: Any, batch: Batch, step: int) -> None:
        self.state, self.batch, self.step = state, batch, step
        super().__init__("batch_size", "does not fit in memory", len(batch.index), "write a smaller one")

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.state, self.batch, self.step)


def largest_that_fits(learner: Learner[Any], state: Any, batch: Batch, *, below: int) -> int:
    """The most rows that a step fits in memory with, by bisection; 0: not even one.

    Args:
        learner: what was trained.
        state: one replica; it is copied and left as it is.
        batch: its first rows are tried.
        below: rows that did not fit.
    """
    fits, fails = 0, below
    while fails - fits > 1:
        middle = (fits + fails) // 2
        if _fits(learner, state, rows_of(batch, slice(middle))):
            fits = middle
        else:
            fails = middle
    return fits


def sentence(rows: int, largest: int, accumulate: int, *, command_line: bool = False) -> str:
    """What happened and what to write.

    Args:
        rows: of the batch that did not fit.
        largest: rows that do.
        accumulate: micro-batches that it was cut into.
        command_line: whether options of the command are named, or arguments of Python.

    Example:
        >>> print(sentence(4096, 1000, 1).partition("; ")[2])
        write batch_size=1000, or accumulate=5 for the same updates in micro-batches.
        >>> print(sentence(4096, 1000, 1, command_line=True).partition("; ")[2])
        write --batch-size 1000, or --accumulate 5 for the same updates in micro-batches.
    """
    piece = math.ceil(rows / accumulate)
    what = "A batch" if accumulate == 1 else "A micro-batch"
    if not largest:
        return f"{what} of {piece:,} rows does not fit in memory, nor does one row; write a smaller model."
    parts, size = math.ceil(rows / largest), largest * accumulate
    smaller, cut = ("--batch-size ", "--accumulate ") if command_line else ("batch_size=", "accumulate=")
    return (
        f"{what} of {piece:,} rows does not fit in memory, {largest:,} do; write {smaller}{size}, "
        f"or {cut}{parts} for the same updates in micro-batches."
    )


def _fits(learner: Learner[Any], state: Any, batch: Batch) -> bool:
    try:
        learner.step(learner.select(state, [0]), batch, np.zeros(1, np.float32))
    except RightbatchError:  # such as too few rows to normalise over
        return False
    except Exception as error:
        if not short_of_memory(error):
            raise
        return False
    return True
