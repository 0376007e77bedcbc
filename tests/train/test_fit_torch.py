"""`fit` of a PyTorch module against loops as one writes them in PyTorch."""

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import pytest

pytest.importorskip("torch", reason="PyTorch is not installed")

import torch
from torch import Tensor, nn
from torch.optim import lr_scheduler

from rightbatch.data.loader import Loader
from rightbatch.errors import SettingError
from rightbatch.learners.mlp import MLP
from rightbatch.learners.torch_model import TorchModel
from rightbatch.records import Array, Outcome
from rightbatch.train.fit import fit
from rightbatch.train.result import FitResult
from rightbatch.train.schedule import ByEpoch, ByStep, StepDecay
from train.fit_data import CLASSES, HELD, TRAIN, X

EPOCHS, ROWS = 6, 16
STEPS = 3
"""Of an epoch: 40 rows in batches of 16."""


def net(features: int, outputs: int) -> nn.Module:
    """A small network."""
    return nn.Sequential(nn.Linear(features, 7), nn.Tanh(), nn.Linear(7, outputs))


def two_groups(parameters: Any) -> torch.optim.Optimizer:
    """Weights and biases with learning rates of their own."""
    first, second, third, fourth = parameters
    groups: Any = [{"params": [first, third]}, {"params": [second, fourth], "lr": 0.2}]
    return torch.optim.SGD(groups, lr=0.1, momentum=0.9)


def by_hand(
    result: FitResult,
    optimizer: Callable[[Any], torch.optim.Optimizer],
    *,
    scheduler: Callable[[Any], Any] | None = None,
    by_step: bool = False,
    validated: bool = False,
) -> tuple[dict[str, Tensor], list[float]]:
    """The parameters after training from the same start on the same batches, and the rate of every epoch."""
    module = result.learner.module(result.learner.start([0])).train()
    made = optimizer(module.parameters())
    plan = None if scheduler is None else scheduler(made)
    loader, rates = Loader(TRAIN, ROWS, shuffle=True, seed=0), []
    for _ in range(EPOCHS):
        for x, y in loader:
            made.zero_grad()
            value = nn.functional.cross_entropy(module(torch.from_numpy(x)), torch.from_numpy(y))
            value.backward()  # type: ignore[no-untyped-call]
            rates.append(float(made.param_groups[0]["lr"]))
            made.step()
            if plan is not None and by_step:
                plan.step()
        if plan is not None and validated:
            with torch.no_grad():
                held = nn.functional.cross_entropy(
                    module(torch.from_numpy(HELD[0])), torch.from_numpy(HELD[1])
                )
            plan.step(held)
        elif plan is not None and not by_step:
            plan.step()
    return module.state_dict(), rates[STEPS - 1 :: STEPS]


def assert_same(result: FitResult, expected: tuple[dict[str, Tensor], list[float]]) -> None:
    """Learning rates and parameters are those of the loop, up to rounding."""
    assert [entry["lr"] for entry in result.history] == pytest.approx(expected[1], rel=1e-6)
    found = result.parameters()
    for name, value in expected[0].items():
        assert found[name] == pytest.approx(value.numpy(), rel=2e-4, abs=2e-5), name


SGD: Any = partial(torch.optim.SGD, lr=0.1, momentum=0.9)


def fitted(schedule: Any, optimizer: Any = SGD, **settings: Any) -> FitResult:
    """A short training."""
    return fit(
        net, TRAIN, HELD, batch_size=ROWS, epochs=EPOCHS, optimizer=optimizer, schedule=schedule, **settings
    )


SCHEDULERS = {
    "StepLR": lambda optimizer: lr_scheduler.StepLR(optimizer, 2, gamma=0.3),
    "MultiStepLR": lambda optimizer: lr_scheduler.MultiStepLR(optimizer, [2, 4]),
    "ExponentialLR": lambda optimizer: lr_scheduler.ExponentialLR(optimizer, 0.7),
    "CosineAnnealingLR": lambda optimizer: lr_scheduler.CosineAnnealingLR(optimizer, EPOCHS),
    "CosineAnnealingWarmRestarts": lambda optimizer: lr_scheduler.CosineAnnealingWarmRestarts(optimizer, 2),
    "LambdaLR": lambda optimizer: lr_scheduler.LambdaLR(optimizer, lambda epoch: 1 / (1 + epoch)),
    "LinearLR": lambda optimizer: lr_scheduler.LinearLR(optimizer, 0.1, total_iters=4),
    "PolynomialLR": lambda optimizer: lr_scheduler.PolynomialLR(optimizer, 8, power=2),
    "SequentialLR": lambda optimizer: lr_scheduler.SequentialLR(
        optimizer,
        [lr_scheduler.ConstantLR(optimizer, 0.1, 2), lr_scheduler.ExponentialLR(optimizer, 0.9)],
        milestones=[2],
    ),
    "ChainedScheduler": lambda optimizer: lr_scheduler.ChainedScheduler(
        [lr_scheduler.ConstantLR(optimizer, 0.1, 2), lr_scheduler.ExponentialLR(optimizer, 0.9)]
    ),
}


