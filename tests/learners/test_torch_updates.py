"""Optimizers for PyTorch modules: ours against those of `torch.optim`, and theirs by name or function."""

import functools
from typing import Any

import numpy as np
import pytest

pytest.importorskip("torch", reason="PyTorch is not installed")

import torch
from torch import nn
from torch.nn import functional

from learners.torch_cases import MLP_CASE, by_hand, learnt, mlp
from rightbatch.errors import SettingError
from rightbatch.learners.torch_model import TorchModel
from rightbatch.learners.torch_updates import rule_for, rule_named, torch_optimizers
from rightbatch.learners.updates import SGD, Adam, Momentum, Nesterov

PAIRS = [
    (SGD(), functools.partial(torch.optim.SGD)),
    (Momentum(momentum=0.7), functools.partial(torch.optim.SGD, momentum=0.7)),
    (Nesterov(momentum=0.7), functools.partial(torch.optim.SGD, momentum=0.7, nesterov=True)),
    (Adam(beta1=0.7, beta2=0.9, eps=1e-3), functools.partial(torch.optim.Adam, betas=(0.7, 0.9), eps=1e-3)),
]


@pytest.mark.parametrize(("ours", "theirs"), PAIRS, ids=[type(ours).__name__ for ours, _ in PAIRS])
@pytest.mark.parametrize("replicas", [1, 2])
def test_our_rules_are_theirs(ours: Any, theirs: Any, replicas: int) -> None:
    """With their settings, over many steps, alone and stacked with another learning rate."""
    learner = MLP_CASE.learner(ours)
    state = learner.start([0] * replicas)
    module = learner.module(state)
    batches = [MLP_CASE.batch(seed=seed) for seed in range(30)]
    by_hand(module, theirs(module.parameters(), lr=0.02), functional.cross_entropy, batches)
    learnt(learner, state, batches, [0.3, 0.02][-replicas:])
    for name, value in module.state_dict().items():
        assert learner.parameters(state)[name][-1] == pytest.approx(value.numpy(), rel=1e-4, abs=1e-6), name


@pytest.mark.parametrize("name", sorted(torch_optimizers()))
def test_every_optimizer_of_pytorch_can_be_named(name: str) -> None:
    """Each trains as in a loop written by hand, bit for bit."""
    make: Any = torch_optimizers()[name]
    case = MLP_CASE
    if name == "Muon":  # for matrices alone
        case = type(MLP_CASE)(name="matrix", make=functools.partial(nn.Linear, bias=False))
    learner = case.learner(name)
    state = learner.start([0])
    module = learner.module(state)
    batches = [case.batch(seed=seed) for seed in range(5)]
    lr = float(np.float32(0.01))
    by_hand(module, make(module.parameters(), lr=lr), functional.cross_entropy, batches)
    learnt(learner, state, batches, [lr])
    for key, value in module.state_dict().items():
        assert learner.parameters(state)[key][0].tolist() == value.tolist()


def test_an_optimizer_from_a_function() -> None:
    """Its groups keep their learning rates' proportions: the head's here is ten times the body's."""

    def make(parameters: Any) -> torch.optim.Optimizer:
        body, *head = parameters
        groups: list[dict[str, Any]] = [{"params": [body]}, {"params": head, "lr": 0.1}]
        return torch.optim.Adagrad(groups, lr=0.01)

    learner = MLP_CASE.learner(make)
    state = learner.start([0])
    module = learner.module(state)
    first, *rest = module.parameters()
    groups: list[dict[str, Any]] = [{"params": [first]}, {"params": rest, "lr": 0.5}]
    optimizer = torch.optim.Adagrad(groups, lr=0.05)
    batches = [MLP_CASE.batch(seed=seed) for seed in range(5)]
    by_hand(module, optimizer, functional.cross_entropy, batches)
    learnt(learner, state, batches, [0.05])
    for key, value in module.state_dict().items():
        assert learner.parameters(state)[key][0] == pytest.approx(value.numpy(), rel=1e-6)


def test_an_unknown_optimizer() -> None:
    """The choices are listed, ours and theirs, the nearest first."""
    with pytest.raises(SettingError) as caught:
        rule_named("AdamWW")
    text = str(caught.value)
    assert text.startswith("optimizer is not known, got 'AdamWW'; write one of AdamW, adam, Adam, ")
    assert "momentum" in text
    assert "LBFGS" not in text


@pytest.mark.parametrize(
    ("make", "text"),
    [
        (
            torch.optim.LBFGS,
            "optimizer must make one step from one gradient, got 'LBFGS'; write another one, such as Adam.",
        ),
        (
            list,
            (
                "optimizer must give an optimizer of PyTorch, got 'list'; "
                "write a function from parameters to an optimizer of torch.optim."
            ),
        ),
    ],
)
def test_functions_that_make_none(make: Any, text: str) -> None:
    """Each is refused when replicas are started."""
    learner = TorchModel(mlp, optimizer=make).build(MLP_CASE.shape, SGD())
    with pytest.raises(SettingError) as caught:
        learner.start([0])
    assert str(caught.value) == text


def test_an_optimizer_that_is_made_already() -> None:
    """It updates the parameters that it was made with, and no replica has these."""
    with pytest.raises(SettingError) as caught:
        rule_for(torch.optim.AdamW([torch.zeros(1, requires_grad=True)]))
    assert str(caught.value) == (
        "optimizer belongs to parameters already, got 'AdamW'; "
        "write a function that makes it, such as lambda parameters: torch.optim.AdamW(parameters)."
    )


def test_a_rule_that_works_on_numpy_alone() -> None:
    """An update rule of the user's for the built-in models is none for a PyTorch module."""

    class Own:
        def direction(self) -> None: ...

    with pytest.raises(SettingError, match=r"^optimizer is not known, got <.*Own"):
        rule_for(Own())
