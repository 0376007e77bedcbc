"""What studies of known timings are given."""

import math
from collections.abc import Iterator, Sequence
from typing import Any

import pytest

from rightbatch.measure.clock import Timing
from rightbatch.records import Progress
from rightbatch.study import costs
from rightbatch.study.costs import Costs
from rightbatch.study.outlook import Outlook
from rightbatch.study.problem import Problem
from rightbatch.study.rules import first_points
from rightbatch.study.runner import Runner
from rightbatch.study.search import Search
from rightbatch.study.session import Session
from rightbatch.study.settings import Settings
from rightbatch.study.standing import Standing
from rightbatch.study.store import Store
from rightbatch.study.subject import Sweep
from rightbatch.train.target import Target
from study.hand_made import Told, blobs, timings
from study.timed import RUNS, SECONDS, STANDING


@pytest.fixture(scope="module")
def known_seconds() -> Iterator[None]:
    """What is run depends on the timings: here all have the same, and no size is clearly the fastest."""

    def rounds(
        self: object, sizes: Sequence[int], *, rounds: int, first_round: int
    ) -> Iterator[list[Timing]]:
        del self
        for number in range(first_round, rounds):
            yield [Timing(size, number, 10, SECONDS.get(size, 1e-3)) for size in sizes]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(costs, "ROUNDS", 2)
        patch.setattr(costs, "AGAIN", 0)
        patch.setattr(Problem, "time_steps", rounds)
        yield


@pytest.fixture
def sweeps(monkeypatch: pytest.MonkeyPatch) -> list[Sweep]:
    """The sweeps of the studies of this test, as they are made."""
    made: list[Sweep] = []

    def noted(self: Problem, work: Sweep, *, deadline: float) -> Any:
        made.append(work)
        return RUNS(self, work, deadline=deadline)

    monkeypatch.setattr(Problem, "runs", noted)
    return made


@pytest.fixture
def known_curve(monkeypatch: pytest.MonkeyPatch) -> None:
    """B_crit counts as known, so that nothing is run for it."""
    monkeypatch.setattr(Outlook, "curve_is_open", False)


@pytest.fixture
def stands() -> Standing:
    """Of a study of the blobs whose steps were timed, and whose runs are still to be made."""
    store, session = Store(None), Session(300, lambda progress: None, settled=0)
    store.add_timings(timings(STANDING), seconds=1.0)
    search = Search(
        subject=blobs(),
        store=store,
        session=session,
        seed=0,
        target=Target("loss", "validation", 0.45),
        wide=first_points(),
        stored={},
        ahead=Told(),
    )
    settings = Settings(
        model="",
        optimizer="",
        target="val_loss<=0.45",
        batch_sizes=tuple(STANDING),
        seeds=3,
        seed=0,
        threads=1,
        data="",
    )
    costs = Costs(subject=blobs(), store=store, session=session, batch_sizes=tuple(STANDING))
    costs.asked = 4
    return Standing(settings=settings, search=search, costs=costs, memory_limit=math.inf)


@pytest.fixture
def told() -> list[Progress]:
    """What the runner tells."""
    return []


@pytest.fixture
def runner(stands: Standing, told: list[Progress]) -> Runner:
    """Of a study that began at 16, all of whose sizes are searched."""
    made = Runner(
        search=stands.search,
        standing=stands,
        session=Session(300, told.append, settled=0),
        seeds=3,
        middle=16,
        total=9,
    )
    made.find(16)
    made.find(8, 32)
    return made
