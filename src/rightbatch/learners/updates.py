"""Update rules: from a gradient to the direction that the parameters are moved against.

All follow PyTorch's conventions, so that learning rates carry over: `parameters -= lr * direction`.
A rule works on flat arrays that hold all parameters of all replicas; its memory is `slots` arrays
of the same length, which it changes in place.
"""

from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from rightbatch.checks import not_negative, one_of, positive
from rightbatch.errors import SettingError
from rightbatch.records import Array


class Optimizer(Protocol):
    """An update rule."""

    @property
    def slots(self) -> int:
        """How many arrays it remembers from step to step."""
        ...

    def direction(self, gradient: Array, slots: tuple[Array, ...], step: int, scratch: Array) -> Array:
        """The direction of this step, counted from 1; may overwrite `gradient` and `scratch`."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class SGD:
    """Plain gradient descent: d = g.

    Example:
        >>> SGD().direction(np.array([2.0]), (), 1, np.empty(1))
        array([2.])
    """

    slots = 0

    def direction(self, gradient: Array, slots: tuple[Array, ...], step: int, scratch: Array) -> Array:
        """The gradient itself."""
        del slots, step, scratch
        return gradient


@dataclass(frozen=True, slots=True, kw_only=True)
class Momentum:
    """Heavy-ball momentum: v = momentum * v + g, d = v.

    Args:
        momentum: share of the last direction that is kept, in [0, 1).

    Raises:
        SettingError: `momentum` is no such share.

    Example:
        >>> velocity = np.array([1.0])
        >>> Momentum(momentum=0.5).direction(np.array([2.0]), (velocity,), 2, np.empty(1))
        array([2.5])

    Source: Polyak 1964; the form without dampening of `torch.optim.SGD`.
    """

    momentum: float = 0.9
    slots = 1

    def __post_init__(self) -> None:
        _check_share("momentum", self.momentum)

    def direction(self, gradient: Array, slots: tuple[Array, ...], step: int, scratch: Array) -> Array:
        """The velocity after adding the gradient."""
        del step, scratch
        (velocity,) = slots
        np.multiply(velocity, velocity.dtype.type(self.momentum), out=velocity)
        return np.add(velocity, gradient, out=velocity)


@dataclass(frozen=True, slots=True, kw_only=True)
class Nesterov:
    """Nesterov momentum: v = momentum * v + g, d = g + momentum * v.

    Args:
        momentum: share of the last direction that is kept, in [0, 1).

    Raises:
        SettingError: `momentum` is no such share.

    Example:
        >>> velocity = np.array([1.0])
        >>> Nesterov(momentum=0.5).direction(np.array([2.0]), (velocity,), 2, np.empty(1))
        array([3.25])

    Source: Sutskever et al. 2013, in the form of `torch.optim.SGD(nesterov=True)`.
    """

    momentum: float = 0.9
    slots = 1

    def __post_init__(self) -> None:
        _check_share("momentum", self.momentum)

    def direction(self, gradient: Array, slots: tuple[Array, ...], step: int, scratch: Array) -> Array:
        """The gradient plus the velocity looked ahead."""
        del step
        (velocity,) = slots
        momentum = velocity.dtype.type(self.momentum)
        np.multiply(velocity, momentum, out=velocity)
        np.add(velocity, gradient, out=velocity)
        np.multiply(velocity, momentum, out=scratch)
        return np.add(gradient, scratch, out=gradient)


@dataclass(frozen=True, slots=True, kw_only=True)
class Adam:
    """Adam: d = m' / (sqrt(v') + eps), with bias-corrected running means m' of g and v' of g².

    Args:
        beta1: share of the mean gradient that is kept, in [0, 1).
        beta2: share of the mean squared gradient that is kept, in [0, 1).
        eps: keeps the division finite, above 0.

    Raises:
        SettingError: a share is none, or `eps` is not above 0.

    Example:
        >>> mean, square = np.zeros(2), np.zeros(2)
        >>> Adam().direction(np.array([2.0, -0.5]), (mean, square), 1, np.empty(2)).round(6)
        array([ 1., -1.])

    Source: Kingma & Ba 2015, algorithm 1.
    """

    beta1: float = 0.9
    beta2: float = 0.999
    eps: float = 1e-8
    slots = 2

    def __post_init__(self) -> None:
        _check_share("beta1", self.beta1)
        _check_share("beta2", self.beta2)
        positive("eps", self.eps, instead="write a number such as 1e-8")

    def direction(self, gradient: Array, slots: tuple[Array, ...], step: int, scratch: Array) -> Array:
        """The mean gradient over the root of the mean squared gradient."""
        mean, square = slots
        number = mean.dtype.type
        np.multiply(mean, number(self.beta1), out=mean)
        np.multiply(gradient, number(1 - self.beta1), out=scratch)
        np.add(mean, scratch, out=mean)
        np.multiply(square, number(self.beta2), out=square)
        np.multiply(gradient, gradient, out=gradient)
        np.multiply(gradient, number(1 - self.beta2), out=gradient)
        np.add(square, gradient, out=square)
        np.multiply(square, number(1 / (1 - self.beta2**step)), out=scratch)
        np.sqrt(scratch, out=scratch)
        np.add(scratch, number(self.eps), out=scratch)
        np.divide(mean, scratch, out=scratch)
        return np.multiply(scratch, number(1 / (1 - self.beta1**step)), out=scratch)


_BY_NAME: dict[str, type[Any]] = {"sgd": SGD, "momentum": Momentum, "nesterov": Nesterov, "adam": Adam}

OPTIMIZERS = tuple(_BY_NAME)

DEFAULT_LR = {
    "classification": {"sgd": 0.1, "momentum": 0.02, "nesterov": 0.02, "adam": 0.01},
    "regression": {"sgd": 0.01, "momentum": 0.002, "nesterov": 0.002, "adam": 0.01},
}
"""By task and optimizer, where none is given; a study finds better ones.

The squared error of an MLP with 64 hidden units has a curvature of about 128 on standardised data, so that
steps of more than 2 / 128 grow; cross-entropy bends less. With each, `fit` learns digits, scikit-learn's
diabetes, houses and line in 2,000 steps at batch sizes from 1 to 128.
"""


def optimizer_named(optimizer: Any) -> Optimizer:
    """The optimizer, given itself or its name.

    Raises:
        SettingError: neither an update rule nor a name of one.

    Example:
        >>> optimizer_named("momentum")
        Momentum(momentum=0.9)
    """
    if hasattr(optimizer, "direction") and not isinstance(optimizer, type):
        rule: Optimizer = optimizer
    elif isinstance(optimizer, type) and hasattr(optimizer, "direction"):
        name = optimizer.__name__
        raise SettingError("optimizer", "must be made of its class", name, f"write {name}()")
    else:
        rule = _BY_NAME[one_of("optimizer", optimizer, OPTIMIZERS)]()
    return rule


def name_of(optimizer: Optimizer) -> str:
    """The optimizer's name as the command line writes it: ``Adam()`` is ``"adam"``."""
    return type(optimizer).__name__.lower()


def _check_share(name: str, value: float) -> None:
    if not_negative(name, value, instead="write a number such as 0.9") >= 1:
        raise SettingError(name, "must be below 1", value, "write a number such as 0.9")
