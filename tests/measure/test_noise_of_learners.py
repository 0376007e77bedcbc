"""Gradients, norms of single rows and curvature of the built-in learners, against slow obvious ones."""

from typing import Any

import numpy as np
import pytest

from measure.noise_problems import Regression, printed
from rightbatch.learners.linear import LinearRegression, LogisticRegression
from rightbatch.learners.mlp import MLP
from rightbatch.learners.network import Network, NetworkState
from rightbatch.learners.updates import SGD, Adam, Momentum
from rightbatch.measure.curvature import curved_from_parts, hessian_products
from rightbatch.measure.moments import from_examples, rows_of
from rightbatch.measure.noise import noise_of_examples
from rightbatch.records import Batch, Shape

CASES: list[tuple[Any, Shape]] = [
    (LinearRegression(), Shape(features=5, outputs=1, task="regression")),
    (LinearRegression(l2=0.3), Shape(features=5, outputs=3, task="regression")),
    (LogisticRegression(), Shape(features=5, outputs=1, task="classification")),
    (LogisticRegression(l2=0.1), Shape(features=5, outputs=4, task="classification")),
    (MLP(hidden=(7,)), Shape(features=5, outputs=4, task="classification")),
    (MLP(hidden=(7,), l2=0.2), Shape(features=5, outputs=2, task="regression")),
    (MLP(hidden=(6, 4), activation="tanh"), Shape(features=5, outputs=1, task="classification")),
    (MLP(hidden=(6, 4, 3), activation="tanh", l2=0.5), Shape(features=5, outputs=1, task="regression")),
    (MLP(hidden=()), Shape(features=5, outputs=3, task="classification")),
]
each_learner = pytest.mark.parametrize(("model", "shape"), CASES, ids=lambda case: str(case)[:40])


def example(model: Any, shape: Shape, rows: int = 9) -> tuple[Network, NetworkState, Batch]:
    """Three replicas after some steps of different size, and a batch for them."""
    rng = np.random.default_rng(4)
    x = rng.standard_normal((rows, shape.features), dtype=np.float32)
    y: Any
    if shape.task == "regression":
        y = rng.standard_normal((rows, shape.outputs), dtype=np.float32)
    else:
        y = rng.integers(0, max(shape.outputs, 2), rows)
    batch = Batch((x, y), np.arange(rows), None, epoch=0, step=0)
    learner = model.build(shape, Momentum())
    state = learner.start([0, 1, 2])
    for _ in range(3):
        state, _ = learner.step(state, batch, np.array([0.01, 0.1, 0.3], np.float32))
    return learner, state, batch


def flat(learner: Network, state: NetworkState) -> Any:
    """All parameters, `(replicas, parameters)`."""
    return np.concatenate([p.reshape(len(p), -1) for p in learner.parameters(state).values()], axis=1)


def by_a_step(model: Any, shape: Shape, state: NetworkState, batch: Batch) -> Any:
    """The gradient that a step of plain SGD with learning rate 1 subtracts."""
    learner = model.build(shape, SGD())
    copy = learner.select(state, range(state.replicas))
    before = flat(learner, copy).copy()
    copy, _ = learner.step(copy, batch, np.ones(state.replicas, np.float32))
    return before - flat(learner, copy)


@each_learner
def test_the_gradient_is_what_a_step_moves_by(model: Any, shape: Shape) -> None:
    """It is that of plain SGD, weights of the rows included, and the state stays as it was."""
    learner, state, batch = example(model, shape)
    batch.weight = np.linspace(0, 1, 9, dtype=np.float32)
    before = flat(learner, state).copy()
    np.testing.assert_allclose(
        learner.gradient(state, batch), by_a_step(model, shape, state, batch), atol=3e-6
    )
    assert np.array_equal(flat(learner, state), before)


@each_learner
def test_norms_of_rows_are_those_of_batches_of_one(model: Any, shape: Shape) -> None:
    """|g|² of every row equals that of the step on this row alone, for every replica."""
    learner, state, batch = example(model, shape)
    gradient, norms = learner.gradient_and_norms(state, batch)
    singles = [
        by_a_step(model, shape, state, rows_of(batch, slice(row, row + 1))) for row in range(len(batch.index))
    ]
    np.testing.assert_allclose(norms, (np.array(singles) ** 2).sum(axis=2).T, rtol=2e-4, atol=1e-6)
    np.testing.assert_allclose(gradient, np.mean(singles, axis=0), atol=3e-6)


@each_learner
def test_shifted_moves_the_parameters_in_the_order_of_the_gradient(model: Any, shape: Shape) -> None:
    """A shift by minus the gradient is a step of plain SGD, and the state shifted from stays as it was."""
    learner, state, batch = example(model, shape)
    before = flat(learner, state).copy()
    moved = learner.shifted(state, -learner.gradient(state, batch))
    np.testing.assert_allclose(
        flat(learner, moved), before - by_a_step(model, shape, state, batch), atol=3e-6
    )
    assert np.array_equal(flat(learner, state), before)


