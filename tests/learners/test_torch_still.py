"""Modules that draw no random numbers: found by their layers, and the same with and without seeding."""

from typing import Any

import numpy as np
import pytest

pytest.importorskip("torch", reason="PyTorch is not installed")

import torch
from torch import Tensor, nn

from rightbatch.learners.torch_still import STILL, draws_nothing
from rightbatch.train.fit import fit

SETTINGS: dict[str, tuple[Any, ...]] = {
    "Flatten": (),
    "Unflatten": (1, (2, 4)),
    "Linear": (8, 3),
    "Embedding": (5, 2),
    "LayerNorm": (8,),
    "GroupNorm": (2, 4),
    "Softmax": (1,),
    "LogSoftmax": (1,),
}
"""Of layers that need some, beside those that tell them by their kind."""


def made(kind: type[nn.Module]) -> tuple[nn.Module, tuple[Tensor, ...]]:
    """A layer, and inputs of its shape."""
    name, axes = kind.__name__, kind.__name__[-2:]
    images = torch.rand(6, 4, *[8] * int(axes[0])) if axes in {"1d", "2d", "3d"} else torch.rand(6, 8)
    if name.startswith("Conv"):
        return kind(4, 3, 3), (images,)
    if name.startswith("BatchNorm"):
        return kind(4), (images,)
    if "Pool" in name:
        return kind(2), (images,)
    if name == "Bilinear":
        return kind(8, 8, 3), (images, images)
    if name == "Sequential":
        return kind(nn.ReLU()), (images,)
    if name == "Embedding":
        images = torch.ones(6, 2, dtype=torch.int64)
    if name == "GroupNorm":
        images = torch.rand(6, 4, 8)
    return kind(*SETTINGS.get(name, ())), (images,)


@pytest.mark.parametrize("kind", STILL, ids=lambda kind: kind.__name__)
def test_layers_that_are_said_to_draw_nothing_draw_nothing(kind: type[nn.Module]) -> None:
    """PyTorch's generator stays where it is, forwards and backwards, in training."""
    layer, inputs = made(kind)
    before = torch.get_rng_state()
    outputs = layer.train()(*inputs)
    if outputs.requires_grad:
        outputs.sum().backward()
    assert torch.equal(torch.get_rng_state(), before)
    assert draws_nothing(layer, None)


class Noisy(nn.Linear):
    """A layer of PyTorch, made to draw."""

    def forward(self, x: Tensor) -> Tensor:
        """With noise."""
        return super().forward(x) + 0.1 * torch.randn(1)


def hooked() -> nn.Module:
    """A layer whose outputs a function of the user changes."""
    layer = nn.Linear(4, 3)
    layer.register_forward_hook(lambda layer, x, y: y + 0.1 * torch.randn(1))
    return layer


def hooked_backwards() -> nn.Module:
    """A layer whose gradient a function of the user changes."""
    layer = nn.Linear(4, 3)
    layer.weight.register_hook(lambda slope: slope + torch.randn(1))  # type: ignore[no-untyped-call]
    return layer


@pytest.mark.parametrize(
    "layer", [Noisy(4, 3), nn.Dropout(), nn.RReLU(), nn.LSTM(4, 3), hooked(), hooked_backwards()]
)
def test_what_may_draw_is_taken_to_draw(layer: nn.Module) -> None:
    """Alone, and within others."""
    assert not draws_nothing(layer, None)
    assert not draws_nothing(nn.Sequential(nn.Linear(4, 4), nn.Sequential(layer)), None)


def test_a_loss_of_the_users_may_draw() -> None:
    """One of PyTorch's own does not."""
    module = nn.Linear(4, 3)
    assert draws_nothing(module, nn.CrossEntropyLoss())
    assert not draws_nothing(module, lambda outputs, y: outputs.sum() * torch.rand(1))
    assert not draws_nothing(module, "own")


@pytest.mark.parametrize("first", [nn.Linear, Noisy])
def test_training_leaves_the_generator_alone_and_repeats_itself(first: type[nn.Linear]) -> None:
    """Whether the module draws or not: the user's generator is where it was, weights are the same again."""
    rng = np.random.default_rng(0)
    data = rng.normal(size=(40, 4)).astype(np.float32), rng.integers(0, 3, 40)
    weights = []
    for used in range(2):
        torch.rand(used)
        before = torch.get_rng_state()
        result = fit(lambda: nn.Sequential(first(4, 8), nn.ReLU(), nn.Linear(8, 3)), data, epochs=2)
        assert torch.equal(torch.get_rng_state(), before)
        weights.append([values.tobytes() for values in result.learner.trained(result.state).values()])
    assert weights[0] == weights[1]
