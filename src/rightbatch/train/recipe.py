"""How a model is to be trained: its update rule, the rules of an update, the learning rate."""

from dataclasses import dataclass, replace
from typing import Any, Self

import numpy as np

from rightbatch.checks import one_of, positive
from rightbatch.errors import SettingError
from rightbatch.learners.models import model_named, optimizer_for
from rightbatch.learners.protocol import Model
from rightbatch.learners.torch_model import PRECISIONS, TorchModel
from rightbatch.learners.updates import DEFAULT_LR, name_of
from rightbatch.records import Array
from rightbatch.train.pace import is_torch
from rightbatch.train.steps import Rules

_LR = 0.01
"""For an update rule of the user's that names none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """A model, what updates it, and by which rules; checked, and the same for every data set."""

    model: Model
    rule: Any
    """As `build` of the model takes it."""
    rules: Rules
    name: str
    """Of the update rule, as the user knows it."""
    default_lr: float | None
    """Of the optimizer itself; `None`: it is ours, and the task decides."""
    scheduled: bool
    """Whether a scheduler of PyTorch sets the learning rate."""

    @classmethod
    def of(
        cls, model: Any, optimizer: Any, rules: Rules, *, precision: str = "float32", schedule: Any = None
    ) -> Self:
        """The recipe of what `fit` was given.

        Args:
            model: as `fit` takes it.
            optimizer: as `fit` takes it; a model's own goes first.
            rules: of one update.
            precision: ``"float32"``: the model's own.
            schedule: as `fit` takes it.

        Raises:
            SettingError: a setting cannot be used, or not for this model.
        """
        chosen = _in_precision(model_named(model), one_of("precision", precision, PRECISIONS))
        rule = optimizer_for(chosen, optimizer)
        default, name = getattr(rule, "default_lr", None), name_of(rule)
        if not isinstance(chosen, TorchModel):
            is_torch(schedule, chosen)
            return cls(model=chosen, rule=rule, rules=rules, name=name, default_lr=default, scheduled=False)
        own = chosen.decayed(rule, rules.weight_decay) if rules.weight_decay else None
        if own is not None:
            rule, rules = own, replace(rules, weight_decay=0.0)
        scheduled = schedule is not None and is_torch(schedule, chosen)
        rule = chosen.schedulable(rule) if scheduled else rule
        chosen = replace(chosen, optimizer=rule)
        return cls(model=chosen, rule=rule, rules=rules, name=name, default_lr=default, scheduled=scheduled)

    def rate(self, lr: float | None, task: str, own: float | None) -> Array:
        """The learning rate as the loop takes it, float32 `(1,)`.

        Args:
            lr: as given; none: the optimizer's, or one that suits rule and task.
            task: ``"regression"`` or ``"classification"``.
            own: that which an optimizer of the user's was made with.
        """
        if lr is None:
            named = DEFAULT_LR[task].get(self.name)
            lr = next((rate for rate in (self.default_lr, named, own) if rate is not None), _LR)
        rate = positive("lr", lr)
        single = np.finfo(np.float32)
        if not float(single.smallest_subnormal) <= rate <= float(single.max):
            raise SettingError("lr", "must be from 1.4e-45 to 3.4e38", lr, "write a number such as 0.1")
        return np.full(1, rate, np.float32)


def _in_precision(model: Model, precision: str) -> Model:
    if precision == "float32":
        return model
    if not isinstance(model, TorchModel):
        instead = "write float32, or train a PyTorch module"
        raise SettingError("precision", "of the built-in models is float32", precision, instead)
    return replace(model, precision=precision)
