"""Make what is wanted next in the background, and hand it out in order."""

from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

T = TypeVar("T")


def made_ahead(jobs: Iterator[Callable[[], T]], *, depth: int, threads: int) -> Iterator[T]:
    """The results of the jobs, in their order, of which some are made before they are asked for.

    When the caller stops listening, at the end, by an error or by closing the iterator, jobs that
    have not begun are dropped, those that have are waited for, and no thread is left.

    Args:
        jobs: calls without arguments; they must not depend on each other.
        depth: results to have ready, or on the way, at least 1.
        threads: how many make them.

    Raises:
        Exception: what a job raises comes up where its result would have.

    Example:
        >>> jobs = iter([lambda: "a", lambda: "b", lambda: "c"])
        >>> list(made_ahead(jobs, depth=2, threads=1))
        ['a', 'b', 'c']
    """
    pool = ThreadPoolExecutor(threads, thread_name_prefix="rightbatch-loader")
    waiting: deque[Future[T]] = deque()
    try:
        for job in jobs:
            waiting.append(pool.submit(job))
            if len(waiting) > depth:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
    finally:
        pool.shutdown(wait=True, cancel_futures=True)
