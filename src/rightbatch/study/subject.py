"""What a study is about: whatever can be trained at a batch size and a learning rate from a seed."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

from rightbatch.measure.clock import Timing
from rightbatch.records import Outcome
from rightbatch.study.grid import lr_at
from rightbatch.train.target import Target

HOPELESS = 2.0
"""Most learning rates that are so much slower than another are not needed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """One (batch size, learning rate, seed), trained."""

    batch_size: int
    point: int
    """The learning rate's point of the grid."""
    seed: int
    outcome: Outcome
    reason: str
    """Why it ended, in words."""
    steps_to_target: float | None
    curve_steps: tuple[int, ...]
    curve: tuple[float, ...]
    """The metric at each of `curve_steps`."""

    @property
    def lr(self) -> float:
        """The learning rate."""
        return lr_at(self.point)

    @property
    def steps(self) -> int:
        """Steps made."""
        return self.curve_steps[-1]


class DeadlineError(Exception):
    """The time for runs was up before the sweep was done; its runs are in flight and lost."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sweep:
    """One piece of work: several learning rates at one batch size, from one seed or several."""

    target: Target
    batch_size: int
    seeds: tuple[int, ...]
    """Of the starting weights and the order, the same for all learning rates."""
    points: tuple[int, ...]
    """The learning rates, as points of the grid, the same from every seed."""
    most_steps: int
    """Steps after which a run is out of steps."""
    stop_when_reached: bool = True
    """Whether a run ends when it reaches the target, and the others soon after; a pilot, which has no
    target yet, goes on to `most_steps`."""
    hopeless: float = HOPELESS
    """A learning rate is given up after this many times the steps of the first to arrive from its seed."""
    unseen: int = 0
    """Steps without an evaluation at the beginning, where no run is expected to arrive; if one does all
    the same, the sweep is made again with every evaluation. A caller's own training reports when it likes."""
    seldom: int = 0
    """Steps at the beginning that are evaluated only as their number doubles, likewise: for the curve."""


class Subject(Protocol):
    """A subject of study; `Problem` is a learner with its data, `Function` a caller's own training."""

    @property
    def samples(self) -> int:
        """Rows of the training data; an epoch sees each once."""
        ...

    @property
    def timed_apart(self) -> bool:
        """Whether `time_steps` tells the seconds of a step; otherwise the runs do."""
        ...

    @property
    def stacks(self) -> bool:
        """Whether several seeds train side by side, in less time than one after the other."""
        ...

    def read_target(self, text: str) -> Target:
        """The target in the user's words, if the subject has such a metric."""
        ...

    def untrained(self, target: Target, seed: int) -> float | None:
        """The target's metric before any step; `None`: cannot be told."""
        ...

    def baseline(self, target: Target) -> float | None:
        """The target's metric of a guess that is the same for every row; `None`: cannot be told."""
        ...

    def peak_bytes(self, batch_size: int) -> int | None:
        """Most bytes that training at the batch size takes beyond the data; `None`: cannot be told."""
        ...

    def try_out(self, batch_size: int, limit: float) -> str:
        """Why training at the size does not fit in so many bytes; empty: it fits, or cannot be told.

        A failure does no harm to this process.
        """
        ...

    def time_steps(
        self, batch_sizes: Sequence[int], *, rounds: int, first_round: int
    ) -> Iterator[list[Timing]]:
        """Seconds per step, a list a round with every batch size in turn."""
        ...

    def runs(self, sweep: Sweep, *, deadline: float) -> tuple[list[Run], list[Timing]]:
        """Train with each of the learning rates until it reaches the target or is given up.

        Args:
            sweep: what to train.
            deadline: `time.perf_counter()` after which the sweep is abandoned.

        Returns:
            One run a learning rate and seed, seed after seed, in their order; and timings, where the runs
            tell the seconds.

        Raises:
            DeadlineError: the deadline passed.
        """
        ...
