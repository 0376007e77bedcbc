"""Where the parameters of K replicas lie: one flat array, laid out so that one product serves all.

A layer on the input itself meets the same rows in every replica. Its weights are stored as
`(inputs, replicas, units)`, so that `rows @ weights` is one matrix product over all replicas;
an output layer is stored as `(units, replicas, ...)`, because losses sum over units first.
Layers further in have inputs of their own per replica and are stored replica by replica.
"""

import math
from dataclasses import dataclass
from itertools import pairwise

from rightbatch.records import Array


@dataclass(frozen=True, slots=True)
class Block:
    """One parameter array of one layer, for all replicas, as a stretch of the flat array."""

    name: str
    """Such as ``"weight1"`` or ``"bias1"``; layers count from 1."""
    start: int
    shape: tuple[int, ...]
    """As stored."""
    axes: tuple[int, ...]
    """The stored axes in the order (replicas, inputs, units), or (replicas, units) for a bias."""

    @property
    def stop(self) -> int:
        """End of the stretch."""
        return self.start + math.prod(self.shape)

    def stored(self, flat: Array) -> Array:
        """This block of a flat array, a view in its stored shape."""
        return flat[self.start : self.stop].reshape(self.shape)

    def by_replica(self, flat: Array) -> Array:
        """This block of a flat array, a view with axes (replicas, inputs, units) or (replicas, units)."""
        return self.stored(flat).transpose(self.axes)


def blocks_of(sizes: tuple[int, ...], replicas: int) -> tuple[Block, ...]:
    """Weight and bias of every layer of a network with these sizes, input first, output last.

    Example:
        >>> [(b.name, b.shape) for b in blocks_of((5, 3, 2), 4)]
        [('weight1', (5, 4, 3)), ('bias1', (4, 3)), ('weight2', (4, 3, 2)), ('bias2', (2, 4))]
        >>> [(b.name, b.shape) for b in blocks_of((5, 2), 4)]
        [('weight1', (2, 4, 5)), ('bias1', (2, 4))]
    """
    blocks: list[Block] = []
    last = len(sizes) - 1
    for layer, (inputs, units) in enumerate(pairwise(sizes), start=1):
        weight = _weight(inputs, units, replicas, first=layer == 1, output=layer == last)
        bias = ((units, replicas), (1, 0)) if layer == last else ((replicas, units), (0, 1))
        for name, (shape, axes) in (("weight", weight), ("bias", bias)):
            start = blocks[-1].stop if blocks else 0
            blocks.append(Block(f"{name}{layer}", start, shape, axes))
    return tuple(blocks)


def _weight(
    inputs: int, units: int, replicas: int, *, first: bool, output: bool
) -> tuple[tuple[int, ...], tuple[int, ...]]:
    if not first:
        return (replicas, inputs, units), (0, 1, 2)
    if output:
        return (units, replicas, inputs), (1, 2, 0)
    return (inputs, replicas, units), (1, 0, 2)
