"""The loss at which a method has converged."""

import numpy as np
import pytest
from sklearn.linear_model import LinearRegression as Sklearn

from rightbatch.data.dataset import load_data
from rightbatch.errors import DataError
from rightbatch.learners.linear import LinearRegression
from rightbatch.learners.mlp import MLP
from rightbatch.learners.updates import SGD
from rightbatch.study.comparison_convergence import convergence_of, least_squares
from rightbatch.study.problem import Problem


def asked(data: object, model: LinearRegression | MLP) -> tuple[Problem, object]:
    """The problem of a model and its data."""
    loaded = load_data(data)
    learner = model.build(loaded.shape, SGD())
    problem = Problem(learner=learner, train=loaded.train, validation=loaded.validation, task=loaded.task)
    return problem, loaded


def test_least_squares_is_that_of_scikit_learn() -> None:
    """Weights and intercept agree on random data with three features."""
    draws = np.random.default_rng(0)
    x, y = draws.normal(size=(50, 3)), draws.normal(size=(50, 1))
    weights, bias = least_squares(x, y)
    theirs = Sklearn().fit(x, y)
    np.testing.assert_allclose(weights.T, theirs.coef_, rtol=1e-9)
    np.testing.assert_allclose(bias, theirs.intercept_, rtol=1e-9)


def test_linear_regression_is_held_to_least_squares() -> None:
    """On line: 99 % of the way from 1, the variance of what is standardised, to 1 - R²."""
    problem, data = asked("line", LinearRegression())
    found = convergence_of(problem, data, LinearRegression(), seed=0, points=(0,), middle=10)  # type: ignore[arg-type]
    unexplained = 1 - Sklearn().fit(*problem.train).score(*problem.train)
    assert found.start == pytest.approx(1.0)
    assert found.least == pytest.approx(unexplained, rel=1e-5)
    assert found.target.value == pytest.approx(unexplained + 0.01 * (1 - unexplained), rel=1e-5)


def test_other_models_are_held_to_a_pilot() -> None:
    """An MLP on line comes below the straight line's loss, and the words say where that is from."""
    problem, data = asked("line", MLP(hidden=(8,)))
    found = convergence_of(problem, data, MLP(hidden=(8,)), seed=0, points=(-8, -6, -4), middle=10)  # type: ignore[arg-type]
    assert found.least < 0.24 < found.start
    assert found.solution is None
    assert found.how == (
        "the least that a pilot reached: 333 updates at batch size 10 with the best of 3 learning rates"
    )


def test_nothing_to_learn() -> None:
    """Labels that a line cannot foretell are refused, with the losses that say so."""
    x = np.array([[-1.0], [1.0], [-1.0], [1.0]])
    y = np.array([0.25, 0.25, 1.75, 1.75])
    problem, data = asked((x, y), LinearRegression())
    with pytest.raises(DataError) as error:
        convergence_of(problem, data, LinearRegression(), seed=0, points=(0,), middle=2)  # type: ignore[arg-type]
    assert str(error.value) == (
        "There is nothing to learn: the training loss is 1 at the start, and 1 is that of least squares; "
        "check the label."
    )
