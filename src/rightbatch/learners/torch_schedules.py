"""Schedulers of `torch.optim.lr_scheduler`: they set what they set in an optimizer, and here it is read.

A scheduler works on an optimizer that has the groups of the true one and no parameters. So it may set
anything in them, momentum too, and what it remembers is apart from the weights.
"""

import inspect
from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch.optim.lr_scheduler import CyclicLR, LRScheduler, OneCycleLR, ReduceLROnPlateau

from rightbatch.checks import one_of
from rightbatch.errors import SettingError
from rightbatch.learners.torch import TorchState
from rightbatch.learners.torch_replica import Replica

Make = Callable[[torch.optim.Optimizer], Any]
"""From an optimizer to its scheduler."""

_BY_STEP = (OneCycleLR, CyclicLR)
"""Those that PyTorch's documentation tells of every batch; all others of every epoch."""

_OWN = {"params", "lr", "initial_lr"}
"""What is not copied from group to group: the learning rate goes by way of the step."""


class TorchSchedule:
    """A scheduler at work.

    What it remembers is `state_dict()`: numbers, strings and lists, as the scheduler's own.

    Args:
        make: from an optimizer to its scheduler.
        state: of one replica, whose optimizer is one of `torch.optim`.
        lr: learning rate of its first group before the scheduler.
        by: ``"step"`` or ``"epoch"``: what the scheduler is told of; none: as PyTorch documents it.

    Raises:
        SettingError: the function gives no scheduler, or fails.
    """

    def __init__(self, make: Make, state: TorchState, lr: float, by: str | None = None) -> None:
        self._replica, self._lr = _replica_of(state), lr
        self._groups = _Groups(self._replica, lr)
        self._scheduler = _made(make, self._groups)
        self.by_step = isinstance(self._scheduler, _BY_STEP) if by is None else by == "step"
        if self.by_step and isinstance(self._scheduler, ReduceLROnPlateau):
            problem = "must be told of epochs, as it waits for the validation loss"
            raise SettingError("schedule", problem, "ByStep", "leave ByStep out")
        self._steps, self._epochs = 0, 0
        self._show()

    def of(self, epoch: int, watched: float | None) -> "TorchSchedule":
        """The factors of the steps in the epoch, counted from 1; called before it begins, and on resuming.

        Args:
            epoch: the one that begins.
            watched: validation loss at the end of the epoch before, or its loss; `None`: there was none.
        """
        if epoch - 1 > self._epochs:
            self._epochs = epoch - 1
            if not self.by_step:
                self._advance(watched)
        return self

    def __call__(self, step: int) -> float:
        """The factor on the learning rate after so many steps."""
        if step > self._steps:
            self._steps = step
            if self.by_step:
                self._advance(None)
        return float(self._groups.param_groups[0]["lr"]) / self._lr

    def state_dict(self) -> dict[str, Any]:
        """What it remembers."""
        groups = [_without(group, {"params"}) for group in self._groups.param_groups]
        own = self._scheduler.state_dict()
        return {"scheduler": own, "groups": groups, "steps": self._steps, "epochs": self._epochs}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on from there."""
        self._scheduler.load_state_dict(state["scheduler"])
        for group, values in zip(self._groups.param_groups, state["groups"], strict=True):
            group.update(values)
        self._steps, self._epochs = state["steps"], state["epochs"]
        self._show()

    def _advance(self, watched: float | None) -> None:
        self._groups.step()  # a scheduler warns where it is told of a step before its optimizer was
        try:
            if isinstance(self._scheduler, ReduceLROnPlateau):
                self._scheduler.step(float("inf") if watched is None else watched)
            else:
                self._scheduler.step()
        except ValueError as error:  # such as OneCycleLR after its last step
            raise _refused(self._scheduler, error) from error
        self._show()

    def _show(self) -> None:
        """Set what the scheduler has set: momentum and the like, and how the groups' rates relate."""
        optimizer = self._replica.optimizer
        if optimizer is None:
            return
        rates = [float(group["lr"]) for group in self._groups.param_groups]
        self._replica.shares = [rate / rates[0] if rates[0] else 1.0 for rate in rates]
        for group, values in zip(optimizer.param_groups, self._groups.param_groups, strict=True):
            group.update(_without(values, _OWN))


