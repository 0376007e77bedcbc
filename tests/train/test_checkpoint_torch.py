"""PyTorch modules go on bit for bit: dropout, running means, optimizers and schedulers of its own."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from torch import nn  # noqa: E402 (where there is no PyTorch, nothing here is imported)

from rightbatch.errors import StoreError  # noqa: E402
from rightbatch.learners.torch_model import TorchModel  # noqa: E402
from rightbatch.records import Batch, Shape  # noqa: E402
from train.checkpoint_cases import assert_the_same, broken_off_and_resumed, trained  # noqa: E402


def net(features: int, outputs: int) -> nn.Module:
    """Dropout draws in every step, batch normalisation keeps running means."""
    return nn.Sequential(
        nn.Linear(features, 8), nn.BatchNorm1d(8), nn.ReLU(), nn.Dropout(0.4), nn.Linear(8, outputs)
    )


class Counting(nn.Module):
    """Keeps a buffer that its `state_dict` leaves out, and a number beside its tensors."""

    calls: Any

    def __init__(self, features: int, outputs: int) -> None:
        super().__init__()
        self.layer = nn.Linear(features, outputs)
        self.register_buffer("calls", torch.zeros((), dtype=torch.bfloat16), persistent=False)
        self.number = 0

    def forward(self, x: Any) -> Any:
        if self.training:
            self.calls += 1
            self.number += 1
        return self.layer(x) * (1 + 0.01 * self.calls.float() + 0.001 * self.number)

    def get_extra_state(self) -> Any:
        return {"number": self.number}

    def set_extra_state(self, state: Any) -> None:
        self.number = state["number"]


def plateau(optimizer: Any) -> Any:
    """Waits for the validation loss."""
    return torch.optim.lr_scheduler.ReduceLROnPlateau(optimizer, factor=0.5, patience=0)


def milestones(optimizer: Any) -> Any:
    """Keeps a counter."""
    return torch.optim.lr_scheduler.MultiStepLR(optimizer, [1, 2], gamma=0.5)


CASES: dict[str, Any] = {
    "sgd": lambda: {"model": net},
    "adam, ours": lambda: {"model": net, "optimizer": "adam"},
    "AdamW, patience": lambda: {"model": net, "optimizer": "AdamW", "patience": 3},
    "amsgrad": lambda: {"model": net, "optimizer": lambda p: torch.optim.Adam(p, lr=0.01, amsgrad=True)},
    "Muon of matrices alone": lambda: {
        "model": lambda features, outputs: nn.Linear(features, outputs, bias=False),
        "optimizer": "Muon",
    },
    "OneCycleLR": lambda: {"model": net, "optimizer": "momentum", "schedule": "OneCycleLR", "lr": 0.1},
    "plateau": lambda: {"model": net, "optimizer": "SGD", "schedule": plateau, "lr": 0.1},
    "milestones": lambda: {"model": net, "schedule": milestones, "lr": 0.1},
    "bfloat16": lambda: {"model": net, "precision": "bfloat16"},
    "scaled loss": lambda: {"model": net, "precision": "float16", "optimizer": "SGD"},
    "what is beside the parameters": lambda: {"model": Counting},
    "a module with its weights": lambda: {"model": TorchModel(given(), weights="given")},
}


def given() -> nn.Module:
    """The same weights in every process."""
    with torch.random.fork_rng():
        torch.manual_seed(1)
        return net(3, 3)


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("step", [1, 10, 14, 16])
def test_modules_go_on(case: str, step: int, tmp_path: Path) -> None:
    """Weights and buffers bit for bit, history and end."""
    if case.startswith("Muon") and not hasattr(torch.optim, "Muon"):
        pytest.skip("this PyTorch has no Muon")
    undisturbed = trained(CASES[case])
    assert_the_same(broken_off_and_resumed(CASES[case], tmp_path, step), undisturbed)


def test_settings_of_an_optimizer_are_compared(tmp_path: Path) -> None:
    """A function that makes an optimizer has the same name whatever it writes into it."""

    def training(decay: float) -> Any:
        def optimizer(parameters: Any) -> Any:
            return torch.optim.AdamW(parameters, weight_decay=decay)

        return lambda: {"model": net, "optimizer": optimizer}

    trained(training(0.1), checkpoint=tmp_path)
    with pytest.raises(StoreError) as caught:
        trained(training(0.2), checkpoint=tmp_path, resume=True)
    newest = max(tmp_path.glob("step*"))
    assert str(caught.value) == (
        f"{newest} is of another training: replicas/0/optimizer/param_groups/0/weight_decay is 0.1 there and "
        "0.2 here; write the same model, data and settings, or another folder."
    )


def test_replicas_of_a_stack_are_stored() -> None:
    """A state of several replicas, stacked by then, goes on as each of them would have."""
    x = np.arange(24, dtype=np.float32).reshape(8, 3) / 24
    y = np.arange(8) % 3
    learner: Any = TorchModel(net).build(Shape(features=3, outputs=3, task="classification"), "momentum")
    batch = Batch((x, y), np.arange(8), None, epoch=0, step=0)
    rates = np.array([0.1, 0.2], np.float32)
    state = learner.start([4, 4])
    for _ in range(3):
        state, _ = learner.step(state, batch, rates)
    assert learner.how == "stacked"
    other = learner.start([4, 4])
    learner.load_state_dict(other, learner.state_dict(state))
    for _ in range(2):
        state, result = learner.step(state, batch, rates)
        other, again = learner.step(other, batch, rates)
        assert result.loss.tobytes() == again.loss.tobytes()
