"""Losses of the built-in learners: their value, and their gradient at the outputs.

Outputs come as `(outputs, replicas, rows)`: the sums that a softmax needs then run over the
first axis, which NumPy does with vector instructions.
"""

from typing import Protocol

import numpy as np

from rightbatch.records import Array, Shape


class Loss(Protocol):
    """A loss, averaged over rows with given weights."""

    def values(self, outputs: Array, y: Array) -> Array:
        """Loss of every row, shape `(replicas, rows)`; `outputs` is left as it is."""
        ...

    def targets(self, y: Array) -> Array:
        """The targets of the rows as `to_gradient` takes them, shape `(outputs or none, 1, rows)`."""
        ...

    def to_gradient(self, outputs: Array, targets: Array, weight: Array) -> Array:
        """Weighted mean loss, shape `(replicas,)`; `outputs` becomes its gradient, in place.

        Args:
            outputs: float32, shape `(outputs, replicas, rows)`.
            targets: of the rows, from `targets`; or of each replica's own rows, `(..., replicas, rows)`.
            weight: share of each row in the mean, float32 `(rows,)`, summing to 1.
        """
        ...


class SquaredError:
    """Mean over the outputs of (output - y)², without the factor ½ that some textbooks put there."""

    def values(self, outputs: Array, y: Array) -> Array:
        """Squared error of every row, shape `(replicas, rows)`."""
        error = outputs - np.ascontiguousarray(self.targets(y))
        return _squares(error) / np.float32(len(outputs))

    def targets(self, y: Array) -> Array:
        """Shape `(outputs, 1, rows)`."""
        return y.reshape(len(y), -1).T[:, None, :]

    def to_gradient(self, outputs: Array, targets: Array, weight: Array) -> Array:
        """2 (output - target) · weight / outputs."""
        outputs -= targets
        loss = _squares(outputs) @ weight / np.float32(len(outputs))
        outputs *= weight * np.float32(2 / len(outputs))
        return loss


class SoftmaxCrossEntropy:
    """Minus the log probability of the right class; one output a class, `y` its number."""

    def values(self, outputs: Array, y: Array) -> Array:
        """Log Σ exp(outputs) - output of the right class, shape `(replicas, rows)`."""
        shifted = outputs - np.maximum.reduce(outputs, axis=0)
        right = shifted[y, :, np.arange(len(y))].T
        return np.log(np.add.reduce(np.exp(shifted), axis=0)) - right

    def targets(self, y: Array) -> Array:
        """Shape `(1, rows)`."""
        return y[None]

    def to_gradient(self, outputs: Array, targets: Array, weight: Array) -> Array:
        """(probability - [right class]) · weight."""
        outputs -= np.maximum.reduce(outputs, axis=0)
        # One flat index a row and replica: NumPy finds places by it in a third of the time that an
        # index of three axes takes.
        flat, right_class = outputs.reshape(-1), _places(outputs.shape, targets)
        right = flat[right_class]
        np.exp(outputs, out=outputs)
        total = np.add.reduce(outputs, axis=0)
        outputs /= total
        flat[right_class] -= 1
        outputs *= weight
        np.log(total, out=total)
        total -= right
        return total @ weight


class SigmoidCrossEntropy:
    """Minus the log probability of the right one of two classes; one output, the logit of class 1."""

    def values(self, outputs: Array, y: Array) -> Array:
        """Log(1 + exp(logit)) - y · logit, shape `(replicas, rows)`."""
        logit = outputs[0]
        return np.logaddexp(np.float32(0), logit) - y.astype(np.float32) * logit

    def targets(self, y: Array) -> Array:
        """Shape `(1, rows)`."""
        return y[None]

    def to_gradient(self, outputs: Array, targets: Array, weight: Array) -> Array:
        """(probability of class 1 - target) · weight."""
        loss = self.values(outputs, targets) @ weight
        outputs *= np.float32(0.5)
        np.tanh(outputs, out=outputs)
        outputs += 1
        outputs *= np.float32(0.5)
        outputs -= targets.astype(np.float32)
        outputs *= weight
        return loss


def loss_for(shape: Shape) -> Loss:
    """The loss that belongs to the task: squared error, or cross-entropy of two or more classes."""
    if shape.task == "regression":
        return SquaredError()
    return SigmoidCrossEntropy() if shape.outputs == 1 else SoftmaxCrossEntropy()


def _places(shape: tuple[int, ...], targets: Array) -> Array:
    """Where the output of each row's class lies in the flat outputs, `(replicas, rows)`."""
    _, replicas, rows = shape
    # Small types, such as the uint8 of image labels, would overflow.
    first = np.multiply(targets, replicas * rows, dtype=np.int64)
    return first + np.arange(replicas * rows).reshape(replicas, rows)


def _squares(error: Array) -> Array:
    """Sum of squares over the outputs, `(replicas, rows)`."""
    return error[0] ** 2 if len(error) == 1 else np.einsum("okb,okb->kb", error, error)
