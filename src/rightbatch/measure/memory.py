"""Memory of training at a batch size: what is allocated beyond the data set."""

import tracemalloc
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np

from rightbatch.data.loader import Loader
from rightbatch.learners.metrics import evaluate
from rightbatch.learners.protocol import Learner
from rightbatch.records import Array
from rightbatch.train.loop import endless, train

_STEPS = 2
"""The first step makes all buffers; the second shows that they are reused."""

Value = TypeVar("Value")


@dataclass(frozen=True, slots=True, kw_only=True)
class MemoryUse:
    """Most bytes at once of each part of training at one batch size, the data set left out."""

    batch_size: int
    state: int
    """Parameters, what the optimizer remembers, and the buffers that go with them: a copy of the state."""
    forward: int
    """Made while the outputs of a batch are computed."""
    backward: int | None
    """Made while its gradient is computed, with the forward pass; `None`: the learner has no `gradient`."""
    training: int
    """State, batches and steps together."""
    evaluation: int
    """Made while the loss of the evaluation rows is computed; 0: there are none."""

    @property
    def peak(self) -> int:
        """Of training and evaluating in turn."""
        return max(self.training, self.state + self.evaluation)


def peak_bytes(learner: Learner[Any], loader_of: Callable[[int], Loader], batch_size: int) -> int:
    """Most bytes allocated at once by the model, its optimizer, its batches and two steps.

    NumPy tells Python's allocation tracer of its arrays, and a PyTorch learner counts its tensors
    (`tensor_bytes`); the data set and the interpreter are not counted.

    Args:
        learner: one replica of it is trained.
        loader_of: a loader of the training data for a batch size.
        batch_size: the size.
    """
    return _most(learner, lambda: _steps(learner, loader_of(batch_size)))[1]


def memory_use(
    learner: Learner[Any],
    loader_of: Callable[[int], Loader],
    batch_size: int,
    validation: tuple[Array, Array] | None = None,
) -> MemoryUse:
    """The bytes of the parts of training at a batch size, each measured by itself.

    Args:
        learner: one replica of it is trained.
        loader_of: a loader of the training data for a batch size.
        batch_size: the size.
        validation: rows that the loss is computed of; `None`: none.
    """
    state, training = _most(learner, lambda: _steps(learner, loader_of(batch_size)))
    batch = next(endless(loader_of(batch_size)))
    gradient = getattr(learner, "gradient", None)

    def bytes_of(work: Callable[[Any], Any]) -> int:
        fresh = learner.select(state, [0])
        return _most(learner, lambda: work(fresh))[1]

    return MemoryUse(
        batch_size=batch_size,
        state=_most(learner, lambda: learner.select(state, [0]))[1],
        forward=bytes_of(lambda fresh: learner.predict(fresh, batch.data[0])),
        backward=None if gradient is None else bytes_of(lambda fresh: gradient(fresh, batch)),
        training=training,
        evaluation=0
        if validation is None
        else bytes_of(lambda fresh: evaluate(learner, fresh, validation, ["loss"])),
    )


def training_probe(
    learner: Learner[Any],
    loader_of: Callable[[int], Loader],
    validation: tuple[Array, Array] | None = None,
) -> Callable[[int], None]:
    """What `largest_feasible` runs for a learner: two steps at a batch size, then an evaluation."""

    def probe(batch_size: int) -> None:
        state = _steps(learner, loader_of(batch_size))
        if validation is not None:
            evaluate(learner, state, validation, ["loss"])

    return probe


def _steps(learner: Learner[Any], loader: Loader) -> Any:
    """The state after two steps that change next to nothing."""
    events = train(learner, learner.start([0]), endless(loader), np.full(1, 1e-6, np.float32))
    return [next(events).state for _ in range(_STEPS)][-1]


def _most(learner: Learner[Any], work: Callable[[], Value]) -> tuple[Value, int]:
    """What the work gives, and the most bytes of arrays and of tensors that it held beyond those before."""
    traced_already = tracemalloc.is_tracing()
    tracemalloc.start()
    counts = getattr(learner, "tensor_bytes", None)
    try:
        tracemalloc.reset_peak()
        before, _ = tracemalloc.get_traced_memory()
        with nullcontext() if counts is None else counts() as tensors:
            value = work()
        arrays = tracemalloc.get_traced_memory()[1] - before
        return value, arrays + (0 if tensors is None else tensors.peak)
    finally:
        if not traced_already:
            tracemalloc.stop()
