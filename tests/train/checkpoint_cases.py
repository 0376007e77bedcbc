"""Trainings that are broken off and resumed, and what must be equal afterwards."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from rightbatch.records import StepEvent
from rightbatch.train.fit import fit
from rightbatch.train.result import FitResult
from rightbatch.train.watch import Run, Watcher
from train.fit_data import HELD, TRAIN

EPOCHS = 3
STEPS = 3 * 7
"""Of 40 rows in batches of 6."""

Make = Callable[[], dict[str, Any]]
"""The settings of a training, made anew for each run of it."""


class BrokenOffError(Exception):
    """As an interrupt from outside."""


class BreakOff(Watcher):
    """Breaks a training off after a step, as an interrupt would between two steps."""

    def __init__(self, step: int) -> None:
        self._step = step

    def step(self, run: Run, event: StepEvent) -> None:
        if event.step == self._step:
            raise BrokenOffError


def trained(make: Make, **more: Any) -> FitResult:
    """The training, to its end."""
    settings = {"train": TRAIN, "validation": HELD, "epochs": EPOCHS, "batch_size": 6, **make(), **more}
    return fit(settings.pop("model"), settings.pop("train"), settings.pop("validation"), **settings)


def broken_off_and_resumed(make: Make, folder: Path, step: int, every: int | str = 2) -> FitResult:
    """The training, broken off after a step, and resumed from its last checkpoint."""
    kept = {"checkpoint": folder, "checkpoint_every": every}
    try:
        trained(make, watchers=[BreakOff(step)], **kept)
    except BrokenOffError:
        return trained(make, resume=True, **kept)
    raise AssertionError(f"it ended before step {step}")


def weights(result: FitResult) -> dict[str, bytes]:
    """Every parameter and buffer, bit by bit."""
    return {name: np.ascontiguousarray(values).tobytes() for name, values in result.parameters().items()}


def rows(result: FitResult) -> list[dict[str, float]]:
    """The history without what the clock says."""
    return [{name: value for name, value in row.items() if name != "seconds"} for row in result.history]


def assert_the_same(resumed: FitResult, undisturbed: FitResult) -> None:
    """Weights bit for bit, history and end."""
    assert weights(resumed) == weights(undisturbed)
    assert rows(resumed) == rows(undisturbed)
    assert (resumed.outcome, resumed.stopped) == (undisturbed.outcome, undisturbed.stopped)
