"""One forward and backward pass over a batch of a fixed number of rows, in buffers made once.

Activations are `(rows, replicas, units)`, so that the first layer is one product over all
replicas; outputs are `(units, replicas, rows)`, as losses want them.
"""

from dataclasses import dataclass
from typing import Protocol

import numpy as np

from rightbatch.learners.layout import Block
from rightbatch.records import Array


class Activation(Protocol):
    """An activation that works in place."""

    def apply(self, z: Array) -> None:
        """Every value becomes its activation."""
        ...

    def chain(self, slope: Array, a: Array, scratch: Array) -> None:
        """The gradient at the activation `a` becomes the gradient before it."""
        ...


class Relu:
    """max(z, 0)."""

    def apply(self, z: Array) -> None:
        """Negative values become 0."""
        np.maximum(z, np.float32(0), out=z)

    def chain(self, slope: Array, a: Array, scratch: Array) -> None:
        """The gradient passes where a > 0."""
        del scratch
        np.multiply(slope, a > 0, out=slope)


class Tanh:
    """tanh(z)."""

    def apply(self, z: Array) -> None:
        """Every value becomes its tanh."""
        np.tanh(z, out=z)

    def chain(self, slope: Array, a: Array, scratch: Array) -> None:
        """The gradient times 1 - a²."""
        np.multiply(a, a, out=scratch)
        np.subtract(np.float32(1), scratch, out=scratch)
        np.multiply(slope, scratch, out=slope)


@dataclass(slots=True)
class _Hidden:
    """One hidden layer's buffers, as the matrix of all replicas and replica by replica."""

    value: Array
    """`(rows, replicas * units)`"""
    slope: Array
    scratch: Array
    value_by_replica: Array
    """`(replicas, rows, units)`, a view."""
    slope_by_replica: Array


class Pass:
    """Buffers and views for batches of `rows` rows; `outputs` holds what the last pass made.

    Args:
        sizes: units of every layer, the input first.
        blocks: where the parameters lie.
        rows: rows of a batch.
        parameters: the flat parameters, read.
        gradient: the flat gradient, written by `backward`.
        activation: of the hidden layers.
    """

    def __init__(
        self,
        sizes: tuple[int, ...],
        blocks: tuple[Block, ...],
        rows: int,
        *,
        parameters: Array,
        gradient: Array,
        activation: Activation,
    ) -> None:
        replicas = blocks[-1].shape[-1]
        self.even = np.full(rows, 1 / rows, np.float32)
        self.outputs = np.empty((sizes[-1], replicas, rows), np.float32)
        self._ones = np.ones(rows, np.float32)
        self._activation = activation
        self._hidden = [_hidden(rows, replicas, units) for units in sizes[1:-1]]
        self._weight = [block.stored(parameters) for block in blocks[::2]]
        self._bias = [block.stored(parameters) for block in blocks[1::2]]
        self._weight_slope = [block.stored(gradient) for block in blocks[::2]]
        self._bias_slope = [block.stored(gradient) for block in blocks[1::2]]
        self._output_by_replica = self.outputs.transpose(1, 0, 2)
        self._output_matrix = self.outputs.reshape(-1, rows)
        self._x = np.empty((0, 0), np.float32)

    def forward(self, x: Array) -> None:
        """Outputs of all replicas for the rows, float32 `(rows, inputs)`, into `outputs`."""
        self._x = x
        for layer, hidden in enumerate(self._hidden):
            if layer == 0:
                np.matmul(x, self._weight[0].reshape(len(self._weight[0]), -1), out=hidden.value)
            else:
                before = self._hidden[layer - 1].value_by_replica
                np.matmul(before, self._weight[layer], out=hidden.value_by_replica)
            np.add(hidden.value, self._bias[layer].reshape(-1), out=hidden.value)
            self._activation.apply(hidden.value)
        self._forward_output(x)

    def backward(self) -> None:
        """From the gradient at the outputs, which `outputs` holds now, to that of all parameters."""
        np.matmul(self._output_matrix, self._ones, out=self._bias_slope[-1].reshape(-1))
        if not self._hidden:
            weight_slope = self._weight_slope[-1]
            np.matmul(self._output_matrix, self._x, out=weight_slope.reshape(-1, weight_slope.shape[-1]))
            return
        slope = self._output_by_replica.transpose(0, 2, 1)
        for layer in range(len(self._hidden), 0, -1):
            hidden = self._hidden[layer - 1]
            np.matmul(hidden.value_by_replica.transpose(0, 2, 1), slope, out=self._weight_slope[layer])
            np.matmul(slope, self._weight[layer].transpose(0, 2, 1), out=hidden.slope_by_replica)
            self._activation.chain(hidden.slope, hidden.value, hidden.scratch)
            np.matmul(self._ones, hidden.slope, out=self._bias_slope[layer - 1].reshape(-1))
            slope = hidden.slope_by_replica
        first = self._weight_slope[0]
        np.matmul(self._x.T, self._hidden[0].slope, out=first.reshape(len(first), -1))

    def _forward_output(self, x: Array) -> None:
        weight = self._weight[-1]
        if self._hidden:
            last = self._hidden[-1].value_by_replica.transpose(0, 2, 1)
            np.matmul(weight.transpose(0, 2, 1), last, out=self._output_by_replica)
        else:
            np.matmul(weight.reshape(-1, weight.shape[-1]), x.T, out=self._output_matrix)
        np.add(self.outputs, self._bias[-1][:, :, None], out=self.outputs)


def _hidden(rows: int, replicas: int, units: int) -> _Hidden:
    value, slope, scratch = (np.empty((rows, replicas * units), np.float32) for _ in range(3))
    by_replica = [a.reshape(rows, replicas, units).transpose(1, 0, 2) for a in (value, slope)]
    return _Hidden(value, slope, scratch, by_replica[0], by_replica[1])