@each_learner
def test_halves_of_rows_are_the_textbook_ones(model: Any, shape: Shape) -> None:
    """tr(Σ) is the unbiased variance of single gradients, |G|² what is left of |mean|² after tr(Σ)/n."""
    learner, state, batch = example(model, shape)
    singles = np.array(
        [
            by_a_step(model, shape, state, rows_of(batch, slice(row, row + 1)))
            for row in range(len(batch.index))
        ]
    )
    found = from_examples(learner, state, batch)
    trace = singles.var(axis=0, ddof=1).sum(axis=1)
    np.testing.assert_allclose(found.trace, trace, rtol=1e-3)
    square = (singles.mean(axis=0) ** 2).sum(axis=1) - trace / 9
    np.testing.assert_allclose(found.square, square, rtol=2e-3, atol=2e-3 * trace.max() / 9)


def test_linear_regression_has_the_scale_of_its_closed_form() -> None:
    """The built-in learner, its bias a further feature that is always 1: tr(H) grows by 1, |G|² does not.

    2·10⁵ rows at weights w* + 1; tr(Σ) = |HΔ|² + (ΔᵀHΔ + σ²)(tr H + 1) by Isserlis, to 2 %.
    """
    problem = printed()
    rng = np.random.default_rng(5)
    x = (rng.standard_normal((200_000, 20)) * np.sqrt(problem.h)).astype(np.float32)
    y = (rng.standard_normal(200_000) - x.sum(axis=1)).astype(np.float32)[:, None]
    learner = LinearRegression().build(Shape(features=20, outputs=1, task="regression"), Adam())
    batch = Batch((x, y), np.arange(len(x)), None, epoch=0, step=0)
    trace, square = noise_of_examples(learner, learner.start([0]), batch).means[:, 0]
    expected = (problem.trace - problem.square) * (1 + 1 / problem.h.sum()) + problem.square
    assert trace / square == pytest.approx(expected / problem.square, rel=0.02)
    assert square == pytest.approx(4 * problem.square, rel=0.02)  # the built-in loss has no factor ½


def test_hessian_products_are_those_of_a_float64_network() -> None:
    """For a tanh network and three directions, to 1e-3 of a float64 difference written out by hand."""
    shape = Shape(features=5, outputs=2, task="regression")
    learner, state, batch = example(MLP(hidden=(7,), activation="tanh"), shape)
    x, y = (array.astype(np.float64) for array in batch.data)

    def gradient(theta: Any) -> Any:
        w1, b1, w2, b2 = np.split(theta, [35, 42, 56])
        hidden = np.tanh(x @ w1.reshape(5, 7) + b1)
        slope = 2 * (hidden @ w2.reshape(7, 2) + b2 - y) / y.size
        back = slope @ w2.reshape(7, 2).T * (1 - hidden**2)
        parts = (x.T @ back, back.sum(axis=0), hidden.T @ slope, slope.sum(axis=0))
        return np.concatenate([part.ravel() for part in parts])

    theta, directions = flat(learner, state).astype(np.float64), np.random.default_rng(6).normal(size=(3, 58))
    np.testing.assert_allclose(learner.gradient(state, batch)[0], gradient(theta[0]), atol=1e-6)
    (found,) = hessian_products(learner, state, [batch], 1e4 * directions)
    for replica, v in enumerate(directions):
        expected = (gradient(theta[replica] + 1e-5 * v) - gradient(theta[replica] - 1e-5 * v)) / 2e-5
        off = np.linalg.norm(found[replica] / 1e4 - expected) / np.linalg.norm(expected)
        assert off < 1e-3


def test_the_product_with_no_direction_is_zero() -> None:
    """H 0 = 0, not a division by the length of 0."""
    problem = printed()
    batch = problem.batch(np.random.default_rng(0), 4, 2)
    assert not np.any(hessian_products(problem, problem.start(2), [batch], np.zeros((2, 20)))[0])


@pytest.mark.parametrize(
    "problem", [printed(), printed(sigma=0.0, h=np.ones(20)), printed(h=0.8 ** np.arange(20), sigma=2.0)]
)
def test_curved_halves_are_unbiased(problem: Regression) -> None:
    """tr(HΣ) and GᵀHG over 3,000 batches lie within 4 standard errors of the closed forms (reference 4.1)."""
    batch = problem.batch(np.random.default_rng(7), 60, 3000)
    found = curved_from_parts(problem, problem.start(3000), batch, parts=3)
    square = (problem.h**3 * problem.delta**2).sum()
    for values, truth in ((found.trace, square * problem.b_noise), (found.square, square)):
        error = values.std() / np.sqrt(3000)
        assert error < 0.05 * truth
        assert values.mean() == pytest.approx(truth, abs=4 * error)
