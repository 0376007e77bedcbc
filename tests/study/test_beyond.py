"""What is run beyond the answer: for B_crit, then for the table."""

import math

import numpy as np
import pytest

from rightbatch.study import plan
from rightbatch.study.beyond import complete_table, new_for_curve, new_in_table, settle_curve
from rightbatch.study.outlook import Outlook, outlook
from rightbatch.study.pool import choices, pool
from rightbatch.study.runner import Runner
from rightbatch.study.search import Search
from rightbatch.study.store import Store
from rightbatch.study.subject import Sweep
from study.hand_made import Told
from study.timed import MORE_SIZES, SECONDS, far_from_the_answer, go_on, seeds_of

pytestmark = pytest.mark.usefixtures("known_seconds")


@pytest.mark.usefixtures("known_curve")
def test_the_table_repeats_the_best_learning_rate_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of a size that cannot be the fastest, from the second seed on, up to those asked for."""
    far_from_the_answer(monkeypatch)
    store = Store()
    go_on(store, seeds=4, budget=1e6)
    far = [run for run in store.runs() if run.batch_size == 4]
    best = choices(pool([run for run in far if run.seed == 0], [4]))[4].point
    points = {seed: {run.point for run in far if run.seed == seed} for seed in seeds_of(store)[4]}
    assert points == {0: points[0] | {best - 1, best, best + 1}, 1: {best}, 2: {best}, 3: {best}}


@pytest.mark.usefixtures("known_curve")
def test_a_size_that_contends_after_all_gets_the_rest_of_its_race(
    sweeps: list[Sweep], monkeypatch: pytest.MonkeyPatch
) -> None:
    """At 16 a step is a little too slow, until the table has run its best learning rate with more seeds."""
    monkeypatch.setitem(SECONDS, 16, 0.33e-3)
    monkeypatch.setitem(SECONDS, 64, 3.1 * SECONDS[4])
    go_on(Store(), seeds=4)
    later = [
        (work.seeds, len(work.points)) for work in sweeps if work.batch_size == 16 and 0 not in work.seeds
    ]
    assert later[:3] == [((1, 2, 3), 1), ((1, 2), 4), ((3,), 4)]


def seconds_of(store: Store) -> float:
    """What the runs take one after the other."""
    return sum(run.steps * SECONDS[run.batch_size] for run in store.runs())


def deviation_of_b_crit(store: Store) -> float:
    """Standard deviation of ln B_crit, by the runs."""
    table = pool(store.runs(), MORE_SIZES)
    view = outlook(table, choices(table), np.full((2, len(MORE_SIZES)), 1e-3), seed=0)
    assert view is not None
    return float(np.log(view.steps.b_crit).std())


def test_more_is_run_until_b_crit_is_known(monkeypatch: pytest.MonkeyPatch) -> None:
    """To a factor of 1.2 with 95 % probability, 1.96 deviations, where the tolerance needs few runs."""
    monkeypatch.setattr(plan, "TRIFLE", 50.0)
    settled, answered = Store(), Store()
    go_on(settled, tolerance=9.0, complete=False, batch_sizes=MORE_SIZES)
    monkeypatch.setattr(Outlook, "curve_is_open", False)
    go_on(answered, tolerance=9.0, complete=False, batch_sizes=MORE_SIZES)
    assert deviation_of_b_crit(settled) < np.log(1.2) / 1.96 <= deviation_of_b_crit(answered)


def test_b_crit_takes_about_as_long_as_the_answer_did(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where it stays open, and the runs are not so short that nobody waits for them: give or take a seed."""
    monkeypatch.setattr(plan, "TRIFLE", 0.0)
    settled, answered = Store(), Store()
    go_on(settled, tolerance=9.0, complete=False)
    monkeypatch.setattr(Outlook, "curve_is_open", False)
    go_on(answered, tolerance=9.0, complete=False)
    assert 1.8 < seconds_of(settled) / seconds_of(answered) < 2.1


