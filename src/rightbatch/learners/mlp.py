"""The multi-layer perceptron."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np

from rightbatch.checks import not_negative, one_of, whole_number
from rightbatch.errors import SettingError
from rightbatch.learners.losses import loss_for
from rightbatch.learners.network import Network
from rightbatch.learners.passes import Activation, Relu, Tanh
from rightbatch.learners.updates import Optimizer
from rightbatch.records import Array, Shape

_ACTIVATIONS: dict[str, Activation] = {"relu": Relu(), "tanh": Tanh()}


@dataclass(frozen=True, slots=True)
class MLP:
    """A fully connected network: hidden layers, one activation, a linear output layer.

    Trained on squared error for regression and on cross-entropy for classes. Weights start as
    He et al. 2015 (ReLU) or Glorot & Bengio 2010 (tanh, and every output layer) draw them, uniformly.

    Args:
        hidden: units of each hidden layer, first to last.
        activation: ``"relu"`` or ``"tanh"``.
        l2: penalty ½ l2 Σ w² on the weights, 0 or above.

    Raises:
        SettingError: a setting cannot be used; the sentence says which and what to write.

    Example:
        >>> MLP(hidden=(64,)).build(Shape(features=64, outputs=10, task="classification"), None).sizes
        (64, 64, 10)
    """

    hidden: tuple[int, ...] = (64,)
    activation: str = "relu"
    l2: float = 0.0

    def __post_init__(self) -> None:
        object.__setattr__(self, "hidden", _units(self.hidden))
        one_of("activation", self.activation, _ACTIVATIONS)
        not_negative("l2", self.l2)

    def build(self, shape: Shape, optimizer: Optimizer) -> Network:
        """The learner for data of this shape, updated by this optimizer."""
        return Network(
            sizes=(shape.features, *self.hidden, shape.outputs),
            activation=_ACTIVATIONS[self.activation],
            loss=loss_for(shape),
            optimizer=optimizer,
            l2=self.l2,
            initialise=_he if self.activation == "relu" else _glorot,
        )


def _units(hidden: Any) -> tuple[int, ...]:
    instead = "write the units of each layer, such as (64,)"
    if isinstance(hidden, str) or not isinstance(hidden, Iterable):
        raise SettingError("hidden", "must be a tuple of whole numbers", hidden, instead)
    return tuple(whole_number("hidden", units, at_least=1, instead=instead) for units in hidden)


def _he(rng: np.random.Generator, inputs: int, units: int, is_output: bool) -> Array:
    """Uniform in ±sqrt(6 / inputs): ReLU halves the variance and this gives it back."""
    if is_output:
        return _glorot(rng, inputs, units, is_output)
    bound = np.sqrt(6 / inputs)
    return rng.uniform(-bound, bound, (inputs, units)).astype(np.float32)


def _glorot(rng: np.random.Generator, inputs: int, units: int, is_output: bool) -> Array:
    """Uniform in ±sqrt(6 / (inputs + units))."""
    del is_output
    bound = np.sqrt(6 / (inputs + units))
    return rng.uniform(-bound, bound, (inputs, units)).astype(np.float32)
