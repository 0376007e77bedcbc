"""Mixed precision: the scale of the loss, against PyTorch's own."""

import numpy as np
import pytest

pytest.importorskip("torch", reason="PyTorch is not installed")

import torch
from torch import nn

from learners.torch_cases import MLP_CASE
from rightbatch.learners.torch_precision import Scaling, unscale


@pytest.mark.parametrize("interval", [2, 3])
def test_the_scale_is_that_of_pytorch(interval: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Halved where a gradient overflows, doubled after so many good steps, as `torch.amp.GradScaler` does."""
    monkeypatch.setattr("rightbatch.learners.torch_precision._GOOD_STEPS", interval)
    theirs = torch.amp.GradScaler("cpu", growth_interval=interval)
    parameter = nn.Parameter(torch.zeros(1))
    optimizer = torch.optim.SGD([parameter], lr=0.1)
    ours = Scaling()
    for finite in [True, False, True, True, True, True, False, False, True, True, True]:
        loss = theirs.scale(parameter.sum() * (1.0 if finite else float("inf")))
        optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        theirs.step(optimizer)
        theirs.update()
        ours.update(finite=finite)
        assert ours.scale == theirs.get_scale()
    assert ours.skipped == 3


def test_gradients_are_divided_by_the_scale() -> None:
    """In place; one that overflowed is noticed."""
    gradients = [torch.tensor([8.0, -4.0]), torch.tensor([2.0])]
    assert unscale(gradients, 4.0)
    assert [tensor.tolist() for tensor in gradients] == [[2.0, -1.0], [0.5]]
    assert not unscale([torch.tensor([float("inf")])], 4.0)


@pytest.mark.parametrize("optimizer", ["adam", "Adam", "sgd"])
def test_a_step_whose_gradient_overflowed_is_left_out(optimizer: str) -> None:
    """It is none at all: the others are the steps of float32 on their batches, counted without it."""
    half, whole = (MLP_CASE.learner(optimizer, precision=name) for name in ("float16", "float32"))
    state, expected = half.start([0]), whole.start([0])
    assert isinstance(state.body, list)
    state.body[0].scaling = scaling = Scaling(scale=2.0**20)
    for seed in range(12):
        before = scaling.skipped
        half.step(state, MLP_CASE.batch(seed=seed), np.array([0.01], np.float32))
        if scaling.skipped == before:
            whole.step(expected, MLP_CASE.batch(seed=seed), np.array([0.01], np.float32))
    assert 0 < scaling.skipped < 12
    kept = whole.parameters(expected)
    for name, value in half.parameters(state).items():
        assert value == pytest.approx(kept[name], abs=6e-3), name


def test_replicas_are_trained_one_by_one() -> None:
    """Whether stacked ones are the same cannot be told at half the digits."""
    learner = MLP_CASE.learner(precision="bfloat16")
    state = learner.start([0, 1])
    learner.step(state, MLP_CASE.batch(), np.full(2, 0.01, np.float32))
    assert learner.how == "one by one: precision bfloat16"


def test_a_copy_has_a_scale_of_its_own() -> None:
    """What one learns of its gradients is not the other's."""
    learner = MLP_CASE.learner(precision="float16")
    state = learner.start([0])
    fork = learner.select(state, [0])
    assert isinstance(state.body, list)
    assert isinstance(fork.body, list)
    assert state.body[0].scaling is not None
    state.body[0].scaling.update(finite=False)
    assert fork.body[0].scaling == Scaling()
