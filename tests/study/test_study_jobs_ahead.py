"""What is made ahead, and when: by an executor that makes nothing until a test tells it to."""

import threading
import time
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

import numpy as np
import pytest

from rightbatch.measure.clock import Timing
from rightbatch.records import Outcome
from rightbatch.study import race as race_module
from rightbatch.study.ahead import Ahead
from rightbatch.study.executor import Made, Work, made_by
from rightbatch.study.function import Function
from rightbatch.study.plan import foreseen
from rightbatch.study.problem import Problem
from rightbatch.study.rules import first_points
from rightbatch.study.run import StudyRun
from rightbatch.study.search import Search
from rightbatch.study.session import Session
from rightbatch.study.settings import Settings
from rightbatch.study.store import Store
from rightbatch.study.subject import DeadlineError, Sweep
from rightbatch.train.target import Target
from study.hand_made import Told, blobs, run


def sweep(seed: int = 0) -> Sweep:
    """Three learning rates of the blobs."""
    target = Target("loss", "validation", 0.45)
    return Sweep(target=target, batch_size=16, seeds=(seed,), points=(-8, -6, -4), most_steps=2000)


class GoneError(Exception):
    """What the executor below raises when it is lost."""


@dataclass
class Recorder:
    """An executor that makes nothing until it is told to, and knows what it was asked for."""

    jobs: int = 2
    lost: type[Exception] = GoneError
    asked: list[tuple[Work, Future[Any]]] = field(default_factory=list)
    beginning: list[Future[Any]] = field(default_factory=list)

    def begin(self) -> list[Future[Any]]:
        return self.beginning

    def submit(self, work: Work, seconds: float) -> Future[Any]:
        self.asked.append((work, Future()))
        return self.asked[-1][1]

    def close(self) -> None:
        """Nothing to end."""

    def wait_for(self, count: int) -> None:
        """Until so many sweeps were asked for, and then a little: whether there are more."""
        while len(self.asked) < count:
            time.sleep(0.01)
        time.sleep(0.05)

    def answer(self, number: int, made: Any = ([], [])) -> None:
        """Let the sweep that was the so-maniest to be asked for be made."""
        self.wait_for(number + 1)
        future = self.asked[number][1]
        if isinstance(made, Exception):
            future.set_exception(made)
        else:
            future.set_result(made)


def later(*calls: Callable[[], None]) -> None:
    """Do something while the main thread waits."""

    def act() -> None:
        for call in calls:
            call()

    threading.Timer(0.05, act).start()


def soon() -> float:
    """A deadline that a test which would wait for ever meets."""
    return time.perf_counter() + 30


MADE: Made = ([run(16, -8, 1, 10.0)], [])


def test_the_sweep_asked_for_comes_first_and_no_more_than_the_jobs_at_once() -> None:
    """Then what is expected, in its order; as one is done the next begins, though another is waited for."""
    recorder, seen = Recorder(jobs=2), list[int]()
    ahead = Ahead(recorder)
    ahead.expect([sweep(1), sweep(2), sweep(3)])

    def second_then_first() -> None:
        recorder.wait_for(2)
        seen.append(len(recorder.asked))
        recorder.answer(1)
        recorder.wait_for(3)
        seen.append(len(recorder.asked))
        recorder.answer(0, MADE)

    later(second_then_first)
    assert ahead.make(blobs(), sweep(0), deadline=soon()) == MADE
    assert seen == [2, 3]
    assert [asked for asked, _ in recorder.asked[:3]] == [sweep(0), sweep(1), sweep(2)]


def test_what_was_made_ahead_is_taken_once() -> None:
    """The second seed is there when it is asked for, and nothing more is made for it."""
    recorder = Recorder()
    ahead = Ahead(recorder)
    ahead.expect([sweep(1)])
    later(lambda: recorder.answer(1, MADE), lambda: recorder.answer(0))
    ahead.make(blobs(), sweep(0), deadline=soon())
    ahead.expect([])
    assert ahead.make(blobs(), sweep(1), deadline=soon()) == MADE
    assert len(recorder.asked) == 2


def test_what_was_taken_is_expected_no_more() -> None:
    """Several asked for in turn, as when learning rates are added for every seed: each is made once."""
    recorder = Recorder(jobs=2)
    ahead = Ahead(recorder)
    ahead.expect([sweep(0), sweep(1), sweep(2)])
    for number in range(3):
        later(partial(recorder.answer, number))
        ahead.make(blobs(), sweep(number), deadline=soon())
    assert [asked for asked, _ in recorder.asked] == [sweep(0), sweep(1), sweep(2)]


def test_what_is_expected_is_looked_at_when_there_is_room() -> None:
    """With two jobs one beside the sweep waited for and one when that is done; six are never told."""
    recorder, seen = Recorder(jobs=2), list[int]()
    ahead = Ahead(recorder)
    ahead.expect(sweep(seen.append(seed) or seed) for seed in range(1, 9))  # type: ignore[func-returns-value]
    later(partial(recorder.wait_for, 2), partial(recorder.answer, 0))
    ahead.make(blobs(), sweep(0), deadline=soon())
    assert seen == [1, 2]


