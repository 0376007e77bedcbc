"""Sweeps made ahead of time by processes of their own; what a study decides does not depend on them.

A study is a sequence: what it runs next depends on the runs before. So other processes make what will
probably be asked for, the next seeds of a batch size, and a sweep that was made ahead is taken when
its turn comes. The runs, their order and the answer are those of one process.
"""

import multiprocessing
import time
from collections.abc import Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from typing import Any, Protocol

import cloudpickle

from rightbatch.errors import SettingError
from rightbatch.study.machine import fixed_threads
from rightbatch.study.subject import DeadlineError, Run, Subject, Sweep

Made = tuple[list[Run], list[Any]]


class Executor(Protocol):
    """Where sweeps are made ahead."""

    jobs: int
    """How many at once."""

    def submit(self, sweep: Sweep, seconds: float) -> "Future[Made]":
        """Begin a sweep that may take so many seconds."""
        ...

    def close(self) -> None:
        """End what is under way."""
        ...


class Workers:
    """Worker processes, each with a copy of the subject, that compute on one thread.

    They begin when the first sweep is submitted, so that nothing disturbs the timings before.

    Args:
        subject: what is trained.
        jobs: processes.

    Raises:
        SettingError: the subject cannot be sent to another process.
    """

    def __init__(self, subject: Subject, jobs: int) -> None:
        self.jobs = jobs
        try:
            self._packed = cloudpickle.dumps(subject)
        except Exception as error:
            problem = f"needs a model that can be sent to another process ({error})"
            raise SettingError("jobs", problem, jobs, "write jobs=1") from error
        self._pool: ProcessPoolExecutor | None = None

    def submit(self, sweep: Sweep, seconds: float) -> "Future[Made]":
        """Begin a sweep that may take so many seconds."""
        if self._pool is None:
            self._pool = ProcessPoolExecutor(
                self.jobs, multiprocessing.get_context("spawn"), _begin, (self._packed,)
            )
        return self._pool.submit(_make, sweep, seconds)

    def close(self) -> None:
        """End the processes, whatever they do."""
        if self._pool is None:
            return
        workers = list((self._pool._processes or {}).values())
        self._pool.shutdown(wait=False, cancel_futures=True)
        for worker in workers:
            worker.terminate()


class Ahead:
    """Sweeps under way in other processes, until their turn comes.

    Args:
        executor: what makes them; `None`: nothing is made ahead.
    """

    def __init__(self, executor: Executor | None) -> None:
        self._executor = executor
        self._flying: dict[tuple[int, int], Future[Made]] = {}

    def expect(self, sweeps: Sequence[Sweep], *, deadline: float) -> None:
        """Begin the first of these that are not under way, as many as there are processes."""
        if self._executor is None:
            return
        busy = sum(not future.done() for future in self._flying.values())
        for sweep in sweeps:
            key = sweep.batch_size, sweep.seed
            if key not in self._flying and busy < self._executor.jobs:
                self._flying[key] = self._executor.submit(sweep, deadline - time.perf_counter())
                busy += 1

    def take(self, batch_size: int, seed: int) -> Made | None:
        """What was made ahead of this batch size and seed, once it is done; `None`: nothing.

        Raises:
            DeadlineError: the budget ended it.
        """
        future = self._flying.pop((batch_size, seed), None)
        if future is None:
            return None
        try:
            return future.result()
        except BrokenProcessPool:
            self._executor, self._flying = None, {}  # a process was killed: go on without them
            return None

    def close(self) -> None:
        """End what is under way."""
        if self._executor is not None:
            self._executor.close()


_subject: list[Subject] = []
"""Of a worker process."""


def _begin(packed: bytes) -> None:
    """In a worker, once: unpack the subject and hold the linear algebra to one thread."""
    _subject.append(cloudpickle.loads(packed))
    fixed_threads(1).__enter__()


def _make(sweep: Sweep, seconds: float) -> Made:
    """In a worker: one sweep."""
    if seconds <= 0:
        raise DeadlineError
    return _subject[0].runs(sweep, deadline=time.perf_counter() + seconds)
