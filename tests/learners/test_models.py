"""Models by name."""

from typing import Any

import pytest

from rightbatch.errors import SettingError
from rightbatch.learners.linear import LinearRegression, LogisticRegression
from rightbatch.learners.mlp import MLP
from rightbatch.learners.models import MODELS, model_named


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
        (3, "model is not known, got 3; write one of linear, logistic, mlp."),
    ],
)
def test_an_unknown_model(model: Any, text: str) -> None:
    """The names are listed, nearest first."""
    with pytest.raises(SettingError) as caught:
        model_named(model)
    assert str(caught.value) == text


def test_a_class_is_no_model() -> None:
    """The class without its brackets is told apart from a model."""
    with pytest.raises(SettingError, match=r"^model is not known, got <class '.*MLP'>; write one of "):
        model_named(MLP)
