"""A study on its way: what it runs, and that it goes the same way however often it is stopped."""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from itertools import pairwise
from typing import Any

import numpy as np
import pytest

from rightbatch.measure.clock import Timing
from rightbatch.records import Outcome, Progress
from rightbatch.study import costs, plan
from rightbatch.study.pool import RACE, choices, pool
from rightbatch.study.problem import Problem
from rightbatch.study.recommend import analyse
from rightbatch.study.store import Store
from rightbatch.study.subject import DeadlineError, Run, Sweep
from rightbatch.train.target import Target
from study.hand_made import isotropic, linear_problem, sweep
from study.timed import PROBLEM, RUNS, SECONDS, SIZES, far_from_the_answer, go_on, seeds_of

pytestmark = pytest.mark.usefixtures("known_seconds")


@pytest.fixture(scope="module")
def undisturbed(known_seconds: None) -> list[Run]:
    """The runs of a study that nobody stopped."""
    del known_seconds
    store = Store()
    go_on(store)
    return store.runs()


def test_every_size_is_run_with_every_seed(undisturbed: list[Run]) -> None:
    """The best rate of each size was run with all seeds, and so was a worse one on either side."""
    found = choices(pool(undisturbed, SIZES))
    assert set(found) == set(SIZES)
    for size, choice in found.items():
        seeds = {
            point: {run.seed for run in undisturbed if (run.batch_size, run.point) == (size, point)}
            for point in (choice.point - 1, choice.point, choice.point + 1)
        }
        assert set.intersection(*seeds.values()) >= {0, 1}


def test_rates_that_are_clearly_worse_get_no_more_seeds() -> None:
    """After three seeds fewer learning rates are run; the best of all with every seed."""
    store = Store()
    go_on(store, seeds=5)
    fewer = 0
    for size, choice in choices(pool(store.runs(), SIZES)).items():
        ran = {
            seed: {run.point for run in store.runs() if (run.batch_size, run.seed) == (size, seed)}
            for seed in seeds_of(store)[size]
        }
        assert all(choice.point in points for points in ran.values())
        assert all(ran[seed] <= ran[1] for seed in ran if seed > 1)
        fewer += len(ran[3]) < len(ran[1])
    assert fewer


def test_seeds_are_trained_side_by_side(sweeps: list[Sweep], monkeypatch: pytest.MonkeyPatch) -> None:
    """Of sizes that contend the first is alone, the rest of a race together, where steps cost little."""
    monkeypatch.setitem(SECONDS, 16, 0.3e-3)
    monkeypatch.setitem(SECONDS, 64, 3.1 * SECONDS[4])
    go_on(Store(), seeds=4)
    stacks = {size: {work.seeds for work in sweeps if work.batch_size == size} for size in SIZES}
    assert {(0,), (1, 2), (3,), (4, 5), (6, 7, 8)} <= stacks[16]
    for first, *_, last in stacks[16] - {(0,), (3,), (20,)}:
        assert first in {1, 4} or first % RACE == 0
        assert last + 1 == 4 * plan.MORE or (last + 1) % RACE == 0
    assert {(0,), (1,), (2,), (3,)} <= stacks[64]
    assert all(len(which) == 1 for which in stacks[64])


@pytest.mark.parametrize(("budget", "compared"), [(1e6, [4, 16, 64]), (1000.0, [16, 64]), (5.0, [16, 64])])
def test_losses_are_compared_where_there_are_seconds_for_it(
    monkeypatch: pytest.MonkeyPatch, budget: float, compared: list[int]
) -> None:
    """At 4 two runs take 44 s: more than a fiftieth of 1,000 s, a second, and what the answer took."""
    far_from_the_answer(monkeypatch)
    monkeypatch.setattr(plan, "skeleton", lambda sizes, *_: [16, 64])
    store = Store()
    go_on(store, budget=budget, tolerance=9.0)
    assert sorted({row["batch_size"] for row in store.fact("generalisation")}) == compared


@pytest.mark.usefixtures("known_curve")
def test_a_size_that_is_clearly_slower_gets_no_more_seeds(monkeypatch: pytest.MonkeyPatch) -> None:
    """The others get them."""
    far_from_the_answer(monkeypatch)
    store = Store()
    go_on(store, complete=False)
    assert seeds_of(store)[4] == {0}
    assert any(seeds > {0, 1} for seeds in seeds_of(store).values())


