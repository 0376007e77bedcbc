"""Losses and their gradients at the outputs."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from sklearn.metrics import log_loss, mean_squared_error

from rightbatch.learners.losses import Loss, SigmoidCrossEntropy, SoftmaxCrossEntropy, SquaredError, loss_for
from rightbatch.records import Array, Shape

ROWS, REPLICAS = 6, 2

EXTREME = st.sampled_from([-1e4, -88.0, -1.0, 0.0, 1.0, 88.0, 1e4])


def problem(loss: Loss, seed: int = 0) -> tuple[Array, Array]:
    """Outputs `(outputs, replicas, rows)` and targets for the loss."""
    rng = np.random.default_rng(seed)
    columns = 1 if isinstance(loss, SigmoidCrossEntropy) else 3
    outputs = rng.normal(scale=3, size=(columns, REPLICAS, ROWS)).astype(np.float32)
    if isinstance(loss, SquaredError):
        return outputs, rng.normal(size=(ROWS, 3)).astype(np.float32)
    return outputs, np.arange(ROWS) % max(columns, 2)


LOSSES: list[Loss] = [SquaredError(), SoftmaxCrossEntropy(), SigmoidCrossEntropy()]

each_loss = pytest.mark.parametrize("loss", LOSSES, ids=lambda loss: type(loss).__name__)


def test_squared_error_is_scikit_learns() -> None:
    """The mean over rows is `mean_squared_error`, its mean over the outputs included."""
    outputs, y = problem(SquaredError())
    means = SquaredError().values(outputs, y).mean(axis=1)
    for replica in range(REPLICAS):
        assert means[replica] == pytest.approx(mean_squared_error(y, outputs[:, replica].T), rel=1e-6)


def test_softmax_is_scikit_learns() -> None:
    """The mean over rows is `log_loss` of the probabilities."""
    outputs, y = problem(SoftmaxCrossEntropy())
    means = SoftmaxCrossEntropy().values(outputs, y).mean(axis=1)
    for replica in range(REPLICAS):
        exps = np.exp(outputs[:, replica].T.astype(np.float64))
        expected = log_loss(y, exps / exps.sum(axis=1, keepdims=True))
        assert means[replica] == pytest.approx(expected, rel=1e-6)


def test_sigmoid_is_scikit_learns() -> None:
    """The mean over rows is `log_loss` of the probability of class 1."""
    outputs, y = problem(SigmoidCrossEntropy())
    means = SigmoidCrossEntropy().values(outputs, y).mean(axis=1)
    for replica in range(REPLICAS):
        probability = 1 / (1 + np.exp(-outputs[0, replica].astype(np.float64)))
        assert means[replica] == pytest.approx(log_loss(y, probability), rel=1e-6)


@each_loss
def test_values_leave_the_outputs_alone(loss: Loss) -> None:
    """The outputs are the same afterwards, and the values are float32 `(replicas, rows)`."""
    outputs, y = problem(loss)
    before = outputs.copy()
    values = loss.values(outputs, y)
    assert outputs.tolist() == before.tolist()
    assert values.shape == (REPLICAS, ROWS)
    assert values.dtype == np.float32


@each_loss
def test_the_training_loss_is_the_weighted_mean(loss: Loss) -> None:
    """Both ways to the loss agree: that of training, and that of evaluation averaged."""
    outputs, y = problem(loss)
    weight = np.array([0.1, 0.2, 0, 0.4, 0.3, 0], np.float32)
    expected = np.average(loss.values(outputs, y), weights=weight, axis=1)
    assert loss.to_gradient(outputs, loss.targets(y), weight) == pytest.approx(expected, rel=1e-6)


@each_loss
def test_the_gradient_at_the_outputs(loss: Loss) -> None:
    """It is the slope of the weighted mean loss by every output: central differences, in float64."""
    outputs, y = problem(loss)
    weight = np.array([0.1, 0.2, 0, 0.4, 0.3, 0])
    wide = outputs.astype(np.float64)
    expected = np.empty_like(wide)
    for place in np.ndindex(wide.shape):
        for step, sign in ((1e-5, 1), (-1e-5, -1)):
            moved = wide.copy()
            moved[place] += step
            side = (loss.values(moved, y) @ weight)[place[1]]
            expected[place] = side if sign == 1 else (expected[place] - side) / 2e-5
    loss.to_gradient(outputs, loss.targets(y), weight.astype(np.float32))
    assert outputs == pytest.approx(expected, rel=1e-4, abs=1e-6)


@each_loss
def test_replicas_may_have_targets_of_their_own(loss: Loss) -> None:
    """Loss and gradient of each are those that it has alone with its targets."""
    outputs, y = problem(loss)
    ys, weight = [y, y[::-1]], np.full(ROWS, 1 / ROWS, np.float32)
    alone = [outputs[:, [replica]].copy() for replica in range(REPLICAS)]
    targets = np.concatenate([loss.targets(each) for each in ys], axis=-2)
    together = loss.to_gradient(outputs, targets, weight)
    for replica, own in enumerate(alone):
        (value,) = loss.to_gradient(own, loss.targets(ys[replica]), weight)
        assert together[replica] == pytest.approx(value, rel=1e-6)
        assert outputs[:, [replica]] == pytest.approx(own, rel=1e-6, abs=1e-9)


@given(arrays(np.float32, (3, 1, 4), elements=EXTREME), st.lists(st.integers(0, 2), min_size=4, max_size=4))
def test_softmax_of_extreme_logits(outputs: Array, labels: list[int]) -> None:
    """Logits of any size give the loss of exact arithmetic, and probabilities that sum to 1."""
    y = np.array(labels)
    wide = outputs[:, 0].T.astype(np.float64)
    top = wide.max(axis=1)
    expected = top + np.log(np.exp(wide - top[:, None]).sum(axis=1)) - wide[range(4), y]
    values = SoftmaxCrossEntropy().values(outputs, y)
    assert values[0] == pytest.approx(expected, rel=1e-5, abs=1e-6)
    loss = SoftmaxCrossEntropy().to_gradient(outputs, y[None], np.full(4, 0.25, np.float32))
    assert loss[0] == pytest.approx(expected.mean(), rel=1e-5, abs=1e-6)
    assert outputs.sum(axis=0) == pytest.approx(0, abs=1e-6)


@given(EXTREME, st.integers(0, 1))
def test_sigmoid_of_extreme_logits(logit: float, label: int) -> None:
    """The loss is max(0, wrong logit) + log(1 + exp(-|logit|)); the gradient lies within [-1, 1]."""
    expected = max(0.0, -logit if label else logit) + np.log1p(np.exp(-abs(logit)))
    outputs, y = np.full((1, 1, 1), logit, np.float32), np.array([label])
    assert SigmoidCrossEntropy().values(outputs, y).item() == pytest.approx(expected, rel=1e-6, abs=1e-30)
    SigmoidCrossEntropy().to_gradient(outputs, y[None], np.ones(1, np.float32))
    probability = np.exp(min(logit, 0)) / (1 + np.exp(-abs(logit)))
    assert outputs.item() == pytest.approx(probability - label, abs=1e-6)


@pytest.mark.parametrize("dtype", [np.uint8, np.int32, np.uint64])
def test_labels_of_any_whole_type(dtype: type) -> None:
    """Labels of the smallest type that holds them, as images come with, give the same step."""
    rng = np.random.default_rng(0)
    outputs, y = rng.normal(size=(10, 4, 300)).astype(np.float32), rng.integers(0, 10, 300)
    weight = np.full(300, 1 / 300, np.float32)
    expected = outputs.copy()
    loss = SoftmaxCrossEntropy()
    values = loss.to_gradient(expected, loss.targets(y), weight)
    assert loss.to_gradient(outputs, loss.targets(y.astype(dtype)), weight).tolist() == values.tolist()
    assert outputs.tolist() == expected.tolist()


@pytest.mark.parametrize(
    ("task", "outputs", "kind"),
    [
        ("regression", 1, SquaredError),
        ("regression", 3, SquaredError),
        ("classification", 1, SigmoidCrossEntropy),
        ("classification", 3, SoftmaxCrossEntropy),
    ],
)
def test_the_loss_belongs_to_the_task(task: str, outputs: int, kind: type) -> None:
    """Two classes have one logit, more have one each."""
    assert isinstance(loss_for(Shape(features=2, outputs=outputs, task=task)), kind)
