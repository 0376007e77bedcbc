"""Studies of the blobs whose steps take what a test says, so that what is run is known."""

from collections.abc import Callable
from typing import Any

import pytest

from rightbatch.records import Progress
from rightbatch.study.problem import Problem
from rightbatch.study.rules import first_points
from rightbatch.study.run import StudyRun
from rightbatch.study.settings import Settings
from rightbatch.study.store import Store
from study.hand_made import blobs

SIZES = (4, 16, 64)
MORE_SIZES = (1, 2, 4, 8, 16, 32, 64)
SECONDS = {4: 0.18e-3, 16: 0.5e-3, 64: 1e-3}
"""Of one step; the sizes take about 22, 7 and 4 steps, so that none is clearly the fastest."""
STANDING = {8: 1e-3, 16: 1.5e-3, 32: 2e-3}
"""Seconds of a step, of the study that `stands`."""
PROBLEM = blobs()
RUNS = Problem.runs
Tell = Callable[[Progress], None]


def go_on(
    store: Store,
    *,
    tell: Tell | None = None,
    budget: float = 60.0,
    tolerance: float = 1e-9,
    memory_limit: int | None = None,
    complete: bool = True,
    **settings: Any,
) -> None:
    """One session of a study of the blobs; with a tolerance that only all seeds satisfy."""
    usual: dict[str, Any] = {
        "target": "val_loss=0.45",
        "batch_sizes": SIZES,
        "seeds": 2,
        "seed": 0,
        "threads": 1,
    }
    StudyRun(
        subject=settings.pop("problem", PROBLEM),
        settings=Settings(model="MLP()", optimizer="SGD()", data="blobs", **{**usual, **settings}),
        store=store,
        wide=first_points("sgd"),
        budget=budget,
        tolerance=tolerance,
        memory_limit=memory_limit,
        complete=complete,
        progress=tell or (lambda progress: None),
    ).run()


def seeds_of(store: Store) -> dict[int, set[int]]:
    """The seeds that every batch size was run with."""
    runs = store.runs()
    return {
        size: {run.seed for run in runs if run.batch_size == size} for size in {r.batch_size for r in runs}
    }


def far_from_the_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    """A step at 4 takes a second, so that its 22 steps take a thousand times as long as the others'."""
    monkeypatch.setitem(SECONDS, 4, 1.0)