def test_a_sweep_of_other_settings_is_not_taken() -> None:
    """What was made ahead with fewer steps is not what is asked for."""
    recorder = Recorder()
    ahead = Ahead(recorder)
    ahead.expect([replace(sweep(1), most_steps=1999)])
    later(lambda: recorder.answer(1), lambda: recorder.answer(0))
    ahead.make(blobs(), sweep(0), deadline=soon())
    ahead.expect([])
    later(lambda: recorder.answer(2, MADE))
    assert ahead.make(blobs(), sweep(1), deadline=soon()) == MADE


def test_timings_of_runs_beside_others_do_not_count() -> None:
    """The runs do."""
    recorder = Recorder()
    later(lambda: recorder.answer(0, (MADE[0], [Timing(16, 0, 1, 0.5)])))
    assert Ahead(recorder).make(blobs(), sweep(), deadline=soon()) == MADE


def test_alone_means_that_nothing_else_is_under_way() -> None:
    """What is still being made is waited for, then the sweep is made here."""
    recorder, order = Recorder(), list[str]()
    ahead = Ahead(recorder)
    ahead.expect([sweep(1)])
    later(lambda: recorder.answer(0))
    ahead.make(blobs(), sweep(0), deadline=soon())
    later(lambda: order.append("made ahead"), lambda: recorder.answer(1))
    runs, _ = ahead.make(blobs(), sweep(2), deadline=soon(), alone=True)
    order.append("alone")
    assert order == ["made ahead", "alone"]
    assert runs == blobs().runs(sweep(2))[0]
    assert len(recorder.asked) == 2


def test_nothing_is_settled_before_all_processes_have_begun() -> None:
    """However long that takes, within the deadline: beside a process that begins no timing would be clean."""
    recorder, order = Recorder(beginning=[Future(), Future()]), list[str]()
    ahead = Ahead(recorder)
    ahead.begin()
    order.append("meanwhile")
    with pytest.raises(DeadlineError):
        ahead.settle(deadline=time.perf_counter() - 2)
    later(*(partial(_done, part, order) for part in recorder.beginning))
    ahead.settle(deadline=soon())
    assert order == ["meanwhile", "begun", "begun"]


def _done(part: Future[Any], order: list[str]) -> None:
    time.sleep(0.05)
    order.append("begun")
    part.set_result(None)


def test_lack_of_memory_beside_others_is_none_alone() -> None:
    """The sweep is made again here, with the memory to itself."""
    recorder = Recorder()
    heavy = run(16, -8, 0, None, outcome=Outcome.OUT_OF_MEMORY)
    later(lambda: recorder.answer(0, ([heavy], [])))
    assert Ahead(recorder).make(blobs(), sweep(), deadline=soon()) == blobs().runs(sweep())


def test_an_executor_that_is_lost_does_no_harm() -> None:
    """What it was making is made here, and it is asked no more."""
    recorder = Recorder()
    ahead = Ahead(recorder)
    later(lambda: recorder.answer(0, GoneError()))
    for seed in (0, 1):
        made = ahead.make(blobs(), sweep(seed), deadline=soon())
        assert made == blobs().runs(sweep(seed))
    assert len(recorder.asked) == 1
    assert ahead.room == 0


def test_a_deadline_is_kept_though_the_worker_does_not_come_back() -> None:
    """Two seconds after it the wait is over."""
    with pytest.raises(DeadlineError):
        Ahead(Recorder()).make(blobs(), sweep(), deadline=time.perf_counter() - 1.9)


def test_pieces_of_work_come_in_their_order_and_survive_a_lost_worker() -> None:
    """As many are begun as there are jobs, and one more; those of a worker that dies are made here."""
    recorder = Recorder()
    ahead = Ahead(recorder)
    works = [partial(_times, factor) for factor in (1, 2, 3, 4)]
    results = ahead.each(blobs(), works, deadline=soon())
    later(lambda: recorder.answer(0, "first"), lambda: recorder.answer(1, GoneError()))
    assert str(next(results)) == "first"
    assert len(recorder.asked) == 3
    assert list(results) == [2 * 300, 3 * 300, 4 * 300]


def _times(factor: int, problem: Problem) -> int:
    return factor * (problem.samples + len(problem.validation[0]))


def searched(*sizes: int) -> tuple[Search, Told]:
    """Three seeds of each of these sizes of the blobs."""
    told = Told()
    search = Search(
        subject=blobs(),
        store=Store(None),
        session=Session(300, lambda progress: None, settled=0),
        seed=0,
        target=Target("loss", "validation", 0.45),
        wide=first_points(),
        stored={},
        ahead=told,
    )
    for size in sizes:
        search.find(size)
        for _ in range(3):
            search.add_seeds(size)
    told.asked.clear()
    told.all_expected.clear()
    return search, told


