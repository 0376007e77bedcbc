"""When a training has had enough: limits on epochs, steps, samples and seconds."""

import math
from dataclasses import dataclass
from typing import Protocol

from rightbatch.checks import positive, whole_number


class Counts(Protocol):
    """What was done: a `StepEvent`, say."""

    @property
    def step(self) -> int:
        """Updates."""

    @property
    def samples(self) -> int:
        """Samples seen."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Budget:
    """Limits of one training; `None` is no limit.

    Args:
        epochs: passes over the data.
        steps: updates.
        samples: samples seen.
        seconds: seconds spent.

    Raises:
        SettingError: a limit is not a number above zero.

    Example:
        >>> Budget(epochs=10, seconds=60)
        Budget(epochs=10, steps=None, samples=None, seconds=60)
    """

    epochs: int | None = None
    steps: int | None = None
    samples: int | None = None
    seconds: float | None = None

    def __post_init__(self) -> None:
        for name in ("epochs", "steps", "samples"):
            value = getattr(self, name)
            if value is not None:
                whole_number(name, value, at_least=1, instead=f"write a number of {name} such as 100")
        if self.seconds is not None:
            positive("seconds", self.seconds, instead="write a number of seconds such as 60")

    def spent(self, event: Counts, *, epochs: int, seconds: float) -> str:
        """The limit that the step reached, in words such as ``"10 epochs"``; empty while there is none.

        Args:
            event: the step, or what else has been done so far.
            epochs: epochs completed with it.
            seconds: seconds spent with it.
        """
        if self.steps is not None and event.step >= self.steps:
            return counted(self.steps, "step")
        if self.samples is not None and event.samples >= self.samples:
            return counted(self.samples, "sample")
        if self.epochs is not None and epochs >= self.epochs:
            return counted(self.epochs, "epoch")
        if self.seconds is not None and seconds >= self.seconds:
            return counted(self.seconds, "second")
        return ""

    def most_steps(self, steps_per_epoch: int, batch_size: int, samples_per_epoch: int) -> int | None:
        """Steps after which the budget is spent whatever the clock says; `None`: no such number.

        Example:
            >>> Budget(samples=20, seconds=60).most_steps(2, batch_size=8, samples_per_epoch=10)
            4
        """
        limits = [self.steps]
        if self.epochs is not None:
            limits.append(self.epochs * steps_per_epoch)
        if self.samples is not None:
            # The last batch of an epoch may be small, so that samples alone do not tell the steps.
            epochs, rest = divmod(self.samples, samples_per_epoch)
            limits.append(epochs * steps_per_epoch + math.ceil(rest / batch_size))
        return min((limit for limit in limits if limit is not None), default=None)


def counted(number: float, noun: str) -> str:
    """A number and its noun, in the plural where there is not just one.

    Example:
        >>> counted(1, "epoch"), counted(1000, "step"), counted(0.5, "second")
        ('1 epoch', '1,000 steps', '0.5 seconds')
    """
    return f"{number:,} {noun}{'' if number == 1 else 's'}"
