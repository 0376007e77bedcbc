"""One replica: its gradient is that of PyTorch's own `backward`."""

import copy

import numpy as np
import pytest

pytest.importorskip("torch", reason="PyTorch is not installed")

import torch
from torch import nn

from rightbatch.learners.torch_losses import loss_for
from rightbatch.learners.torch_replica import Replica
from rightbatch.learners.torch_updates import rule_for
from rightbatch.records import Shape

SHAPE = Shape(features=5, outputs=3, task="classification")


def case(precision: str = "float32") -> tuple[Replica, nn.Module, torch.Tensor, torch.Tensor]:
    """A replica, a module of the same weights, and a batch."""
    generator = np.random.default_rng(0)
    module = nn.Sequential(nn.Linear(5, 7), nn.Tanh(), nn.Linear(7, 3))
    x = torch.from_numpy(generator.normal(size=(11, 5)).astype(np.float32))
    y = torch.from_numpy(generator.integers(0, 3, 11))
    return Replica.begin(module, rule_for("sgd"), precision), copy.deepcopy(module), x, y


@pytest.mark.parametrize("times", [1.0, 0.25, 3.0])
def test_the_gradient_is_that_of_backward_to_the_last_bit(times: float) -> None:
    """It equals that of PyTorch's `backward` of `times` the loss, bit for bit."""
    replica, module, x, y = case()
    loss = loss_for(None, SHAPE, 3, x.device)
    value = replica.gradient(loss, x, y, None, times=times)
    expected = nn.functional.cross_entropy(module(x), y)
    (expected * times).backward()  # type: ignore[no-untyped-call]
    assert torch.equal(value, expected)
    for found, parameter in zip(replica.gradients(), module.parameters(), strict=True):
        assert parameter.grad is not None
        assert torch.equal(found, parameter.grad)


def test_a_second_gradient_replaces_the_first_or_is_added_to_it() -> None:
    """Without `add` the one before is forgotten; two halves add up to the whole."""
    replica, module, x, y = case()
    loss = loss_for(None, SHAPE, 3, x.device)
    for _ in range(2):
        replica.gradient(loss, x, y, None, times=0.5)
    replica.gradient(loss, x, y, None, times=0.5, add=True)
    nn.functional.cross_entropy(module(x), y).backward()  # type: ignore[no-untyped-call]
    for found, parameter in zip(replica.gradients(), module.parameters(), strict=True):
        torch.testing.assert_close(found, parameter.grad)


def test_what_the_user_does_to_gradients_by_hooks_is_done() -> None:
    """A hook on a parameter changes its gradient and no other."""
    replica, _, x, y = case()
    replica.parameters[0].register_hook(torch.zeros_like)  # type: ignore[no-untyped-call]
    replica.gradient(loss_for(None, SHAPE, 3, x.device), x, y, None)
    assert not replica.gradients()[0].any()
    assert replica.gradients()[2].any()


def test_the_scaled_loss_of_float16_gives_the_unscaled_gradient() -> None:
    """What is read of it is the gradient of the loss itself."""
    replica, module, x, y = case("float16")
    replica.gradient(loss_for(None, SHAPE, 3, x.device), x, y, None)
    nn.functional.cross_entropy(module(x), y).backward()  # type: ignore[no-untyped-call]
    for found, parameter in zip(replica.gradients(), module.parameters(), strict=True):
        torch.testing.assert_close(found, parameter.grad, atol=2e-3, rtol=0.02)
