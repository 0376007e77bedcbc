"""Metrics: how good raw outputs are, one number a replica; names, directions and formulas."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from rightbatch.learners.protocol import Learner
from rightbatch.records import Array

_TASKS = ("regression", "classification")


@dataclass(frozen=True, slots=True)
class Metric:
    """A metric of predictions against targets."""

    name: str
    better: str
    """`"lower"` or `"higher"`."""
    tasks: tuple[str, ...]
    function: Callable[[Array, Array], Array] | None
    """From outputs `(replicas, rows, outputs)` and targets to float64 `(replicas,)`.

    `None` stands for the learner's own loss.
    """


def _accuracy(outputs: Array, y: Array) -> Array:
    """Share of rows whose class is predicted right; not finite outputs are wrong."""
    guess = outputs[..., 0] > 0 if outputs.shape[-1] == 1 else outputs.argmax(axis=-1)
    finite = np.isfinite(outputs).all(axis=-1)
    return ((guess == y) & finite).mean(axis=1, dtype=np.float64)


def _rmse(outputs: Array, y: Array) -> Array:
    """Root of the mean squared error."""
    return np.sqrt(np.mean(_errors(outputs, y) ** 2, axis=(1, 2)))


def _mae(outputs: Array, y: Array) -> Array:
    """Mean absolute error."""
    return np.mean(np.abs(_errors(outputs, y)), axis=(1, 2))


def _r2(outputs: Array, y: Array) -> Array:
    """1 - squared error / squared deviation from the mean."""
    target = y.reshape(len(y), -1).astype(np.float64)
    spread = np.sum((target - target.mean(axis=0)) ** 2)
    return 1 - np.sum(_errors(outputs, y) ** 2, axis=(1, 2)) / spread


def _errors(outputs: Array, y: Array) -> Array:
    return outputs.astype(np.float64) - y.reshape(len(y), -1)


METRICS = {
    metric.name: metric
    for metric in (
        Metric("loss", "lower", _TASKS, None),
        Metric("accuracy", "higher", ("classification",), _accuracy),
        Metric("rmse", "lower", ("regression",), _rmse),
        Metric("mae", "lower", ("regression",), _mae),
        Metric("r2", "higher", ("regression",), _r2),
    )
}


def metrics_of(task: str) -> tuple[str, ...]:
    """Names of the metrics that fit the task.

    Example:
        >>> metrics_of("classification")
        ('loss', 'accuracy')
    """
    return tuple(name for name, metric in METRICS.items() if task in metric.tasks)


def evaluate(
    learner: Learner[Any], state: Any, data: tuple[Array, Array], names: Sequence[str | Metric]
) -> dict[str, Array]:
    """The named metrics of every replica on the data.

    Args:
        learner: the learner.
        state: its replicas.
        data: inputs and targets, `(rows, ...)`.
        names: keys of `METRICS`, or metrics.

    Returns:
        For each name an array, float64, shape `(replicas,)`; NaN or infinity where a replica diverged.
    """
    x, y = data
    return judged(learner, learner.predict(state, x), y, names)


def judged(
    learner: Learner[Any], outputs: Array, y: Array, names: Sequence[str | Metric]
) -> dict[str, Array]:
    """The named metrics of raw outputs.

    Args:
        learner: whose loss it is.
        outputs: `(replicas, rows, outputs)`.
        y: targets, `(rows, ...)`.
        names: keys of `METRICS`, or metrics.

    Returns:
        For each name an array, float64, shape `(replicas,)`.
    """
    metrics = [METRICS[name] if isinstance(name, str) else name for name in names]
    with np.errstate(all="ignore"):
        return {metric.name: _value(learner, metric, outputs, y) for metric in metrics}


def constant(y: Array, task: str, outputs: int) -> Array:
    """Raw outputs of the best guess that is the same for every row: the shares of the classes, or the mean.

    Args:
        y: targets, `(rows, ...)`: class numbers, of each of which one more is counted, or values.
        task: ``"regression"`` or ``"classification"``.
        outputs: that a model has for a row.

    Returns:
        float32 `(outputs,)`: log shares of the classes, one logit for two, or means.

    Example:
        >>> constant(np.array([0] * 74 + [1] * 24), "classification", 1).tolist()  # ln(25 / 75)
        [-1.0986123085021973]
    """
    if task == "regression":
        return np.asarray(y.reshape(len(y), -1).mean(axis=0, dtype=np.float64), np.float32)
    logs = np.log(np.bincount(y, minlength=max(2, outputs)) + 1.0)
    return np.asarray(logs - logs.mean() if outputs > 1 else logs[1:] - logs[0], np.float32)


def predicted(outputs: Array, task: str) -> Array:
    """Class numbers `(rows,)`, or predicted values `(rows,)` or `(rows, outputs)`, of raw outputs.

    Args:
        outputs: of one replica, `(rows, outputs)`.
        task: ``"regression"`` or ``"classification"``.

    Example:
        >>> predicted(np.array([[-1.0], [2.0]]), "classification").tolist()
        [0, 1]
    """
    if task == "regression":
        return outputs[:, 0] if outputs.shape[1] == 1 else outputs
    return (outputs[:, 0] > 0).astype(np.int64) if outputs.shape[1] == 1 else outputs.argmax(axis=1)


def probabilities(outputs: Array) -> Array:
    """Of class 1 `(rows,)` from one logit a row, or of every class `(rows, classes)`, float64.

    Example:
        >>> probabilities(np.array([[0.0]])).tolist(), probabilities(np.array([[1.0, 1.0]])).tolist()
        ([0.5], [[0.5, 0.5]])
    """
    logits = outputs.astype(np.float64)
    if logits.shape[1] == 1:
        return np.asarray(np.exp(-np.logaddexp(0, -logits[:, 0])))
    raised = np.exp(logits - logits.max(axis=1, keepdims=True))
    return np.asarray(raised / raised.sum(axis=1, keepdims=True))


def _value(learner: Learner[Any], metric: Metric, outputs: Array, y: Array) -> Array:
    if metric.function is None:
        return learner.losses(outputs, y).mean(axis=1, dtype=np.float64)
    return metric.function(outputs, y)
