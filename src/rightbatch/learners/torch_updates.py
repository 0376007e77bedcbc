"""Update rules on tensors: our own, for one replica or a stack of them, and those of `torch.optim`."""

import inspect
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, Protocol, TypeAlias

import torch
from torch import Tensor

from rightbatch.checks import one_of
from rightbatch.errors import SettingError
from rightbatch.learners.torch_model import said
from rightbatch.learners.updates import OPTIMIZERS, SGD, Adam, Momentum, Nesterov, optimizer_named

Tensors: TypeAlias = list[Tensor]
Direction: TypeAlias = list[Tensor] | tuple[Tensor, ...]

Rate: TypeAlias = float | Tensors
"""The learning rate of one replica; of a stack a tensor for each parameter, to be multiplied with it."""


class Rule(Protocol):
    """An update rule for a list of parameters: `parameters -= lr * direction`."""

    slots: int
    """How many tensors it remembers for each parameter."""

    def direction(self, gradients: Tensors, slots: Sequence[Tensors], step: int) -> Direction:
        """The direction of this step, counted from 1; slots and gradients may be overwritten."""
        ...


# The functions on lists of tensors are those that `torch.optim` itself uses: one call for all parameters.


@dataclass(frozen=True, slots=True)
class _SGD:
    rule: SGD
    slots = 0

    def direction(self, gradients: Tensors, slots: Sequence[Tensors], step: int) -> Direction:
        del slots, step
        return gradients


@dataclass(frozen=True, slots=True)
class _Momentum:
    rule: Momentum
    slots = 1

    def direction(self, gradients: Tensors, slots: Sequence[Tensors], step: int) -> Direction:
        del step
        (velocity,) = slots
        torch._foreach_mul_(velocity, self.rule.momentum)
        torch._foreach_add_(velocity, gradients)
        return velocity


@dataclass(frozen=True, slots=True)
class _Nesterov:
    rule: Nesterov
    slots = 1

    def direction(self, gradients: Tensors, slots: Sequence[Tensors], step: int) -> Direction:
        del step
        (velocity,) = slots
        torch._foreach_mul_(velocity, self.rule.momentum)
        torch._foreach_add_(velocity, gradients)
        torch._foreach_add_(gradients, velocity, alpha=self.rule.momentum)
        return gradients


@dataclass(frozen=True, slots=True)
class _Adam:
    rule: Adam
    slots = 2

    def direction(self, gradients: Tensors, slots: Sequence[Tensors], step: int) -> Direction:
        mean, square = slots
        beta1, beta2 = self.rule.beta1, self.rule.beta2
        torch._foreach_lerp_(mean, gradients, 1 - beta1)
        torch._foreach_mul_(square, beta2)
        torch._foreach_addcmul_(square, gradients, gradients, 1 - beta2)
        root = torch._foreach_sqrt(square)
        torch._foreach_div_(root, (1 - beta2**step) ** 0.5)
        torch._foreach_add_(root, self.rule.eps)
        torch._foreach_mul_(root, 1 - beta1**step)
        return torch._foreach_div(mean, root)


_OURS: dict[type[Any], Callable[[Any], Rule]] = {
    SGD: _SGD,
    Momentum: _Momentum,
    Nesterov: _Nesterov,
    Adam: _Adam,
}


_ANY_LR = 0.01
"""A learning rate to make an optimizer with; every step sets its own."""

_THEIRS: dict[type[Any], Callable[[Any], tuple[Any, dict[str, Any]]]] = {
    SGD: lambda _: (torch.optim.SGD, {}),
    Momentum: lambda rule: (torch.optim.SGD, {"momentum": rule.momentum}),
    Nesterov: lambda rule: (torch.optim.SGD, {"momentum": rule.momentum, "nesterov": True}),
    Adam: lambda rule: (torch.optim.Adam, {"betas": (rule.beta1, rule.beta2), "eps": rule.eps}),
}


@dataclass(frozen=True, slots=True, repr=False)
class TorchOptimizer:
    """An optimizer of `torch.optim`, or a function of the user's that makes one.

    Args:
        make: from parameters to the optimizer.
        name: what to call it.
        default_lr: PyTorch's own learning rate for it; `None`: that which it is made with.
    """

    make: Callable[[Iterable[Tensor]], torch.optim.Optimizer]
    name: str
    default_lr: float | None = None

    def of(self, parameters: Iterable[Tensor]) -> torch.optim.Optimizer:
        """The optimizer of these parameters.

        Raises:
            SettingError: the function gives something else, or one that evaluates the loss itself.
        """
        optimizer: Any = self.make(parameters)
        got = type(optimizer).__name__
        if isinstance(optimizer, torch.optim.LBFGS):
            problem = "must make one step from one gradient"
            raise SettingError("optimizer", problem, got, "write another one, such as Adam")
        if not isinstance(optimizer, torch.optim.Optimizer):
            instead = "write a function from parameters to an optimizer of torch.optim"
            raise SettingError("optimizer", "must give an optimizer of PyTorch", got, instead)
        return optimizer

    def __repr__(self) -> str:
        return self.name


