"""The memory of tensors against what the sizes of the arrays say."""

import subprocess
import sys

import numpy as np
import pytest

pytest.importorskip("torch", reason="PyTorch is not installed")

import torch
from torch import nn

from learners.torch_cases import Case, learnt
from rightbatch.learners.torch_memory import TensorBytes

CPU = torch.device("cpu")


def test_bytes_are_counted_until_they_are_freed() -> None:
    """Four bytes a number, views free of charge, and what was made before is not counted."""
    before = torch.ones(700)
    with TensorBytes(CPU) as counted:
        first = torch.zeros(1000)
        view = first.view(10, 100)
        assert counted.peak == 4000
        del first, view
        second = before + torch.ones(700)
        before += 1
        assert counted.peak == 2 * 4 * 700
        del second
        third = torch.ones(2000)
    assert counted.peak == 4 * 2000
    del third


def test_the_compiler_is_not_loaded() -> None:
    """PyTorch would, to keep it from what watches the tensors: seconds before every study of a module."""
    code = (
        "import sys, torch; from rightbatch.learners.torch_memory import TensorBytes\n"
        "with TensorBytes(torch.device('cpu')) as counted: torch.zeros(1000)\n"
        "print(counted.peak, 'torch._dynamo' in sys.modules)"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.split() == ["4000", "False"]


@pytest.mark.parametrize("hidden", [64, 512])
def test_memory_grows_by_what_a_row_needs(hidden: int) -> None:
    """From 1,000 to 2,000 rows: at least the hidden values and their gradient, at most twice that."""

    def net(features: int, outputs: int) -> nn.Module:
        return nn.Sequential(nn.Linear(features, hidden), nn.ReLU(), nn.Linear(hidden, outputs))

    case = Case(name="", make=net)
    peaks = []
    for rows in (1000, 2000):
        learner = case.learner()
        state = learner.start([0])
        with learner.tensor_bytes() as counted:
            learnt(learner, state, [case.batch(rows)] * 2, [0.1])
        peaks.append(counted.peak)
    values = 2 * 4 * hidden * 1000
    assert values <= peaks[1] - peaks[0] <= 2 * values


def test_the_optimizers_memory_counts() -> None:
    """Adam remembers two numbers a parameter, which SGD does not."""
    sizes = {}
    for optimizer in ("sgd", "adam"):
        case = Case(name="", make=nn.Linear, row=(1000,), outputs=500)
        learner = case.learner(optimizer)
        with learner.tensor_bytes() as counted:
            state = learner.start([0])
        sizes[optimizer] = counted.peak
        assert np.isfinite(learner.parameters(state)["weight"]).all()
    assert sizes["adam"] - sizes["sgd"] == 2 * 4 * (1000 * 500 + 500)
