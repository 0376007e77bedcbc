"""A scikit-learn estimator as a learner: the same numbers as feeding it by hand."""

import warnings
from typing import Any

import numpy as np
import pytest
from sklearn.cluster import MiniBatchKMeans
from sklearn.linear_model import SGDClassifier, SGDRegressor
from sklearn.metrics import accuracy_score, log_loss, mean_squared_error
from sklearn.naive_bayes import MultinomialNB
from sklearn.neural_network import MLPClassifier, MLPRegressor

import rightbatch as rb
from rightbatch.errors import SettingError
from rightbatch.learners.estimator import EstimatorModel
from rightbatch.learners.metrics import evaluate
from rightbatch.records import Batch, Shape

THREE = Shape(features=4, outputs=3, task="classification")
TWO = Shape(features=4, outputs=1, task="classification")
LINE = Shape(features=4, outputs=1, task="regression")
RNG = np.random.default_rng(0)
X = RNG.normal(size=(60, 4)).astype(np.float32)
Y = {
    "three": (X[:, 0] > 0).astype(int) + (X[:, 1] > 0),
    "two": (X[:, 0] > 0).astype(int),
    "line": X.sum(axis=1),
}


def batches(y: Any) -> list[Batch]:
    """Three batches of twenty rows."""
    return [
        Batch((X[i : i + 20], y[i : i + 20]), np.arange(i, i + 20), None, 0, i // 20) for i in (0, 20, 40)
    ]


def test_a_classifier_is_fed_as_by_hand() -> None:
    """Equal weights after three batches, and scikit-learn's own loss and accuracy of its probabilities."""
    learner = EstimatorModel(SGDClassifier(loss="log_loss")).build(THREE, None)
    by_hand = SGDClassifier(loss="log_loss", learning_rate="constant", eta0=0.1, random_state=5)
    state = learner.start([5])
    for batch in batches(Y["three"]):
        state, _ = learner.step(state, batch, np.array([0.1], np.float32))
        by_hand.eta0 = float(np.float32(0.1))
        by_hand.partial_fit(*batch.data, classes=[0, 1, 2])
    assert np.array_equal(state[0].estimator.coef_, by_hand.coef_)
    found = evaluate(learner, state, (X, Y["three"]), ["loss", "accuracy"])
    assert found["loss"][0] == pytest.approx(log_loss(Y["three"], by_hand.predict_proba(X)), rel=1e-5)
    assert found["accuracy"][0] == accuracy_score(Y["three"], by_hand.predict(X))


@pytest.mark.parametrize("estimator", [MLPClassifier((8,)), SGDClassifier(loss="log_loss"), SGDClassifier()])
def test_two_classes_have_one_output(estimator: Any) -> None:
    """Its sign is the estimator's own prediction."""
    learner = EstimatorModel(estimator).build(TWO, None)
    state = learner.start([0])
    for batch in batches(Y["two"]):
        state, _ = learner.step(state, batch, np.array([0.05], np.float32))
    outputs = learner.predict(state, X)
    assert outputs.shape == (1, 60, 1)
    assert np.array_equal(outputs[0, :, 0] > 0, state[0].estimator.predict(X) == 1)


@pytest.mark.parametrize("estimator", [SGDRegressor(), MLPRegressor(hidden_layer_sizes=(8,))])
def test_regression_is_squared_error(estimator: Any) -> None:
    """As scikit-learn counts it."""
    learner = EstimatorModel(estimator).build(LINE, None)
    state = learner.start([0])
    y = Y["line"].reshape(-1, 1)
    for batch in batches(y):
        state, _ = learner.step(state, batch, np.array([0.01], np.float32))
    expected = mean_squared_error(y, state[0].estimator.predict(X))
    assert evaluate(learner, state, (X, y), ["loss"])["loss"][0] == pytest.approx(expected, rel=1e-5)


def test_a_network_makes_one_update_a_batch_at_the_rate_of_the_step() -> None:
    """A batch of more than 200 rows is not cut, and a rate that changes is the next update's."""
    learner = EstimatorModel(MLPClassifier((4,), solver="sgd", momentum=0.0)).build(TWO, None)
    x = np.tile(X, (5, 1))
    batch = Batch((x, np.tile(Y["two"], 5)), np.arange(300), None, 0, 0)
    state = learner.start([0])
    for rate in (0.1, 0.1, 0.0):
        before = [w.copy() for w in state[0].estimator.coefs_] if state[0].fitted else []
        state, _ = learner.step(state, batch, np.array([rate], np.float32))
    assert state[0].estimator.t_ == 900  # samples: three updates of 300
    assert all(np.array_equal(old, new) for old, new in zip(before, state[0].estimator.coefs_, strict=True))


def test_the_loss_of_a_step_is_that_before_it() -> None:
    """Before the first step every class is as likely: ln 3."""
    learner = EstimatorModel(SGDClassifier(loss="log_loss")).build(THREE, None)
    _, result = learner.step(learner.start([0, 1]), batches(Y["three"])[0], np.full(2, 0.1, np.float32))
    assert result.loss == pytest.approx([np.log(3)] * 2)


def test_replicas_do_not_touch_each_other_or_the_estimator_given() -> None:
    """A selection is a copy, and the user's own object stays unfitted."""
    mine = SGDClassifier(loss="log_loss")
    learner = EstimatorModel(mine).build(THREE, None)
    state, _ = learner.step(
        learner.start([0, 0]), batches(Y["three"])[0], np.array([0.1, 0.0001], np.float32)
    )
    kept = learner.select(state, [1])
    before = kept[0].estimator.coef_.copy()
    learner.step(state, batches(Y["three"])[1], np.array([0.1, 0.1], np.float32))
    assert np.array_equal(kept[0].estimator.coef_, before)
    assert not hasattr(mine, "coef_")


def test_one_that_overflows_has_diverged() -> None:
    """Its outputs are NaN from then on, and the others go on."""
    learner = EstimatorModel(SGDRegressor()).build(LINE, None)
    state = learner.start([0, 0])
    for batch in batches(Y["line"].reshape(-1, 1)) * 3:
        state, _ = learner.step(state, batch, np.array([1e300, 0.01]))
    outputs = learner.predict(state, X)
    assert np.isnan(outputs[0]).all()
    assert np.isfinite(outputs[1]).all()


def test_padding_is_left_out() -> None:
    """Rows of weight 0 teach nothing."""
    learner = EstimatorModel(SGDClassifier(loss="log_loss")).build(THREE, None)
    weight = np.r_[np.ones(10, np.float32), np.zeros(10, np.float32)]
    full = batches(Y["three"])[0]
    padded = Batch(full.data, full.index, weight, 0, 0)
    half = Batch(tuple(field[:10] for field in full.data), full.index[:10], None, 0, 0)
    rate = np.array([0.1], np.float32)
    one, _ = learner.step(learner.start([0]), padded, rate)
    two, _ = learner.step(learner.start([0]), half, rate)
    assert np.array_equal(one[0].estimator.coef_, two[0].estimator.coef_)


def test_fit_and_study_take_an_estimator() -> None:
    """Quietly, and to a sound answer."""
    data = rb.load_data("digits")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        result = rb.fit(SGDClassifier(loss="log_loss"), data, batch_size=32, epochs=2)
        found = rb.study(
            SGDClassifier(loss="log_loss"),
            data,
            target="val_accuracy=0.9",
            batch_sizes=[32, 256],
            seeds=2,
            complete=False,
        )
    assert result.history[-1]["val_accuracy"] > 0.9
    assert found.recommendation is not None


@pytest.mark.parametrize("estimator", [MultinomialNB(), MiniBatchKMeans()])
def test_one_without_a_learning_rate_is_refused(estimator: Any) -> None:
    """There is nothing to tune."""
    with pytest.raises(SettingError) as caught:
        EstimatorModel(estimator)
    assert str(caught.value) == (
        f"model has no learning rate to tune, got {estimator!r}; "
        "write one such as SGDClassifier or MLPClassifier."
    )


def test_it_has_its_own_optimizer() -> None:
    """Another one is refused."""
    with pytest.raises(SettingError) as caught:
        rb.fit(SGDClassifier(), "digits", optimizer="adam")
    assert str(caught.value) == (
        "optimizer must be left out: SGDClassifier has its own, got 'adam'; leave it out."
    )