def test_b_crit_takes_sizes_that_the_table_had_no_seconds_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """A search at 4 fits into the share of the budget, seeds do not; for B_crit there is time."""
    monkeypatch.setitem(SECONDS, 4, 1.0)
    monkeypatch.setattr(plan, "skeleton", lambda sizes, *_: [16, 64])
    searched, settled = Store(), Store()
    monkeypatch.setattr(plan, "TRIFLE", 0.0)
    go_on(searched, tolerance=9.0, budget=2000.0)
    assert seeds_of(searched)[4] == {0}
    monkeypatch.setattr(plan, "TRIFLE", 500.0)
    go_on(settled, tolerance=9.0, budget=2000.0)
    assert len(seeds_of(settled)[4]) > 1


def test_sizes_that_only_the_curve_hangs_on_are_run_on_the_fine_grid(monkeypatch: pytest.MonkeyPatch) -> None:
    """A slow size gets no more seeds, but its learning rates are half octaves apart as the others' are."""
    monkeypatch.setitem(SECONDS, 4, 1.0)
    store = Store()
    go_on(store, complete=False)
    point = choices(pool([run for run in store.runs() if run.batch_size == 4], [4]))[4].point
    points = {run.point for run in store.runs() if run.batch_size == 4}
    assert {point - 1, point, point + 1} <= points


def test_what_is_run_beyond_the_answer_was_expected(runner: Runner) -> None:
    """All of it, but where a search goes beyond the edge of its learning rates."""
    told = runner.search.ahead
    assert isinstance(told, Told)
    told.asked.clear()
    settle_curve(runner, runner.standing.cost() + 1.0, then=list)
    complete_table(runner, runner.standing.cost() + 1.0)
    expected = {sweep for sweeps in told.all_expected for sweep in sweeps}
    assert len(told.asked) > 9
    assert [sweep for sweep in told.asked if sweep not in expected and len(sweep.points) > 3] == []


def test_sizes_that_come_next_are_expected_while_b_crit_is_settled(runner: Runner) -> None:
    """After the runs for B_crit."""
    told = runner.search.ahead
    assert isinstance(told, Told)
    told.all_expected.clear()
    del runner.search.found[32]
    settle_curve(runner, runner.standing.cost() + 1.0, then=lambda: [32])
    assert any(sweeps and sweeps[-1].batch_size == 32 for sweeps in told.all_expected)


def test_what_hangs_on_a_search_is_not_expected_before_it(
    runner: Runner, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No seeds that come after a size to be searched; of the others those that come now and then."""
    asked = list[tuple[list[tuple[int, int]], list[int]]]()
    monkeypatch.setattr(Search, "expect", lambda _, seeds, new=(): asked.append((list(seeds), list(new))))
    del runner.search.found[32]
    wanted = [plan.Wanted([16], [8, 32, 16]), plan.Wanted([16, 32], [8, 16]), plan.Wanted([], [])]
    monkeypatch.setattr(plan, "for_the_curve", lambda *_, **__: wanted.pop(0))
    settle_curve(runner, math.inf, then=lambda: [64])
    assert ([(16, 0), (8, 0)], [64]) in asked
    assert ([(16, 1)], [32]) in asked
    assert wanted == []


def test_sizes_for_b_crit_are_those_that_come_now_and_then(
    runner: Runner, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Those to search, each once, in their order."""
    for size in (8, 32):
        del runner.search.found[size]
    monkeypatch.setattr(plan, "for_the_curve", lambda *_, **__: plan.Wanted([16, 32], [32, 16, 8]))
    assert new_for_curve(runner, math.inf) == [32, 8]


def test_the_table_searches_the_sizes_that_fit_into_its_seconds(runner: Runner) -> None:
    """Together: a sweep of one is ten of its best runs."""
    for size in (8, 32):
        del runner.search.found[size]
    runner.search.find(32)
    cost = 10 * runner.standing.cost_of(8)
    assert new_in_table(runner, runner.standing.cost() + 1.01 * cost) == [8]
    assert new_in_table(runner, runner.standing.cost() + 0.99 * cost) == []
