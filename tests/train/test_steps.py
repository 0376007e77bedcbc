"""The rules of one update: micro-batches, clipping and decay, for NumPy networks and PyTorch modules."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

pytest.importorskip("torch", reason="PyTorch is not installed")

import torch
from torch import nn

from rightbatch.errors import SettingError
from rightbatch.learners.mlp import MLP
from rightbatch.learners.torch_model import TorchModel
from rightbatch.learners.updates import SGD, Adam, Momentum
from rightbatch.records import Array, Batch, Shape
from rightbatch.train.steps import Rules, micro_batches, ruled

CLASSES = Shape(features=6, outputs=4, task="classification")
VALUES = Shape(features=6, outputs=2, task="regression")
LR = np.array([0.1], np.float32)


def net(features: int, outputs: int) -> nn.Module:
    """A small network."""
    return nn.Sequential(nn.Linear(features, 9), nn.Tanh(), nn.Linear(9, outputs))


def batch(rows: int, shape: Shape = CLASSES, *, seed: int = 0, weight: Any = None) -> Batch:
    """Random rows."""
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(rows, shape.features)).astype(np.float32)
    y: Array = rng.integers(0, shape.outputs, rows)
    if shape.task == "regression":
        y = rng.normal(size=(rows, shape.outputs)).astype(np.float32)
    given_weight = None if weight is None else np.array(weight, np.float32)
    return Batch((x, y), np.arange(rows), given_weight, 0, seed)


WEIGHTED = nn.CrossEntropyLoss(weight=torch.tensor([1.0, 5.0, 0.2, 2.0]), label_smoothing=0.1)

LEARNERS: dict[str, Any] = {
    "numpy": lambda shape: MLP(hidden=(9,), l2=0.01).build(shape, Momentum()),
    "numpy, two hidden": lambda shape: MLP(hidden=(9, 5), activation="tanh").build(shape, Adam()),
    "torch": lambda shape: TorchModel(net).build(shape, Momentum()),
    "torch.optim": lambda shape: TorchModel(net).build(shape, "AdamW"),
}


def trained(learner: Any, rules: Rules, batches: list[Batch], seeds: tuple[int, ...] = (3,)) -> Any:
    """The state after a step on each of the batches, and the losses."""
    stepper, state, losses = ruled(learner, rules), learner.start(seeds), []
    for one in batches:
        state, result = stepper.step(state, one, np.repeat(LR, len(seeds)))
        losses.append(result.loss)
    return learner.parameters(state), np.array(losses)


def assert_same(one: Any, two: Any, *, rel: float = 2e-5, absolute: float = 2e-6) -> None:
    """Parameters and losses agree, up to sums taken in another order."""
    assert one[1] == pytest.approx(two[1], rel=rel)
    assert one[0].keys() == two[0].keys()
    for name in one[0]:
        assert one[0][name] == pytest.approx(two[0][name], rel=rel, abs=absolute), name


@pytest.mark.parametrize("name", LEARNERS)
@pytest.mark.parametrize("shape", [CLASSES, VALUES], ids=["classes", "values"])
@pytest.mark.parametrize("parts", [2, 3, 17, 40])
def test_micro_batches_are_the_whole_batch(name: str, shape: Shape, parts: int) -> None:
    """17 rows in parts, the last of which is smaller, or all of one row: the same update and loss."""
    learner = LEARNERS[name](shape)
    batches = [batch(17, shape, seed=seed) for seed in range(4)]
    whole = trained(learner, Rules(), batches)
    assert_same(trained(learner, Rules(accumulate=parts), batches), whole)


@pytest.mark.parametrize("name", LEARNERS)
def test_weights_and_padding_are_kept(name: str) -> None:
    """Micro-batches count by the weights of their rows; one that is padding alone counts nothing."""
    learner = LEARNERS[name](CLASSES)
    weight = [1, 0.5, 2, 0, 1, 3, 1, 0.1, 1, 0, 0, 0]
    batches = [batch(12, seed=seed, weight=weight) for seed in range(4)]
    assert_same(trained(learner, Rules(accumulate=4), batches), trained(learner, Rules(), batches))


def test_classes_with_weights_are_kept() -> None:
    """The mean of `nn.CrossEntropyLoss(weight=...)` is weighted by the classes of the rows."""
    learner = TorchModel(net, loss=WEIGHTED).build(CLASSES, SGD())
    batches = [batch(17, seed=seed) for seed in range(4)]
    assert_same(trained(learner, Rules(accumulate=3), batches), trained(learner, Rules(), batches))


@pytest.mark.parametrize("name", ["numpy", "torch"])
def test_replicas_accumulate_side_by_side(name: str) -> None:
    """Several replicas, stacked or in one flat array, each make the update of the whole batch."""
    learner = LEARNERS[name](CLASSES)
    batches = [batch(17, seed=seed) for seed in range(3)]
    rules = Rules(accumulate=3, clip_norm=0.5, weight_decay=0.1)
    whole = trained(learner, Rules(clip_norm=0.5, weight_decay=0.1), batches, (0, 1, 2))
    assert_same(trained(learner, rules, batches, (0, 1, 2)), whole)
    alone = trained(learner, rules, batches, (1,))
    for key, values in alone[0].items():
        assert values[0] == pytest.approx(whole[0][key][1], rel=1e-4, abs=1e-5)


@given(rows=st.integers(1, 60), parts=st.integers(1, 70))
def test_every_row_is_in_one_micro_batch(rows: int, parts: int) -> None:
    """In order, at most as many parts as asked for, none empty, none larger than the first."""
    whole = batch(rows, weight=np.arange(rows))
    found = list(micro_batches(whole, parts))
    sizes = [len(part.index) for part in found]
    assert np.concatenate([part.index for part in found]).tolist() == whole.index.tolist()
    assert np.concatenate([part.weight for part in found]).tolist() == list(range(rows))
    assert np.concatenate([part.data[1] for part in found]).tolist() == whole.data[1].tolist()
    assert len(sizes) <= parts
    assert 1 <= min(sizes) <= max(sizes) == sizes[0]


def by_torch(
    learner: Any, optimizer: Any, batches: list[Batch], clip: float | None = None
) -> dict[str, Array]:
    """The parameters after a loop as one writes it in PyTorch, from the learner's own start."""
    module = learner.module(learner.start([3])).train()
    made = optimizer(module.parameters())
    for one in batches:
        x, y = (torch.from_numpy(array) for array in one.data)
        made.zero_grad()
        nn.functional.cross_entropy(module(x), y).backward()  # type: ignore[no-untyped-call]
        if clip is not None:
            nn.utils.clip_grad_norm_(module.parameters(), clip)
        made.step()
    return {name: value.detach().numpy()[None] for name, value in module.state_dict().items()}