@pytest.mark.parametrize("name", SCHEDULERS)
@pytest.mark.parametrize("by_step", [False, True], ids=["by epoch", "by step"])
def test_schedulers_of_pytorch(name: str, by_step: bool) -> None:
    """Any of them, told of epochs or of steps, sets the rates that it sets in a loop by hand."""
    schedule: Any = SCHEDULERS[name]
    result = fitted(ByStep(schedule) if by_step else schedule)
    assert_same(result, by_hand(result, SGD, scheduler=schedule, by_step=by_step))


@pytest.mark.parametrize("optimizer", [SGD, two_groups, "momentum"], ids=["SGD", "two groups", "ours"])
def test_a_scheduler_that_is_told_of_steps(optimizer: Any) -> None:
    """OneCycleLR sets rates and momentum, in every group, and needs no word of ours to count steps."""

    def one_cycle(optimizer: Any) -> Any:
        return lr_scheduler.OneCycleLR(optimizer, max_lr=0.3, total_steps=EPOCHS * STEPS)

    result = fitted(one_cycle, optimizer, lr=0.1)
    made = SGD if optimizer == "momentum" else optimizer
    assert_same(result, by_hand(result, made, scheduler=one_cycle, by_step=True))


def test_groups_with_rates_of_their_own() -> None:
    """A scheduler may treat them differently."""

    def each(optimizer: Any) -> Any:
        return lr_scheduler.LambdaLR(optimizer, [lambda epoch: 0.5**epoch, lambda epoch: 1 / (1 + epoch)])

    result = fitted(each, two_groups)
    assert_same(result, by_hand(result, two_groups, scheduler=each))


def test_the_plateau_of_the_validation_loss() -> None:
    """ReduceLROnPlateau is told of it after every epoch."""

    def plateau(optimizer: Any) -> Any:
        return lr_scheduler.ReduceLROnPlateau(optimizer, factor=0.5, patience=0, threshold=0.5)

    result = fitted(plateau)
    assert result.history[-1]["lr"] < 0.1
    assert_same(result, by_hand(result, SGD, scheduler=plateau, validated=True))


def test_schedulers_by_name() -> None:
    """They are given the length of the training where they ask for it."""
    for name, expected in {
        "CosineAnnealingLR": lambda optimizer: lr_scheduler.CosineAnnealingLR(optimizer, EPOCHS),
        "ReduceLROnPlateau": lr_scheduler.ReduceLROnPlateau,
        "OneCycleLR": lambda optimizer: lr_scheduler.OneCycleLR(
            optimizer, max_lr=0.1, total_steps=EPOCHS * STEPS
        ),
    }.items():
        one, two = fitted(name, lr=0.1), fitted(lambda optimizer, made=expected: made(optimizer), lr=0.1)
        rates = [[entry["lr"] for entry in result.history] for result in (one, two)]
        assert rates[0] == pytest.approx(rates[1], rel=1e-6), name


def test_a_schedule_of_ours_by_epoch() -> None:
    """The factor stays through an epoch; names are fitted to the epochs."""
    for model in (MLP(), net):
        result = fit(
            model, TRAIN, HELD, batch_size=ROWS, epochs=4, lr=0.1, schedule=ByEpoch(StepDecay(every=1))
        )
        assert [entry["lr"] for entry in result.history] == pytest.approx([0.1, 0.01, 1e-3, 1e-4])
    result = fit(MLP(), TRAIN, epochs=2, lr=0.1, schedule=ByEpoch("cosine"))
    assert [entry["lr"] for entry in result.history] == pytest.approx([0.1, 0.05])


@pytest.mark.parametrize(
    ("schedule", "text"),
    [
        (
            "StepLR",
            (
                "schedule needs step_size, got 'StepLR'; "
                "write lambda optimizer: StepLR(optimizer, step_size=...)."
            ),
        ),
        (
            lambda optimizer: 3,
            (
                "schedule must give a scheduler of PyTorch, got 'int'; "
                "write a function from an optimizer to a scheduler of torch.optim.lr_scheduler."
            ),
        ),
        (
            ByStep(lr_scheduler.ReduceLROnPlateau),
            (
                "schedule must be told of epochs, as it waits for the validation loss, got 'ByStep'; "
                "leave ByStep out."
            ),
        ),
    ],
)
def test_schedulers_that_cannot_be_used(schedule: Any, text: str) -> None:
    """One sentence each."""
    with pytest.raises(SettingError) as caught:
        fitted(schedule)
    assert str(caught.value) == text


