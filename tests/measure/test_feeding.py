"""How much of a step is spent waiting: by a clock that the test moves."""

import time
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest

from rightbatch.measure.feeding import HIDDEN, Feeding, feed
from rightbatch.measure.race import made_up
from rightbatch.measure.rivals import Rival
from rightbatch.measure.rivals_numpy import RIVALS
from rightbatch.records import Array


def slow(name: str, seconds: float, clock: list[float]) -> Rival:
    """A way whose batches take so long."""

    def epochs(x: Array, y: Array, batch_size: int) -> Callable[[], Iterator[Any]]:
        def epoch() -> Iterator[Any]:
            for start in range(0, len(y), batch_size):
                clock[0] += seconds
                yield x[start : start + batch_size], y[start : start + batch_size]

        return epoch

    return Rival(name, "test 1", "", epochs)


def test_waiting_is_the_time_of_the_batch(monkeypatch: pytest.MonkeyPatch) -> None:
    """The model computes nothing that the stopped clock would see."""
    clock = [0.0]
    monkeypatch.setattr(time, "perf_counter", lambda: clock[0])
    found = feed([slow("a", 0.125, clock), slow("b", 0.0625, clock)], made_up(40, 3, "float32"), 8)
    assert [(feeding.model, feeding.name) for feeding in found] == [
        (model, name) for model in HIDDEN for name in "ab"
    ]
    assert [feeding.waiting for feeding in found] == [0.125, 0.0625] * 2
    assert {feeding.computing for feeding in found} == {0}


def test_a_share_is_of_the_step() -> None:
    """One microsecond of four."""
    feeding = Feeding("a", "small", 8, 1e-6, 3e-6)
    assert (feeding.step, feeding.share) == (4e-6, 0.25)


def test_models_are_fed_for_real(monkeypatch: pytest.MonkeyPatch) -> None:
    """By this package and a loop, of any dtype and shape: a step takes some time and waits for some of it."""
    monkeypatch.setattr("rightbatch.measure.feeding._SECONDS", 0.005)
    for arrays in (made_up(100, 0, "uint8"), made_up(100, 4, np.float64)):
        for feeding in feed(list(RIVALS[:2]), arrays, 10):
            assert 0 < feeding.share < 1
