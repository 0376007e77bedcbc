"""Memory of training: it grows with the batch, by what the arrays of a row take."""

import tracemalloc

import numpy as np
import pytest

from rightbatch.data.loader import Loader
from rightbatch.learners.mlp import MLP
from rightbatch.learners.updates import SGD, Adam, Optimizer
from rightbatch.measure.memory import MemoryUse, memory_use, peak_bytes
from rightbatch.records import Shape

FEATURES, HIDDEN = 100, 50
ROWS = 8192
X = np.zeros((ROWS, FEATURES), np.float32)
Y = np.zeros(ROWS, np.int64)
PARAMETERS = FEATURES * HIDDEN + HIDDEN + HIDDEN * 3 + 3


def loader(batch_size: int) -> Loader:
    """Shuffled batches."""
    return Loader((X, Y), batch_size, shuffle=True, last="drop")


def peak(batch_size: int, optimizer: Optimizer | None = None) -> int:
    """Bytes at a batch size."""
    shape = Shape(features=FEATURES, outputs=3, task="classification")
    return peak_bytes(MLP(hidden=(HIDDEN,)).build(shape, optimizer or SGD()), loader, batch_size)


def test_a_row_takes_its_features_and_activations() -> None:
    """From 2,048 rows to 4,096, each row adds its batch and at least an activation and a gradient a unit."""
    per_row = (peak(4096) - peak(2048)) / 2048
    least = 4 * FEATURES + 8 + 2 * 4 * HIDDEN
    assert least <= per_row <= 3 * least


def test_memory_grows_with_the_batch() -> None:
    """Twice the batch never takes less, but for the block of several batches where one fills a block."""
    sizes = np.array([peak(2**power) for power in range(5, 13)])
    assert (sizes[1:] >= 0.98 * sizes[:-1]).all()
    assert sizes[-1] > 3 * sizes[0]


def test_adam_takes_two_more_arrays() -> None:
    """Adam remembers two numbers a parameter, SGD none: 8 bytes more each, float32."""
    assert peak(32, Adam()) - peak(32) == pytest.approx(8 * PARAMETERS, rel=0.1)


def test_the_data_set_is_not_counted() -> None:
    """Steps on one row of a data set of 3 MB take far less than the data."""
    assert peak(1) < X.nbytes / 2


def test_a_trace_that_runs_already_goes_on() -> None:
    """A caller who traces allocations finds the tracer running, and gets the same number."""
    alone = peak(1024)
    tracemalloc.start()
    try:
        ballast = bytearray(10_000_000)
        assert peak(1024) == pytest.approx(alone, rel=0.05)
        assert tracemalloc.is_tracing()
        assert len(ballast) == 10_000_000
    finally:
        tracemalloc.stop()
    assert not tracemalloc.is_tracing()


def use(batch_size: int, optimizer: Optimizer | None = None) -> MemoryUse:
    """The parts at a batch size, evaluated on 4,096 rows."""
    shape = Shape(features=FEATURES, outputs=3, task="classification")
    learner = MLP(hidden=(HIDDEN,)).build(shape, optimizer or SGD())
    return memory_use(learner, loader, batch_size, (X[:4096], Y[:4096]))


def test_the_state_is_the_parameters_and_what_the_optimizer_remembers() -> None:
    """At least 4 bytes a parameter, and 8 more for Adam, whatever the batch."""
    plain = use(64).state
    assert plain >= 4 * PARAMETERS
    assert use(2048, Adam()).state - plain == pytest.approx(8 * PARAMETERS, abs=4000)


def test_each_part_grows_as_its_arrays_do() -> None:
    """Per row: outputs and at least a hidden layer forward; with their gradients more, and a step has all."""
    small, large = use(1024), use(4096)
    forward = (large.forward - small.forward) / 3072
    assert forward >= 4 * 3
    assert large.backward is not None
    assert large.backward >= large.forward
    assert large.training >= 4096 * (4 * FEATURES + 8)
    assert large.evaluation == pytest.approx(small.evaluation, rel=0.1)
    assert large.peak == max(large.training, large.state + large.evaluation)


def test_without_rows_to_evaluate_there_is_no_evaluation() -> None:
    """And the peak is that of training."""
    learner = MLP(hidden=(HIDDEN,)).build(Shape(features=FEATURES, outputs=3, task="classification"), SGD())
    found = memory_use(learner, loader, 64)
    assert found.evaluation == 0
    assert found.peak == found.training