@pytest.mark.usefixtures("known_curve")
def test_a_size_that_cannot_be_the_fastest_is_not_run(monkeypatch: pytest.MonkeyPatch) -> None:
    """Below 16 a step takes 0.1 s: one of those sizes is run, and tells enough of the other two."""
    for size, seconds in {1: 0.1, 2: 0.1, 4: 0.1}.items():
        monkeypatch.setitem(SECONDS, size, seconds)
    store, whole = Store(), Store()
    go_on(store, complete=False, batch_sizes=(1, 2, 4, 16, 64))
    assert len({1, 2, 4} & set(seeds_of(store))) == 1  # the one of the first three
    go_on(whole, complete=True, batch_sizes=(1, 2, 4, 16, 64), budget=1e6)
    assert set(seeds_of(whole)) == {1, 2, 4, 16, 64}


@pytest.mark.usefixtures("known_curve")
def test_a_loose_tolerance_needs_fewer_seeds() -> None:
    """The sizes differ by less than a factor of 2: for a tolerance of nine the first three seeds do."""
    loose, strict = Store(), Store()
    go_on(loose, tolerance=9.0, complete=False, seeds=5)
    go_on(strict, tolerance=1e-9, complete=False, seeds=5)
    assert max(len(seeds) for seeds in seeds_of(loose).values()) == 3
    assert max(len(seeds) for seeds in seeds_of(strict).values()) == 25
    assert strict.fact("stopped") == "every planned run is done"


@pytest.mark.usefixtures("known_curve")
def test_a_size_above_the_memory_limit_gets_no_more_seeds(monkeypatch: pytest.MonkeyPatch) -> None:
    """However fast: it cannot be recommended. The others get five times as many as asked for at most."""
    monkeypatch.setattr(Problem, "peak_bytes", lambda self, size: 1000 * size)
    monkeypatch.setitem(SECONDS, 64, 1e-6)
    monkeypatch.setitem(SECONDS, 4, 0.15e-3)  # the first seed takes as long at 4 as at 16
    monkeypatch.setattr(plan, "TRIFLE", 0.0)
    store = Store()
    go_on(store, memory_limit=20_000, complete=False)
    seeds = seeds_of(store)
    assert seeds[64] == {0}
    assert {0, 1} <= seeds[4] <= set(range(10))
    assert {0, 1} <= seeds[16] <= set(range(10))


def test_no_run_is_made_twice(undisturbed: list[Run]) -> None:
    """A batch size, a learning rate and a seed: once."""
    cells = [(run.batch_size, run.point, run.seed) for run in undisturbed]
    assert len(set(cells)) == len(cells)


def test_each_run_is_the_sweeps(undisturbed: list[Run]) -> None:
    """Any stored run comes out again when its learning rate is trained alone."""
    target = Target("loss", "validation", 0.45)
    for run in [run for run in undisturbed if run.outcome is Outcome.REACHED][::7]:
        (alone,) = sweep(
            PROBLEM, target, batch_size=run.batch_size, seed=run.seed, points=[run.point], most_steps=5000
        )
        assert alone.steps_to_target == pytest.approx(run.steps_to_target, rel=1e-3)


def test_later_seeds_are_not_evaluated_where_none_arrives(undisturbed: list[Run]) -> None:
    """The first seed is, from the first step on; the others from where one might."""
    first = {run.curve_steps[0] for run in undisturbed if run.seed == 0}
    later = [run for run in undisturbed if run.seed and run.batch_size == SIZES[0]]
    assert first == {1}
    assert max(run.curve_steps[0] for run in later) > 1
    assert all(run.curve_steps[0] < (run.steps_to_target or run.steps) for run in later)


def test_progress_tells_what_is_done() -> None:
    """Stages follow each other, the work done grows to the total, and the best so far is named."""
    told: list[Progress] = []
    go_on(Store(), tell=told.append, target="auto")
    assert list(dict.fromkeys(progress.stage for progress in told)) == [
        "timing", "pilot", "learning rates", "seeds",
    ]  # fmt: skip
    assert told[0][:5] == ("timing", "getting ready", 0, 2 + 3 * 3, "")
    assert [progress.done for progress in told[:6]] == list(range(6))
    assert all(1 <= after.done - before.done <= 3 for before, after in pairwise(told))
    assert all(progress.done <= progress.total for progress in told)
    assert told[-1].best.startswith("batch size ")
    assert told[-1].left is not None


def stopped_at(count: int, error: type[BaseException]) -> Callable[..., Any]:
    """A sweep that fails when it is called for the `count`-th time."""
    calls = iter(range(1000))

    def failing(*args: Any, **settings: Any) -> Any:
        if next(calls) == count:
            raise error
        return RUNS(*args, **settings)

    return failing


