"""One sitting of a study: its clock, its budget, what it tells of its progress, and why it ended."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field

from rightbatch.records import Progress
from rightbatch.study.subject import DeadlineError

ALL_DONE = "every planned run is done"
SURE = "the recommended batch size is within {percent} of the fastest with 95 % probability"
QUICK = "a quick answer was asked for"
OVER = "the budget of {budget} was spent before every planned run was done"
INTERRUPTED = "it was interrupted; the same command goes on from there"
"""Why a sitting ended."""


@dataclass(slots=True)
class Session:
    """The clock and the budget of a study, which earlier sessions may have used in part."""

    budget: float
    """Seconds after which no new run is started; infinite: none."""
    progress: Callable[[Progress], None]
    """Told of every piece of work done."""
    settled: int
    """Pieces of work after which their pace tells how long the rest takes."""
    before: float = 0.0
    """Seconds that earlier sessions spent."""
    started: float = field(default_factory=time.perf_counter)
    worked: bool = False
    """Whether this session had anything to do; to look a finished study up again costs it nothing."""
    done: int = 0
    """Pieces of work."""

    @property
    def spent(self) -> float:
        """Seconds, those of earlier sessions included."""
        return self.before + time.perf_counter() - self.started

    @property
    def deadline(self) -> float:
        """`time.perf_counter()` when the budget is spent."""
        return self.started + self.budget - self.before

    def check(self) -> None:
        """Raise `DeadlineError` once the budget is spent."""
        if time.perf_counter() > self.deadline:
            raise DeadlineError

    def tell(self, stage: str, detail: str, *, total: int, best: str = "", pieces: int = 1) -> None:
        """Tell of pieces of work done, of so many foreseen; or, if there are none, of what is being done."""
        self.done += pieces
        total, spent = max(total, self.done), self.spent
        left = spent / self.done * (total - self.done) if self.done > self.settled else None
        self.progress(Progress(stage, detail, self.done, total, best, spent, left))
