"""What the runs say so far is looked at anew only when there are more of them."""

import math
from typing import Any

import pytest

from rightbatch.study import standing
from rightbatch.study.costs import Costs
from rightbatch.study.outlook import Outlook, outlook
from rightbatch.study.pool import choices, pool
from rightbatch.study.search import Search, first_points
from rightbatch.study.session import Session
from rightbatch.study.settings import Settings
from rightbatch.study.standing import Standing
from rightbatch.study.store import Store
from rightbatch.train.target import Target
from study.hand_made import blobs, timings

SIZES = (8, 16, 32)
SECONDS = {8: 1e-3, 16: 1.5e-3, 32: 2e-3}


@pytest.fixture
def stands() -> Standing:
    """Of a study of the blobs whose steps were timed, and whose runs are still to be made."""
    store, session = Store(None), Session(300, lambda progress: None, settled=0)
    store.add_timings(timings(SECONDS), seconds=1.0)
    search = Search(
        subject=blobs(),
        store=store,
        session=session,
        seed=0,
        target=Target("loss", "validation", 0.45),
        wide=first_points(),
        stored={},
    )
    settings = Settings(
        model="",
        optimizer="",
        target="val_loss<=0.45",
        batch_sizes=SIZES,
        seeds=3,
        seed=0,
        threads=1,
        data="",
    )
    costs = Costs(subject=blobs(), store=store, session=session, batch_sizes=SIZES)
    costs.asked = 4
    return Standing(settings=settings, search=search, costs=costs, memory_limit=math.inf)


def test_the_table_is_that_of_all_runs(stands: Standing) -> None:
    """And the choices are its; the last ones are kept until somebody looks again."""
    stands.search.find(8)
    table, found = stands.table()
    assert table.log_steps.tobytes() == pool(stands.search.runs, SIZES).log_steps.tobytes()
    assert found == choices(table)
    stands.search.find(32)
    assert stands.last_choices() == found
    assert stands.table()[1].keys() == {8, 32} == stands.last_choices().keys()


def test_nothing_is_known_of_seconds_until_two_sizes_arrived(stands: Standing) -> None:
    """One size says nothing of the curve, so what a sweep costs is not known either."""
    assert stands.last_choices() == {}
    stands.search.find(8)
    assert stands.view() is None
    assert stands.cost_of(16) == math.inf
    stands.search.find(32)
    assert 0 < stands.cost_of(16) < 10


def test_the_view_is_drawn_once_for_the_same_runs_and_timings(
    stands: Standing, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And again after one run more, or one round of timing more."""
    drawn: list[Outlook | None] = []
    real = outlook

    def counted(*given: Any, **how: Any) -> Outlook | None:
        drawn.append(real(*given, **how))
        return drawn[-1]

    monkeypatch.setattr(standing, "outlook", counted)
    stands.search.find(8)
    stands.search.find(32)
    assert stands.view() is stands.view()
    stands.search.add_seeds(8)
    assert stands.view() is stands.view()
    stands.costs.store.add_timings(timings(SECONDS, rounds=4)[-3:], seconds=1.0)
    assert stands.view() is stands.view()
    assert len(drawn) == 3


def test_the_cost_is_that_of_all_steps_one_after_the_other(stands: Standing) -> None:
    """A thousandth of a second each at 8, and two of them at 32."""
    stands.search.find(8)
    stands.search.find(32)
    steps = {size: sum(run.steps for run in stands.search.runs if run.batch_size == size) for size in (8, 32)}
    assert stands.cost() == pytest.approx(1e-3 * steps[8] + 2e-3 * steps[32])
