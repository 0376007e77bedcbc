"""Models by name."""

from typing import Any

import numpy as np
import pytest
from sklearn.linear_model import SGDClassifier

from rightbatch.data.dataset import load_data
from rightbatch.errors import SettingError
from rightbatch.learners.linear import LinearRegression, LogisticRegression
from rightbatch.learners.mlp import MLP
from rightbatch.learners.models import MODELS, is_model, model_named


def test_every_name_is_a_model() -> None:
    """A name gives the model with the settings it has by default."""
    assert [model_named(name) for name in MODELS] == [LinearRegression(), LogisticRegression(), MLP()]
    assert MODELS == ("linear", "logistic", "mlp")


def test_a_model_is_itself() -> None:
    """A model with its settings is taken as it is; so is anything that builds a learner."""
    model = MLP(hidden=(3,))
    assert model_named(model) is model


@pytest.mark.parametrize(
    ("model", "text"),
    [
        ("logisitc", "model is not known, got 'logisitc'; write one of logistic, linear, mlp."),
        ("MPL", "model is not known, got 'MPL'; write one of mlp, linear, logistic."),
        (
            3,
            (
                "model must be a model or the name of one, got 3; "
                "write linear, logistic, mlp or a model, and the data after it."
            ),
        ),
        (
            load_data("houses"),
            (
                "model must be a model or the name of one, got 'Dataset'; "
                "write linear, logistic, mlp or a model, and the data after it."
            ),
        ),
        (MLP, "model must be made of its class, got 'MLP'; write MLP()."),
    ],
)
def test_an_unknown_model(model: Any, text: str) -> None:
    """The names are listed, nearest first; of data given as the model only the kind is shown."""
    with pytest.raises(SettingError) as caught:
        model_named(model)
    assert str(caught.value) == text


@pytest.mark.parametrize("value", ["linear", MLP(hidden=(3,)), MLP, SGDClassifier(), lambda: None])
def test_what_can_only_be_a_model(value: Any) -> None:
    """A name, one of ours or its class, an estimator, a function that makes one."""
    assert is_model(value)


@pytest.mark.parametrize("value", ["digits", "mlp.csv", np.ones(3), (np.ones(3), np.ones(3)), {}])
def test_what_may_be_data(value: Any) -> None:
    """Other names, arrays and what holds them."""
    assert not is_model(value)