_LEFT_OUT = {"Optimizer", "LBFGS", "SparseAdam"}
"""The base class; one that evaluates the loss many times a step; one for sparse gradients alone."""


def torch_optimizers() -> dict[str, Callable[[Iterable[Tensor]], torch.optim.Optimizer]]:
    """The optimizers of `torch.optim` by name, but for those that one gradient a step does not suit."""
    found = {name: getattr(torch.optim, name) for name in dir(torch.optim) if name not in _LEFT_OUT}
    kinds = {name: kind for name, kind in found.items() if isinstance(kind, type)}
    return {name: kind for name, kind in kinds.items() if issubclass(kind, torch.optim.Optimizer)}


def rule_named(optimizer: Any) -> Any:
    """What trains: one of our update rules, or a `TorchOptimizer`.

    Args:
        optimizer: one of these, a name of ours or of `torch.optim`, or a function or class from
            parameters to an optimizer.

    Raises:
        SettingError: an unknown name; the choices are listed, the nearest first.

    Example:
        >>> rule_named("momentum"), rule_named("AdamW")
        (Momentum(momentum=0.9), AdamW)
    """
    if isinstance(optimizer, TorchOptimizer) or type(optimizer) in _OURS:
        return optimizer
    if isinstance(optimizer, torch.optim.Optimizer):
        name = type(optimizer).__name__
        instead = f"write a function that makes it, such as lambda parameters: torch.optim.{name}(parameters)"
        raise SettingError("optimizer", "belongs to parameters already", name, instead)
    if callable(optimizer):
        return TorchOptimizer(optimizer, said(optimizer))
    known = torch_optimizers()
    name = one_of("optimizer", optimizer, (*OPTIMIZERS, *known))
    if name in OPTIMIZERS:
        return optimizer_named(name)
    default = known[name]([torch.zeros(1, 1)]).defaults["lr"]
    return TorchOptimizer(known[name], name, float(default))


def theirs(rule: Any) -> TorchOptimizer:
    """The optimizer of `torch.optim` that makes the same updates as one of our rules; theirs as they are.

    Example:
        >>> theirs(Momentum())
        SGD(momentum=0.9)
    """
    if isinstance(rule, TorchOptimizer):
        return rule
    kind, settings = _THEIRS[type(rule)](rule)
    name = f"{kind.__name__}({', '.join(f'{name}={value}' for name, value in settings.items())})"
    return TorchOptimizer(partial(kind, lr=_ANY_LR, **settings), name)


def decayed(rule: Any, rate: float) -> Any:
    """An optimizer of `torch.optim` with its own `weight_decay`; `None` where that is left to the caller.

    Raises:
        SettingError: one that has none, or that the user makes.
    """
    if not isinstance(rule, TorchOptimizer):
        return None
    if not isinstance(rule.make, type) or "weight_decay" not in inspect.signature(rule.make).parameters:
        instead = f"write it there, such as AdamW(parameters, weight_decay={rate:g})"
        raise SettingError("weight_decay", f"must be given to {rule.name} itself", rate, instead)
    return replace(rule, make=partial(rule.make, weight_decay=rate))


def rule_for(optimizer: Any) -> Rule | TorchOptimizer:
    """What `rule_named` gives, with one of our update rules made to work on tensors."""
    rule = rule_named(optimizer)
    return rule if isinstance(rule, TorchOptimizer) else _OURS[type(rule)](rule)


def update(
    rule: Rule,
    parameters: Tensors,
    gradients: Sequence[Tensor | None],
    slots: list[Tensors],
    *,
    step: int,
    lr: Rate,
) -> None:
    """One step of those parameters that have a gradient; the others were not used, and stay."""
    used = [gradient for gradient in gradients if gradient is not None]
    if not used:
        return
    if len(used) < len(gradients):
        kept = [i for i, gradient in enumerate(gradients) if gradient is not None]
        parameters, *slots = ([tensors[i] for i in kept] for tensors in (parameters, *slots))
        lr = lr if isinstance(lr, float) else [lr[i] for i in kept]
    recorded = torch.is_grad_enabled()
    torch.set_grad_enabled(False)  # not `with torch.no_grad()`, which takes 6 µs more of every step
    try:
        direction = rule.direction(used, slots, step)
        if isinstance(lr, float):
            torch._foreach_add_(parameters, direction, alpha=-lr)
        else:
            torch._foreach_addcmul_(parameters, direction, lr, -1)
    finally:
        torch.set_grad_enabled(recorded)
