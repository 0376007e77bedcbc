"""Any scikit-learn estimator with `partial_fit` as a model: its replicas are clones, fed in turn."""

import copy
import inspect
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from sklearn.base import clone

from rightbatch.errors import SettingError
from rightbatch.learners.losses import Loss, loss_for
from rightbatch.records import Array, Batch, Shape, StepResult

_RATES = ("learning_rate_init", "eta0")
"""What estimators call their learning rate."""

_LEAST = np.finfo(np.float32).tiny


@dataclass(frozen=True, slots=True)
class OwnOptimizer:
    """The update rule that an estimator has built in."""

    default_lr: float = field(repr=False)


@dataclass(frozen=True, slots=True)
class EstimatorModel:
    """An estimator to train; `rb.fit` and `rb.study` make one of any estimator they are given.

    A batch is what one call of `partial_fit` is given. `MLPClassifier` and `MLPRegressor` make one
    update of it; `SGDClassifier` and the like go through its rows one by one, at any batch size.

    Args:
        estimator: with `partial_fit` and a learning rate, `eta0` or `learning_rate_init`; it is cloned.

    Raises:
        SettingError: it has no learning rate to tune.

    Example:
        >>> from sklearn.linear_model import SGDClassifier
        >>> EstimatorModel(SGDClassifier(loss="log_loss"))
        EstimatorModel(estimator=SGDClassifier(loss='log_loss'))
    """

    estimator: Any

    def __post_init__(self) -> None:
        self.rate_name()

    def rate_name(self) -> str:
        """What the estimator calls its learning rate."""
        settings = self.estimator.get_params(deep=False)
        found = next((name for name in _RATES if name in settings), None)
        if found is None:
            instead = "write one such as SGDClassifier or MLPClassifier"
            raise SettingError("model", "has no learning rate to tune", self.estimator, instead)
        return found

    def optimizer_named(self, optimizer: Any) -> OwnOptimizer:
        """The estimator's own; ``"sgd"``, the default elsewhere, stands for it."""
        if optimizer != "sgd" and not isinstance(optimizer, OwnOptimizer):
            name = type(self.estimator).__name__
            raise SettingError(
                "optimizer", f"must be left out: {name} has its own", optimizer, "leave it out"
            )
        usual = float(self.estimator.get_params(deep=False)[self.rate_name()])
        return OwnOptimizer(usual if usual > 0 else 0.01)

    def build(self, shape: Shape, optimizer: Any) -> "EstimatorLearner":
        """The learner for data of this shape."""
        del optimizer
        return EstimatorLearner(self, shape, loss_for(shape))


@dataclass(slots=True)
class _Replica:
    """One clone."""

    estimator: Any
    fitted: bool = False
    diverged: bool = False


@dataclass(frozen=True, slots=True)
class EstimatorLearner:
    """Clones of an estimator, trained one after the other on the same batches."""

    model: EstimatorModel
    shape: Shape
    loss: Loss

    def start(self, seeds: Sequence[int]) -> list[_Replica]:
        """Fresh clones, one a seed."""
        return [_Replica(self._clone(seed)) for seed in seeds]

    def step(self, state: list[_Replica], batch: Batch, lr: Array) -> tuple[list[_Replica], StepResult]:
        """One `partial_fit` of every clone, each with its own learning rate."""
        x, y = _weighty(batch)
        with np.errstate(all="ignore"):
            loss = self.losses(self.predict(state, x), y).mean(axis=1)
        for replica, rate in zip(state, lr.tolist(), strict=True):
            if not replica.diverged:
                self._feed(replica, x, y, rate)
        return state, StepResult(loss)

    def select(self, state: list[_Replica], keep: Sequence[int]) -> list[_Replica]:
        """Copies of the named clones."""
        return [copy.deepcopy(state[number]) for number in keep]

    def predict(self, state: list[_Replica], x: Array) -> Array:
        """Logits or predicted values, float32 `(replicas, rows, outputs)`; 0 before the first step."""
        return np.stack([self._outputs(replica, x) for replica in state]).astype(np.float32)

    def losses(self, outputs: Array, y: Array) -> Array:
        """Loss of every row, `(replicas, rows)`: cross-entropy, or squared error."""
        return self.loss.values(np.moveaxis(outputs, -1, 0).copy(), y)

    def _clone(self, seed: int) -> Any:
        fresh = clone(self.model.estimator)
        settings = fresh.get_params(deep=False)
        wanted: dict[str, Any] = {"random_state": seed, "warm_start": False}
        if "eta0" in settings:
            wanted["learning_rate"] = "constant"
        return fresh.set_params(**{name: value for name, value in wanted.items() if name in settings})

    def _feed(self, replica: _Replica, x: Array, y: Array, rate: float) -> None:
        estimator = replica.estimator
        setattr(estimator, self.model.rate_name(), rate)
        if hasattr(estimator, "batch_size"):  # a network would cut the batch into several
            estimator.batch_size = len(x)
        for name in ("learning_rate_init", "learning_rate"):  # a network has copied the rate it began with
            if hasattr(getattr(estimator, "_optimizer", None), name):
                setattr(estimator._optimizer, name, rate)
        classes = {}
        if "classes" in inspect.signature(estimator.partial_fit).parameters:
            classes["classes"] = np.arange(max(self.shape.outputs, 2))
        try:
            targets = y.ravel() if self.shape.outputs == 1 else y
            estimator.partial_fit(x.reshape(len(x), -1), targets, **classes)
        except ValueError as error:
            if not any(word in str(error) for word in ("overflow", "non-finite")):
                raise
            replica.diverged = True
        replica.fitted = True

    def _outputs(self, replica: _Replica, x: Array) -> Array:
        rows, outputs = len(x), self.shape.outputs
        if replica.diverged:
            return np.full((rows, outputs), np.nan)
        if not replica.fitted:
            return np.zeros((rows, outputs))
        flat = x.reshape(rows, -1)
        if self.shape.task == "regression":
            return np.asarray(replica.estimator.predict(flat)).reshape(rows, outputs)
        if not hasattr(replica.estimator, "predict_proba"):
            return np.asarray(replica.estimator.decision_function(flat)).reshape(rows, outputs)
        logs = np.log(np.maximum(replica.estimator.predict_proba(flat), _LEAST))
        return logs[:, 1:] - logs[:, :1] if outputs == 1 else np.asarray(logs)


def _weighty(batch: Batch) -> tuple[Array, Array]:
    """The rows, padding left out."""
    x, y = batch.data
    if batch.weight is None:
        return x, y
    kept = batch.weight > 0
    return x[kept], y[kept]