@pytest.mark.parametrize("error", [DeadlineError, KeyboardInterrupt])
@pytest.mark.parametrize("count", [0, 1, 2, 4, 7])
def test_a_study_that_was_stopped_goes_on_to_the_same_end(
    undisturbed: list[Run], monkeypatch: pytest.MonkeyPatch, count: int, error: type[BaseException]
) -> None:
    """At whichever sweep it was stopped, by its budget or by hand: in the end the runs are equal."""
    store = Store()
    monkeypatch.setattr(Problem, "runs", stopped_at(count, error))
    if error is DeadlineError:
        go_on(store)
        assert store.fact("stopped") == "the budget of 60 s was spent before every planned run was done"
    else:
        with pytest.raises(error):
            go_on(store)
        assert store.fact("stopped") == "it was interrupted; the same command goes on from there"
    assert len(store.runs()) < len(undisturbed)
    monkeypatch.setattr(Problem, "runs", RUNS)
    go_on(store)
    assert store.runs() == undisturbed
    assert store.fact("stopped") == "every planned run is done"


def test_a_study_stopped_at_every_sweep_comes_to_the_same_end(
    undisturbed: list[Run], monkeypatch: pytest.MonkeyPatch
) -> None:
    """One sweep a session, hundreds of sessions: the same runs."""
    store, sessions = Store(), 0
    while store.fact("stopped") != "every planned run is done":
        monkeypatch.setattr(Problem, "runs", stopped_at(1, DeadlineError))
        go_on(store)
        sessions += 1
        assert sessions < 500
    assert sessions > 8
    assert store.runs() == undisturbed


def uneven(self: object, sizes: Sequence[int], *, rounds: int, first_round: int) -> Iterator[list[Timing]]:
    """A clock that is wrong by 60 % in every round, and by the same in a round of the same number."""
    del self
    noise = np.exp(np.random.default_rng(0).normal(0, 0.6, (1000, 100)))
    for number in range(first_round, rounds):
        yield [Timing(size, number, 10, {**SECONDS, 64: 9e-3}[size] * noise[number, size]) for size in sizes]


