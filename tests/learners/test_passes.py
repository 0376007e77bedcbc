"""Forward and backward passes, against arithmetic in float64 and finite differences of it."""

from collections.abc import Iterator

import numpy as np
import pytest

from learners.cases import (
    Case,
    batch_of,
    each_case,
    of_replica,
    scattered,
    slow_loss,
    slow_outputs,
    slow_penalty,
)
from rightbatch.learners.passes import Activation, Relu, Tanh
from rightbatch.learners.updates import SGD
from rightbatch.records import Array, Batch

WEIGHTS = [1, 0, 2, 0.5, 0, 3, 1]


def differences(case: Case, parameters: dict[str, Array], batch: Batch) -> Iterator[tuple[str, Array]]:
    """The gradient of loss and penalty by every parameter, from central differences in float64."""

    def objective() -> float:
        return slow_loss(case, parameters, batch) + slow_penalty(case, parameters)

    for name, value in parameters.items():
        slope = np.empty_like(value)
        for place in np.ndindex(value.shape):
            kept = value[place]
            value[place] = kept + 1e-6
            above = objective()
            value[place] = kept - 1e-6
            slope[place] = (above - objective()) / 2e-6
            value[place] = kept
        yield name, slope


@each_case
@pytest.mark.parametrize("replicas", [1, 3])
def test_outputs_are_those_of_float64(case: Case, replicas: int) -> None:
    """Layer after layer by the book gives the same outputs."""
    learner = case.learner(SGD())
    state = scattered(learner, replicas)
    x, _ = case.batch(7).data
    outputs = learner.predict(state, x)
    assert outputs.shape == (replicas, 7, case.outputs)
    assert outputs.dtype == np.float32
    for replica in range(replicas):
        expected = slow_outputs(case, of_replica(learner, state, replica), x)
        assert outputs[replica] == pytest.approx(expected, rel=1e-5, abs=1e-5)


@each_case
@pytest.mark.parametrize("replicas", [1, 3])
@pytest.mark.parametrize("weight", [None, WEIGHTS], ids=["plain", "weighted"])
def test_gradients_are_finite_differences(case: Case, replicas: int, weight: list[float] | None) -> None:
    """A step of plain gradient descent moves every parameter by its slope; the loss leaves l2 out."""
    learner = case.learner(SGD())
    state = scattered(learner, replicas)
    batch = case.batch(7, weight=weight)
    before = [of_replica(learner, state, replica) for replica in range(replicas)]
    lr = np.array([1, 0.5, 0.25], np.float32)[:replicas]
    state, result = learner.step(state, batch, lr)
    assert result.loss.dtype == np.float32
    for replica in range(replicas):
        parameters = before[replica]
        after = of_replica(learner, state, replica)
        assert result.loss[replica] == pytest.approx(slow_loss(case, parameters, batch), rel=1e-5)
        for name, slope in differences(case, parameters, batch):
            moved = (parameters[name] - after[name]) / lr[replica]
            assert moved == pytest.approx(slope, rel=1e-4, abs=2e-6), name


@each_case
def test_rows_of_weight_zero_do_not_count(case: Case) -> None:
    """Whatever is in a padding row, the step is the one without it."""
    learner = case.learner(SGD())
    padded, plain = (scattered(learner, 2) for _ in range(2))
    batch, lr = case.batch(5), np.full(2, 0.1, np.float32)
    x, y = batch.data
    filled = batch_of(np.r_[x, x[:2] + 7], np.r_[y, y[:2]], [1, 1, 1, 1, 1, 0, 0])
    padded, with_padding = learner.step(padded, filled, lr)
    plain, without = learner.step(plain, batch, lr)
    assert with_padding.loss == pytest.approx(without.loss, rel=1e-5)
    assert padded.parameters == pytest.approx(plain.parameters, rel=1e-5, abs=1e-6)


@pytest.mark.parametrize(
    ("activation", "values", "slopes"),
    [
        (Relu(), [0, 0, 0, 0.5, 2], [0, 0, 0, 1, 1]),
        (Tanh(), np.tanh([-2, -0.5, 0, 0.5, 2]), 1 / np.cosh([-2, -0.5, 0, 0.5, 2]) ** 2),
    ],
    ids=["relu", "tanh"],
)
def test_activations(activation: Activation, values: Array, slopes: Array) -> None:
    """Values and slopes at five points are the textbook's; the slope of relu at 0 is 0."""
    z = np.array([-2, -0.5, 0, 0.5, 2], np.float32)
    activation.apply(z)
    assert z == pytest.approx(np.array(values), rel=1e-6)
    slope = np.full(5, 3, np.float32)
    activation.chain(slope, z, np.empty_like(z))
    assert slope == pytest.approx(3 * np.array(slopes), rel=1e-5)