def test_what_is_expected_of_the_next_race_is_what_it_asks_for() -> None:
    """To the last setting, though how seeds scatter, which says when they are looked at, is seen anew."""
    search, told = searched(8, 32)
    before = search.scatter[8]
    search.expect([(8, 3), (8, 4)])
    wanted = told.expected
    search.add_seeds(8)
    search.add_seeds(8)
    assert wanted == told.asked
    assert search.scatter[8] != before


@pytest.mark.parametrize(("racing", "expected"), [(1, [3, 4, 6]), (2, [3, 4])])
def test_seeds_beyond_a_race_are_expected_where_one_learning_rate_is_left(
    monkeypatch: pytest.MonkeyPatch, racing: int, expected: list[int]
) -> None:
    """Of several its end says which go on."""
    search, told = searched(8)
    monkeypatch.setattr(race_module, "in_the_race", lambda logs: np.arange(logs.shape[1]) < racing)
    search.expect([(8, number) for number in (3, 4, 6)])
    assert [sweep.seeds for sweep in told.expected] == [(number,) for number in expected]
    assert {len(sweep.points) for sweep in told.expected} == {racing}


def test_a_size_to_be_searched_is_expected_where_it_will_begin() -> None:
    """After the seeds; but not where timings come from training, which nothing may go on beside."""
    search, told = searched(8, 32)
    search.expect([(32, 3)], [128])
    wanted = told.expected
    search.add_seeds(32)
    search.find(128)
    assert wanted == told.asked[:2]
    assert wanted[-1].batch_size == 128
    search.subject = Function(train=lambda batch_size, lr, seed: iter(()), samples=300, name="")
    search.expect([], [64])
    assert not told.expected


def test_the_first_search_of_all_is_two_pieces_of_work() -> None:
    """Every other learning rate, and the rest, for nothing else is known then; later searches are one."""
    search, told = searched()
    search.find(32)
    first, second = told.asked[:2]
    assert (first.points, second.points) == (tuple(first_points()[::2]), tuple(first_points()[1::2]))
    assert told.expected[:2] == [first, second]
    told.asked.clear()
    told.all_expected.clear()
    search.find(8)
    assert told.asked[0].points == tuple(sorted(run.point for run in search.runs if run.batch_size == 8))
    assert told.expected == told.asked


def test_sizes_that_are_searched_together_do_not_wait_for_each_other() -> None:
    """Each begins as if it were searched alone, and is expected before the first; then what was expected."""
    search, told = searched(32)
    search.expect([(32, 3)])
    (seeds,) = told.expected
    search.find(8, 128)
    asked = told.asked[:2]
    assert told.all_expected[1] == [*asked, seeds]
    for size, sweep_of_size in zip((8, 128), asked, strict=True):
        alone, told_alone = searched(32)
        alone.find(size)
        assert told_alone.asked[0] == sweep_of_size
    assert set(search.found) == {32, 8, 128}


def test_foreseen_are_the_steps_that_the_plan_would_take() -> None:
    """Sizes in turn until the plan is content; a size that is still to be searched is stepped over."""

    def step(seeds: Mapping[int, int]) -> int | None:
        """The size of the fewest seeds, until each has two."""
        size = min((8, 16, 32), key=lambda size: seeds.get(size, 0))
        return size if seeds.get(size, 0) < 2 else None

    wanted = foreseen(step, [16, 8], seeds={8: 1}, planned=3, most=99)
    assert wanted == [(16, 0), (8, 1), (16, 1), (16, 2), (8, 2)]
    assert foreseen(step, [16, 8], seeds={8: 1}, planned=3, most=2) == wanted[:2]


def test_nothing_is_foreseen_beyond_the_race_under_way() -> None:
    """Its end says with which learning rates a size goes on; the planned seeds of the others go first."""
    wanted = foreseen(lambda seeds: 8, [16, 8], seeds={8: 4, 16: 2}, planned=9, most=99)
    assert wanted == [(8, 4), (8, 5), (16, 2)]


def test_a_study_lets_the_next_seeds_be_made_ahead() -> None:
    """While one is waited for the next is under way, and hardly any is made in vain."""
    made: list[Sweep] = []

    class Here(Recorder):
        """Makes what is asked for at once."""

        def submit(self, work: Work, seconds: float) -> Future[Any]:
            future = super().submit(work, seconds)
            future.set_result(made_by(blobs(), work, seconds))
            if isinstance(work, Sweep):
                made.append(work)
            return future

    store, settings = (
        Store(None),
        Settings(
            model="",
            optimizer="",
            target="val_loss<=0.45",
            batch_sizes=(8, 32),
            seeds=3,
            seed=0,
            threads=1,
            data="",
        ),
    )
    StudyRun(
        subject=blobs(),
        settings=settings,
        store=store,
        wide=first_points(),
        budget=300,
        tolerance=10.0,
        memory_limit=None,
        complete=True,
        progress=lambda progress: None,
        ahead=Ahead(Here(jobs=3)),
    ).run()
    assert len(made) == len(set(made))
    kept = {(run.batch_size, run.seed, run.point) for run in store.runs()}
    vain = [sweep for sweep in made if (sweep.batch_size, sweep.seeds[0], sweep.points[0]) not in kept]
    assert len(vain) <= 2
