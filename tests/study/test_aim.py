"""The target of a study is stored before its first run, and a pilot that was cut short is made again."""

import math
import time
from typing import Any

import pytest

from rightbatch.errors import SettingError
from rightbatch.study.ahead import Ahead
from rightbatch.study.aim import Aim, whole_steps
from rightbatch.study.session import Session
from rightbatch.study.settings import Settings
from rightbatch.study.store import Store
from study.hand_made import blobs, run, timings

PROBLEM = blobs()
WHOLE = 333
"""Ten epochs of 200 rows are 120 steps of 16, fewer than a pilot makes at least."""


@pytest.fixture
def store() -> Store:
    """A step of 16 rows takes a millisecond."""
    known = Store()
    known.add_timings(timings({16: 1e-3}))
    return known


def aim(store: Store, *, target: str = "auto", budget: float = math.inf) -> Aim:
    """A pilot of three learning rates, whose clock stands still: it makes as many steps as are foretold."""
    settings: dict[str, Any] = {"model": "MLP()", "optimizer": "SGD()", "data": "blobs", "threads": 1}
    return Aim(
        subject=PROBLEM,
        settings=Settings(target=target, batch_sizes=(16,), seeds=2, seed=0, **settings),
        store=store,
        session=Session(
            budget=budget, progress=lambda _: None, settled=0, started=time.perf_counter() + 3600
        ),
        batch_size=16,
        points=[-8, -6, -4],
        ahead=Ahead(None),
    )


def test_a_pilot_is_ten_epochs_or_333_steps() -> None:
    """Whichever is more: 200 rows are 12 steps of 16, and 50 of 4."""
    assert whole_steps(PROBLEM, 16) == WHOLE
    assert whole_steps(PROBLEM, 4) == 500


def test_a_budget_that_is_too_short_for_the_pilot_cuts_it_and_says_so(store: Store) -> None:
    """A tenth of 10 s is 76 steps of a millisecond for 3 rates and 10 runs of other seeds."""
    aim(store, budget=10.0).target(total=1)
    assert store.fact("target")["how"].endswith("; the budget let the pilot make 76 steps of 333")


@pytest.mark.parametrize("budget", [0.05, 1.0])
def test_no_budget_cuts_a_pilot_to_fewer_than_30_steps(store: Store, budget: float) -> None:
    """A target of two steps would be met by anything."""
    aim(store, budget=budget).target(total=1)
    assert store.fact("target")["how"].endswith("; the budget let the pilot make 30 steps of 333")


def test_a_larger_budget_makes_a_pilot_that_was_cut_again(store: Store) -> None:
    """With no run made, the target is that of a study that was never cut off."""
    whole = Store()
    whole.add_timings(timings({16: 1e-3}))
    aim(whole).target(total=1)
    aim(store, budget=0.05).target(total=1)
    assert store.fact("target") != whole.fact("target")
    assert aim(store).target(total=1).value == whole.fact("target")["value"]
    assert store.fact("target") == whole.fact("target")


def test_runs_keep_their_target(store: Store) -> None:
    """They were made to reach it: a pilot that was cut is not made again once there are some."""
    aim(store, budget=0.05).target(total=1)
    known = store.fact("target")
    store.add_runs([run(16, -6, 0, 30.0)])
    aim(store).target(total=1)
    assert store.fact("target") == known


def test_a_whole_pilot_is_made_once(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """Given again, the target is read."""
    first = aim(store).target(total=1)
    monkeypatch.setattr(type(PROBLEM), "runs", None)
    assert aim(store, budget=1.0).target(total=1) == first


def test_a_target_that_was_given_is_stored_as_such(store: Store) -> None:
    """Without a pilot."""
    assert str(aim(store, target="val_loss=0.45").target(total=1)) == "val_loss<=0.45"
    assert store.fact("target")["how"] == "as given"


def test_a_target_met_before_any_step_is_refused(store: Store) -> None:
    """With what it is then."""
    value = PROBLEM.untrained(PROBLEM.read_target("val_loss=9"), 0)
    with pytest.raises(SettingError) as caught:
        aim(store, target="val_loss=9").target(total=1)
    assert str(caught.value) == (
        f"target is met before any step (val_loss is {value:.4g} then), got 'val_loss<=9'; "
        "write a harder one, or none to have it set."
    )
    assert store.fact("target") is None
