"""Chains of linear layers and activations, the commonest modules of all: a stack needs no vmap for them.

`torch.func.vmap` takes every operation apart and adds biases in a pass of their own. One product with
its bias for all replicas, layer by layer, makes a step of 16 replicas of an MLP 1.5 times as fast
(docs/decisions/0016).
"""

from collections.abc import Sequence
from typing import TypeAlias

import torch
from torch import Tensor, nn

_POINTWISE = (
    *(nn.ReLU, nn.ReLU6, nn.LeakyReLU, nn.ELU, nn.CELU, nn.SELU, nn.GELU, nn.SiLU, nn.Mish),
    *(nn.Tanh, nn.Sigmoid, nn.Softplus, nn.Softsign, nn.Hardtanh, nn.Hardswish, nn.Identity),
)
"""What works value by value does not mind an axis more."""


_Step: TypeAlias = tuple[nn.Module, int | None, int | None]
"""A layer, and where a linear one has its weight and its bias among the stacked tensors."""


class Chain:
    """The layers of a module, to be run with the weights of all replicas.

    Args:
        before: layers that come before the first linear one: their rows have no replica axis yet.
        steps: the others.
    """

    def __init__(self, before: list[nn.Module], steps: list[_Step]) -> None:
        self._before, self._steps = before, steps

    @classmethod
    def of(cls, module: nn.Module, tensors: Sequence[Tensor]) -> "Chain | None":
        """The chain that the module is; `None`: it is something else.

        Args:
            module: the module.
            tensors: its own, in the order in which stacked ones will come.
        """
        layers = _layers(module)
        linear = [number for number, layer in enumerate(layers) if type(layer) is nn.Linear]
        if not linear or any(_hooked(layer) for layer in module.modules()):
            return None
        before, after = layers[: linear[0]], layers[linear[0] :]
        if not all(type(layer) in {*_POINTWISE, nn.Flatten} for layer in before):
            return None
        if not all(type(layer) in {*_POINTWISE, nn.Linear} for layer in after):
            return None
        numbers = {id(tensor): number for number, tensor in enumerate(tensors)}
        # What has no such tensor, a bias left out or an activation, is in no table of their ids.
        pairs = ((layer, getattr(layer, "weight", None), getattr(layer, "bias", None)) for layer in after)
        return cls(before, [(layer, numbers.get(id(w)), numbers.get(id(b))) for layer, w, b in pairs])

    def rows(self, x: Tensor) -> Tensor | None:
        """A batch as it reaches the first linear layer, `(rows, inputs)`; `None`: its rows are no vectors."""
        for layer in self._before:
            x = layer(x)
        return x if x.ndim == 2 else None

    def outputs(self, tensors: Sequence[Tensor], values: Tensor) -> Tensor:
        """Outputs `(replicas, rows, outputs)` of what `rows` gave, for each replica."""
        for layer, weight, bias in self._steps:
            if weight is None:
                values = layer(values)
            elif bias is None:
                values = torch.bmm(values, tensors[weight].transpose(1, 2))
            else:
                turned = tensors[weight].transpose(1, 2)
                values = torch.baddbmm(tensors[bias].unsqueeze(1), values, turned)
        return values


def is_chain(module: nn.Module, row: tuple[int, ...]) -> bool:
    """Whether a module is such a chain for rows of this shape.

    Example:
        >>> [is_chain(nn.Sequential(nn.Linear(4, 3), nn.ReLU()), row) for row in ((4,), (2, 4))]
        [True, False]
    """
    chain = Chain.of(module, [*module.parameters(), *module.buffers()])
    return chain is not None and chain.rows(torch.zeros(2, *row)) is not None


def _layers(module: nn.Module) -> list[nn.Module]:
    """The module, or what it runs one after the other."""
    if type(module) is not nn.Sequential:
        return [module]
    return [layer for part in module for layer in _layers(part)]


def _hooked(layer: nn.Module) -> bool:
    """Whether something of the user's happens when the layer is called."""
    before = layer._forward_pre_hooks or layer._backward_pre_hooks
    return bool(before or layer._forward_hooks or layer._backward_hooks)
