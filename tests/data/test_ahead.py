"""What is made ahead comes in order, and no thread is left, however the listening ends."""

import signal
import threading
import time
import weakref
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import numpy as np
import pytest

from data.every_order import CHOOSES_ITS_BATCHES, EVERY
from rightbatch.data import loader as module
from rightbatch.data.ahead import Ahead
from rightbatch.data.loader import Loader


def ours() -> list[threading.Thread]:
    """Threads of the loader that are alive."""
    return [thread for thread in threading.enumerate() if thread.name.startswith("rightbatch-loader")]


def sleepy(number: int) -> Callable[[], int]:
    """A job that takes longer the earlier it is asked for."""

    def job() -> int:
        time.sleep(0.01 / (1 + number % 3))
        return number

    return job


@pytest.mark.parametrize(("depth", "threads"), [(0, 1), (1, 1), (3, 2), (8, 4)])
def test_results_come_in_order(depth: int, threads: int) -> None:
    """Though the later ones are done first."""
    with Ahead(depth=depth, threads=threads) as ahead:
        assert list(ahead.made(map(sleepy, range(20)))) == list(range(20))
    assert ours() == []


def test_jobs_are_begun_no_further_ahead_than_the_depth() -> None:
    """With the one in hand, that is one more."""
    asked: list[int] = []

    def jobs() -> Iterator[Callable[[], int]]:
        for number in range(100):
            asked.append(number)
            yield lambda: 0

    with Ahead(depth=3, threads=1) as ahead:
        next(ahead.made(jobs()))
        assert len(asked) == 4
    assert ours() == []


def test_new_jobs_come_before_those_that_were_left() -> None:
    """As when the batch size changes: what was not asked for is dropped."""
    done: list[int] = []
    held = threading.Event()

    def job(number: int) -> int:
        if number == 1:
            held.wait()
        done.append(number)
        return number

    with Ahead(depth=5, threads=1) as ahead:
        assert next(ahead.made(partial(job, number) for number in range(9))) == 0
        new = ahead.made(iter([lambda: "new"]))
        held.set()
        assert list(new) == ["new"]
    assert done in ([0], [0, 1])


