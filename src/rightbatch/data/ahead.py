"""Make what is wanted next in the background, and hand it out in order."""

from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from operator import call
from threading import Lock
from typing import Any, Generic, Self, TypeVar

T = TypeVar("T")


class Ahead:
    """Threads that do jobs before their results are asked for; none where nothing is to be ahead.

    Of several threads one is that which asks: as long as its result is not there, it does the jobs that come
    next: in the time that it takes to sleep and be woken, many rows are gathered.

    When the context is left, jobs that have not begun are dropped, those that have are waited for, and no
    thread is left.

    Args:
        depth: results to have ready, or on the way; 0: each is made when it is asked for.
        threads: how many make them; where it is one, that is in the background.

    Example:
        >>> with Ahead(depth=2, threads=1) as ahead:
        ...     list(ahead.made(iter([lambda: "a", lambda: "b", lambda: "c"])))
        ['a', 'b', 'c']
    """

    def __init__(self, *, depth: int, threads: int) -> None:
        self._depth, self._threads = depth, threads
        self._waiting: deque[_Job[Any]] = deque()
        self._pool: ThreadPoolExecutor | None = None  # made for the first job: most passes have none

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: Any) -> None:
        if self._pool is not None:
            self._pool.shutdown(wait=True, cancel_futures=True)

    def submit(self, job: Callable[..., T], *arguments: Any) -> Future[T]:
        """Have one job done in the background, besides those whose results come in order."""
        if self._pool is None:
            workers = max(1, self._threads - 1)
            self._pool = ThreadPoolExecutor(workers, thread_name_prefix="rightbatch-loader")
        return self._pool.submit(job, *arguments)

    def made(self, jobs: Iterator[Callable[[], T]]) -> Iterator[T]:
        """The results of the jobs, in their order; what is left of the jobs of a call before is dropped.

        Args:
            jobs: calls without arguments; they must not depend on each other.

        Raises:
            Exception: what a job raises comes up where its result would have.
        """
        while self._waiting:
            self._waiting.pop().claimed()
        return self._in_turn(jobs) if self._depth else map(call, jobs)

    def _in_turn(self, jobs: Iterator[Callable[[], T]]) -> Iterator[T]:
        waiting = self._waiting
        for job in map(_Job, jobs):
            self.submit(job)
            waiting.append(job)
            if len(waiting) > self._depth:
                yield self._first()
        while waiting:
            yield self._first()

    def _first(self) -> Any:
        """The result that is next in order; until it is there, this thread helps."""
        first = self._waiting.popleft()
        for job in (first, *self._waiting) if self._threads > 1 else ():
            if first.result.done():
                break
            job()
        return first.taken()


class _Job(Generic[T]):
    """A call that is made once, by whoever begins it first."""

    def __init__(self, work: Callable[[], T]) -> None:
        self.result: Future[T] = Future()
        self._work, self._begun = work, Lock()

    def claimed(self) -> bool:
        """Whether nobody had begun it; nobody will from now on."""
        return self._begun.acquire(blocking=False)

    def taken(self) -> Any:
        """The result, waited for, which is not held here any longer: a thread may come to this job late."""
        result = self.result.result()
        del self.result
        return result

    def __call__(self) -> None:
        if self.claimed():
            try:
                self.result.set_result(self._work())
            except BaseException as error:
                self.result.set_exception(error)
                if not isinstance(error, Exception):  # Ctrl-C is not kept for later
                    raise
