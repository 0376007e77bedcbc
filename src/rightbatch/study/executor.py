"""Where sweeps are made beside each other: what an executor is, and what its worker does."""

import time
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any, Protocol

import cloudpickle

from rightbatch.errors import SettingError
from rightbatch.measure.clock import Timing
from rightbatch.study.subject import DeadlineError, Run, Subject, Sweep

Made = tuple[list[Run], list[Timing]]
"""The runs of a sweep, and their timings."""


Work = Sweep | Callable[[Any], Any]
"""A sweep, or a function of the subject that can be sent to another process."""


class Executor(Protocol):
    """Makes sweeps, several at once."""

    jobs: int
    """How many at once."""
    lost: type[Exception]
    """What `submit` and its futures raise once a worker has died."""

    def begin(self) -> "list[Future[Any]]":
        """Get ready; nothing of that is still going on once all of these are done."""
        ...

    def submit(self, work: Work, seconds: float) -> "Future[Any]":
        """Begin a sweep that may take so many seconds, or any other work with the subject."""
        ...

    def close(self) -> None:
        """End what is under way."""
        ...


def packed(subject: Subject, jobs: int | None) -> bytes:
    """The subject as it is sent to another process.

    Raises:
        SettingError: it cannot be sent.
    """
    try:
        data: bytes = cloudpickle.dumps(subject)
    except Exception as error:
        problem = f"needs a model that can be sent to another process ({error})"
        raise SettingError("jobs", problem, jobs, "write jobs=1") from error
    return data


def made_by(subject: Subject, work: Work, seconds: float) -> Any:
    """In a worker: the runs of a sweep that may take so many seconds, or what other work returns.

    Raises:
        DeadlineError: it took longer.
    """
    if seconds <= 0:
        raise DeadlineError
    if isinstance(work, Sweep):
        return subject.runs(work, deadline=time.perf_counter() + seconds)
    return work(subject)