def test_an_error_comes_where_the_result_would_have() -> None:
    """After the results before it; then no thread is left."""
    seen: list[int] = []
    jobs: list[Callable[[], int]] = [lambda: 1, lambda: 2, lambda: 1 // 0, lambda: 4]
    with pytest.raises(ZeroDivisionError), Ahead(depth=2, threads=2) as ahead:
        seen.extend(ahead.made(iter(jobs)))
    assert seen == [1, 2]
    assert ours() == []


def test_of_several_threads_one_is_that_which_asks() -> None:
    """While the first job is at work in the background, those after it are done here."""
    free, done_by = threading.Event(), {}

    def job(number: int) -> int:
        done_by[number] = threading.current_thread()
        if number == 0:
            free.wait(10)
        if number == 3:
            free.set()
        return number

    with Ahead(depth=5, threads=2) as ahead:
        results = ahead.made(partial(job, number) for number in range(9))
        ahead.submit(lambda: None).result()  # the thread is there
        assert list(results) == list(range(9))
    assert len(set(done_by.values())) == 2
    assert threading.current_thread() in done_by.values()


def test_what_was_taken_is_held_by_nobody() -> None:
    """While the other thread is busy elsewhere, and all jobs are done here."""
    free = threading.Event()
    taken = []
    with Ahead(depth=4, threads=2) as ahead:
        ahead.submit(free.wait, 10)
        for block in ahead.made(iter([lambda: np.zeros(9)] * 50)):
            taken.append(weakref.ref(block))
            del block
            assert [here() is None for here in taken] == [True] * len(taken)
        free.set()


def test_ctrl_c_in_a_job_that_is_done_early_is_not_kept_for_later() -> None:
    """It comes up at once, though the result before it is not there yet."""
    begun, free = threading.Event(), threading.Event()

    def first() -> bool:
        begun.set()
        return free.wait(10)

    def jobs() -> Iterator[Callable[[], Any]]:
        yield first
        begun.wait(10)  # so that it is the other thread's
        yield interrupt
        yield lambda: 2

    with Ahead(depth=2, threads=2) as ahead:
        with pytest.raises(KeyboardInterrupt):
            next(ahead.made(jobs()))
        free.set()


AHEAD: list[dict[str, Any]] = [{"prefetch": 1}, {"prefetch": 3, "threads": 2}, {"threads": 3}]


@pytest.fixture(autouse=True)
def small_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    """So small that an epoch of a hundred rows takes many."""
    monkeypatch.setattr(module, "AHEAD_BYTES", 40)


@pytest.mark.parametrize("name", EVERY)
@pytest.mark.parametrize("settings", AHEAD, ids=str)
def test_every_order_has_the_same_batches_ahead(name: str, settings: dict[str, Any]) -> None:
    """Two epochs, with shards and padding, and resumed in the second by a loader without threads."""
    size = None if name == CHOOSES_ITS_BATCHES else 7

    def made(**more: Any) -> Loader:
        last = "keep" if name == CHOOSES_ITS_BATCHES else "pad"
        return Loader(np.arange(100), size, order=EVERY[name](100, 3), last=last, shard=(1, 2), **more)

    plain, ahead = made(), made(**settings)
    for _ in range(2):
        for one, two in zip(plain.batches(), ahead.batches(), strict=True):
            assert np.array_equal(one.data, two.data)
            assert np.array_equal(one.index, two.index)
            assert (one.weight is None) == (two.weight is None)
            assert np.array_equal(one.weight, two.weight)  # type: ignore[arg-type]
    assert ours() == []


@pytest.mark.parametrize("name", EVERY)
def test_a_pass_resumes_at_every_step_with_another_depth(name: str) -> None:
    """Of two epochs: what was made ahead and not handed out is made again, and nothing twice."""
    size = None if name == CHOOSES_ITS_BATCHES else 5

    def made(**settings: Any) -> Loader:
        return Loader(np.arange(40), size, order=EVERY[name](40, 3), **settings)

    plain = made()
    whole = [batch.tolist() for _ in range(2) for batch in plain]
    first, states = made(prefetch=4, threads=2), []
    for _ in range(2):
        states += [first.state_dict() for _ in first]
    assert len(states) == len(whole)
    for step, state in enumerate(states[:-1], start=1):
        second = made(prefetch=step % 3)
        second.load_state_dict(state)
        rest = [batch.tolist() for _ in range(2 - state["epoch"]) for batch in second]
        assert rest == whole[step:]
    assert ours() == []


def test_the_batch_size_changes_with_blocks_on_the_way() -> None:
    """They are thrown away, and no row is lost or repeated."""
    loader = Loader(np.arange(60), 2, shuffle=True, prefetch=5, threads=2)
    sizes, rows = [], []
    for batch in loader:
        sizes.append(len(batch))
        rows.extend(batch.tolist())
        loader.batch_size = 2 if len(sizes) % 3 else 7
    assert sorted(rows) == list(range(60))
    assert {2, 7} <= set(sizes)
    assert ours() == []


def interrupt() -> None:
    """As Ctrl-C does."""
    signal.raise_signal(signal.SIGINT)


def fail() -> None:
    """As a training loop may."""
    raise RuntimeError


@pytest.mark.parametrize("ending", [interrupt, fail])
@pytest.mark.parametrize("settings", [{}, *AHEAD], ids=str)
def test_an_interrupted_epoch_goes_on_where_it_was(
    ending: Callable[[], None], settings: dict[str, Any]
) -> None:
    """Ctrl-C or an error after any batch: no thread is left, no row is lost, none comes twice."""
    for stop in range(1, 8):
        loader, rows = Loader(np.arange(40), 5, shuffle=True, **settings), []
        with pytest.raises((KeyboardInterrupt, RuntimeError)):  # noqa: PT012 (the loop is what is tested)
            for number, batch in enumerate(loader, start=1):
                rows += batch.tolist()
                if number == stop:
                    ending()
        assert ours() == []
        loader.load_state_dict(loader.state_dict())
        assert sorted(rows + [row for batch in loader for row in batch]) == list(range(40))


def test_an_epoch_that_is_left_goes_on_where_it_was() -> None:
    """By `break`, which closes the pass at once."""
    loader, rows = Loader(np.arange(40), 5, shuffle=True, prefetch=3), []
    for batch in loader:
        rows += batch.tolist()
        break
    assert ours() == []
    loader.load_state_dict(loader.state_dict())
    assert sorted(rows + [row for batch in loader for row in batch]) == list(range(40))


def test_two_passes_at_once_are_independent() -> None:
    """Each has its own epoch, and both are whole."""
    loader = Loader(np.arange(40), 4, shuffle=True, prefetch=2)
    pairs = list(zip(loader, loader, strict=True))
    for side in (0, 1):
        assert sorted(np.concatenate([pair[side] for pair in pairs])) == list(range(40))
    assert ours() == []


def test_kept_batches_stay_what_they_were() -> None:
    """However many blocks are made after them."""
    loader = Loader(np.arange(100), 4, prefetch=2, shuffle=True)
    kept = list(loader)
    copies = [batch.copy() for batch in kept]
    list(loader)
    assert all(np.array_equal(one, two) for one, two in zip(kept, copies, strict=True))


def test_waiting_is_counted() -> None:
    """Seconds of the pass begun last; it begins at 0."""
    loader = Loader(np.arange(1000), 10, shuffle=True)
    assert loader.waited == 0
    list(loader)
    assert 0 < loader.waited < 10
