"""Memory of training at a batch size: what is allocated beyond the data set."""

import tracemalloc
from collections.abc import Callable
from typing import Any

import numpy as np

from rightbatch.data.loader import Loader
from rightbatch.learners.protocol import Learner
from rightbatch.train.loop import endless, train

_STEPS = 2
"""The first step makes all buffers; the second shows that they are reused."""


def peak_bytes(learner: Learner[Any], loader_of: Callable[[int], Loader], batch_size: int) -> int:
    """Most bytes allocated at once by the model, its optimizer, its batches and two steps.

    NumPy tells Python's allocation tracer of its arrays, so this is exact for the built-in
    learners; the data set itself and the interpreter are not counted.

    Args:
        learner: one replica of it is trained.
        loader_of: a loader of the training data for a batch size.
        batch_size: the size.
    """
    traced_already = tracemalloc.is_tracing()
    tracemalloc.start()
    try:
        tracemalloc.reset_peak()
        before, _ = tracemalloc.get_traced_memory()
        events = train(
            learner, learner.start([0]), endless(loader_of(batch_size)), np.full(1, 1e-6, np.float32)
        )
        for _ in range(_STEPS):
            next(events)
        return tracemalloc.get_traced_memory()[1] - before
    finally:
        if not traced_already:
            tracemalloc.stop()
