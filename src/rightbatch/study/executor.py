"""What other processes are asked to do: tasks on a study's subject, each with its result to come."""

from collections.abc import Callable, Hashable
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar

from rightbatch.measure.clock import Timing
from rightbatch.study.noise import RunNoise, noise_along
from rightbatch.study.subject import Run, Subject, Sweep

T = TypeVar("T", covariant=True)


class Task(Hashable, Protocol[T]):
    """Some work on a subject, as a value: equal tasks have equal results."""

    def __call__(self, subject: Any, deadline: float) -> T:
        """Do it; `DeadlineError` once `time.perf_counter()` is past the deadline."""
        ...


class Executor(Protocol):
    """Processes that have a copy of the subject; in study/processes.py and study/ray.py."""

    jobs: int
    """How many there are."""

    def begin(self) -> None:
        """Start all processes, without waiting for them."""
        ...

    def submit(self, task: Task[Any], seconds: float) -> "Future[Any]":
        """Begin a task that may take so many seconds.

        The result is a `BrokenExecutor` where a process ended before it was done.
        """
        ...

    def stop(self) -> None:
        """End what is under way, with its processes; the next task starts others."""
        ...


@dataclass(frozen=True, slots=True)
class RunsOf:
    """The runs of a sweep, with their timings."""

    sweep: Sweep

    def __call__(self, subject: Subject, deadline: float) -> tuple[list[Run], list[Timing]]:
        """Train."""
        return subject.runs(self.sweep, deadline=deadline)


@dataclass(frozen=True, slots=True)
class NoiseAlong:
    """The noise scale along a run."""

    run: Run

    def __call__(self, subject: Subject, deadline: float) -> RunNoise | None:
        """Train again, and measure."""
        del deadline
        return noise_along(subject, self.run)
