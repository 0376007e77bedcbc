"""Sweeps made beside each other; what a study decides does not depend on it.

A study is a sequence: what it runs next depends on the runs before. So while one sweep is waited for,
others that will probably be asked for are made too, and each is taken when its turn comes, if it is asked
for exactly so. The runs, their order and the answer are those of one process.

A sweep is never cut in two: replicas trained in another stack differ in the last bits of a float32, and
after many steps in more, so that the runs would depend on the number of jobs.
"""

import importlib
import math
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ALL_COMPLETED, FIRST_COMPLETED, Future, wait
from itertools import chain, islice
from typing import Any, TypeVar

from rightbatch.checks import one_of, whole_number
from rightbatch.errors import MissingExtraError
from rightbatch.records import Outcome
from rightbatch.study.executor import Executor, Made
from rightbatch.study.processes import Workers
from rightbatch.study.subject import DeadlineError, Run, Subject, Sweep

T = TypeVar("T")

EXECUTORS = ("processes", "ray")

_GRACE = 2.0
"""Seconds after the deadline in which a sweep that ends by itself is still taken."""


class Ahead:
    """Makes the sweeps of a study, here or by an executor, which is given others to make meanwhile.

    Args:
        executor: what makes the sweeps, all of them while it lives: this process only waits, so that no
            more compute at once than was asked for; `None`: all are made here.
    """

    def __init__(self, executor: Executor | None) -> None:
        self._executor = executor
        self._expected: Iterator[Sweep] = iter(())
        self._taken: set[Sweep] = set()
        self._under_way: dict[Sweep, Future[Made]] = {}
        self._beginning: list[Future[Any]] = []

    @property
    def room(self) -> int:
        """How many seeds are worth expecting: many are done while a long sweep is waited for."""
        return 0 if self._executor is None else 12 * self._executor.jobs

    def begin(self) -> None:
        """Get the executor ready meanwhile; once settled, this machine is at rest until the first sweep."""
        if self._executor is not None:
            self._beginning = self._executor.begin()

    def expect(self, sweeps: Iterable[Sweep], *, first: bool = False) -> None:
        """What will probably be asked for, in its order.

        Args:
            sweeps: looked at one by one, when there is room for another.
            first: whether what was expected before comes after them; else they replace it.
        """
        self._expected = chain(sweeps, self._expected) if first else iter(sweeps)
        self._taken = set()

    def make(self, subject: Subject, sweep: Sweep, *, deadline: float, alone: bool = False) -> Made:
        """Make a sweep, or take it if it was made ahead.

        Args:
            subject: what is trained, the same as the executor's.
            sweep: how.
            deadline: `time.perf_counter()` after which it is abandoned.
            alone: whether it is made here while nothing else is made, so that its timings count; others
                have none.

        Raises:
            DeadlineError: the deadline passed.
        """
        if alone:
            self.settle(deadline=deadline)
        if self._executor is None or alone:
            return subject.runs(sweep, deadline=deadline)
        try:
            runs = self._made(self._executor, sweep, deadline)
        except self._executor.lost:  # go on without
            self.close()
            self._executor, self._under_way = None, {}
            return subject.runs(sweep, deadline=deadline)
        if any(run.outcome is Outcome.OUT_OF_MEMORY for run in runs):
            return self.make(subject, sweep, deadline=deadline, alone=True)  # the others took memory, too
        return runs, []

    def each(self, subject: Subject, works: Iterable[Callable[[Any], T]], *, deadline: float) -> Iterator[T]:
        """What each piece of work returns, in their order, several made at once.

        Args:
            subject: what each is called with.
            works: functions that can be sent to another process.
            deadline: `time.perf_counter()` after which no more are begun.

        Raises:
            DeadlineError: the deadline passed.
        """
        flying: deque[tuple[Callable[[Any], T], Future[T] | None]] = deque()
        for work in works:
            if time.perf_counter() > deadline:
                raise DeadlineError
            flying.append((work, self._begun(work, deadline)))
            if self._executor is None or len(flying) > self._executor.jobs:
                yield self._ended(subject, *flying.popleft())
        while flying:
            yield self._ended(subject, *flying.popleft())

    def settle(self, *, deadline: float) -> None:
        """Wait until nothing is under way, so that timings are clean; what was made is kept.

        Raises:
            DeadlineError: the deadline passed.
        """
        while busy := [*self._busy(), *(part for part in self._beginning if not part.done())]:
            _wait(busy, deadline, ALL_COMPLETED)

    def close(self) -> None:
        """End what is under way."""
        if self._executor is not None:
            self._executor.close()

    def _begun(self, work: Callable[[Any], T], deadline: float) -> "Future[T] | None":
        return None if self._executor is None else self._executor.submit(work, deadline - time.perf_counter())

    def _ended(self, subject: Subject, work: Callable[[Any], T], future: "Future[T] | None") -> T:
        if self._executor is None or future is None:
            return work(subject)
        try:
            return future.result()
        except self._executor.lost:  # go on without
            self.close()
            self._executor, self._under_way = None, {}
            return work(subject)

    def _made(self, executor: Executor, sweep: Sweep, deadline: float) -> list[Run]:
        """The runs of the sweep; until they are there the executor is never without work."""
        self._submit(executor, sweep, deadline)
        while True:
            new = (other for other in self._expected if other not in self._taken | self._under_way.keys())
            for other in islice(new, max(executor.jobs - len(self._busy()), 0)):
                self._submit(executor, other, deadline)
            if self._under_way[sweep].done():
                self._taken.add(sweep)
                return self._under_way.pop(sweep).result()[0]
            _wait(self._busy(), deadline, FIRST_COMPLETED)

    def _submit(self, executor: Executor, sweep: Sweep, deadline: float) -> None:
        if sweep not in self._under_way:
            self._under_way[sweep] = executor.submit(sweep, deadline - time.perf_counter())

    def _busy(self) -> list["Future[Made]"]:
        return [future for future in self._under_way.values() if not future.done()]


def _wait(futures: Sequence["Future[Made]"], deadline: float, until: str) -> None:
    left = deadline + _GRACE - time.perf_counter()
    if not wait(futures, None if left == math.inf else max(left, 0), until).done:
        raise DeadlineError


def ahead_of(subject: Subject, *, executor: str, jobs: int | None, threads: int) -> Ahead:
    """What makes the sweeps of a study.

    Args:
        subject: what is trained.
        executor: ``"processes"`` or ``"ray"``.
        jobs: how many sweeps at once; `None`: one, or as many as the Ray cluster has CPUs.
        threads: of the linear algebra library.

    Raises:
        SettingError: a setting cannot be used, the subject cannot be sent, or there is no Ray cluster.
        MissingExtraError: Ray is not installed.
    """
    check(executor, jobs)
    if executor == "ray":
        return Ahead(_ray(subject, jobs, threads))
    return Ahead(Workers(subject, jobs, threads) if jobs is not None and jobs > 1 else None)


def check(executor: str, jobs: int | None) -> None:
    """Whether these are settings that can be used.

    Raises:
        SettingError: one cannot.
    """
    one_of("executor", executor, EXECUTORS)
    if jobs is not None:
        whole_number("jobs", jobs, at_least=1, instead="write a number such as 2")


def _ray(subject: Subject, jobs: int | None, threads: int) -> Executor:
    try:
        adapter = importlib.import_module("rightbatch.study.ray")
    except ModuleNotFoundError as error:
        if error.name is None or error.name.partition(".")[0] != "ray":
            raise
        raise MissingExtraError("Ray", "ray") from error
    found: Executor = adapter.RayTasks(subject, jobs, threads)
    return found