def test_an_unknown_schedule_lists_those_of_pytorch() -> None:
    """The nearest first."""
    with pytest.raises(SettingError) as caught:
        fitted("CosineAnealing")
    sentence = "schedule is not known, got 'CosineAnealing'; write one of CosineAnnealingLR, "
    assert str(caught.value).startswith(sentence)


def test_a_scheduler_for_a_built_in_model() -> None:
    """It works on optimizers of PyTorch."""

    def halving(optimizer: Any) -> Any:
        return lr_scheduler.ExponentialLR(optimizer, 0.5)

    with pytest.raises(SettingError) as caught:
        fit(MLP(), TRAIN, schedule=halving)
    assert str(caught.value).startswith("schedule of PyTorch needs a PyTorch module, got 'test_a_scheduler")


def test_decay_is_the_optimizers_own() -> None:
    """AdamW takes it apart from the gradient; a function that makes one has it written there."""
    result = fitted("constant", "AdamW", weight_decay=0.3, lr=0.01)
    assert_same(result, by_hand(result, lambda p: torch.optim.AdamW(p, lr=0.01, weight_decay=0.3)))
    with pytest.raises(SettingError) as caught:
        fitted("constant", two_groups, weight_decay=0.3)
    assert str(caught.value) == (
        "weight_decay must be given to two_groups itself, got 0.3; "
        "write it there, such as AdamW(parameters, weight_decay=0.3)."
    )


def test_the_rate_of_a_function_is_its_own() -> None:
    """None given: the learning rate that the optimizer is made with."""
    assert fitted("constant").history[0]["lr"] == pytest.approx(0.1)
    for schedule in ("constant", "ConstantLR"):
        assert fitted(schedule, "nesterov").history[-1]["lr"] == pytest.approx(0.02)


def test_micro_batches_of_dropout_draw_other_numbers() -> None:
    """Micro-batches of the same rows have masks of their own, and the same training the same masks."""

    def dropped(features: int, outputs: int) -> nn.Module:
        return nn.Sequential(nn.Linear(features, 64), nn.Dropout(0.5), nn.Linear(64, outputs))

    def losses(**settings: Any) -> list[float]:
        rows = np.repeat(X[:1], 16, axis=0), np.repeat(CLASSES[1:2], 16)
        both = np.concatenate([rows[0], X[1:2]]), np.concatenate([rows[1], [2]])
        result = fit(dropped, both, batch_size=17, epochs=3, accumulate=17, **settings)
        return [entry["loss"] for entry in result.history]

    assert losses() == losses()
    assert losses() != losses(seed=1)


@pytest.mark.parametrize("precision", ["bfloat16", "float16"])
def test_mixed_precision(precision: str) -> None:
    """It learns what float32 learns, to the precision of its products; the weights are float32."""
    settings: Any = {"batch_size": ROWS, "epochs": EPOCHS, "optimizer": SGD, "schedule": "constant"}
    plain = fit(net, TRAIN, HELD, **settings)
    mixed = fit(net, TRAIN, HELD, precision=precision, **settings)
    losses = [[entry["loss"] for entry in result.history] for result in (plain, mixed)]
    assert losses[0] != losses[1]
    assert losses[1] == pytest.approx(losses[0], rel=0.03)
    assert {value.dtype for value in mixed.parameters().values()} == {np.dtype(np.float32)}
    own = fit(TorchModel(net, precision=precision), TRAIN, HELD, **settings)
    assert [entry["loss"] for entry in own.history] == losses[1]


def test_precision_of_a_built_in_model() -> None:
    """Theirs is float32."""
    for precision, text in {
        "float16": (
            "precision of the built-in models is float32, got 'float16'; "
            "write float32, or train a PyTorch module."
        ),
        "half": "precision is not known, got 'half'; write one of float32, float16, bfloat16.",
    }.items():
        with pytest.raises(SettingError) as caught:
            fit(MLP(), TRAIN, precision=precision)
        assert str(caught.value) == text


class Hungry(nn.Module):
    """A module that has no memory for more than so many rows."""

    def __init__(self, features: int, outputs: int, most: int = 11) -> None:
        super().__init__()
        self.layer, self.most = nn.Linear(features, outputs), most

    def forward(self, x: Tensor) -> Tensor:
        """Outputs."""
        if self.training and len(x) > self.most:
            raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 20.00 MiB.")
        outputs: Tensor = self.layer(x)
        return outputs


