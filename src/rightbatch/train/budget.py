"""When a training has had enough: limits on epochs, steps, samples and seconds."""

import math
from dataclasses import dataclass

from rightbatch.checks import positive, whole_number
from rightbatch.records import StepEvent


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

    def spent(self, event: StepEvent, *, end_of_epoch: bool, seconds: float) -> str:
        """The limit that the step reached, in words such as ``"10 epochs"``; empty while there is none."""
        if self.steps is not None and event.step >= self.steps:
            return f"{self.steps:,} steps"
        if self.samples is not None and event.samples >= self.samples:
            return f"{self.samples:,} samples"
        if self.epochs is not None and end_of_epoch and event.batch.epoch + 1 >= self.epochs:
            return f"{self.epochs:,} epochs"
        if self.seconds is not None and seconds >= self.seconds:
            return f"{self.seconds:g} seconds"
        return ""

    def most_steps(self, steps_per_epoch: int, batch_size: int) -> int | None:
        """Steps after which the budget is spent whatever the clock says; `None`: no such number."""
        limits = [
            self.steps,
            None if self.epochs is None else self.epochs * steps_per_epoch,
            None if self.samples is None else math.ceil(self.samples / batch_size),
        ]
        return min((limit for limit in limits if limit is not None), default=None)
