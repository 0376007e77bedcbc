"""What a training tells, and what comes out of it."""

import pickle
from typing import Any

import numpy as np
import pytest
from sklearn.metrics import accuracy_score, log_loss, mean_absolute_error, r2_score, root_mean_squared_error

from rightbatch.errors import DataError
from rightbatch.records import Array, Outcome
from rightbatch.train.fit import fit
from rightbatch.train.result import FitProgress, FitResult


def problem(outputs: int, *, classes: bool) -> tuple[Array, Array]:
    """60 rows with as many columns as outputs, to be told apart or predicted."""
    x = np.random.default_rng(0).normal(size=(60, outputs)).astype(np.float32)
    if not classes:
        return x, x @ np.arange(1, outputs**2 + 1).reshape(outputs, -1).astype(np.float32) - 1
    return x, ((x[:, 0] > 0).astype(int) if outputs == 2 else x.argmax(axis=1))


def trained(outputs: int, *, classes: bool, model: str = "mlp") -> tuple[FitResult, Array, Array]:
    """A model after two epochs, and its data."""
    x, y = problem(outputs, classes=classes)
    return fit(model, (x, y), epochs=2, batch_size=10), x, y


@pytest.mark.parametrize("classes", [2, 4])
def test_predictions_are_the_likeliest_classes(classes: int) -> None:
    """Class numbers, int64 `(rows,)`: of the largest logit, or of the sign of the one for two classes."""
    result, x, _ = trained(classes, classes=True)
    raw = result.outputs(x)
    assert raw.shape == (60, 1 if classes == 2 else classes)
    assert raw.dtype == np.float32
    expected = raw[:, 0] > 0 if classes == 2 else raw.argmax(axis=1)
    assert result.predict(x).tolist() == expected.astype(int).tolist()
    assert result.predict(x).dtype == np.int64
    assert set(result.predict(x)) == set(range(classes))


@pytest.mark.parametrize("outputs", [1, 3])
def test_predictions_are_values(outputs: int) -> None:
    """One output is flat, several are columns; a linear model's are x w + b with its own parameters."""
    result, x, _ = trained(outputs, classes=False, model="linear")
    parameters = result.parameters()
    expected = x @ parameters["weight1"] + parameters["bias1"]
    found = result.predict(x)
    assert found.shape == ((60,) if outputs == 1 else (60, 3))
    assert found == pytest.approx(expected[:, 0] if outputs == 1 else expected, rel=1e-5, abs=1e-6)
    assert result.predict(x.tolist()).tolist() == found.tolist()


@pytest.mark.parametrize("classes", [2, 4])
def test_scores_of_classes_are_scikit_learns(classes: int) -> None:
    """Loss and accuracy follow from the outputs."""
    result, x, y = trained(classes, classes=True)
    raw = result.outputs(x).astype(np.float64)
    logits = np.c_[np.zeros(60), raw] if classes == 2 else raw
    probability = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    assert result.score((x, y)) == pytest.approx(
        {"loss": log_loss(y, probability), "accuracy": accuracy_score(y, result.predict(x))}, rel=1e-5
    )


def test_scores_of_values_are_scikit_learns() -> None:
    """Loss is the mean squared error; targets may be flat, or whole numbers."""
    result, x, y = trained(1, classes=False)
    for target in (y, y[:, 0], y.round().astype(int)):
        guess = result.predict(x)
        rmse = root_mean_squared_error(target, guess)
        scores = {"loss": rmse**2, "rmse": rmse, "mae": mean_absolute_error(target, guess)}
        assert result.score((x, target)) == pytest.approx({**scores, "r2": r2_score(target, guess)}, rel=1e-5)


def test_parameters_are_copies() -> None:
    """Changing them does not change the model."""
    result, x, _ = trained(2, classes=True)
    before = result.predict(x).tolist()
    parameters = result.parameters()
    assert {name: value.shape for name, value in parameters.items()} == {
        "weight1": (2, 64),
        "bias1": (64,),
        "weight2": (64, 1),
        "bias2": (1,),
    }
    for value in parameters.values():
        value[:] = np.nan
    assert result.predict(x).tolist() == before


def test_a_result_can_be_stored() -> None:
    """A pickled result predicts the same."""
    result, x, _ = trained(3, classes=True)
    again = pickle.loads(pickle.dumps(result))
    assert again.outputs(x).tolist() == result.outputs(x).tolist()
    assert again.history == result.history
    assert again.outcome is Outcome.OUT_OF_STEPS


def test_a_result_shows_in_a_line() -> None:
    """Why it stopped, and not the thousands of numbers it holds."""
    result, _, _ = trained(1, classes=False)
    assert repr(result) == (
        "FitResult(shape=Shape(features=1, outputs=1, task='regression'), "
        "outcome=<Outcome.OUT_OF_STEPS: 'out of steps'>, stopped='It stopped after 2 epochs, the limit.')"
    )


@pytest.mark.parametrize(
    ("x", "text"),
    [
        ([[1.0, 2.0, 3.0]], "X of predict must have 2 columns as in training, got 3; give the same columns."),
        (1.0, "X of predict must hold rows, got a single float; write an array of rows."),
        ([], "X of predict is empty, got shape (0,); give at least one row and one column."),
        (
            [["a", "b"]],
            "X of predict must hold numbers, got <U1; write rb.load_data((X, y)) to encode it.",
        ),
    ],
)
def test_rows_that_cannot_be_predicted(x: Any, text: str) -> None:
    """The sentence says what is wrong with them."""
    result, _, _ = trained(2, classes=True)
    with pytest.raises(DataError) as caught:
        result.predict(x)
    assert str(caught.value) == text


def test_data_that_cannot_be_scored() -> None:
    """Classes that the model does not know are named."""
    result, x, y = trained(2, classes=True)
    with pytest.raises(DataError) as caught:
        result.score((x, y + 1))
    assert str(caught.value) == (
        "y of score must hold class numbers from 0 to 1, got 2; "
        "number the classes from 0 without gaps, as in y of train."
    )


@pytest.mark.parametrize(
    ("settings", "line"),
    [
        (
            {"epochs": 10, "metrics": {"val_loss": 0.388, "val_accuracy": 0.94}},
            "epoch 5/10  step 8/100  loss 0.412  val_loss 0.388  val_accuracy 0.94",
        ),
        ({"epochs": None, "metrics": {}}, "epoch 5  step 8/100  loss 0.412"),
        (
            {"epochs": 10, "metrics": {"val_r2": -0.00012346}},
            "epoch 5/10  step 8/100  loss 0.412  val_r2 -0.0001235",
        ),
    ],
)
def test_progress_is_a_line(settings: dict[str, Any], line: str) -> None:
    """Epoch, step, loss and the last metrics, with four digits at most."""
    assert str(FitProgress(epoch=5, step=8, steps=100, loss=0.412, **settings)) == line
