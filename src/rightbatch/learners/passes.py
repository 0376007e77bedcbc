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
class _Layer:
    """One layer's arrays as its products want them; views are made once, a step makes none."""

    weight: Array
    """For the product forwards: a matrix where replicas share the input, else `(replicas, ...)`."""
    weight_back: Array
    """For the product backwards, `(replicas, units, inputs)`; unused in the first layer."""
    bias: Array
    weight_slope: Array
    """Where the weights' gradient goes, shaped as the product gives it."""
    bias_slope: Array
    """Flat."""


@dataclass(slots=True)
class _Values:
    """A hidden layer's activations and their gradient: as one matrix, and replica by replica."""

    matrix: Array
    """`(rows, replicas * units)`"""
    by_replica: Array
    """`(replicas, rows, units)`, a view; `turned` has its last two axes exchanged."""
    turned: Array

    @classmethod
    def of(cls, rows: int, replicas: int, units: int) -> "_Values":
        matrix = np.empty((rows, replicas * units), np.float32)
        by_replica = matrix.reshape(rows, replicas, units).transpose(1, 0, 2)
        return cls(matrix, by_replica, by_replica.transpose(0, 2, 1))


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
        self._matrix = self.outputs.reshape(-1, rows)
        self._by_replica = self.outputs.transpose(1, 0, 2)
        self._turned = self.outputs.transpose(1, 2, 0)
        self._ones = np.ones(rows, np.float32)
        self._activation = activation
        hidden = sizes[1:-1]
        self._values, self._slopes = ([_Values.of(rows, replicas, n) for n in hidden] for _ in range(2))
        self._scratch = [np.empty_like(values.matrix) for values in self._values]
        pairs = list(zip(blocks[::2], blocks[1::2], strict=True))
        makers = [_first_hidden, *(_later_hidden for _ in hidden[1:]), _output] if hidden else [_only_output]
        self._layers = [make(*pair, parameters, gradient) for make, pair in zip(makers, pairs, strict=True)]
        self._x = np.empty((0, 0), np.float32)

    def forward(self, x: Array) -> None:
        """Outputs of all replicas for the rows, float32 `(rows, inputs)`, into `outputs`."""
        self._x = before = x
        for layer, values in zip(self._layers, self._values, strict=False):
            out = values.matrix if before is x else values.by_replica
            np.matmul(before, layer.weight, out=out)
            np.add(values.matrix, layer.bias, out=values.matrix)
            self._activation.apply(values.matrix)
            before = values.by_replica
        last = self._layers[-1]
        if self._values:
            np.matmul(last.weight, self._values[-1].turned, out=self._by_replica)
        else:
            np.matmul(last.weight, x.T, out=self._matrix)
        np.add(self.outputs, last.bias, out=self.outputs)

    def backward(self) -> None:
        """From the gradient at the outputs, which `outputs` holds now, to that of all parameters."""
        last = self._layers[-1]
        np.matmul(self._matrix, self._ones, out=last.bias_slope)
        if not self._values:
            np.matmul(self._matrix, self._x, out=last.weight_slope)
            return
        slope = self._turned
        for number in range(len(self._values) - 1, -1, -1):
            values, slopes, above = self._values[number], self._slopes[number], self._layers[number + 1]
            np.matmul(values.turned, slope, out=above.weight_slope)
            np.matmul(slope, above.weight_back, out=slopes.by_replica)
            self._activation.chain(slopes.matrix, values.matrix, self._scratch[number])
            np.matmul(self._ones, slopes.matrix, out=self._layers[number].bias_slope)
            slope = slopes.by_replica
        np.matmul(self._x.T, self._slopes[0].matrix, out=self._layers[0].weight_slope)

    def factors(self) -> list[tuple[Array, Array]]:
        """Layer by layer, after `backward`: what went in, a, and the gradient δ at what came out.

        Both are `(replicas or 1, rows, units)`. A row's own gradient of the layer is (a, 1) δᵀ, so its
        squared norm is (|a|² + 1)|δ|², without a matrix per row.

        Source: I. Goodfellow, "Efficient Per-Example Gradient Computations" (2015), arXiv:1510.01799.
        """
        inputs = [self._x[None], *(values.by_replica for values in self._values)]
        slopes = [*(values.by_replica for values in self._slopes), self._turned]
        return list(zip(inputs, slopes, strict=True))


def _first_hidden(weight: Block, bias: Block, parameters: Array, gradient: Array) -> _Layer:
    """`(inputs, replicas * units)`: the rows, shared by all replicas, times one matrix."""
    inputs = weight.shape[0]
    w, slope = (weight.stored(flat).reshape(inputs, -1) for flat in (parameters, gradient))
    return _Layer(w, w, bias.stored(parameters).reshape(-1), slope, bias.stored(gradient).reshape(-1))


def _later_hidden(weight: Block, bias: Block, parameters: Array, gradient: Array) -> _Layer:
    """`(replicas, inputs, units)`: each replica's activations times its own matrix."""
    w, slope = weight.stored(parameters), weight.stored(gradient)
    flat_bias, bias_slope = bias.stored(parameters).reshape(-1), bias.stored(gradient).reshape(-1)
    return _Layer(w, w.transpose(0, 2, 1), flat_bias, slope, bias_slope)


def _output(weight: Block, bias: Block, parameters: Array, gradient: Array) -> _Layer:
    """The turned product, so that outputs come as `(replicas, units, rows)`."""
    turned = weight.stored(parameters).transpose(0, 2, 1)
    bias_slope = bias.stored(gradient).reshape(-1)
    return _Layer(turned, turned, bias.stored(parameters)[:, :, None], weight.stored(gradient), bias_slope)


def _only_output(weight: Block, bias: Block, parameters: Array, gradient: Array) -> _Layer:
    """`(units * replicas, inputs)`: a linear model, all replicas in one product."""
    w, slope = (weight.stored(flat).reshape(-1, weight.shape[-1]) for flat in (parameters, gradient))
    bias_slope = bias.stored(gradient).reshape(-1)
    return _Layer(w, w, bias.stored(parameters)[:, :, None], slope, bias_slope)