BATCHES = [batch(17, seed=seed) for seed in range(6)]


@pytest.mark.parametrize("clip", [0.05, 0.5, 100.0])
def test_clipping_is_that_of_pytorch(clip: float) -> None:
    """As `torch.nn.utils.clip_grad_norm_`, whether the gradient is larger than the bound or not."""
    learner = TorchModel(net).build(CLASSES, SGD())
    found, _ = trained(learner, Rules(clip_norm=clip), BATCHES)
    expected = by_torch(learner, lambda p: torch.optim.SGD(p, lr=0.1), BATCHES, clip)
    for name in expected:
        assert found[name] == pytest.approx(expected[name], rel=1e-5, abs=1e-7), name


def as_module(parameters: dict[str, Array]) -> nn.Module:
    """The NumPy network of one hidden layer with these parameters, as a module."""
    module = net(6, 4)
    with torch.no_grad():
        for layer, number in ((module[0], 1), (module[2], 2)):  # type: ignore[index]
            layer.weight.copy_(torch.from_numpy(parameters[f"weight{number}"][0].T.copy()))
            layer.bias.copy_(torch.from_numpy(parameters[f"bias{number}"][0].copy()))
    return module


@pytest.mark.parametrize(
    ("rule", "theirs"),
    [
        (SGD(), lambda p: torch.optim.SGD(p, lr=0.1, weight_decay=0.05)),
        (Momentum(), lambda p: torch.optim.SGD(p, lr=0.1, momentum=0.9, weight_decay=0.05)),
        (Adam(), lambda p: torch.optim.Adam(p, lr=0.1, weight_decay=0.05)),
    ],
    ids=["sgd", "momentum", "adam"],
)
def test_decay_and_clipping_of_the_built_in_network(rule: Any, theirs: Any) -> None:
    """An MLP in NumPy does what PyTorch's optimizers do with `weight_decay`, after its clipping."""
    learner = MLP(hidden=(9,), activation="tanh").build(CLASSES, rule)
    module = as_module(learner.parameters(learner.start([3])))
    optimizer = theirs(module.parameters())
    for one in BATCHES:
        x, y = (torch.from_numpy(array) for array in one.data)
        optimizer.zero_grad()
        nn.functional.cross_entropy(module(x), y).backward()  # type: ignore[no-untyped-call]
        nn.utils.clip_grad_norm_(module.parameters(), 0.3)
        optimizer.step()
    found, _ = trained(learner, Rules(clip_norm=0.3, weight_decay=0.05), BATCHES)
    expected = module.state_dict()
    for number, place in ((1, 0), (2, 2)):
        weight, bias = (expected[f"{place}.{kind}"].numpy() for kind in ("weight", "bias"))
        assert found[f"weight{number}"][0] == pytest.approx(weight.T, rel=1e-4, abs=1e-5)
        assert found[f"bias{number}"][0] == pytest.approx(bias, rel=1e-4, abs=1e-5)


