"""What `fit` refuses, and how it says so."""

from typing import Any

import pytest

from rightbatch.data.loader import Loader
from rightbatch.errors import DataError, SettingError
from rightbatch.learners.linear import LogisticRegression
from rightbatch.learners.mlp import MLP
from rightbatch.learners.updates import Adam
from rightbatch.train.fit import fit
from rightbatch.train.target import Target
from train.fit_data import CLASSES, QUANTITIES, TRAIN, X

LIMIT = "write a number of epochs such as 100."
METRICS = "write a target such as val_loss=0.2 or val_accuracy>=0.95."


@pytest.mark.parametrize(
    ("settings", "text"),
    [
        ({"lr": 0}, "lr must be above 0, got 0; write a number such as 0.1."),
        ({"lr": -0.1}, "lr must be above 0, got -0.1; write a number such as 0.1."),
        ({"lr": "fast"}, "lr must be a number, got 'fast'; write a number such as 0.1."),
        ({"lr": float("nan")}, "lr must be a finite number, got nan; write a number such as 0.1."),
        ({"lr": 1e39}, "lr must be from 1.4e-45 to 3.4e38, got 1e+39; write a number such as 0.1."),
        ({"lr": 1e-46}, "lr must be from 1.4e-45 to 3.4e38, got 1e-46; write a number such as 0.1."),
        (
            {"progress": True},
            "progress must be a function, got True; write a function of a FitProgress, or leave it out.",
        ),
        ({"patience": 0}, "patience must be at least 1, got 0; write a number of epochs such as 5."),
        ({"optimizer": Adam}, "optimizer must be made of its class, got 'Adam'; write Adam()."),
        ({"epochs": 0}, f"epochs must be at least 1, got 0; {LIMIT}"),
        ({"epochs": 2.5}, f"epochs must be a whole number, got 2.5; {LIMIT}"),
        ({"seconds": -1}, "seconds must be above 0, got -1; write a number of seconds such as 60."),
        ({"patience": "5"}, "patience must be a whole number, got '5'; write a number of epochs such as 5."),
        ({"seed": -1}, "seed must be at least 0, got -1; write a whole number such as 0."),
        ({"seed": None}, "seed must be a whole number, got None; write a whole number such as 0."),
        ({"batch_size": 0}, "batch_size must be at least 1, got 0; write a whole number such as 32."),
        (
            {"batch_size": 41},
            (
                "batch_size must be at most 40, the rows of an epoch, got 41; "
                "write a whole number from 1 to 40."
            ),
        ),
        (
            {"optimizer": "adm"},
            "optimizer is not known, got 'adm'; write one of adam, sgd, momentum, nesterov.",
        ),
        (
            {"schedule": "linear"},
            (
                "schedule is not known, got 'linear'; write one of cosine, inverse-time, exponential, "
                "warm-up, constant, step."
            ),
        ),
        (
            {"schedule": "cosine", "seconds": 5},
            (
                "schedule needs a limit on epochs, steps or samples, got 'cosine'; "
                "give one, or write 'constant'."
            ),
        ),
        ({"target": "0.2"}, f"target must have the form METRIC=VALUE, got '0.2'; {METRICS}"),
        (
            {"target": "rmse=1"},
            "target names no metric of classification, got 'rmse=1'; write one of val_loss, val_accuracy.",
        ),
        (
            {"target": "val_accuracy=0.9"},
            (
                "target needs a validation part, got 'val_accuracy=0.9'; "
                "give validation=(X, y), or write accuracy=0.9 for the training part."
            ),
        ),
        (
            {"target": Target("loss", "validation", 0.2)},
            (
                "target needs a validation part, got 'val_loss<=0.2'; "
                "give validation=(X, y), or write loss=0.2 for the training part."
            ),
        ),
    ],
)
def test_settings_that_cannot_be_used(settings: dict[str, Any], text: str) -> None:
    """The sentence names the setting, shows the value and says what to write."""
    with pytest.raises(SettingError) as caught:
        fit(MLP(), TRAIN, **settings)
    assert str(caught.value) == text


@pytest.mark.parametrize(
    ("model", "train_part", "text"),
    [
        ("lineer", TRAIN, "model is not known, got 'lineer'; write one of linear, logistic, mlp."),
        (
            "linear",
            TRAIN,
            (
                "model 'linear' is for regression, got 'classification'; write 'logistic' or 'mlp', "
                "or make it regression by task 'regression' or y.astype(float)."
            ),
        ),
        (
            LogisticRegression(),
            (X, QUANTITIES),
            (
                "model 'logistic' is for classification, got 'regression'; write 'linear' or 'mlp', "
                "or make it classification by task 'classification' or y.astype(int)."
            ),
        ),
    ],
)
def test_a_model_that_cannot_be_used(model: Any, train_part: Any, text: str) -> None:
    """Unknown names, and models for the other task."""
    with pytest.raises(SettingError) as caught:
        fit(model, train_part)
    assert str(caught.value) == text


@pytest.mark.parametrize(
    ("train_part", "held", "text"),
    [
        (
            (X, CLASSES[:-1]),
            None,
            (
                "X and y of train must have the same number of rows, got shapes (50, 3) and (49,); "
                "give one label per row."
            ),
        ),
        ((X, CLASSES * 0), None, "y of train holds one class only, class 0; give rows of at least two."),
        (
            Loader((X, CLASSES[:, None]), 8),
            None,
            "y of a loader must be 1-d, one class number a row, got (50, 1); write y.reshape(-1).",
        ),
        (
            TRAIN,
            (X, CLASSES + 1),
            (
                "y of validation must hold class numbers from 0 to 2, got 3; "
                "number the classes from 0 without gaps, as in y of train."
            ),
        ),
    ],
)
def test_data_that_cannot_be_used(train_part: Any, held: Any, text: str) -> None:
    """They are refused before the first step."""
    with pytest.raises(DataError) as caught:
        fit(MLP(), train_part, held)
    assert str(caught.value) == text
