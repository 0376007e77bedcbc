"""Learning-rate schedules: the factor of each step on the learning rate.

A schedule is a function of the steps done before this one; what lasts is counted in steps.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeAlias

from rightbatch.checks import not_negative, one_of, positive, whole_number
from rightbatch.errors import SettingError

Schedule: TypeAlias = Callable[[int], float]


@dataclass(frozen=True, slots=True)
class Constant:
    """Factor 1 at every step."""

    def __call__(self, step: int) -> float:
        """The factor, 1."""
        del step
        return 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class StepDecay:
    """Factor `decay` ** floor(step / every).

    Args:
        every: steps between two decays.
        decay: factor of each.

    Example:
        >>> [StepDecay(every=2, decay=0.5)(step) for step in range(5)]
        [1.0, 1.0, 0.5, 0.5, 0.25]
    """

    every: int
    decay: float = 0.1

    def __post_init__(self) -> None:
        whole_number("every", self.every, at_least=1, instead="write a number of steps such as 1000")
        positive("decay", self.decay)

    def __call__(self, step: int) -> float:
        """The factor of the step."""
        return self.decay ** (step // self.every)


@dataclass(frozen=True, slots=True, kw_only=True)
class Exponential:
    """Factor `decay` ** (step / every): smooth, and equal to `StepDecay` at its decays.

    Args:
        every: steps that one factor of `decay` takes.
        decay: the factor.

    Example:
        >>> [round(Exponential(every=2, decay=0.25)(step), 3) for step in range(5)]
        [1.0, 0.5, 0.25, 0.125, 0.062]
    """

    every: int
    decay: float = 0.1

    def __post_init__(self) -> None:
        whole_number("every", self.every, at_least=1, instead="write a number of steps such as 1000")
        positive("decay", self.decay)

    def __call__(self, step: int) -> float:
        """The factor of the step."""
        return self.decay ** (step / self.every)


@dataclass(frozen=True, slots=True, kw_only=True)
class Cosine:
    """Half a cosine from 1 to `floor` over `steps` steps, and `floor` after them.

    Factor floor + (1 - floor) · ½ (1 + cos(π · step / steps)).

    Args:
        steps: steps of the whole training.
        floor: the factor at the end.

    Source: Loshchilov & Hutter 2017 (SGDR), equation 5, without restarts.

    Example:
        >>> cosine = Cosine(steps=4)
        >>> [round(cosine(step), 3) for step in range(6)]
        [1.0, 0.854, 0.5, 0.146, 0.0, 0.0]
    """

    steps: int
    floor: float = 0.0

    def __post_init__(self) -> None:
        whole_number("steps", self.steps, at_least=1, instead="write the steps of the training, such as 1000")
        not_negative("floor", self.floor)

    def __call__(self, step: int) -> float:
        """The factor of the step."""
        done = min(step / self.steps, 1.0)
        return self.floor + (1 - self.floor) * 0.5 * (1 + math.cos(math.pi * done))


@dataclass(frozen=True, slots=True, kw_only=True)
class InverseTime:
    """Factor 1 / (1 + step / half): one half after `half` steps.

    Args:
        half: steps after which the factor is one half.

    Example:
        >>> [round(InverseTime(half=2)(step), 3) for step in range(5)]
        [1.0, 0.667, 0.5, 0.4, 0.333]

    Source: Robbins & Monro 1951: a rate of this kind averages the noise of the steps away.
    """

    half: int

    def __post_init__(self) -> None:
        whole_number("half", self.half, at_least=1, instead="write a number of steps such as 1000")

    def __call__(self, step: int) -> float:
        """The factor of the step."""
        return 1 / (1 + step / self.half)


@dataclass(frozen=True, slots=True, kw_only=True)
class WarmUp:
    """From 1 / steps up to 1 in equal stages over `steps` steps, then another schedule.

    Args:
        steps: steps of warming up.
        then: the schedule after them, counted from its own step 0.

    Example:
        >>> [WarmUp(steps=4)(step) for step in range(5)]
        [0.25, 0.5, 0.75, 1.0, 1.0]
    """

    steps: int
    then: Schedule = Constant()

    def __post_init__(self) -> None:
        whole_number("steps", self.steps, at_least=1, instead="write a number of steps such as 100")
        _check_function("then", self.then, "write one such as Cosine(steps=1000)")

    def __call__(self, step: int) -> float:
        """The factor of the step."""
        return (step + 1) / self.steps if step < self.steps else self.then(step - self.steps)


@dataclass(frozen=True, slots=True)
class ByEpoch:
    """A schedule that counts epochs where others count steps: its factor stays through an epoch.

    Args:
        schedule: a name of `SCHEDULES`, a function from the epochs done to a factor, or a function of
            ``optimizer`` that makes a scheduler of `torch.optim.lr_scheduler`.

    Example:
        >>> halved = ByEpoch(StepDecay(every=10, decay=0.5))
    """

    schedule: Any


@dataclass(frozen=True, slots=True)
class ByStep:
    """A scheduler of `torch.optim.lr_scheduler` that is told of every step and not of every epoch.

    Args:
        schedule: a function of ``optimizer`` that makes the scheduler, or its name there.

    Example:
        >>> by_step = ByStep("CosineAnnealingLR")
    """

    schedule: Any


SCHEDULES = ("constant", "step", "exponential", "cosine", "inverse-time", "warm-up")


def schedule_named(schedule: str | Schedule, total_steps: int | None) -> Schedule:
    """The schedule, given itself or its name; names are fitted to a training of `total_steps` steps.

    Args:
        schedule: one of `SCHEDULES`, or a function from the steps done to a factor. ``step`` and
            ``exponential`` fall to a tenth each third of the training, ``inverse-time`` halves
            after a tenth of it, ``warm-up`` climbs for a twentieth of it and then follows a cosine.
        total_steps: steps of the whole training; none: not known, and ``constant`` is the only name.

    Raises:
        SettingError: no such name, no function, or a name that needs to know the steps.

    Example:
        >>> schedule_named("step", 300)
        StepDecay(every=100, decay=0.1)
    """
    if not isinstance(schedule, str):
        return _tried(
            _check_function("schedule", schedule, "write one such as Cosine(steps=1000), or a name")
        )
    name = one_of("schedule", schedule, SCHEDULES)
    if name == "constant":
        return Constant()
    if total_steps is None:
        raise SettingError(
            "schedule", "needs a limit on epochs, steps or samples", name, "give one, or write 'constant'"
        )
    return _fitted(name, max(total_steps, 1))


def _fitted(name: str, total: int) -> Schedule:
    third, warm = max(total // 3, 1), max(total // 20, 1)
    by_name: dict[str, Schedule] = {
        "step": StepDecay(every=third),
        "exponential": Exponential(every=third),
        "cosine": Cosine(steps=total),
        "inverse-time": InverseTime(half=max(total // 10, 1)),
        "warm-up": WarmUp(steps=warm, then=Cosine(steps=max(total - warm, 1))),
    }
    return by_name[name]


def _tried(schedule: Schedule) -> Schedule:
    """The function, if it takes a number of steps; one that makes a scheduler of PyTorch asks for more."""
    try:
        float(schedule(0))
    except Exception as error:
        said = f"must give a factor for the steps done ({type(error).__name__}: {error})"
        name = getattr(schedule, "__name__", repr(schedule))
        instead = "write such a function; one that makes a scheduler of PyTorch names its parameter optimizer"
        raise SettingError("schedule", said, name, instead) from error
    return schedule


def _check_function(name: str, schedule: Schedule, instead: str) -> Schedule:
    if not callable(schedule) or isinstance(schedule, type):
        raise SettingError(name, "must be a function of the step", schedule, instead)
    return schedule
