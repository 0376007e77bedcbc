"""The factor on the learning rate through a training: by steps or by epochs, our schedules or PyTorch's."""

import inspect
import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

from rightbatch.errors import SettingError
from rightbatch.learners.torch_model import TorchModel, said
from rightbatch.train.schedule import SCHEDULES, ByEpoch, ByStep, Schedule, schedule_named


class Pace(Protocol):
    """The factors of one training."""

    def of(self, epoch: int, watched: float | None) -> Schedule:
        """The factors of the steps in the epoch, counted from 1; called before it begins, and on resuming.

        Args:
            epoch: the one that begins.
            watched: validation loss at the end of the epoch before, or its loss; `None`: there was none.
        """
        ...


@dataclass(frozen=True, slots=True)
class OfSteps:
    """A schedule of steps; nothing is remembered."""

    schedule: Schedule

    def of(self, epoch: int, watched: float | None) -> Schedule:
        """The schedule."""
        del epoch, watched
        return self.schedule


@dataclass(frozen=True, slots=True)
class OfEpochs:
    """A factor for each epoch; nothing is remembered.

    Example:
        >>> OfEpochs(lambda done: 0.5**done).of(3, None)(1000)
        0.25
    """

    factor: Callable[[int], float]
    """From the epochs done to the factor."""

    def of(self, epoch: int, watched: float | None) -> Schedule:
        """The same factor for all steps of the epoch."""
        del watched
        factor = self.factor(epoch - 1)
        return lambda _: factor


@dataclass(frozen=True, slots=True, kw_only=True)
class Horizon:
    """How long a training is at most, as far as that is known."""

    steps: int | None
    steps_per_epoch: int
    epochs: int | None

    @property
    def whole_epochs(self) -> int | None:
        """Epochs, begun ones too."""
        if self.epochs is not None or self.steps is None:
            return self.epochs
        return math.ceil(self.steps / self.steps_per_epoch)


def is_torch(schedule: Any, model: Any) -> bool:
    """Whether this is a scheduler of PyTorch: its name, or a function whose first parameter is `optimizer`.

    Args:
        schedule: as `fit` takes it.
        model: what is trained; names of PyTorch are known where it is a module.

    Raises:
        SettingError: a function that makes a scheduler, for a model that is no module.
    """
    inner = schedule.schedule if isinstance(schedule, ByEpoch | ByStep) else schedule
    if isinstance(inner, str):
        return isinstance(model, TorchModel) and inner not in SCHEDULES
    found = _first_parameter(inner) == "optimizer"
    if found and not isinstance(model, TorchModel):
        instead = f"write one of {', '.join(SCHEDULES)}, or train a PyTorch module"
        raise SettingError("schedule", "of PyTorch needs a PyTorch module", said(inner), instead)
    return found


def pace_of(schedule: Any, horizon: Horizon) -> Pace:
    """The factors of one of our schedules.

    Args:
        schedule: a name, or a function from the steps done to a factor; in `ByEpoch` from the epochs.
        horizon: of the training, for names.

    Raises:
        SettingError: none of these, or a name that needs to know how long the training is.
    """
    if isinstance(schedule, ByStep):
        return OfSteps(schedule_named(schedule.schedule, horizon.steps))
    if isinstance(schedule, ByEpoch):
        return OfEpochs(schedule_named(schedule.schedule, horizon.whole_epochs))
    return OfSteps(schedule_named(schedule, horizon.steps))


def torch_pace(schedule: Any, model: TorchModel, state: Any, lr: float, horizon: Horizon) -> Pace:
    """The factors that a scheduler of PyTorch gives.

    What it remembers is in its `state_dict`, and comes back by `load_state_dict`.

    Args:
        schedule: its name, or a function that makes it; in `ByEpoch` or `ByStep` to say what it is told of.
        model: whose module is trained.
        state: of its learner, before the first step.
        lr: the learning rate.
        horizon: of the training, for names.

    Raises:
        SettingError: an unknown name, or a function that gives no scheduler.
    """
    by = {ByEpoch: "epoch", ByStep: "step"}.get(type(schedule))
    inner = schedule.schedule if by is not None else schedule
    names = {"epochs": horizon.whole_epochs, "steps": horizon.steps, "ours": SCHEDULES}
    pace: Pace = model.scheduled(inner, state, lr, by=by, **names)
    return pace


def _first_parameter(function: Any) -> str:
    try:
        return next(iter(inspect.signature(function).parameters), "")
    except (TypeError, ValueError):
        return ""
