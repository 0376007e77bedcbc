"""Work that is begun before it is asked for; what a study decides does not depend on it.

A study is a sequence: what it runs next depends on the runs before. So other processes make the sweeps
that will probably be asked for, and one that was made ahead is taken when its turn comes. The runs, their order
and the answer are those of one process.
"""

import math
import time
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, BrokenExecutor, Future, wait
from typing import Any, TypeVar

from rightbatch.errors import ProcessError
from rightbatch.study.executor import Executor, Task
from rightbatch.study.subject import DeadlineError, Subject

T = TypeVar("T")

_GRACE = 2.0
"""Seconds: a task that begins before the deadline notices it at its next evaluation."""

_KILLED = (
    "A process that made runs was killed, and so was the one that made them again, alone: there may be too "
    "little memory for so large a model or batch; leave out the largest batch sizes, or use a larger machine."
)


class Ahead:
    """Tasks under way in other processes, until their turn comes.

    Args:
        executor: has the processes; `None`: every task is done here, when it is asked for.
    """

    def __init__(self, executor: Executor | None = None) -> None:
        self._executor = executor
        self._free = 0 if executor is None else executor.jobs
        self._begun = False
        self._tasks: dict[Task[Any], Future[Any]] = {}

    @property
    def beside(self) -> bool:
        """Whether several tasks may be under way at once, each disturbing the seconds of the others."""
        return self._executor is not None

    def ask(
        self, task: Task[T], subject: Subject, *, deadline: float, foreseen: Iterable[Task[Any]] = ()
    ) -> T:
        """The result of a task; processes that have nothing to do begin what is foreseen, in this order.

        Args:
            task: may have been foreseen before.
            subject: what it is about; the processes have copies.
            deadline: `time.perf_counter()` after which it is given up.
            foreseen: what will probably be asked for next; taken only as far as there are free processes.

        Raises:
            DeadlineError: the deadline passed.
            ProcessError: the process was killed, and again when it was alone.
        """
        if self._executor is None:
            return task(subject, deadline)
        later = iter(foreseen)
        if not self._begun:
            self._begin(later, task, deadline)
            return task(subject, deadline)
        try:
            return self._result(task, later, deadline)
        except BrokenExecutor:
            self._one_at_a_time()
        try:
            return self._result(task, iter(()), deadline)
        except BrokenExecutor as error:
            raise ProcessError(_KILLED) from error

    def each(self, tasks: Sequence[Task[T]], subject: Subject, *, deadline: float) -> Iterator[T]:
        """The results of tasks that are all asked for, in their order."""
        for number, task in enumerate(tasks, start=1):
            if time.perf_counter() > deadline:
                raise DeadlineError
            yield self.ask(task, subject, deadline=deadline, foreseen=tasks[number:])

    def settle(self, deadline: float) -> None:
        """Wait until nothing is under way, so that what comes next is alone."""
        busy = self._busy()
        wait(busy, timeout=_seconds(deadline))
        if self._busy():
            raise DeadlineError

    def rest(self) -> None:
        """End what is under way; what is done keeps."""
        if self._executor is not None and self._busy():
            self._executor.stop()
        self._tasks = {task: future for task, future in self._tasks.items() if _succeeded(future)}

    def close(self) -> None:
        """End all processes."""
        if self._executor is not None:
            self._executor.stop()

    def _begin(self, later: Iterator[Task[Any]], task: Task[Any], deadline: float) -> None:
        """Start the processes; the first task is done here meanwhile."""
        if self._executor is not None:
            self._executor.begin()
            self._begun = True
            self._fill(later, deadline, apart_from=task)

    def _result(self, task: Task[T], later: Iterator[Task[Any]], deadline: float) -> T:
        future: Future[T] = self._tasks.pop(task, None) or self._submit(task, deadline)
        while True:
            self._fill(later, deadline, future, apart_from=task)
            if not future.done() and not wait(
                {future, *self._busy()}, timeout=_seconds(deadline), return_when=FIRST_COMPLETED
            ).done:
                raise DeadlineError
            if future.done():
                return future.result()

    def _fill(
        self,
        later: Iterator[Task[Any]],
        deadline: float,
        *asked: "Future[Any]",
        apart_from: Task[Any],
    ) -> None:
        """Give free processes something to do."""
        while sum(not future.done() for future in (*asked, *self._tasks.values())) < self._free:
            task = next((task for task in later if task != apart_from and task not in self._tasks), None)
            if task is None:
                return
            self._tasks[task] = self._submit(task, deadline)

    def _submit(self, task: Task[Any], deadline: float) -> "Future[Any]":
        if self._executor is None:
            raise AssertionError("without other processes every task is done here")
        try:
            return self._executor.submit(task, deadline - time.perf_counter())
        except BrokenExecutor as error:
            broken: Future[Any] = Future()
            broken.set_exception(error)
            return broken

    def _busy(self) -> set["Future[Any]"]:
        return {future for future in self._tasks.values() if not future.done()}

    def _one_at_a_time(self) -> None:
        """After a process was killed, most likely for want of memory: no more than one from now on."""
        self._free = 1
        if self._executor is not None:
            self._executor.stop()
        self._tasks = {task: future for task, future in self._tasks.items() if _succeeded(future)}


def _succeeded(future: "Future[Any]") -> bool:
    return future.done() and not future.cancelled() and future.exception() is None


def _seconds(deadline: float) -> float | None:
    """To wait at most; `None`: without end."""
    left = deadline + _GRACE - time.perf_counter()
    return None if math.isinf(left) else max(left, 0.0)
