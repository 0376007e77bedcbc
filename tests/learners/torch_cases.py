"""PyTorch modules of many kinds, the data that suit them, and a hand-written PyTorch loop."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from rightbatch.learners.torch import TorchLearner, TorchState
from rightbatch.learners.torch_model import TorchModel
from rightbatch.records import Array, Batch, Shape


def mlp(features: int, outputs: int) -> nn.Module:
    """Two linear layers."""
    return nn.Sequential(nn.Linear(features, 16), nn.ReLU(), nn.Linear(16, outputs))


def normalised(features: int, outputs: int) -> nn.Module:
    """With batch normalisation; a bias before it would have no gradient but rounding."""
    return nn.Sequential(
        nn.Linear(features, 16, bias=False), nn.BatchNorm1d(16), nn.ReLU(), nn.Linear(16, outputs)
    )


def dropped(features: int, outputs: int) -> nn.Module:
    """With dropout."""
    return nn.Sequential(nn.Linear(features, 16), nn.Dropout(0.5), nn.Linear(16, outputs))


def convolved(input_shape: tuple[int, ...], outputs: int) -> nn.Module:
    """A small convolutional network for 8 x 8 images."""
    return nn.Sequential(
        *(nn.Conv2d(input_shape[0], 4, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2)),
        *(nn.Conv2d(4, 8, 3, padding=1), nn.Tanh(), nn.Flatten(), nn.Linear(8 * 16, outputs)),
    )


class Branching(nn.Module):
    """A module that looks at its own values to decide what to do."""

    def __init__(self, features: int, outputs: int) -> None:
        super().__init__()
        self.layer = nn.Linear(features, outputs)

    def forward(self, x: Tensor) -> Tensor:
        """Twice the outputs where they are positive on the whole."""
        outputs: Tensor = self.layer(x)
        return outputs * 2 if outputs.sum() > 0 else outputs


class Recurrent(nn.Module):
    """Rows of 8 numbers read one after the other."""

    def __init__(self, outputs: int) -> None:
        super().__init__()
        self.memory, self.last = nn.LSTM(8, 6, batch_first=True), nn.Linear(6, outputs)

    def forward(self, x: Tensor) -> Tensor:
        """What is remembered at the end."""
        found: Tensor = self.last(self.memory(x)[0][:, -1])
        return found


class Counting(nn.Module):
    """A module that keeps a count in a buffer that it replaces, which no stack notices."""

    count: Tensor

    def __init__(self, features: int, outputs: int) -> None:
        super().__init__()
        self.layer = nn.Linear(features, outputs)
        self.register_buffer("count", torch.zeros(()))

    def forward(self, x: Tensor) -> Tensor:
        """Outputs, and one more counted."""
        if self.training:
            self.count = self.count + 1
        outputs: Tensor = self.layer(x)
        return outputs


class Scattered(nn.Module):
    """A module that draws numbers which are neither parameters nor buffers."""

    def __init__(self, features: int, outputs: int) -> None:
        super().__init__()
        self.layer, self.scale = nn.Linear(features, outputs), torch.rand(features)

    def forward(self, x: Tensor) -> Tensor:
        """Outputs for the scaled rows."""
        outputs: Tensor = self.layer(x * self.scale)
        return outputs


class Tied(nn.Module):
    """Two layers that share their weight, a frozen one and one that is not used."""

    def __init__(self, features: int, outputs: int) -> None:
        super().__init__()
        self.first, self.second = nn.Linear(features, features), nn.Linear(features, features)
        self.second.weight = self.first.weight
        self.frozen = nn.Linear(features, features).requires_grad_(False)
        self.unused, self.last = nn.Linear(2, 2), nn.Linear(features, outputs)

    def forward(self, x: Tensor) -> Tensor:
        """Through all but the one that is not used."""
        outputs: Tensor = self.last(self.frozen(self.second(torch.tanh(self.first(x)))))
        return outputs


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """A way to make a module and the data it meets."""

    name: str
    make: Callable[..., nn.Module]
    outputs: int = 5
    row: tuple[int, ...] = (6,)
    task: str = "classification"
    stacks: bool = True
    draws: bool = False

    @property
    def shape(self) -> Shape:
        """Of its data."""
        return Shape(features=int(np.prod(self.row)), outputs=self.outputs, task=self.task)

    def learner(self, optimizer: Any = "sgd", **settings: Any) -> TorchLearner:
        """The learner with this update rule."""
        model = TorchModel(self.make, input_shape=self.row, **settings)
        learner = model.build(self.shape, optimizer)
        assert isinstance(learner, TorchLearner)
        return learner

    def batch(self, rows: int = 7, *, seed: int = 0, weight: Sequence[float] | None = None) -> Batch:
        """Random rows."""
        rng = np.random.default_rng(seed)
        x = rng.normal(size=(rows, *self.row)).astype(np.float32)
        y: Array = rng.integers(0, max(self.outputs, 2), rows)
        if self.task == "regression":
            y = rng.normal(size=(rows, self.outputs)).astype(np.float32)
        given = None if weight is None else np.array(weight, np.float32)
        return Batch((x, y), np.arange(rows), given, 0, seed)


CASES = [
    Case(name="mlp", make=mlp),
    Case(name="two classes", make=mlp, outputs=1),
    Case(name="regression", make=mlp, outputs=3, task="regression"),
    Case(name="normalised", make=normalised),
    Case(name="dropout", make=dropped, draws=True),
    Case(name="images", make=convolved, row=(1, 8, 8)),
    Case(name="branching", make=Branching, stacks=False),
    Case(name="recurrent", make=Recurrent, row=(5, 8), stacks=False),
    Case(name="counting", make=Counting, stacks=False),
    Case(name="tied", make=Tied),
    Case(name="scattered", make=Scattered, stacks=False),
]

MLP_CASE, IMAGES = CASES[0], CASES[5]


def learnt(learner: TorchLearner, state: TorchState, batches: Sequence[Batch], lr: Any) -> list[Array]:
    """The losses of all steps; the state is moved on."""
    return [learner.step(state, batch, np.asarray(lr, np.float32))[1].loss for batch in batches]


def by_hand(
    module: nn.Module, optimizer: torch.optim.Optimizer, loss: Callable[..., Tensor], batches: Sequence[Batch]
) -> list[float]:
    """The losses of a PyTorch loop as one writes it; the module is trained."""
    found = []
    module.train()
    for batch in batches:
        x, y = (torch.from_numpy(array) for array in batch.data)
        optimizer.zero_grad()
        value = loss(module(x), y)
        value.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
        found.append(float(value.detach()))
    return found
