"""What the runs say so far is looked at anew only when there are more of them."""

import math
from typing import Any

import pytest

from rightbatch.study import standing
from rightbatch.study.outlook import Outlook, outlook
from rightbatch.study.pool import choices, pool
from rightbatch.study.standing import Standing
from study.hand_made import timings
from study.timed import STANDING


def test_the_table_is_that_of_all_runs(stands: Standing) -> None:
    """And the choices are its; the last ones are kept until somebody looks again."""
    stands.search.find(8)
    table, found = stands.table()
    assert table.log_steps.tobytes() == pool(stands.search.runs, tuple(STANDING)).log_steps.tobytes()
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
    stands.costs.store.add_timings(timings(STANDING, rounds=4)[-3:], seconds=1.0)
    assert stands.view() is stands.view()
    assert len(drawn) == 3


def test_the_cost_is_that_of_all_steps_one_after_the_other(stands: Standing) -> None:
    """A thousandth of a second each at 8, and two of them at 32."""
    stands.search.find(8)
    stands.search.find(32)
    steps = {size: sum(run.steps for run in stands.search.runs if run.batch_size == size) for size in (8, 32)}
    assert stands.cost() == pytest.approx(1e-3 * steps[8] + 2e-3 * steps[32])
