"""The linear models: a network without hidden layers."""

from dataclasses import dataclass

import numpy as np

from rightbatch.checks import not_negative
from rightbatch.errors import SettingError
from rightbatch.learners.losses import loss_for
from rightbatch.learners.network import Network
from rightbatch.learners.passes import Relu
from rightbatch.learners.updates import Optimizer
from rightbatch.records import Array, Shape


@dataclass(frozen=True, slots=True)
class LinearRegression:
    """y = x w + b, trained on the squared error; weights start at 0.

    Args:
        l2: penalty ½ l2 Σ w² on the weights, 0 or above.

    Raises:
        SettingError: `l2` is negative, or the data have classes to tell apart.

    Example:
        >>> LinearRegression().build(Shape(features=3, outputs=1, task="regression"), None).sizes
        (3, 1)
    """

    l2: float = 0.0

    def __post_init__(self) -> None:
        not_negative("l2", self.l2)

    def build(self, shape: Shape, optimizer: Optimizer) -> Network:
        """The learner for data of this shape, updated by this optimizer."""
        _check_task("linear", shape, "regression", "write 'logistic' or 'mlp'", "float")
        return _linear(shape, optimizer, self.l2)


@dataclass(frozen=True, slots=True)
class LogisticRegression:
    """Logistic regression for two classes, softmax regression for more; weights start at 0.

    Args:
        l2: penalty ½ l2 Σ w² on the weights, 0 or above.

    Raises:
        SettingError: `l2` is negative, or the target is a number to predict.

    Example:
        >>> LogisticRegression().build(Shape(features=3, outputs=4, task="classification"), None).sizes
        (3, 4)
    """

    l2: float = 0.0

    def __post_init__(self) -> None:
        not_negative("l2", self.l2)

    def build(self, shape: Shape, optimizer: Optimizer) -> Network:
        """The learner for data of this shape, updated by this optimizer."""
        _check_task("logistic", shape, "classification", "write 'linear' or 'mlp'", "int")
        return _linear(shape, optimizer, self.l2)


def _linear(shape: Shape, optimizer: Optimizer, l2: float) -> Network:
    return Network(
        sizes=(shape.features, shape.outputs),
        activation=Relu(),
        loss=loss_for(shape),
        optimizer=optimizer,
        l2=l2,
        initialise=_zeros,
    )


def _check_task(model: str, shape: Shape, task: str, instead: str, dtype: str) -> None:
    if shape.task != task:
        other = f"or make it {task} by task {task!r} or y.astype({dtype})"
        raise SettingError("model", f"{model!r} is for {task}", shape.task, f"{instead}, {other}")


def _zeros(rng: np.random.Generator, inputs: int, units: int, is_output: bool) -> Array:
    """Zeros: the loss of a linear model is convex, so the start decides nothing."""
    del rng, is_output
    return np.zeros((inputs, units), np.float32)