def test_a_batch_that_does_not_fit_in_memory() -> None:
    """An outcome, with the largest batch that fits; in micro-batches it is trained after all."""
    result = fit(Hungry, TRAIN, HELD, batch_size=32, epochs=2)
    assert (result.outcome, result.history) == (Outcome.OUT_OF_MEMORY, [])
    assert result.stopped == (
        "A batch of 32 rows does not fit in memory, 11 do; "
        "write batch_size=11, or accumulate=3 for the same updates in micro-batches."
    )
    assert fit(Hungry, TRAIN, HELD, batch_size=11, epochs=2).outcome is Outcome.OUT_OF_STEPS
    assert fit(Hungry, TRAIN, HELD, batch_size=32, accumulate=3, epochs=2).outcome is Outcome.OUT_OF_STEPS
    result = fit(Hungry, TRAIN, HELD, batch_size=32, accumulate=2, epochs=2)
    assert result.stopped == (
        "A micro-batch of 16 rows does not fit in memory, 11 do; "
        "write batch_size=22, or accumulate=3 for the same updates in micro-batches."
    )


def test_memory_for_not_one_row() -> None:
    """There is no smaller batch to write."""
    result = fit(lambda features, outputs: Hungry(features, outputs, most=0), TRAIN, batch_size=32)
    assert result.stopped == (
        "A batch of 32 rows does not fit in memory, nor does one row; write a smaller model."
    )


def test_memory_that_runs_out_later() -> None:
    """A batch size that grows: what was learnt is kept, and with patience it is the best of it."""
    result = fit(Hungry, TRAIN, HELD, batch_size={1: 8, 3: 16}, epochs=9, patience=9)
    assert (result.outcome, len(result.history)) == (Outcome.OUT_OF_MEMORY, 2)
    assert result.score(HELD)["loss"] == pytest.approx(min(entry["val_loss"] for entry in result.history))


class Words(nn.Module):
    """The mean of the vectors of the words of a row."""

    def __init__(self, outputs: int) -> None:
        super().__init__()
        self.table, self.last = nn.Embedding(50, 8), nn.Linear(8, outputs)

    def forward(self, x: Tensor) -> Tensor:
        """Outputs for word numbers `(rows, words)`."""
        outputs: Tensor = self.last(self.table(x).mean(1))
        return outputs


def words(rows: int = 300, dtype: Any = np.int64) -> tuple[Array, Array]:
    """Rows of five words; the class is whether more of them are below 25 than not."""
    x = np.random.default_rng(0).integers(0, 50, (rows, 5)).astype(dtype)
    return x, ((x < 25).sum(1) > 2).astype(np.int64)


@pytest.mark.parametrize("dtype", [np.int64, np.int32, np.uint16])
def test_whole_numbers_reach_an_embedding(dtype: Any) -> None:
    """In training, evaluation and prediction, from arrays as well as from a loader."""
    x, y = words(dtype=dtype)
    train, held = (x[:200], y[:200]), (x[200:], y[200:])
    result = fit(Words, train, held, epochs=30, optimizer="adam")
    assert result.history[-1]["val_accuracy"] > 0.9
    assert result.score(held)["accuracy"] == result.history[-1]["val_accuracy"]
    assert result.predict(held[0]).shape == (100,)
    assert fit(Words, Loader(train, 20, shuffle=True), held, epochs=1).history[0]["val_loss"] > 0


def test_whole_numbers_are_numbers_elsewhere() -> None:
    """A module that multiplies them gets float32, as does a built-in model."""
    x = np.random.default_rng(0).integers(-3, 4, (60, 3))
    y = (x.sum(1) > 0).astype(np.int64)
    for model in (net, MLP(hidden=(7,))):
        one, two = (fit(model, (rows, y), epochs=3).parameters() for rows in (x, x.astype(np.float32)))
        assert all(one[name].tolist() == two[name].tolist() for name in one)


def test_images_reach_a_module_as_they_are() -> None:
    """Its function is told the axes of a row, and lazy layers see them."""
    told = []

    def lazy(input_shape: Any, features: int) -> nn.Module:
        told.append((input_shape, features))
        return nn.Sequential(nn.LazyConv2d(4, 3), nn.ReLU(), nn.Flatten(), nn.LazyLinear(3))

    images = np.random.default_rng(0).normal(size=(40, 2, 6, 5)).astype(np.float32)
    result = fit(lazy, (images, TRAIN[1]), epochs=1)
    assert set(told) == {((2, 6, 5), 60)}
    assert result.predict(images).shape == (40,)
