"""The linear models, against least squares and scikit-learn."""

from typing import Any

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression as Reference
from sklearn.linear_model import Ridge

from learners.cases import batch_of, of_replica
from rightbatch.data.loader import Loader
from rightbatch.errors import SettingError
from rightbatch.learners.linear import LinearRegression, LogisticRegression
from rightbatch.learners.network import Network
from rightbatch.learners.updates import SGD, Nesterov
from rightbatch.records import Array, Shape


def shape_of(x: Array, outputs: int, task: str) -> Shape:
    """The shape of the data."""
    return Shape(features=x.shape[1], outputs=outputs, task=task)


def converged(learner: Network, x: Array, y: Array, lr: float, steps: int = 1500) -> tuple[Array, Array]:
    """Weights `(inputs, outputs)` and biases after many full-batch steps."""
    state, batch = learner.start([0]), batch_of(x.astype(np.float32), y)
    for _ in range(steps):
        learner.step(state, batch, np.full(1, lr, np.float32))
    parameters = of_replica(learner, state, 0)
    return parameters["weight1"], parameters["bias1"]


def least_squares(x: Array, y: Array) -> Array:
    """Weights, and in the last row the biases, of the least squared error."""
    return np.linalg.lstsq(np.c_[x, np.ones(len(x))], y, rcond=None)[0]


def noisy(outputs: int) -> tuple[Array, Array]:
    """200 rows of a linear function of 5 columns plus noise."""
    rng = np.random.default_rng(3)
    x = rng.normal(size=(200, 5))
    return x, x @ rng.normal(size=(5, outputs)) + 2 + rng.normal(size=(200, outputs))


@pytest.mark.parametrize("outputs", [1, 3])
def test_full_batch_descent_ends_at_least_squares(outputs: int) -> None:
    """Plain gradient descent on all rows converges to the solution of `numpy.linalg.lstsq`."""
    x, y = noisy(outputs)
    learner = LinearRegression().build(shape_of(x, outputs, "regression"), SGD())
    weights, bias = converged(learner, x, y.astype(np.float32), lr=0.2)
    expected = least_squares(x, y)
    assert weights == pytest.approx(expected[:-1], abs=1e-5)
    assert bias == pytest.approx(expected[-1], abs=1e-5)


@pytest.mark.parametrize("batch_size", [1, 10, 64])
def test_mini_batch_descent_ends_at_least_squares(batch_size: int) -> None:
    """With a rate that falls to 0, they end within a seventh of the solution's standard error of 0.07."""
    x, y = noisy(1)
    learner = LinearRegression().build(shape_of(x, 1, "regression"), SGD())
    loader = Loader((x.astype(np.float32), y.astype(np.float32)), batch_size, shuffle=True)
    state, epochs = learner.start([0]), 6 * max(batch_size, 10)
    for epoch in range(epochs):
        lr = np.full(1, min(0.005 * batch_size, 0.2) * (1 - epoch / epochs) ** 2, np.float32)
        for batch in loader.batches():
            learner.step(state, batch, lr)
    found = of_replica(learner, state, 0)
    expected = least_squares(x, y)
    assert np.r_[found["weight1"], found["bias1"][None]] == pytest.approx(expected, abs=0.01)


def test_mini_batch_descent_finds_an_exact_line() -> None:
    """Without noise every mini-batch has the same solution, which a constant rate reaches."""
    x = np.random.default_rng(0).normal(size=(50, 2)).astype(np.float32)
    y = (x @ [[2.0], [-3.0]] + 0.5).astype(np.float32)
    learner = LinearRegression().build(shape_of(x, 1, "regression"), SGD())
    state, loader = learner.start([0]), Loader((x, y), 4, shuffle=True)
    for _ in range(60):
        for batch in loader.batches():
            learner.step(state, batch, np.full(1, 0.05, np.float32))
    found = of_replica(learner, state, 0)
    assert found["weight1"][:, 0] == pytest.approx([2, -3], abs=1e-5)
    assert found["bias1"] == pytest.approx([0.5], abs=1e-5)


def test_ridge_regression_is_scikit_learns() -> None:
    """Mean squared error and half l2 w² is `Ridge` with alpha = l2 rows / 2; the bias is free."""
    x, y = noisy(1)
    learner = LinearRegression(l2=0.5).build(shape_of(x, 1, "regression"), SGD())
    weights, bias = converged(learner, x, y.astype(np.float32), lr=0.2)
    expected = Ridge(alpha=0.5 * len(x) / 2).fit(x, y[:, 0])
    assert weights[:, 0] == pytest.approx(expected.coef_, abs=1e-5)
    assert bias == pytest.approx([expected.intercept_], abs=1e-5)


@pytest.mark.parametrize("classes", [2, 4])
def test_logistic_regression_is_scikit_learns(classes: int) -> None:
    """Cross-entropy and half l2 w² is `LogisticRegression` with C = 1 / (l2 rows); biases are free."""
    rng = np.random.default_rng(4)
    x = rng.normal(size=(200, 3))
    y = (x @ rng.normal(size=(3, classes)) + rng.gumbel(size=(200, classes))).argmax(axis=1)
    outputs = classes if classes > 2 else 1
    learner = LogisticRegression(l2=0.02).build(shape_of(x, outputs, "classification"), Nesterov())
    weights, bias = converged(learner, x, y, lr=0.2)
    expected = Reference(C=1 / (0.02 * len(x)), tol=1e-8, max_iter=1000).fit(x, y)
    assert np.abs(weights.T - expected.coef_).max() < 2e-4
    assert bias - bias.mean() * (classes > 2) == pytest.approx(expected.intercept_, abs=2e-4)


@pytest.mark.parametrize(
    ("model", "task"), [(LinearRegression(), "regression"), (LogisticRegression(), "classification")]
)
def test_linear_models_start_at_zero(model: Any, task: str) -> None:
    """The start is the same for every seed: all weights and biases are 0."""
    learner = model.build(Shape(features=3, outputs=4, task=task), SGD())
    assert (learner.start([0, 1]).parameters == 0).all()


@pytest.mark.parametrize(
    ("model", "task", "text"),
    [
        (
            LinearRegression(),
            "classification",
            (
                "model 'linear' is for regression, got 'classification'; write 'logistic' or 'mlp', "
                "or make it regression by task 'regression' or y.astype(float)."
            ),
        ),
        (
            LogisticRegression(),
            "regression",
            (
                "model 'logistic' is for classification, got 'regression'; write 'linear' or 'mlp', "
                "or make it classification by task 'classification' or y.astype(int)."
            ),
        ),
    ],
)
def test_a_model_that_does_not_fit_the_task(model: Any, task: str, text: str) -> None:
    """The sentence offers another model, and the other task."""
    with pytest.raises(SettingError) as caught:
        model.build(Shape(features=3, outputs=1, task=task), SGD())
    assert str(caught.value) == text


@pytest.mark.parametrize("model", [LinearRegression, LogisticRegression])
@pytest.mark.parametrize(
    ("l2", "text"),
    [
        (-1, "l2 must not be negative, got -1; write 0 or a number such as 0.001."),
        ("much", "l2 must be a number, got 'much'; write 0 or a number such as 0.001."),
        (float("inf"), "l2 must be a finite number, got inf; write 0 or a number such as 0.001."),
    ],
)
def test_a_penalty_that_cannot_be_used(model: Any, l2: Any, text: str) -> None:
    """It is refused where it is set."""
    with pytest.raises(SettingError) as caught:
        model(l2=l2)
    assert str(caught.value) == text
