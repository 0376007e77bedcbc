"""Worker processes on this machine, each with a copy of the subject."""

import multiprocessing
import sys
from collections.abc import Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from types import ModuleType
from typing import Any

from rightbatch.study import worker
from rightbatch.study.executor import Work, made_by, packed
from rightbatch.study.subject import Subject

_PATIENCE = 10.0
"""Seconds until a process that was told to end has ended."""


class Workers:
    """Worker processes, each with a copy of the subject.

    Args:
        subject: what is trained.
        jobs: processes.
        threads: of the linear algebra library, in each: sums on other threads differ in their last bits.

    Raises:
        SettingError: the subject cannot be sent to another process.
    """

    lost: type[Exception] = BrokenProcessPool
    """A process has died, and the others with it."""

    def __init__(self, subject: Subject, jobs: int, threads: int = 1) -> None:
        self.jobs = jobs
        began = packed(subject, jobs), threads
        spawn = multiprocessing.get_context("spawn")
        self._pool = ProcessPoolExecutor(jobs, spawn, worker.begin, began)

    def begin(self) -> "list[Future[Any]]":
        """Start the processes; what they do then, importing above all, would disturb timings."""
        with _script_hidden():
            return [self._pool.submit(_ready) for _ in range(self.jobs)]

    def submit(self, work: Work, seconds: float) -> "Future[Any]":
        """Begin a sweep that may take so many seconds, or any other work with the subject."""
        with _script_hidden():  # a process that is not there yet begins with the work
            return self._pool.submit(_make, work, seconds)

    def close(self) -> None:
        """End the processes, whatever they do."""
        processes = list((self._pool._processes or {}).values())
        self._pool.shutdown(wait=False, cancel_futures=True)
        for process in processes:
            process.terminate()
        for process in processes:
            process.join(_PATIENCE)


@contextmanager
def _script_hidden() -> Iterator[None]:
    """Processes that begin inside do not run the user's script once more.

    They would, to know its functions; but the subject brings along what it needs of them (`packed`), the
    script may take long to import, and one that calls the study at its top level would call it again.
    """
    script = sys.modules["__main__"]
    sys.modules["__main__"] = ModuleType("__main__")
    try:
        yield
    finally:
        sys.modules["__main__"] = script


def _ready() -> None:
    """In a worker: nothing; that it comes back shows that the worker has begun."""


def _make(work: Work, seconds: float) -> Any:
    """In a worker: one sweep, or other work."""
    return made_by(worker.subject[0], work, seconds)