def test_where_the_clock_is_in_doubt_contenders_are_timed_again_and_it_goes_the_same_way(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """However often it is stopped: the same runs and the same timings, of contenders more than of others."""
    monkeypatch.setattr(Problem, "time_steps", uneven)
    monkeypatch.setattr(costs, "ROUNDS", 4)
    whole, stopped = Store(), Store()
    go_on(whole, seeds=1)
    rounds = Counter(timing.batch_size for timing in whole.timings())
    assert max(rounds.values()) > min(rounds.values()) == 4
    for _ in range(50):
        monkeypatch.setattr(Problem, "runs", stopped_at(1, DeadlineError))
        go_on(stopped, seeds=1)
        if stopped.fact("stopped") == "every planned run is done":
            break
    assert (stopped.runs(), stopped.timings()) == (whole.runs(), whole.timings())


def test_a_finished_study_costs_nothing_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """Given again, it times nothing, trains nothing, and its seconds stay what they were."""
    store = Store()
    go_on(store, target="auto")
    names = ("seconds", "stopped", "target", "memory")
    before = store.runs(), store.timings(), [store.fact(name) for name in names]

    def forbidden(*_: object, **__: object) -> None:
        raise AssertionError("a finished study has nothing to do")

    for work in ("runs", "untrained", "peak_bytes"):
        monkeypatch.setattr(Problem, work, forbidden)
    go_on(store, target="auto")
    assert (store.runs(), store.timings(), [store.fact(name) for name in names]) == before


def changing(before: dict[int, float], after: dict[int, float], at: int) -> Any:
    """A clock by which steps take other seconds from a round on."""

    def rounds(
        self: object, sizes: Sequence[int], *, rounds: int, first_round: int
    ) -> Iterator[list[Timing]]:
        del self
        for number in range(first_round, rounds):
            seconds = before if number < at else after
            yield [Timing(size, number, 10, seconds[size]) for size in sizes]

    return rounds


def test_a_finished_study_that_saw_another_speed_has_nothing_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    """By the last timings alone it would have run more seeds; it does when more is asked of it."""
    monkeypatch.setattr(costs, "ROUNDS", 12)
    monkeypatch.setattr(costs, "AGAIN", 4)
    slow = {4: 20 * SECONDS[4], 16: 30 * SECONDS[16], 64: 20 * SECONDS[64]}
    monkeypatch.setattr(Problem, "time_steps", changing(slow, SECONDS, 12))
    store = Store()
    go_on(store, tolerance=0.5)
    assert store.fact("timed_anew")["round"] == 12
    before = store.runs()
    monkeypatch.setattr(Problem, "runs", None)
    go_on(store, tolerance=0.5)
    assert store.runs() == before
    monkeypatch.setattr(Problem, "runs", RUNS)
    go_on(store, tolerance=0.1)
    assert len(store.runs()) > len(before)


@pytest.mark.parametrize("seconds", [{4: 9e-3, 16: 0.5e-3, 64: 9e-3}, {4: 0.12e-3, 16: 0.5e-3, 64: 1.2e-3}])
def test_it_ends_with_what_the_last_timings_say(
    monkeypatch: pytest.MonkeyPatch, seconds: dict[int, float]
) -> None:
    """Sure or not, by the regret that all runs and all timings give together."""
    monkeypatch.setattr(costs, "AGAIN", 6)
    monkeypatch.setattr(costs, "drift", lambda series, **chance: None)
    monkeypatch.setattr(Problem, "time_steps", changing(SECONDS, seconds, 2))
    store = Store()
    go_on(store, tolerance=0.05)
    table = pool(store.runs(), SIZES)
    found = analyse(table, store.timings(), {}, prefer="fastest", memory_limit=None, seed=0)
    assert found.regret is not None
    assert (store.fact("stopped") != "every planned run is done") == (found.regret <= 0.05)


def test_a_spent_budget_is_spent(monkeypatch: pytest.MonkeyPatch) -> None:
    """Given again with the same budget, nothing more is run, and no second is added."""
    store = Store()
    monkeypatch.setattr(Problem, "runs", stopped_at(3, DeadlineError))
    go_on(store)
    spent, runs = store.fact("seconds"), store.runs()
    go_on(store, budget=spent)
    assert (store.fact("seconds"), store.runs()) == (spent, runs)
    assert store.fact("stopped").endswith(" was spent before every planned run was done")


def test_without_a_target_the_pilot_sets_one() -> None:
    """It is stored with its story; a target given is stored as such."""
    piloted, given = Store(), Store()
    go_on(piloted, target="auto")
    go_on(given)
    assert piloted.fact("target")["metric"] == "val_loss"
    assert piloted.fact("target")["how"].startswith("set from a pilot: at batch size 16, ")
    assert given.fact("target") == {
        "metric": "val_loss", "value": 0.45, "text": "val_loss<=0.45", "how": "as given",
        "baseline": PROBLEM.baseline(PROBLEM.read_target("val_loss=0.45")),
    }  # fmt: skip


def test_a_target_out_of_reach_ends() -> None:
    """Every size is searched with the first seed alone, each run with its reason; no seeds follow."""
    store = Store()
    problem = linear_problem(*isotropic())
    go_on(store, problem=problem, target="val_loss=-1", batch_sizes=(32, 64))
    runs = store.runs()
    assert {run.seed for run in runs} == {0}
    assert {run.batch_size for run in runs} == {32, 64}
    assert {run.outcome for run in runs} <= {Outcome.OUT_OF_STEPS, Outcome.DIVERGED}
    assert all(run.reason for run in runs)
    assert store.fact("stopped") == "every planned run is done"


def test_memory_is_measured_for_every_size() -> None:
    """Once, in bytes."""
    store = Store()
    go_on(store)
    memory = store.fact("memory")
    assert {int(size) for size in memory} == set(SIZES)
    assert 0 < memory["4"] < memory["64"]


def test_seconds_add_up_over_sessions() -> None:
    """What an earlier session spent counts against the budget of the next."""
    store = Store()
    store.put(seconds=100.0)
    told: list[Progress] = []
    go_on(store, budget=60.0, tell=told.append)
    assert told[0].elapsed == pytest.approx(100.0, abs=0.1)
    assert store.runs() == []
    go_on(store, budget=1e6)
    assert store.runs() != []
    assert 100 < store.fact("seconds") < 160


def test_rates_are_found_on_the_closed_form() -> None:
    """With Hessian 2I and the full batch the best rate is one half: the error is gone in one step.

    A size that has none to be compared with is run with all seeds.
    """
    store = Store()
    go_on(
        store,
        problem=linear_problem(*isotropic()),
        target="val_loss=0.04",
        batch_sizes=(64,),
    )
    (choice,) = choices(pool(store.runs(), [64])).values()
    assert (choice.reached, choice.seeds) == (2, 2)
    assert 2.0 ** (choice.point / 2) == pytest.approx(0.5, rel=0.5)
    assert choice.steps == 1.0
