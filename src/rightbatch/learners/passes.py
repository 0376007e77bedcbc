"""One forward and backward pass over a batch of a fixed number of rows, in buffers made once.

Activations are `(rows, replicas, units)`, so that the first layer is one product over all
replicas that share a batch; outputs are `(units, replicas, rows)`, as losses want them.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate, pairwise
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
    """For the product forwards, `(replicas, ...)`; the first layer's are in its `_Entry`s."""
    weight_back: Array
    """For the product backwards, `(replicas, units, inputs)`; unused in the first layer."""
    bias: Array
    weight_slope: Array
    """Where the weights' gradient goes, shaped as the product gives it."""
    bias_slope: Array
    """Flat."""


@dataclass(slots=True)
class _Entry:
    """The first layer of the replicas that share a batch, as its products with the rows want it.

    `rows @ weight` goes to `out`, and `rows.T @ slope` to `weight_slope`.
    """

    weight: Array
    out: Array
    slope: Array
    weight_slope: Array


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
        counts: replicas that share each batch, in their order.
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
        counts: tuple[int, ...],
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
        makers = [*(_hidden_layer for _ in hidden), _output]
        self._layers = [make(*pair, parameters, gradient) for make, pair in zip(makers, pairs, strict=True)]
        first = blocks[0].stored(parameters), blocks[0].stored(gradient)
        if hidden:
            self._entries = [*_hidden_entries(first, counts, self._values[0], self._slopes[0])]
        else:
            self._entries = [*_output_entries(first, counts, self.outputs)]
        self._whose = np.repeat(np.arange(len(counts)), counts)
        self._x: Sequence[Array] = ()

    def forward(self, *x: Array) -> None:
        """Outputs of all replicas, into `outputs`, for the rows of each batch, float32 `(rows, inputs)`."""
        self._x = x
        for rows, entry in zip(x, self._entries, strict=True):
            np.matmul(rows, entry.weight, out=entry.out)
        before = None
        for layer, values in zip(self._layers, self._values, strict=False):
            if before is not None:
                np.matmul(before.by_replica, layer.weight, out=values.by_replica)
            np.add(values.matrix, layer.bias, out=values.matrix)
            self._activation.apply(values.matrix)
            before = values
        last = self._layers[-1]
        if before is not None:
            np.matmul(last.weight, before.turned, out=self._by_replica)
        np.add(self.outputs, last.bias, out=self.outputs)

    def backward(self) -> None:
        """From the gradient at the outputs, which `outputs` holds now, to that of all parameters."""
        np.matmul(self._matrix, self._ones, out=self._layers[-1].bias_slope)
        slope = self._turned
        for number in range(len(self._values) - 1, -1, -1):
            values, slopes, above = self._values[number], self._slopes[number], self._layers[number + 1]
            np.matmul(values.turned, slope, out=above.weight_slope)
            np.matmul(slope, above.weight_back, out=slopes.by_replica)
            self._activation.chain(slopes.matrix, values.matrix, self._scratch[number])
            np.matmul(self._ones, slopes.matrix, out=self._layers[number].bias_slope)
            slope = slopes.by_replica
        for rows, entry in zip(self._x, self._entries, strict=True):
            np.matmul(rows.T, entry.slope, out=entry.weight_slope)

    def each(self, targets: Sequence[Array]) -> Array:
        """The targets of each batch, `(..., 1, rows)`, as those of each replica, `(..., replicas, rows)`."""
        return np.concatenate(targets, axis=-2).take(self._whose, axis=-2)

    def factors(self) -> list[tuple[Array, Array]]:
        """After `backward` of one batch, layer by layer: what went in, a, and the slope δ at what came out.

        Both are `(replicas or 1, rows, units)`. A row's own gradient of the layer is (a, 1) δᵀ, so its
        squared norm is (|a|² + 1)|δ|², without a matrix per row.

        Source: I. Goodfellow, "Efficient Per-Example Gradient Computations" (2015), arXiv:1510.01799.
        """
        inputs = [self._x[0][None], *(values.by_replica for values in self._values)]
        slopes = [*(values.by_replica for values in self._slopes), self._turned]
        return list(zip(inputs, slopes, strict=True))


def _hidden_layer(weight: Block, bias: Block, parameters: Array, gradient: Array) -> _Layer:
    """`(replicas, inputs, units)`: each replica's activations times its own matrix."""
    w, slope = weight.by_replica(parameters), weight.by_replica(gradient)
    flat_bias, bias_slope = bias.stored(parameters).reshape(-1), bias.stored(gradient).reshape(-1)
    return _Layer(w, w.transpose(0, 2, 1), flat_bias, slope, bias_slope)


def _output(weight: Block, bias: Block, parameters: Array, gradient: Array) -> _Layer:
    """The turned product, so that outputs come as `(replicas, units, rows)`."""
    turned = weight.by_replica(parameters).transpose(0, 2, 1)
    bias_slope = bias.stored(gradient).reshape(-1)
    return _Layer(
        turned, turned, bias.stored(parameters)[:, :, None], weight.by_replica(gradient), bias_slope
    )


def _hidden_entries(
    weight: tuple[Array, Array], counts: Sequence[int], values: _Values, slopes: _Values
) -> Iterator[_Entry]:
    """The first of several layers, one product a batch: `(rows, inputs) @ (inputs, replicas * units)`.

    Args:
        weight: parameters and gradient as stored, `(inputs, replicas, units)`.
        counts: replicas that share each batch.
        values: the layer's.
        slopes: the gradient at them.
    """
    inputs, _, units = weight[0].shape
    w, slope = (stored.reshape(inputs, -1) for stored in weight)
    for start, stop in pairwise(accumulate(counts, initial=0)):
        part = slice(start * units, stop * units)
        yield _Entry(w[:, part], values.matrix[:, part], slopes.matrix[:, part], slope[:, part])


def _output_entries(weight: tuple[Array, Array], counts: Sequence[int], outputs: Array) -> Iterator[_Entry]:
    """The only layer of a linear model: one product for all replicas; one for each, if they share no batch.

    Args:
        weight: parameters and gradient as stored, `(units, replicas, inputs)`.
        counts: replicas that share each batch.
        outputs: `(units, replicas, rows)`.
    """
    _, _, inputs = weight[0].shape
    if len(counts) == 1:
        w, slope = (stored.reshape(-1, inputs).T for stored in weight)
        out = outputs.reshape(-1, outputs.shape[-1]).T
        yield _Entry(w, out, out, slope)
        return
    w, slope, out = (stored.transpose(1, 2, 0) for stored in (*weight, outputs))
    for start, stop in pairwise(accumulate(counts, initial=0)):
        part = slice(start, stop)
        yield _Entry(w[part], out[part], out[part], slope[part])