def test_decay_of_a_module_with_our_rule() -> None:
    """As `torch.optim.Adam(weight_decay=...)`."""
    learner = TorchModel(net).build(CLASSES, Adam())
    found, _ = trained(learner, Rules(weight_decay=0.05), BATCHES)
    expected = by_torch(learner, lambda p: torch.optim.Adam(p, lr=0.1, weight_decay=0.05), BATCHES)
    for name in expected:
        assert found[name] == pytest.approx(expected[name], rel=1e-4, abs=1e-5), name


def test_rules_that_change_nothing_cost_nothing() -> None:
    """The learner itself makes the steps."""
    learner = MLP().build(CLASSES, SGD())
    assert ruled(learner, Rules()) is learner


class Whole:
    """A learner that makes steps in one piece."""

    def step(self, state: Any, batch: Batch, lr: Array) -> Any:
        """Nothing."""


@pytest.mark.parametrize("settings", [{"accumulate": 4}, {"clip_norm": 1.0}, {"weight_decay": 0.1}])
def test_a_learner_without_halves_is_refused(settings: Any) -> None:
    """The sentence names the setting that needs them."""
    ((name, value),) = settings.items()
    with pytest.raises(SettingError) as caught:
        ruled(Whole(), Rules(**settings))  # type: ignore[arg-type]
    assert str(caught.value) == (
        f"{name} needs a model whose steps come in halves, a gradient and an update, got {value}; "
        "leave it out, or write another model."
    )


@pytest.mark.parametrize(
    ("settings", "text"),
    [
        (
            {"accumulate": 0},
            "accumulate must be at least 1, got 0; write a number of micro-batches such as 4.",
        ),
        ({"clip_norm": 0}, "clip_norm must be above 0, got 0; write a number such as 1.0."),
        (
            {"weight_decay": -1},
            "weight_decay must not be negative, got -1; write 0 or a number such as 0.01.",
        ),
    ],
)
def test_bad_rules(settings: Any, text: str) -> None:
    """One sentence each."""
    with pytest.raises(SettingError) as caught:
        Rules(**settings)
    assert str(caught.value) == text
