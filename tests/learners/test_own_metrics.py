"""Metrics of the user's own, in the history of `fit` and beside scikit-learn's own word."""

from functools import partial
from typing import Any

import numpy as np
import pytest
from sklearn import metrics as theirs

from rightbatch.errors import SettingError
from rightbatch.learners.linear import LinearRegression
from rightbatch.learners.metrics import predicted, probabilities
from rightbatch.learners.mlp import MLP
from rightbatch.learners.own_metrics import own_metrics
from rightbatch.records import Array
from rightbatch.train.fit import fit
from train.fit_data import HELD, QUANTITIES, TRAIN, X

RNG = np.random.default_rng(1)
CLASS_CASES = [
    (RNG.normal(size=(40, 3)).astype(np.float32), RNG.integers(0, 3, 40)),
    (RNG.normal(size=(40, 1)).astype(np.float32), RNG.integers(0, 2, 40)),
]


def found(metric: Any, outputs: Array, y: Array, task: str = "classification") -> float:
    """The value of one metric for one replica."""
    (made,) = own_metrics(metric if isinstance(metric, dict) else [metric], task)
    assert made.function is not None
    (value,) = made.function(outputs[None], y)
    return float(value)


@pytest.mark.parametrize(("outputs", "y"), CLASS_CASES, ids=["three classes", "two classes"])
def test_metrics_of_classes(outputs: Array, y: Array) -> None:
    """Functions of scikit-learn get class numbers, as `predict` gives them."""
    guess = outputs.argmax(1) if outputs.shape[1] > 1 else (outputs[:, 0] > 0).astype(int)
    macro = partial(theirs.f1_score, average="macro")
    assert found(macro, outputs, y) == theirs.f1_score(y, guess, average="macro")
    assert found(theirs.balanced_accuracy_score, outputs, y) == theirs.balanced_accuracy_score(y, guess)


def test_metrics_of_probabilities() -> None:
    """A second argument called y_score gets those of class 1, or of every class."""
    (three, y3), (two, y2) = CLASS_CASES
    area = partial(theirs.roc_auc_score, multi_class="ovr")
    softmax = np.exp(three.astype(float)) / np.exp(three.astype(float)).sum(1, keepdims=True)
    assert found(area, three, y3) == pytest.approx(theirs.roc_auc_score(y3, softmax, multi_class="ovr"))
    sigmoid = 1 / (1 + np.exp(-two[:, 0].astype(float)))
    assert found(theirs.average_precision_score, two, y2) == theirs.average_precision_score(y2, sigmoid)


@pytest.mark.parametrize("columns", [1, 3])
def test_metrics_of_quantities(columns: int) -> None:
    """One column comes without its axis."""
    outputs, y = RNG.normal(size=(2, 30, columns)).astype(np.float32)
    expected = theirs.median_absolute_error(y, outputs)
    assert found(theirs.median_absolute_error, outputs, y, "regression") == pytest.approx(expected)


def test_they_are_in_the_history_and_the_score() -> None:
    """Under val_ and their names, beside those of the task; the last is the returned model's."""
    named = {"f1": partial(theirs.f1_score, average="macro")}
    result = fit(MLP(), TRAIN, HELD, epochs=3, metrics=named)
    assert list(result.history[0])[-3:] == ["val_loss", "val_accuracy", "val_f1"]
    expected = theirs.f1_score(HELD[1], result.predict(HELD[0]), average="macro")
    assert result.history[-1]["val_f1"] == expected == result.score(HELD)["f1"]
    held = X[40:], QUANTITIES[40:]
    result = fit(LinearRegression(), (X, QUANTITIES), held, epochs=1, metrics=[theirs.max_error, "mae"])
    assert result.history[-1]["val_max_error"] == theirs.max_error(held[1], result.predict(held[0]))


class Counter:
    """A metric in the way of torchmetrics: updated with predictions and targets, then computed."""

    def reset(self) -> None:
        """Nothing seen."""
        self.seen: list[Any] = []

    def update(self, preds: Any, target: Any) -> None:
        """Some rows seen."""
        self.seen.append((preds, target))

    def compute(self) -> Any:
        """The share of rows whose largest probability is that of the target."""
        ((preds, target),) = self.seen
        return (preds.argmax(1) == target).float().mean()

    def __call__(self, *_: Any) -> Any:
        """What torchmetrics does for a batch; not what is wanted here."""
        raise AssertionError


def test_metrics_of_torchmetrics() -> None:
    """Objects are reset, updated and computed; functions have `preds` and `target`; both get tensors."""
    torch = pytest.importorskip("torch", reason="PyTorch is not installed")
    outputs, y = CLASS_CASES[0]
    expected = (outputs.argmax(1) == y).mean()

    def likelihood(preds: Any, target: Any) -> Any:
        return torch.gather(preds, 1, target[:, None]).mean()

    metric = Counter()
    for _ in range(2):
        assert found(metric, outputs, y) == pytest.approx(expected)
    share = probabilities(outputs)[np.arange(40), y].mean()
    assert found(likelihood, outputs, y) == pytest.approx(share)


def test_outputs_that_are_not_finite() -> None:
    """A replica that diverged has no metric; functions of scikit-learn would raise."""
    outputs = CLASS_CASES[0][0].copy()
    outputs[3, 1] = np.nan
    assert np.isnan(found(theirs.accuracy_score, outputs, CLASS_CASES[0][1]))


INSTEAD = "write a function of (y_true, y_pred), such as sklearn.metrics.f1_score."


@pytest.mark.parametrize(
    ("metrics", "text"),
    [
        (["f1"], "metrics is not known, got 'f1'; write one of loss, accuracy."),
        ([3], f"metrics must be functions, got 3; {INSTEAD}"),
        (
            [theirs.f1_score, theirs.f1_score],
            "metrics must differ in their names, got 'f1_score'; write {name: function}.",
        ),
        (
            {"loss": theirs.f1_score},
            "metrics must differ in their names, got 'loss'; write {name: function}.",
        ),
        (
            theirs.confusion_matrix,
            "metrics 'confusion_matrix' must give one number, got 'ndarray'; take a mean over the classes.",
        ),
    ],
)
def test_bad_metrics(metrics: Any, text: str) -> None:
    """One sentence each."""
    with pytest.raises(SettingError) as caught:
        fit(MLP(), TRAIN, HELD, epochs=1, metrics=metrics)
    assert str(caught.value) == text


def test_a_metric_that_raises() -> None:
    """Its own words are passed on."""
    with pytest.raises(SettingError) as caught:
        fit(MLP(), TRAIN, HELD, epochs=1, metrics=[theirs.f1_score])
    assert str(caught.value).startswith(
        "metrics 'f1_score' cannot be taken of targets (10,) and outputs (10, 3), got \"Target is multiclass"
    )


def test_metrics_need_a_validation_part() -> None:
    """There is nothing else that they are evaluated on."""
    with pytest.raises(SettingError) as caught:
        fit(MLP(), TRAIN, metrics=[theirs.accuracy_score])
    assert str(caught.value) == (
        "metrics need a validation part, got 'accuracy_score'; give validation=(X, y)."
    )


def test_what_is_predicted() -> None:
    """The largest output's class, the sign of one logit, or the values."""
    assert predicted(np.array([[1.0, 3.0, 2.0]]), "classification").tolist() == [1]
    assert predicted(np.array([[-1.0], [0.5]]), "classification").tolist() == [0, 1]
    assert predicted(np.array([[1.0], [2.0]]), "regression").shape == (2,)
