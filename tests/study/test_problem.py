"""What a guess that is the same for every row is worth, against scikit-learn's."""

from typing import Any

import numpy as np
import pytest
from sklearn.dummy import DummyClassifier, DummyRegressor
from sklearn.metrics import accuracy_score, log_loss, mean_absolute_error, mean_squared_error, r2_score

import rightbatch as rb
from rightbatch.learners.updates import SGD
from rightbatch.records import Array, Shape
from rightbatch.study.problem import Problem

RNG = np.random.default_rng(0)
X = RNG.normal(size=(300, 4)).astype(np.float32)
RARE = (RNG.random(300) < 0.05).astype(np.int64)
THREE = RNG.choice(3, 300, p=[0.7, 0.2, 0.1])
NUMBERS = (5 + RNG.normal(size=(300, 2))).astype(np.float32)


def problem(y: Array, model: Any = None, *, outputs: int = 1, task: str = "classification") -> Problem:
    """The first 200 rows to train on, the others to validate."""
    shape = Shape(features=4, outputs=outputs, task=task)
    built = (model or rb.MLP(hidden=(3,))).build(shape, SGD())
    return Problem(learner=built, train=(X[:200], y[:200]), validation=(X[200:], y[200:]), task=task)


def baseline(of: Problem, target: str) -> float | None:
    """By the metric of this target."""
    return of.baseline(of.read_target(target))


@pytest.mark.parametrize(("y", "outputs"), [(RARE, 1), (THREE, 3)])
@pytest.mark.parametrize(("part", "rows"), [("val_", slice(200, None)), ("", slice(200))])
def test_the_shares_of_the_classes(y: Array, outputs: int, part: str, rows: slice) -> None:
    """Those of the training part, each class counted once more, so that none has a share of 0."""
    classes = np.unique(y)
    dummy = DummyClassifier(strategy="prior").fit(np.zeros((200 + len(classes), 1)), [*y[:200], *classes])
    shares, known = dummy.predict_proba(X[rows]), problem(y, outputs=outputs)
    assert baseline(known, f"{part}loss=0") == pytest.approx(log_loss(y[rows], shares), rel=1e-5)
    right = accuracy_score(y[rows], dummy.predict(X[rows]))
    assert baseline(known, f"{part}accuracy=1") == pytest.approx(right)


def test_the_mean_of_every_label() -> None:
    """Of the training part, in all metrics of a regression."""
    known = problem(NUMBERS, outputs=2, task="regression")
    y, means = NUMBERS[200:], DummyRegressor().fit(X[:200], NUMBERS[:200]).predict(X[200:])
    squared = mean_squared_error(y, means)
    assert baseline(known, "val_loss=0") == pytest.approx(squared, rel=1e-5)
    assert baseline(known, "val_rmse=0") == pytest.approx(np.sqrt(squared), rel=1e-5)
    assert baseline(known, "val_mae=0") == pytest.approx(mean_absolute_error(y, means), rel=1e-5)
    r2 = r2_score(y, means, multioutput="variance_weighted")
    assert baseline(known, "val_r2=1") == pytest.approx(r2, abs=1e-6)


def test_a_module_may_have_an_output_for_each_of_two_classes() -> None:
    """Its shares are those of one logit."""
    nn = pytest.importorskip("torch", reason="PyTorch is not installed").nn
    two = baseline(problem(RARE, rb.TorchModel(nn.Linear(4, 2))), "val_loss=0")
    assert two == pytest.approx(baseline(problem(RARE), "val_loss=0"), rel=1e-5)


def test_of_a_loss_of_the_users_it_is_not_known() -> None:
    """What its outputs mean is not known."""
    nn = pytest.importorskip("torch", reason="PyTorch is not installed").nn
    own = rb.TorchModel(nn.Linear(4, 2), loss=nn.CrossEntropyLoss(label_smoothing=0.1))
    assert baseline(problem(RARE, own), "val_loss=0") is None


def test_of_a_label_for_each_place_of_a_row_it_is_not_known() -> None:
    """Words of a text, say: there is no one guess for a row."""
    assert baseline(problem(np.stack([RARE, RARE], axis=1), outputs=2), "val_loss=0") is None
