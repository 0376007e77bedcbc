"""Metrics of the user's own: functions of scikit-learn, torchmetrics, or anything called in the same way."""

import inspect
import math
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import numpy as np

from rightbatch.checks import one_of
from rightbatch.errors import SettingError
from rightbatch.learners.metrics import METRICS, Metric, metrics_of, predicted, probabilities
from rightbatch.records import Array

_SCORES = {"y_score", "y_proba", "y_prob"}
"""What scikit-learn calls its second argument where it wants probabilities."""

_ASKED = "distributed_available_fn"
"""What a metric of torchmetrics asks whether there are several processes."""

_INSTEAD = "write a function of (y_true, y_pred), such as sklearn.metrics.f1_score"


def own_metrics(metrics: Any, task: str) -> tuple[Metric, ...]:
    """The metrics to evaluate beside those of the task.

    A function is called with the targets and class numbers or predicted values; one whose second argument
    is named ``y_score``, ``y_proba`` or ``y_prob`` gets probabilities there: of class 1 `(rows,)` where there
    are two, of every class `(rows, classes)` otherwise. What has ``preds`` and ``target``, or is an
    object with `update` and `compute`, is one of torchmetrics: it gets tensors, and probabilities.

    Args:
        metrics: functions, or names of the task's own, which are evaluated anyway; or a mapping of names
            to functions; none: no more.
        task: ``"regression"`` or ``"classification"``.

    Raises:
        SettingError: neither functions nor known names, or two of one name.

    Example:
        >>> def share_of_zeros(y_true, y_pred):
        ...     return (y_pred == 0).mean()
        >>> [metric.name for metric in own_metrics([share_of_zeros, "accuracy"], "classification")]
        ['share_of_zeros']
    """
    if metrics is None:
        return ()
    if isinstance(metrics, Mapping):
        pairs = [(str(name), metric) for name, metric in metrics.items()]
    else:
        given = [metrics] if isinstance(metrics, str) or not isinstance(metrics, Iterable) else list(metrics)
        pairs = [(_name(metric), metric) for metric in given]
    found: dict[str, Metric] = {}
    for name, metric in pairs:
        if isinstance(metric, str):
            one_of("metrics", metric, metrics_of(task))
            continue
        if not callable(metric):
            raise SettingError("metrics", "must be functions", metric, _INSTEAD)
        if name in found or name in METRICS:
            raise SettingError("metrics", "must differ in their names", name, "write {name: function}")
        found[name] = Metric(name, "", (task,), _each_replica(name, _adapted(metric, task)))
    return tuple(found.values())


def _name(metric: Any) -> str:
    named = getattr(metric, "func", metric)  # of a functools.partial
    return metric if isinstance(metric, str) else getattr(named, "__name__", type(named).__name__.lower())


def _adapted(metric: Any, task: str) -> Callable[[Array, Array], Any]:
    """From targets `(rows, ...)` and raw outputs `(rows, outputs)` to a number."""
    if all(hasattr(metric, name) for name in ("reset", "update", "compute")):
        return lambda y, outputs: _accumulated(metric, *_tensors(y, outputs, task))
    names = _parameters(metric)
    if "preds" in names:
        return lambda y, outputs: metric(*_tensors(y, outputs, task))
    if _SCORES & set(names):
        return lambda y, outputs: metric(y, probabilities(outputs))
    return lambda y, outputs: metric(y, predicted(outputs, task))


def _parameters(metric: Any) -> list[str]:
    try:
        return list(inspect.signature(metric).parameters)
    except (TypeError, ValueError):  # a function written in C may not tell
        return []


def _tensors(y: Array, outputs: Array, task: str) -> tuple[Any, Any]:
    """Predictions and targets as torchmetrics wants them; PyTorch is there where its metric is."""
    torch = sys.modules["torch"]
    scores = outputs.astype(np.float64) if task == "regression" else probabilities(outputs)
    scores = scores[:, 0] if scores.ndim == 2 and scores.shape[1] == 1 else scores
    return torch.from_numpy(scores.astype(np.float32)), torch.from_numpy(np.array(y))


def _accumulated(metric: Any, predictions: Any, target: Any) -> Any:
    metric.reset()
    metric.update(predictions, target)
    with _not_synchronised(metric):
        return metric.compute()


@contextmanager
def _not_synchronised(metric: Any) -> Iterator[None]:
    """Each of several processes has the outputs of all rows: adding theirs up would count rows twice."""
    parts = metric.modules() if hasattr(metric, "modules") else [metric]
    before = [(part, getattr(part, _ASKED)) for part in parts if hasattr(part, _ASKED)]
    try:
        for part, _ in before:
            setattr(part, _ASKED, lambda: False)
        yield
    finally:
        for part, asked in before:
            setattr(part, _ASKED, asked)


def _each_replica(name: str, value: Callable[[Array, Array], Any]) -> Callable[[Array, Array], Array]:
    """From outputs `(replicas, rows, outputs)`; a replica with outputs that are not finite has NaN."""

    def function(outputs: Array, y: Array) -> Array:
        y = y[:, 0] if y.ndim == 2 and y.shape[1] == 1 else y
        return np.array([_number(name, value, y, one) for one in outputs])

    return function


def _number(name: str, value: Callable[[Array, Array], Any], y: Array, outputs: Array) -> float:
    if not np.isfinite(outputs).all():
        return math.nan
    try:
        found = value(y, outputs)
    except Exception as error:  # a function of the user's may raise anything
        problem = f"{name!r} cannot be taken of targets {y.shape} and outputs {outputs.shape}"
        raise SettingError("metrics", problem, str(error), _INSTEAD) from error
    try:
        return float(found)
    except (TypeError, ValueError):
        problem = f"{name!r} must give one number"
        raise SettingError("metrics", problem, type(found).__name__, "take a mean over the classes") from None
