"""Make what is wanted next in the background, and hand it out in order."""

from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from operator import call
from typing import Any, Self, TypeVar

T = TypeVar("T")


class Ahead:
    """Threads that do jobs before their results are asked for; none where nothing is to be ahead.

    When the context is left, jobs that have not begun are dropped, those that have are waited for, and no
    thread is left.

    Args:
        depth: results to have ready, or on the way; 0: each is made when it is asked for.
        threads: how many make them.

    Example:
        >>> with Ahead(depth=2, threads=1) as ahead:
        ...     list(ahead.made(iter([lambda: "a", lambda: "b", lambda: "c"])))
        ['a', 'b', 'c']
    """

    def __init__(self, *, depth: int, threads: int) -> None:
        self._depth, self._threads = depth, threads
        self._waiting: deque[Future[Any]] = deque()
        self._pool: ThreadPoolExecutor | None = None  # made for the first job: most passes have none

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: Any) -> None:
        if self._pool is not None:
            self._pool.shutdown(wait=True, cancel_futures=True)

    def submit(self, job: Callable[..., T], *arguments: Any) -> Future[T]:
        """Have one job done, besides those whose results come in order."""
        if self._pool is None:
            self._pool = ThreadPoolExecutor(self._threads, thread_name_prefix="rightbatch-loader")
        return self._pool.submit(job, *arguments)

    def made(self, jobs: Iterator[Callable[[], T]]) -> Iterator[T]:
        """The results of the jobs, in their order; what is left of the jobs of a call before is dropped.

        Args:
            jobs: calls without arguments; they must not depend on each other.

        Raises:
            Exception: what a job raises comes up where its result would have.
        """
        while self._waiting:
            self._waiting.pop().cancel()
        return self._in_turn(jobs) if self._depth else map(call, jobs)

    def _in_turn(self, jobs: Iterator[Callable[[], T]]) -> Iterator[T]:
        waiting = self._waiting
        for job in jobs:
            waiting.append(self.submit(job))
            if len(waiting) > self._depth:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
