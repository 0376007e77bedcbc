"""`fit` with nothing set but the data: what it learns."""

from typing import Any

import numpy as np
import pytest
from sklearn.datasets import load_diabetes
from sklearn.linear_model import LinearRegression as Line

from rightbatch.data.dataset import Dataset, load_data
from rightbatch.learners.linear import LinearRegression, LogisticRegression
from rightbatch.learners.mlp import MLP
from rightbatch.learners.updates import OPTIMIZERS
from rightbatch.records import Array, Outcome
from rightbatch.train.fit import fit
from rightbatch.train.result import FitResult
from train.fit_data import HELD, TRAIN


def standard(values: Array) -> Array:
    """With mean 0 and deviation 1."""
    return (values - values.mean(axis=0)) / values.std(axis=0)


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
@pytest.mark.parametrize("model", [LogisticRegression(l2=0.01), MLP(hidden=(8,))], ids=["logistic", "mlp"])
def test_default_settings_learn(model: Any, optimizer: str) -> None:
    """With nothing but the data given, every model and optimizer finds most of three classes."""
    result = fit(model, TRAIN, HELD, optimizer=optimizer)
    assert result.score(TRAIN)["accuracy"] > 0.85
    assert result.score(HELD)["accuracy"] >= 0.8
    assert result.history[-1]["loss"] < result.history[0]["loss"] / 2


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
@pytest.mark.parametrize("batch_size", [1, 8, 128])
def test_default_settings_predict(batch_size: int, optimizer: str) -> None:
    """On a real regression, scikit-learn's diabetes, no default diverges, and all fit as well as a line."""
    x, y = (standard(values) for values in load_diabetes(return_X_y=True))
    assert Line().fit(x, y).score(x, y) == pytest.approx(0.518, abs=1e-3)
    for model in ("linear", "mlp"):
        result = fit(model, (x, y), batch_size=batch_size, optimizer=optimizer)
        assert result.outcome is Outcome.OUT_OF_STEPS
        assert result.score((x, y))["r2"] > 0.5


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
@pytest.mark.parametrize("batch_size", [1, 2, 4])
def test_houses(batch_size: int, optimizer: str) -> None:
    """With default settings stochastic, mini- and full-batch descent find price = 200 x size within 1 %."""
    data = load_data("houses")
    result = fit(LinearRegression(), data, batch_size=batch_size, optimizer=optimizer)
    parameters = result.parameters()
    weights, bias = data.in_own_units(parameters["weight1"], parameters["bias1"])
    assert weights.item() == pytest.approx(200, rel=0.01)
    assert abs(bias.item()) < 0.01 * 200_000


def own_line(data: Dataset, result: FitResult) -> Array:
    """Intercept and slope in the data's own units."""
    parameters = result.parameters()
    weights, bias = data.in_own_units(parameters["weight1"], parameters["bias1"])
    return np.array([bias.item(), weights.item()])


@pytest.mark.parametrize("batch_size", [1, 10, 50, 100])
@pytest.mark.parametrize("seed", [0, 1])
def test_line(batch_size: int, seed: int) -> None:
    """With default settings it ends near y = 4.2 + 2.8 x: within the standard errors of least squares."""
    data = load_data("line")
    x = data.train[0] * data.x_scale + data.x_mean
    y = data.train[1] * data.y_scale + data.y_mean
    design = np.c_[np.ones(100), x]
    expected, squares, _, _ = np.linalg.lstsq(design, y, rcond=None)
    errors = np.sqrt(np.diag(np.linalg.inv(design.T @ design)) * squares.item() / 98)
    assert expected[:, 0] == pytest.approx([4.215, 2.770], abs=5e-4)
    found = own_line(data, fit("linear", data, batch_size=batch_size, seed=seed))
    assert (np.abs(found - expected[:, 0]) < errors).all()
