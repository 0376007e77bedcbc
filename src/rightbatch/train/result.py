"""What a training tells while it runs, and what comes out of it."""

from dataclasses import dataclass, field
from typing import Any

from rightbatch.learners.metrics import Metric, evaluate, metrics_of, predicted
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
    warnings: tuple[str, ...] = ()
    """What watchers have found so far, in sentences."""

    def __str__(self) -> str:
        total = "" if self.epochs is None else f"/{self.epochs}"
        words = [f"epoch {self.epoch}{total}", f"step {self.step}/{self.steps}", f"loss {self.loss:.4g}"]
        return "  ".join(words + [f"{name} {value:.4g}" for name, value in self.metrics.items()])


@dataclass(frozen=True, slots=True, kw_only=True)
class FitResult:
    """A trained model.

    Attributes:
        history: one entry an epoch: epoch, step, samples, seconds, lr, batch_size, loss (mean over the
            epoch) and the validation metrics, such as val_loss.
        outcome: `REACHED` (the target), `OUT_OF_STEPS` (a limit), `DIVERGED`, `OUT_OF_MEMORY`.
        stopped: why it stopped, in a sentence.
        warnings: what watchers found, each in a sentence; see `Monitor`.
    """

    learner: Any = field(repr=False)
    state: Any = field(repr=False)
    shape: Shape
    history: list[dict[str, float]] = field(repr=False)
    outcome: Outcome
    stopped: str
    metrics: tuple[Metric, ...] = field(default=(), repr=False)
    """Of the caller's own."""
    warnings: tuple[str, ...] = field(default=(), repr=False)

    @property
    def _whole(self) -> bool:
        return bool(getattr(self.learner, "keeps_whole", False))

    def outputs(self, x: Any) -> Array:
        """Raw outputs for the rows, float32 `(rows, outputs)`: logits or predicted values.

        Args:
            x: rows scaled as those of training were: for a data set, as its parts are.

        Raises:
            DataError: they are no finite numbers, or not as many columns as in training.
        """
        rows = inputs_of(x, "predict", self.shape, whole=self._whole)
        return self.learner.predict(self.state, rows)[0]

    def predict(self, x: Any) -> Array:
        """Class numbers `(rows,)`, or predicted values `(rows,)` or `(rows, outputs)`; see `outputs`."""
        return predicted(self.outputs(x), self.shape.task)

    def score(self, data: tuple[Any, Any]) -> dict[str, float]:
        """Every metric on `(X, y)`, the caller's own too, such as ``{"loss": 0.2, "accuracy": 0.95}``.

        Raises:
            DataError: the data are no such pair, or do not fit those of training.
        """
        names: list[str | Metric] = [*metrics_of(self.shape.task), *self.metrics]
        pair = arrays_of(data, "score", self.shape, whole=self._whole)
        values = evaluate(self.learner, self.state, pair, names)
        return {name: float(value[0]) for name, value in values.items()}

    def parameters(self) -> dict[str, Array]:
        """The parameters by name: weights `(inputs, units)`, biases `(units,)`."""
        return {name: value[0].copy() for name, value in self.learner.parameters(self.state).items()}
