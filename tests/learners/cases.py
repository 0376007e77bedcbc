"""Every built-in learner on data that suit it, and slow, obvious arithmetic in float64 to hold them to."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest

from rightbatch.learners.linear import LinearRegression, LogisticRegression
from rightbatch.learners.mlp import MLP
from rightbatch.learners.network import Network, NetworkState
from rightbatch.learners.updates import Optimizer
from rightbatch.records import Array, Batch, Shape


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """A model and the kind of data it meets."""

    name: str
    model: Any
    outputs: int
    task: str = "classification"

    @property
    def shape(self) -> Shape:
        """Four columns of input."""
        return Shape(features=4, outputs=self.outputs, task=self.task)

    def learner(self, optimizer: Optimizer) -> Network:
        """The learner with this update rule."""
        built: Network = self.model.build(self.shape, optimizer)
        return built

    def batch(self, rows: int, *, weight: Sequence[float] | None = None, seed: int = 0) -> Batch:
        """Random rows."""
        rng = np.random.default_rng(seed)
        x = rng.normal(size=(rows, 4)).astype(np.float32)
        if self.task == "regression":
            y: Array = rng.normal(size=(rows, self.outputs)).astype(np.float32)
        else:
            y = rng.integers(0, max(self.outputs, 2), rows)
        return batch_of(x, y, weight)


def batch_of(x: Array, y: Array, weight: Sequence[float] | None = None) -> Batch:
    """A batch of these rows."""
    given = None if weight is None else np.array(weight, np.float32)
    return Batch((x, y), np.arange(len(x)), given, 0, 0)


def _regression(name: str, model: Any, outputs: int = 1) -> Case:
    return Case(name=name, model=model, outputs=outputs, task="regression")


CASES = [
    _regression("linear", LinearRegression()),
    _regression("linear of 3 outputs", LinearRegression(), outputs=3),
    _regression("linear with l2", LinearRegression(l2=0.3)),
    Case(name="sigmoid", model=LogisticRegression(), outputs=1),
    Case(name="sigmoid with l2", model=LogisticRegression(l2=0.3), outputs=1),
    Case(name="softmax", model=LogisticRegression(), outputs=5),
    Case(name="softmax with l2", model=LogisticRegression(l2=0.3), outputs=5),
    Case(name="relu 6", model=MLP(hidden=(6,)), outputs=5),
    Case(name="relu 6 with l2", model=MLP(hidden=(6,), l2=0.3), outputs=5),
    Case(name="relu 6-3", model=MLP(hidden=(6, 3)), outputs=1),
    _regression("relu 6-3-5", MLP(hidden=(6, 3, 5)), outputs=2),
    _regression("tanh 6", MLP(hidden=(6,), activation="tanh")),
    Case(name="tanh 6-3", model=MLP(hidden=(6, 3), activation="tanh"), outputs=5),
    Case(name="tanh 6-3-5 with l2", model=MLP(hidden=(6, 3, 5), activation="tanh", l2=0.3), outputs=5),
    Case(name="tanh without hidden layers", model=MLP(hidden=(), activation="tanh"), outputs=3),
]

each_case = pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)


def scattered(learner: Network, replicas: int, seed: int = 0) -> NetworkState:
    """Replicas with random parameters, biases and linear models too."""
    state = learner.start(range(replicas))
    rng = np.random.default_rng(seed)
    for view in learner.parameters(state).values():
        view[:] = rng.normal(scale=0.5, size=view.shape)
    return state


def of_replica(learner: Network, state: NetworkState, replica: int) -> dict[str, Array]:
    """A copy of one replica's parameters, in float64."""
    return {name: view[replica].astype(np.float64) for name, view in learner.parameters(state).items()}


def slow_outputs(case: Case, parameters: dict[str, Array], x: Array) -> Array:
    """Outputs of one replica, float64 `(rows, outputs)`, layer by layer."""
    layers = len(parameters) // 2
    a = x.astype(np.float64)
    for layer in range(1, layers + 1):
        a = a @ parameters[f"weight{layer}"] + parameters[f"bias{layer}"]
        if layer < layers:
            a = np.tanh(a) if case.model.activation == "tanh" else np.where(a > 0, a, 0)
    return a


def slow_losses(case: Case, outputs: Array, y: Array) -> Array:
    """Loss of every row of one replica, float64 `(rows,)`, from the definitions."""
    if case.task == "regression":
        return np.mean((outputs - y) ** 2, axis=1)
    if case.outputs == 1:
        one = 1 / (1 + np.exp(-outputs[:, 0]))
        return -np.log(np.where(y == 1, one, 1 - one))
    p = np.exp(outputs) / np.exp(outputs).sum(axis=1, keepdims=True)
    return -np.log([p[row, label] for row, label in enumerate(y)])


def slow_loss(case: Case, parameters: dict[str, Array], batch: Batch) -> float:
    """Weighted mean loss of one replica, without the penalty."""
    x, y = batch.data
    losses = slow_losses(case, slow_outputs(case, parameters, x), y)
    return float(np.average(losses, weights=batch.weight))


def slow_penalty(case: Case, parameters: dict[str, Array]) -> float:
    """Half l2 times the squares of all weights, biases left out."""
    weights = [value for name, value in parameters.items() if name.startswith("weight")]
    return 0.5 * case.model.l2 * float(sum((w**2).sum() for w in weights))
