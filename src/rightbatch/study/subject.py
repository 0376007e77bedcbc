"""What a study is about: whatever can be trained at a batch size and a learning rate from a seed."""

from collections.abc import Iterator, Sequence
from typing import Protocol

from rightbatch.measure.clock import Timing
from rightbatch.study.sweep import Run
from rightbatch.train.target import Target


class Subject(Protocol):
    """A subject of study; `Problem` is a learner with its data, `Function` a caller's own training."""

    @property
    def samples(self) -> int:
        """Rows of the training data; an epoch sees each once."""
        ...

    def peak_bytes(self, batch_size: int) -> int | None:
        """Most bytes that training at the batch size takes beyond the data; `None`: cannot be told."""
        ...

    def time_steps(
        self, batch_sizes: Sequence[int], *, rounds: int, first_round: int
    ) -> Iterator[list[Timing]]:
        """Seconds per step, a list a round with every batch size in turn."""
        ...

    def untrained(self, target: Target, seed: int) -> float:
        """The target's metric before any step."""
        ...

    def sweep(
        self,
        target: Target,
        *,
        batch_size: int,
        seed: int,
        points: Sequence[int],
        most_steps: int,
        deadline: float,
        stop_when_reached: bool = True,
    ) -> list[Run]:
        """Train with each of the learning rates until it reaches the target or is given up."""
        ...
