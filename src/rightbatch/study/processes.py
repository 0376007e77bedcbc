"""Processes of this machine that make runs."""

import multiprocessing
import os
import signal
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from contextlib import contextmanager
from types import ModuleType
from typing import Any

import cloudpickle

from rightbatch.errors import SettingError
from rightbatch.study.executor import Task
from rightbatch.study.machine import fixed_threads
from rightbatch.study.subject import DeadlineError, Subject


class Workers:
    """Worker processes, each with a copy of the subject.

    They are started afresh, not forked: neither PyTorch nor CUDA can be used in a fork. They end with this
    process, however it ends, and leave Ctrl-C to it.

    Args:
        subject: what is trained.
        jobs: processes.
        threads: threads of linear algebra in each.

    Raises:
        SettingError: the subject cannot be sent to another process.
    """

    def __init__(self, subject: Subject, jobs: int, *, threads: int = 1) -> None:
        self.jobs = jobs
        self._given = packed(subject, jobs), threads
        self._pool: ProcessPoolExecutor | None = None

    def begin(self) -> None:
        """Start all processes, without waiting for them."""
        for _ in range(self.jobs):
            self._begun().submit(_get_ready)

    def submit(self, task: Task[Any], seconds: float) -> "Future[Any]":
        """Begin a task that may take so many seconds."""
        with _quiet_start():
            return self._begun().submit(_do, task, seconds)

    def stop(self) -> None:
        """End the processes, whatever they do."""
        if self._pool is None:
            return
        workers = list((self._pool._processes or {}).values())
        self._pool.shutdown(wait=False, cancel_futures=True)
        for worker in workers:
            worker.kill()
        self._pool = None

    def _begun(self) -> ProcessPoolExecutor:
        if self._pool is None:
            context = multiprocessing.get_context("spawn")
            self._pool = ProcessPoolExecutor(self.jobs, context, _begin, self._given)
        return self._pool


def packed(subject: Subject, jobs: int | None) -> bytes:
    """The subject as it travels.

    Raises:
        SettingError: it cannot.
    """
    try:
        found: bytes = cloudpickle.dumps(subject)
    except Exception as error:  # whatever the user's objects raise
        problem = f"needs a training that can be sent to another process ({error})"
        raise SettingError("jobs", problem, jobs, "leave it out") from error
    return found


@contextmanager
def _quiet_start() -> Iterator[None]:
    """Processes that start here do not run the user's script again, and leave Ctrl-C to this one.

    The script has most likely no `if __name__ == "__main__"`, and what it defines travels with the subject.
    """
    main = sys.modules["__main__"]
    block = getattr(signal, "pthread_sigmask", None)
    sys.modules["__main__"] = ModuleType("__main__")
    before = None if block is None else block(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        sys.modules["__main__"] = main
        if block is not None:
            block(signal.SIG_SETMASK, before)


_subject: list[Any] = []
"""Of a worker process: the subject, packed and the number of threads; then unpacked."""


def _begin(given: bytes, threads: int) -> None:
    """In a worker, once."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with_parent, daemon=True).start()
    _subject[:] = given, threads


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)


def _get_ready() -> Subject:
    """In a worker: unpack the subject, and hold the linear algebra that it brings to its threads."""
    if len(_subject) > 1:
        given, threads = _subject
        _subject[:] = [cloudpickle.loads(given)]
        fixed_threads(threads).__enter__()
    return _subject[0]


def _do(task: Task[Any], seconds: float) -> Any:
    """In a worker: one task."""
    deadline = time.perf_counter() + seconds
    subject = _get_ready()
    if seconds <= 0:
        raise DeadlineError
    return task(subject, deadline)
