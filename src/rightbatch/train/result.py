"""What a training tells while it runs, and what comes out of it."""

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from rightbatch.learners.metrics import evaluate, metrics_of
from rightbatch.records import Array, Outcome, Shape
from rightbatch.train.inputs import arrays_of, inputs_of


@dataclass(frozen=True, slots=True, kw_only=True)
class FitProgress:
    """How far a training is."""

    epoch: int
    """From 1."""
    epochs: int | None
    step: int
    """In the epoch, from 1."""
    steps: int
    """In an epoch."""
    loss: float
    """Mean loss of the epoch so far."""
    metrics: dict[str, float]
    """The last evaluation, such as ``{"val_loss": 0.388, "val_accuracy": 0.94}``; empty before the first."""

    def __str__(self) -> str:
        total = "" if self.epochs is None else f"/{self.epochs}"
        words = [f"epoch {self.epoch}{total}", f"step {self.step}/{self.steps}", f"loss {self.loss:.4g}"]
        return "  ".join(words + [f"{name} {value:.4g}" for name, value in self.metrics.items()])


@dataclass(frozen=True, slots=True, kw_only=True)
class FitResult:
    """A trained model.

    Attributes:
        history: one entry an epoch: epoch, step, samples, seconds, lr, loss (mean over the epoch)
            and the validation metrics, such as val_loss.
        outcome: `REACHED` (the target), `OUT_OF_STEPS` (a limit), `DIVERGED`.
        stopped: why it stopped, in a sentence.
    """

    learner: Any = field(repr=False)
    state: Any = field(repr=False)
    shape: Shape
    history: list[dict[str, float]] = field(repr=False)
    outcome: Outcome
    stopped: str

    def outputs(self, x: Any) -> Array:
        """Raw outputs for the rows, float32 `(rows, outputs)`: logits or predicted values.

        Args:
            x: rows scaled as those of training were: for a data set, as its parts are.

        Raises:
            DataError: they are no finite numbers, or not as many columns as in training.
        """
        return self.learner.predict(self.state, inputs_of(x, "predict", self.shape))[0]

    def predict(self, x: Any) -> Array:
        """Class numbers `(rows,)`, or predicted values `(rows,)` or `(rows, outputs)`; see `outputs`."""
        raw = self.outputs(x)
        if self.shape.task == "regression":
            return raw[:, 0] if raw.shape[1] == 1 else raw
        return (raw[:, 0] > 0).astype(np.int64) if raw.shape[1] == 1 else raw.argmax(axis=1)

    def score(self, data: tuple[Any, Any]) -> dict[str, float]:
        """Every metric of the task on `(X, y)`, such as ``{"loss": 0.2, "accuracy": 0.95}``.

        Raises:
            DataError: the data are no such pair, or do not fit those of training.
        """
        names = metrics_of(self.shape.task)
        values = evaluate(self.learner, self.state, arrays_of(data, "score", self.shape), names)
        return {name: float(value[0]) for name, value in values.items()}

    def parameters(self) -> dict[str, Array]:
        """The parameters by name: weights `(inputs, units)`, biases `(units,)`."""
        return {name: value[0].copy() for name, value in self.learner.parameters(self.state).items()}
