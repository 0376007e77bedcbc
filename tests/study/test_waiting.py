"""A worker makes calls for others, who need not wait for ever."""

import threading
import time

import pytest

from rightbatch.study import waiting
from rightbatch.study.subject import DeadlineError
from rightbatch.study.waiting import Worker


def ask(worker: Worker, call: object, seconds: float = 10.0) -> object:
    """The answer, waited for so long at most."""
    return worker.ask(call, deadline=time.perf_counter() + seconds)  # type: ignore[arg-type]


def test_it_answers_in_order_from_one_thread_of_its_own() -> None:
    """Every call is made in the same thread, which is not the caller's."""
    worker = Worker()
    threads = {ask(worker, threading.get_ident) for _ in range(5)}
    assert len(threads) == 1
    assert threading.get_ident() not in threads
    worker.close()


def test_an_error_comes_back_to_the_caller() -> None:
    """As if the call had been made there."""
    with pytest.raises(ZeroDivisionError):
        ask(Worker(), lambda: 1 / 0)


def test_a_call_that_blocks_is_left_behind(monkeypatch: pytest.MonkeyPatch) -> None:
    """The deadline comes though the call does not."""
    release = threading.Event()
    worker = Worker()
    monkeypatch.setattr(waiting, "_GRACE", 0.0)
    with pytest.raises(DeadlineError):
        ask(worker, release.wait, seconds=0.05)
    release.set()
    worker.close()


def test_after_its_last_calls_the_thread_ends() -> None:
    """What it was left with is done first."""
    worker, done = Worker(), threading.Event()
    thread = ask(worker, threading.current_thread)
    assert isinstance(thread, threading.Thread)
    worker.close([done.set])
    thread.join(10)
    assert done.is_set()
    assert not thread.is_alive()


def test_a_call_under_way_can_see_that_nobody_waits_any_more(monkeypatch: pytest.MonkeyPatch) -> None:
    """After its deadline, and when the worker is closed: what was interrupted trains no further."""
    monkeypatch.setattr(waiting, "_GRACE", 0.0)
    late, closed = Worker(), Worker()
    with pytest.raises(DeadlineError):
        ask(late, threading.Event().wait, seconds=0.05)
    assert not closed.left
    closed.close()
    assert late.left
    assert closed.left
