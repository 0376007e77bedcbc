"""Replicas of a PyTorch module in groups that have batches of their own."""

from typing import Any

import numpy as np
import pytest

pytest.importorskip("torch", reason="PyTorch is not installed")

import torch
from torch import nn
from torch.nn import functional

from learners.torch_cases import CASES, MLP_CASE, Case, learnt
from rightbatch.learners import torch as learners_of_torch
from rightbatch.learners.torch import TorchLearner, TorchState
from rightbatch.learners.torch_check import Rows
from rightbatch.records import Array

COUNTS = (2, 1)
SEEDS = [3, 3, 8]
LRS = np.array([0.05, 0.02, 0.1], np.float32)
CHAINS = [case for case in CASES if case.name in {"mlp", "two classes", "regression"}]

each_chain = pytest.mark.parametrize("case", CHAINS, ids=lambda case: case.name)


def learnt_apart(case: Case, learner: TorchLearner) -> tuple[TorchState, Array]:
    """Six steps of both groups, each with its own rows; the state, and the losses `(steps, replicas)`."""
    state = learner.start(SEEDS)
    losses = []
    for step in range(6):
        batches = [case.batch(seed=seed) for seed in (step, 100 + step)]
        losses.append(learner.step_apart(state, batches, COUNTS, LRS)[1].loss)
    return state, np.array(losses)


def expect_as_alone(case: Case, learner: TorchLearner, state: TorchState, losses: Array) -> None:
    """Each group is where it ends by itself."""
    for replicas, start in (([0, 1], 0), ([2], 100)):
        alone = learner.start([SEEDS[replica] for replica in replicas])
        batches = [case.batch(seed=start + step) for step in range(6)]
        its = learnt(learner, alone, batches, LRS[replicas])
        assert losses[:, replicas] == pytest.approx(np.array(its), rel=1e-4)
        for name, value in learner.parameters(alone).items():
            found = learner.parameters(state)[name][replicas]
            assert found == pytest.approx(value, rel=1e-3, abs=1e-5), name


@each_chain
@pytest.mark.parametrize("optimizer", ["sgd", "adam"])
def test_groups_are_as_alone(case: Case, optimizer: str) -> None:
    """Stacked, and with the losses and weights of two trainings."""
    learner = case.learner(optimizer)
    assert learner.takes_several
    state, losses = learnt_apart(case, learner)
    assert learner.how == "stacked"
    expect_as_alone(case, learner, state, losses)


@each_chain
def test_groups_that_a_check_refuses_to_stack_go_one_by_one(
    case: Case, monkeypatch: pytest.MonkeyPatch
) -> None:
    """To the same end."""

    def refused(pair: Any, places: Any, loss: Any, rows: Rows) -> tuple[str, bool]:
        return "a test says so", False

    monkeypatch.setattr(learners_of_torch, "reason_against", refused)
    learner = case.learner()
    state, losses = learnt_apart(case, learner)
    assert learner.how == "one by one: a test says so"
    expect_as_alone(case, learner, state, losses)


def test_a_loss_of_values_may_be_given() -> None:
    """A class of PyTorch's, with columns of targets."""
    case = Case(name="", make=MLP_CASE.make, outputs=3, task="regression")
    learner = case.learner(loss=nn.SmoothL1Loss())
    state, losses = learnt_apart(case, learner)
    expect_as_alone(case, learner, state, losses)


@pytest.mark.parametrize("case", [case for case in CASES if case not in CHAINS], ids=lambda case: case.name)
def test_other_modules_take_one_batch(case: Case) -> None:
    """Only chains of linear layers gain; what draws numbers or remembers batches might differ."""
    assert not case.learner().takes_several


@pytest.mark.parametrize(
    "settings",
    [
        {"stack": False},
        {"precision": "bfloat16"},
        {"loss": nn.CrossEntropyLoss(weight=torch.ones(5))},
        {"loss": nn.CrossEntropyLoss(ignore_index=0)},
        {"loss": functional.cross_entropy},
        {"optimizer": "RMSprop"},
    ],
    ids=["not stacked", "bfloat16", "class weights", "ignored class", "function", "PyTorch optimizer"],
)
def test_settings_with_which_they_take_one_batch(settings: dict[str, Any]) -> None:
    """Where replicas go one by one, or rows count differently."""
    assert not MLP_CASE.learner(**settings).takes_several
