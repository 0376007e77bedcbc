"""Memory of training: it grows with the batch, by what the arrays of a row take."""

import tracemalloc

import numpy as np
import pytest

from rightbatch.data.loader import Loader
from rightbatch.learners.mlp import MLP
from rightbatch.learners.updates import SGD, Adam, Optimizer
from rightbatch.measure.memory import peak_bytes
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
    """Twice the batch never takes less."""
    sizes = [peak(2**power) for power in range(5, 13)]
    assert sizes == sorted(sizes)


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
