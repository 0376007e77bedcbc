"""Update rules, against torch.optim and closed forms."""

from typing import Any

import numpy as np
import pytest

from rightbatch.errors import SettingError
from rightbatch.learners.updates import (
    DEFAULT_LR,
    OPTIMIZERS,
    SGD,
    Adam,
    Momentum,
    Nesterov,
    Optimizer,
    name_of,
    optimizer_named,
)
from rightbatch.records import Array

STEPS, PARAMETERS = 200, 30

RULES: list[tuple[Optimizer, str, dict[str, Any]]] = [
    (SGD(), "SGD", {}),
    (Momentum(), "SGD", {"momentum": 0.9}),
    (Momentum(momentum=0.5), "SGD", {"momentum": 0.5}),
    (Nesterov(), "SGD", {"momentum": 0.9, "nesterov": True}),
    (Nesterov(momentum=0.99), "SGD", {"momentum": 0.99, "nesterov": True}),
    (Adam(), "Adam", {}),
    (Adam(beta1=0.5, beta2=0.9, eps=1e-3), "Adam", {"betas": (0.5, 0.9), "eps": 1e-3}),
]


def rates() -> Array:
    """A learning rate for every step, changing over two orders of magnitude."""
    return 10 ** np.random.default_rng(1).uniform(-3, -1, STEPS)


def gradients() -> Array:
    """A gradient for every step, of sizes from 1e-6 to 1e3; some are zero."""
    rng = np.random.default_rng(2)
    sizes = 10 ** rng.uniform(-6, 3, (1, PARAMETERS))
    return rng.normal(size=(STEPS, PARAMETERS)) * sizes * (rng.random((STEPS, PARAMETERS)) < 0.9)


def ours(rule: Optimizer, dtype: Any) -> Array:
    """Parameters after every step."""
    parameters, scratch = np.ones(PARAMETERS, dtype), np.empty(PARAMETERS, dtype)
    slots = tuple(np.zeros(PARAMETERS, dtype) for _ in range(rule.slots))
    path = []
    for step, (gradient, lr) in enumerate(zip(gradients().astype(dtype), rates(), strict=True), start=1):
        parameters = parameters - dtype(lr) * rule.direction(gradient.copy(), slots, step, scratch)
        path.append(parameters)
    return np.array(path)


def torchs(name: str, settings: dict[str, Any]) -> Array:
    """Parameters after every step of `torch.optim`, in float64."""
    torch = pytest.importorskip("torch")
    parameter = torch.nn.Parameter(torch.ones(PARAMETERS, dtype=torch.float64))
    optimizer = getattr(torch.optim, name)([parameter], lr=1.0, **settings)
    path = []
    for gradient, lr in zip(gradients(), rates(), strict=True):
        optimizer.param_groups[0]["lr"] = lr
        parameter.grad = torch.from_numpy(gradient.copy())
        optimizer.step()
        path.append(parameter.detach().numpy().copy())
    return np.array(path)


@pytest.mark.parametrize(("rule", "name", "settings"), RULES, ids=repr)
def test_rules_are_torchs(rule: Optimizer, name: str, settings: dict[str, Any]) -> None:
    """200 steps on the same gradients with a changing learning rate follow PyTorch's path."""
    path = torchs(name, settings)
    np.testing.assert_allclose(ours(rule, np.float64), path, rtol=1e-9, atol=1e-12)
    scale = np.abs(path).max(axis=0)
    assert np.abs(ours(rule, np.float32) - path).max(axis=0) / scale == pytest.approx(0, abs=1e-4)


def test_rules_by_hand() -> None:
    """Two steps with gradients 1 and 2, from the formulas: momentum 0.9, and Adam's bias correction."""
    by_hand: dict[Any, list[float]] = {
        SGD(): [1, 2],
        Momentum(): [1, 2.9],
        Nesterov(): [1.9, 2 + 0.9 * 2.9],
        Adam(eps=1e-300): [1, ((0.09 + 0.2) / 0.19) / np.sqrt((0.000999 + 0.004) / 0.001999)],
    }
    for rule, directions in by_hand.items():
        slots = tuple(np.zeros(1) for _ in range(rule.slots))
        got = [rule.direction(np.full(1, g), slots, n, np.empty(1)).item() for n, g in ((1, 1.0), (2, 2.0))]
        assert got == pytest.approx(directions, rel=1e-9), rule


def test_names() -> None:
    """Every rule has a name, which gives it with its default settings, and a first rate for each task."""
    rules = [optimizer_named(name) for name in OPTIMIZERS]
    assert rules == [SGD(), Momentum(), Nesterov(), Adam()]
    assert tuple(name_of(rule) for rule in rules) == OPTIMIZERS
    assert {task: tuple(rates) for task, rates in DEFAULT_LR.items()} == {
        "classification": OPTIMIZERS,
        "regression": OPTIMIZERS,
    }


def test_a_rule_is_itself() -> None:
    """A rule with its settings is taken as it is."""
    rule = Adam(beta2=0.9)
    assert optimizer_named(rule) is rule


@pytest.mark.parametrize(
    ("optimizer", "text"),
    [
        ("adm", "optimizer is not known, got 'adm'; write one of adam, sgd, momentum, nesterov."),
        ("Momentum", "optimizer is not known, got 'Momentum'; write one of momentum, nesterov, adam, sgd."),
        (None, "optimizer is not known, got None; write one of momentum, nesterov, sgd, adam."),
    ],
)
def test_an_unknown_optimizer(optimizer: Any, text: str) -> None:
    """The names are listed, nearest first."""
    with pytest.raises(SettingError) as caught:
        optimizer_named(optimizer)
    assert str(caught.value) == text


def test_a_class_is_no_optimizer() -> None:
    """The class without its brackets is told apart from an optimizer."""
    with pytest.raises(SettingError) as caught:
        optimizer_named(Adam)
    assert str(caught.value) == "optimizer must be made of its class, got 'Adam'; write Adam()."


@pytest.mark.parametrize(
    ("rule", "setting", "value", "text"),
    [
        (Momentum, "momentum", 1, "momentum must be below 1, got 1; write a number such as 0.9."),
        (Momentum, "momentum", -0.1, "momentum must not be negative, got -0.1; write a number such as 0.9."),
        (Nesterov, "momentum", 1.5, "momentum must be below 1, got 1.5; write a number such as 0.9."),
        (Nesterov, "momentum", "much", "momentum must be a number, got 'much'; write a number such as 0.9."),
        (Adam, "beta1", 1.0, "beta1 must be below 1, got 1.0; write a number such as 0.9."),
        (Adam, "beta2", -1, "beta2 must not be negative, got -1; write a number such as 0.9."),
        (Adam, "beta2", np.nan, "beta2 must be a finite number, got nan; write a number such as 0.9."),
        (Adam, "eps", 0, "eps must be above 0, got 0; write a number such as 1e-8."),
    ],
)
def test_settings_that_cannot_be_used(rule: Any, setting: str, value: Any, text: str) -> None:
    """The sentence names the setting and says what to write."""
    with pytest.raises(SettingError) as caught:
        rule(**{setting: value})
    assert str(caught.value) == text
