"""Metrics, against scikit-learn."""

from typing import Any

import numpy as np
import pytest
from scipy.special import expit, softmax
from sklearn.metrics import (
    accuracy_score,
    mean_absolute_error,
    r2_score,
    root_mean_squared_error,
)

from learners.cases import CASES, Case, each_case, of_replica, scattered, slow_losses, slow_outputs
from rightbatch.learners.metrics import METRICS, evaluate, metrics_of, probabilities
from rightbatch.learners.updates import SGD
from rightbatch.records import Array


def expected(case: Case, outputs: Array, y: Array) -> dict[str, float]:
    """Every metric of one replica's outputs `(rows, outputs)`."""
    loss = float(slow_losses(case, outputs, y).mean())
    if case.task == "classification":
        guess = outputs[:, 0] > 0 if case.outputs == 1 else outputs.argmax(axis=1)
        return {"loss": loss, "accuracy": accuracy_score(y, guess)}
    return {
        "loss": loss,
        "rmse": float(np.sqrt(np.mean((outputs - y) ** 2))),
        "mae": mean_absolute_error(y, outputs),
        "r2": r2_score(y, outputs, multioutput="variance_weighted"),
    }


@each_case
def test_every_metric_of_every_replica(case: Case) -> None:
    """Each metric is scikit-learn's, for each replica, in float64."""
    learner = case.learner(SGD())
    state = scattered(learner, 3)
    x, y = case.batch(50).data
    names = metrics_of(case.task)
    values = evaluate(learner, state, (x, y), names)
    assert tuple(values) == names
    for replica in range(3):
        outputs = slow_outputs(case, of_replica(learner, state, replica), x)
        for name, value in expected(case, outputs, y).items():
            assert values[name].dtype == np.float64
            assert values[name][replica] == pytest.approx(value, rel=1e-5), name


def test_rmse_of_one_output_is_scikit_learns() -> None:
    """For one output there is one definition, that of `root_mean_squared_error`."""
    outputs, y = np.array([[[1.0], [4.0], [-2.0]]]), np.array([0.0, 2.0, 2.5])
    function: Any = METRICS["rmse"].function
    assert function(outputs, y) == pytest.approx([root_mean_squared_error(y, outputs[0, :, 0])])


def test_targets_may_be_flat() -> None:
    """A target of shape `(rows,)` means the same as one of shape `(rows, 1)`."""
    learner = CASES[0].learner(SGD())
    state = scattered(learner, 2)
    x, y = CASES[0].batch(20).data
    names = metrics_of("regression")
    column, flat = (evaluate(learner, state, (x, t), names) for t in (y, y[:, 0]))
    assert {name: column[name].tolist() for name in names} == {name: flat[name].tolist() for name in names}


def test_a_diverged_replica_is_told_by_its_metrics() -> None:
    """Its loss is NaN, its accuracy counts nothing as right, and its neighbour is as it was."""
    case = next(case for case in CASES if case.name == "softmax")
    learner = case.learner(SGD())
    state = scattered(learner, 2)
    data = case.batch(50).data
    before = evaluate(learner, state, data, ["loss", "accuracy"])
    for view in learner.parameters(state).values():
        view[0] = np.nan
    after = evaluate(learner, state, data, ["loss", "accuracy"])
    assert np.isnan(after["loss"][0])
    assert after["accuracy"][0] == 0
    assert after["loss"][1] == before["loss"][1]
    assert after["accuracy"][1] == before["accuracy"][1]


def test_names_and_directions() -> None:
    """Losses and errors fall, shares rise; each task has its own."""
    assert metrics_of("classification") == ("loss", "accuracy")
    assert metrics_of("regression") == ("loss", "rmse", "mae", "r2")
    assert {name: metric.better for name, metric in METRICS.items()} == {
        "loss": "lower",
        "accuracy": "higher",
        "rmse": "lower",
        "mae": "lower",
        "r2": "higher",
    }


@pytest.mark.parametrize("scale", [1.0, 30.0, 150.0])
def test_probabilities_are_scipys_far_out_too(scale: float) -> None:
    """One logit a row or one a class, small probabilities to as many digits as large ones."""
    logits = np.random.default_rng(0).normal(scale=scale, size=(200, 5)).astype(np.float32)
    one = probabilities(logits[:, :1])
    np.testing.assert_allclose(one, expit(logits[:, 0].astype(np.float64)), rtol=1e-12)
    each = probabilities(logits)
    np.testing.assert_allclose(each, softmax(logits.astype(np.float64), axis=1), rtol=1e-12)
