"""Chains of linear layers against vmap, which knows nothing of them."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

pytest.importorskip("torch", reason="PyTorch is not installed")

import torch
from torch import Tensor, nn

from learners.torch_cases import Case, dropped, learnt
from rightbatch.learners.torch_chain import Chain
from rightbatch.learners.torch_stack import Places, Stack

ROWS = torch.randn(5, 6, generator=torch.Generator().manual_seed(0))


def tied() -> nn.Module:
    """One layer twice."""
    layer = nn.Linear(6, 6)
    return nn.Sequential(layer, nn.Tanh(), layer)


CHAINS: list[Callable[[], nn.Module]] = [
    lambda: nn.Linear(6, 3),
    lambda: nn.Sequential(nn.Linear(6, 4, bias=False), nn.ReLU(inplace=True), nn.Linear(4, 1)),
    lambda: nn.Sequential(nn.Sequential(nn.Linear(6, 4), nn.Softplus()), nn.Linear(4, 3), nn.Sigmoid()),
    tied,
]


def stacked(module: nn.Module) -> Stack:
    """Three replicas with weights of their own."""
    places = Places(module)
    values = torch.Generator().manual_seed(1)
    tensors = [torch.randn(3, *tensor.shape, generator=values) for tensor in module.parameters()]
    return Stack(places, tensors, [], 3)


@pytest.mark.parametrize("make", CHAINS, ids=["linear", "no bias", "nested", "tied"])
def test_a_chain_gives_what_vmap_gives(make: Callable[[], nn.Module]) -> None:
    """Outputs and the gradient of every weight."""
    stack = stacked(make())
    assert stack.places.chain is not None
    found = stack.outputs(ROWS)
    slopes = torch.autograd.grad(found.square().sum(), stack.trained)
    stack.places.chain = None
    expected = stack.outputs(ROWS)
    for one, two in zip(slopes, torch.autograd.grad(expected.square().sum(), stack.trained), strict=True):
        assert torch.allclose(one, two, rtol=1e-4, atol=1e-4)
    assert torch.allclose(found, expected, rtol=1e-5, atol=1e-5)


def test_images_are_flattened_first() -> None:
    """A layer that flattens may come before the chain."""
    stack = stacked(nn.Sequential(nn.Flatten(), nn.Linear(6, 3)))
    assert stack.places.chain is not None
    assert torch.equal(stack.outputs(ROWS.reshape(5, 1, 2, 3)), stack.outputs(ROWS))


def test_rows_that_are_no_vectors_are_left_to_vmap() -> None:
    """A linear layer over sequences gives outputs for each of their places."""
    stack = stacked(nn.Linear(2, 4))
    assert stack.outputs(ROWS.reshape(5, 3, 2)).shape == (3, 5, 12)


class Own(nn.Linear):
    """A linear layer that does something more."""

    def forward(self, input: Tensor) -> Tensor:  # noqa: A002
        """Doubled."""
        return 2 * super().forward(input)


def hooked() -> nn.Module:
    """A layer whose outputs a hook changes."""
    layer = nn.Linear(6, 3)

    def double(module: nn.Module, inputs: Any, outputs: Tensor) -> Tensor:
        return 2 * outputs

    layer.register_forward_hook(double)
    return layer


@pytest.mark.parametrize(
    "module",
    [
        nn.Sequential(nn.Linear(6, 3), nn.Flatten(0)),
        nn.Sequential(nn.Linear(6, 3), nn.LayerNorm(3)),
        nn.Sequential(nn.Linear(6, 3), nn.Softmax(1)),
        nn.Sequential(nn.BatchNorm1d(6), nn.Linear(6, 3)),
        nn.Sequential(nn.ReLU()),
        nn.utils.parametrizations.orthogonal(nn.Linear(6, 3)),
        dropped(6, 3),
        Own(6, 3),
        hooked(),
    ],
    ids=lambda module: type(module).__name__,
)
def test_anything_else_is_no_chain(module: nn.Module) -> None:
    """Layers that mind another axis, draw numbers, or are the user's own."""
    assert Chain.of(module, [*module.parameters(), *module.buffers()]) is None


@pytest.mark.parametrize("make", [hooked, lambda: Own(6, 3)], ids=["hook", "own"])
def test_what_a_layer_does_more_is_done(make: Callable[[], nn.Module]) -> None:
    """Stacked as well as alone."""
    case = Case(name="", make=make, outputs=3)
    learner, other = case.learner(), case.learner(stack=False)
    batches = [case.batch(seed=seed) for seed in range(3)]
    found, expected = (learnt(each, each.start([0, 0]), batches, [0.1, 0.2]) for each in (learner, other))
    assert learner.how == "stacked"
    assert np.array(found) == pytest.approx(np.array(expected), rel=1e-5)