def begun(
    schedule: Any,
    state: TorchState,
    lr: float,
    *,
    by: str | None,
    epochs: int | None,
    steps: int | None,
    ours: tuple[str, ...],
) -> TorchSchedule:
    """A scheduler at work, from its name or a function that makes it; see `scheduler_named`."""
    if isinstance(schedule, str):
        schedule = scheduler_named(schedule, ours, lr=lr, epochs=epochs, steps=steps, by=by)
    return TorchSchedule(schedule, state, lr, by)


def schedulers() -> dict[str, type[LRScheduler]]:
    """The schedulers of `torch.optim.lr_scheduler` by name.

    Example:
        >>> "CosineAnnealingLR" in schedulers()
        True
    """
    found = {name: getattr(torch.optim.lr_scheduler, name) for name in dir(torch.optim.lr_scheduler)}
    kinds = {name: kind for name, kind in found.items() if isinstance(kind, type) and name[0] != "_"}
    return {
        name: kind
        for name, kind in kinds.items()
        if issubclass(kind, LRScheduler)
        and kind is not LRScheduler
        and name.endswith(("LR", "Plateau", "Restarts"))
    }


def scheduler_named(
    name: str, ours: tuple[str, ...], *, lr: float, epochs: int | None, steps: int | None, by: str | None
) -> Make:
    """A function that makes the scheduler of this name, given what it asks for of the training.

    Those that ask for anything but ``T_max``, ``total_steps`` and ``max_lr`` must be made by the caller.

    Args:
        name: such as ``"CosineAnnealingLR"``.
        ours: names that are no schedulers of PyTorch, for the error.
        lr: the learning rate.
        epochs: of the training at most.
        steps: of the training at most.
        by: what the scheduler is told of; none: as PyTorch documents it.

    Raises:
        SettingError: an unknown name; the choices are listed, the nearest first; or one that asks for more.
    """
    theirs = schedulers()
    kind = theirs[one_of("schedule", name, (*ours, *theirs))]
    by_step = issubclass(kind, _BY_STEP) if by is None else by == "step"
    known = {"T_max": steps if by_step else epochs, "total_steps": steps, "max_lr": lr}
    asked: dict[str, Any] = {}
    for parameter in list(inspect.signature(kind).parameters.values())[1:]:
        value = known.get(parameter.name)
        if value is not None:
            asked[parameter.name] = value
        elif parameter.default is parameter.empty:
            limit = " and a limit on epochs or steps" if parameter.name in known else ""
            instead = f"write lambda optimizer: {name}(optimizer, {parameter.name}=...)"
            raise SettingError("schedule", f"needs {parameter.name}{limit}", name, instead)
    return lambda optimizer: kind(optimizer, **asked)


class _Groups(torch.optim.Optimizer):
    """The groups of a replica's optimizer, with a number for parameters."""

    def __init__(self, replica: Replica, lr: float) -> None:
        optimizer = replica.optimizer
        groups = [] if optimizer is None else optimizer.param_groups
        defaults = {} if optimizer is None else optimizer.defaults
        own = [
            {**_without(group, _OWN), "params": [torch.zeros(1)], "lr": lr * share}
            for group, share in zip(groups, replica.shares, strict=True)
        ]
        super().__init__(own, {**defaults, "lr": lr})

    def step(self, closure: Any = None) -> None:  # type: ignore[override]
        """Nothing moves."""


def _replica_of(state: TorchState) -> Replica:
    if isinstance(state.body, list) and len(state.body) == 1 and state.body[0].optimizer is not None:
        return state.body[0]
    raise AssertionError("a scheduler needs one replica with an optimizer of torch.optim")


def _made(make: Make, groups: _Groups) -> Any:
    try:
        scheduler = make(groups)
    except Exception as error:  # a function of the user's may raise anything
        raise _refused(make, error) from error
    if not isinstance(scheduler, LRScheduler):
        instead = "write a function from an optimizer to a scheduler of torch.optim.lr_scheduler"
        raise SettingError("schedule", "must give a scheduler of PyTorch", type(scheduler).__name__, instead)
    return scheduler


def _refused(what: Any, error: Exception) -> SettingError:
    named = getattr(what, "__name__", type(what).__name__)
    return SettingError("schedule", f"{named} cannot be used ({error})", named, "write other settings for it")


def _without(group: Mapping[str, Any], names: set[str]) -> dict[str, Any]:
    return {name: value for name, value in group.items() if name not in names}
