"""Losses of PyTorch modules, and what is said where outputs, targets and loss do not fit."""

from typing import Any

import numpy as np
import pytest

pytest.importorskip("torch", reason="PyTorch is not installed")

import torch
from torch import Tensor, nn
from torch.nn import functional

from learners.torch_cases import CASES, MLP_CASE, Case, by_hand, learnt, mlp
from rightbatch.errors import DataError, RightbatchError, SettingError
from rightbatch.learners.losses import loss_for
from rightbatch.learners.torch import TorchLearner
from rightbatch.learners.torch_model import TorchModel
from rightbatch.learners.updates import SGD
from rightbatch.records import Batch, Shape
from rightbatch.train.fit import fit

REGRESSION, TWO = CASES[2], CASES[1]


def smooth(outputs: Tensor, y: Tensor) -> Tensor:
    """A mean of the user's own."""
    return functional.cross_entropy(outputs, y, label_smoothing=0.1)


def smooth_rows(outputs: Tensor, y: Tensor) -> Tensor:
    """The same, row by row."""
    return functional.cross_entropy(outputs, y, label_smoothing=0.1, reduction="none")


NO_RULE = "one by one: vmap has no batching rule for aten::multi_margin_loss"

LOSSES = [
    (MLP_CASE, nn.CrossEntropyLoss(label_smoothing=0.1)),
    (MLP_CASE, nn.CrossEntropyLoss(weight=torch.tensor([1.0, 2.0, 3.0, 4.0, 5.0]))),
    (MLP_CASE, nn.MultiMarginLoss()),
    (MLP_CASE, smooth),
    (REGRESSION, nn.HuberLoss(delta=0.5)),
    (REGRESSION, nn.L1Loss()),
    (REGRESSION, lambda outputs, y: ((outputs - y) ** 4).mean()),
]


@pytest.mark.parametrize(("case", "loss"), LOSSES, ids=[str(number) for number in range(len(LOSSES))])
@pytest.mark.parametrize("replicas", [1, 2])
def test_a_loss_of_the_users_is_trained_on(case: Case, loss: Any, replicas: int) -> None:
    """As in a loop written by hand, in the loss's own sense of a mean; stacked too."""
    learner = case.learner(loss=loss)
    state = learner.start([3] * replicas)
    module = learner.module(state)
    batches = [case.batch(seed=seed) for seed in range(5)]
    expected = by_hand(module, torch.optim.SGD(module.parameters(), lr=0.05), loss, batches)
    losses = learnt(learner, state, batches, [0.05] * replicas)
    assert replicas == 1 or learner.how == ("stacked" if type(loss) is not nn.MultiMarginLoss else NO_RULE)
    assert np.array(losses)[:, -1] == pytest.approx(expected, rel=1e-5)
    for name, value in module.state_dict().items():
        assert learner.parameters(state)[name][-1] == pytest.approx(value.numpy(), rel=1e-4, abs=1e-6), name


def test_logits_of_two_classes() -> None:
    """nn.BCEWithLogitsLoss gets the class numbers as it wants them, and is the loss of the task."""
    batches = [TWO.batch(seed=seed) for seed in range(5)]
    found = [
        learnt(learner, learner.start([0]), batches, [0.1])
        for learner in (TWO.learner(), TWO.learner(loss=nn.BCEWithLogitsLoss()))
    ]
    assert found[0] == found[1]


def test_a_loss_of_rows_can_be_weighted() -> None:
    """A function that gives one number a row trains as its mean does, and takes weights."""
    one, two = MLP_CASE.learner(loss=smooth_rows), MLP_CASE.learner(loss=smooth)
    batches = [MLP_CASE.batch(seed=seed) for seed in range(3)]
    found, expected = (np.array(learnt(each, each.start([0]), batches, [0.1])) for each in (one, two))
    assert found == pytest.approx(expected, rel=1e-6)
    weighted = MLP_CASE.batch(4, weight=[1, 1, 0, 0])
    rows = Batch(tuple(array[:2] for array in weighted.data), np.arange(2), None, 0, 0)
    for replicas in (1, 2):
        starts = (one.start([0] * replicas) for _ in range(2))
        pairs = zip(starts, (weighted, rows), strict=True)
        first, second = (learnt(one, state, [batch], [0.1] * replicas)[0] for state, batch in pairs)
        assert first == pytest.approx(second, rel=1e-6)


@pytest.mark.parametrize("case", CASES[:3], ids=lambda case: case.name)
def test_losses_of_rows_are_those_of_our_own_models(case: Case) -> None:
    """Cross-entropy and squared error are the same functions here as in NumPy."""
    outputs = np.random.default_rng(0).normal(size=(2, 9, case.outputs)).astype(np.float32)
    y = case.batch(9).data[1]
    expected = loss_for(case.shape).values(outputs.transpose(2, 0, 1), y)
    assert case.learner().losses(outputs, y) == pytest.approx(expected, rel=1e-5)


def test_the_mean_stands_for_every_row() -> None:
    """Where a function gives a mean alone, `losses` repeats it: the mean over rows stays right."""
    learner = MLP_CASE.learner(loss=smooth)
    x, y = MLP_CASE.batch(9).data
    outputs = learner.predict(learner.start([0, 1]), x)
    found = learner.losses(outputs, y)
    expected = [float(smooth(torch.from_numpy(one), torch.from_numpy(y))) for one in outputs]
    assert found == pytest.approx(np.repeat(np.array(expected)[:, None], 9, axis=1), rel=1e-6)


class WithLoss(nn.Module):
    """A module that gives its loss when it gets the targets."""

    def __init__(self, features: int, outputs: int) -> None:
        super().__init__()
        self.layer = nn.Linear(features, outputs)

    def forward(self, x: Tensor, y: Tensor | None = None) -> Tensor:
        """Outputs, or twice their cross-entropy."""
        outputs: Tensor = self.layer(x)
        return outputs if y is None else 2 * functional.cross_entropy(outputs, y)


@pytest.mark.parametrize("replicas", [1, 2])
def test_the_modules_own_loss(replicas: int) -> None:
    """It is trained on; outputs are evaluated by the loss of the task."""
    own = Case(name="own", make=WithLoss).learner(loss="own")
    other = Case(name="other", make=WithLoss).learner()
    batches = [MLP_CASE.batch(seed=seed) for seed in range(4)]
    one, two = own.start([0] * replicas), other.start([0] * replicas)
    losses, halves = (
        learnt(own, one, batches, [0.05] * replicas),
        learnt(other, two, batches, [0.1] * replicas),
    )
    assert replicas == 1 or own.how == "stacked"
    assert np.array(losses) == pytest.approx(2 * np.array(halves), rel=1e-5)
    x, y = MLP_CASE.batch(9).data
    outputs = own.predict(one, x)
    assert own.losses(outputs, y) == pytest.approx(other.losses(other.predict(two, x), y), rel=1e-5)


def test_one_output_may_come_without_its_axis() -> None:
    """A module that gives `(rows,)` trains as one that gives `(rows, 1)`."""

    def flat(features: int) -> nn.Module:
        return nn.Sequential(nn.Linear(features, 1), nn.Flatten(0))

    def column(features: int) -> nn.Module:
        return nn.Sequential(nn.Linear(features, 1))

    for case in (Case(name="", make=flat, outputs=1), Case(name="", make=flat, outputs=1, task="regression")):
        other = Case(name="", make=column, outputs=1, task=case.task)
        learners = case.learner(), other.learner()
        batches = [case.batch(seed=seed) for seed in range(3)]
        for replicas in (1, 2):
            one, two = (
                learnt(each, each.start([0] * replicas), batches, [0.1] * replicas) for each in learners
            )
            assert np.array(one) == pytest.approx(np.array(two), rel=1e-6)


def tuples(features: int, outputs: int) -> nn.Module:
    """A module that gives more than its outputs."""

    class Both(nn.Linear):
        def forward(self, input: Tensor) -> Any:  # noqa: A002
            return super().forward(input), input

    return Both(features, outputs)


def mean_over_rows(features: int, outputs: int) -> nn.Module:
    """A module that gives one row for the whole batch."""

    class Mean(nn.Linear):
        def forward(self, input: Tensor) -> Tensor:  # noqa: A002
            return super().forward(input).mean(0, keepdim=True)

    return Mean(features, outputs)


FIVE = Shape(features=6, outputs=5, task="classification")


def said(
    module: Any, shape: Shape = FIVE, batch: Batch | None = None, replicas: int = 1, **settings: Any
) -> str:
    """The sentence of the error that the first step raises."""
    learner = TorchModel(module, **settings).build(shape, SGD())
    assert isinstance(learner, TorchLearner)
    state = learner.start([0] * replicas)
    with pytest.raises(RightbatchError) as caught:
        learner.step(state, batch or MLP_CASE.batch(), np.full(replicas, 0.1, np.float32))
    return str(caught.value)


def two_rows_each(outputs: Tensor, y: Tensor) -> Tensor:
    """A loss that forgets the mean over the outputs."""
    return (outputs - functional.one_hot(y, 5)) ** 2


MISFITS: list[tuple[str, dict[str, Any]]] = [
    (
        (
            "model must give outputs that fit targets of shape (7,), one for each of 5 classes, got (7, 3); "
            "give its last layer 5 outputs."
        ),
        {"module": nn.Linear(6, 3)},
    ),
    (
        (
            "model must give outputs that fit targets of shape (7, 3), one for each of 3 values, got (7, 2); "
            "give its last layer 3 outputs."
        ),
        {"module": nn.Linear(6, 2), "shape": REGRESSION.shape, "batch": REGRESSION.batch()},
    ),
    (
        (
            "model must give outputs that fit targets of shape (7,), a row of numbers for each row, "
            "got (7, 5, 1); give its last layer one axis beside the rows, as nn.Flatten does."
        ),
        {"module": nn.Sequential(nn.Linear(6, 5), nn.Unflatten(1, (5, 1)))},
    ),
    (
        (
            "model must give one row of outputs for each of the 7 rows of a batch, got (1, 5); "
            "keep the first axis."
        ),
        {"module": mean_over_rows},
    ),
    ("model must give a tensor of outputs, got 'tuple'; return the outputs alone.", {"module": tuples}),
    (
        (
            "model cannot take a batch of shape (7, 6), got "
            "'mat1 and mat2 shapes cannot be multiplied (7x6 and 4x5)'; "
            "let Linear take such rows, or write TorchModel(..., input_shape=(1, 8, 8))."
        ),
        {"module": nn.Linear(4, 5)},
    ),
    (
        (
            "loss must give one number, or one for each of the 7 rows, got 'shape (7, 5)'; "
            "take the mean over everything but the rows."
        ),
        {"module": mlp, "loss": two_rows_each},
    ),
    (
        (
            "loss must give one number, or one for each of the 7 rows, got 'float'; "
            "take the mean over everything but the rows."
        ),
        {"module": mlp, "loss": lambda outputs, y: 1.0},
    ),
    (
        (
            "loss must be a mean over the rows, got \"reduction='sum'\"; write reduction='mean': "
            "a sum would let the learning rate grow with the batch."
        ),
        {"module": mlp, "loss": nn.CrossEntropyLoss(reduction="sum")},
    ),
    (
        (
            "loss must give one number a row where rows are weighted, got 'one number'; "
            "write a loss without the mean, reduction='none'."
        ),
        {"module": mlp, "loss": smooth, "batch": MLP_CASE.batch(weight=[1] * 7)},
    ),
    (
        (
            "loss cannot be taken of outputs of shape (7, 5) and targets of shape (7,), got "
            "'the derivative for 'target' is not implemented'; write another loss."
        ),
        {"module": mlp, "loss": lambda outputs, y: _fails()},
    ),
    (
        (
            "batch_size leaves a batch of one row, and a model that normalises over the batch needs at least "
            "2, got 1; "
            "write another one, or last='drop' for the rest."
        ),
        {"module": CASES[3].make, "batch": MLP_CASE.batch(1)},
    ),
]


def _fails() -> Tensor:
    raise RuntimeError("the derivative for 'target' is not implemented. More is said here.")


@pytest.mark.parametrize(("text", "settings"), MISFITS, ids=[str(number) for number in range(len(MISFITS))])
@pytest.mark.parametrize("replicas", [1, 2])
def test_what_does_not_fit(text: str, settings: dict[str, Any], replicas: int) -> None:
    """One sentence, with both shapes, for one replica and for several."""
    found = said(**settings, replicas=replicas)
    assert found.replace('"the', "'the").replace('implemented"', "implemented'") == text


@pytest.mark.parametrize(
    ("values", "instead"),
    [([0, 1, 4], "1 output, or write y.astype(int) if these are classes"), ([0, 0.5, 4], "1 output")],
)
def test_class_numbers_given_as_values(values: list[float], instead: str) -> None:
    """Whole numbers of a floating-point type may be classes; others are not."""
    x, y = np.ones((3, 6), np.float32), np.array(values, np.float32)
    with pytest.raises(SettingError) as caught:
        fit(nn.Linear(6, 5), (x, y), batch_size=3, epochs=1)
    assert str(caught.value) == (
        "model must give outputs that fit targets of shape (3, 1), one for each of 1 value, got (3, 5); "
        f"give its last layer {instead}."
    )


@pytest.mark.parametrize("wrong", [-1, 5])
def test_labels_out_of_range(wrong: int) -> None:
    """The sentence names the label, the range, and the outputs of the model; any step may meet them."""
    learner = MLP_CASE.learner()
    state = learner.start([0])
    batch = MLP_CASE.batch()
    learnt(learner, state, [batch], [0.1])
    batch.data[1][3] = wrong
    with pytest.raises(DataError) as caught:
        learnt(learner, state, [batch], [0.1])
    assert str(caught.value) == (
        f"The labels must be class numbers from 0 to 4, as the model has 5 outputs, got {wrong}; "
        "number the classes from 0 without gaps, or give it more outputs."
    )


def test_more_outputs_than_classes_are_fine() -> None:
    """The last classes may be missing from the data."""
    learner = TorchModel(nn.Linear(6, 9)).build(FIVE, SGD())
    state = learner.start([0])
    learner.step(state, MLP_CASE.batch(), np.full(1, 0.1, np.float32))
    assert learner.predict(state, MLP_CASE.batch().data[0]).shape == (1, 7, 9)


def test_an_error_of_the_module_later_on_is_its_own() -> None:
    """What goes wrong after a good step, and is no question of shapes or labels, is passed on as it is."""

    class Moody(nn.Linear):
        def forward(self, input: Tensor) -> Tensor:  # noqa: A002
            if self.training and bool((self.bias > 0.9).any()):
                raise RuntimeError("not today")
            return super().forward(input)

    learner = TorchModel(Moody).build(FIVE, SGD())
    state = learner.start([0])
    learnt(learner, state, [MLP_CASE.batch()], [0.1])  # type: ignore[arg-type]
    with pytest.raises(RuntimeError, match=r"^not today$"):
        learnt(learner, state, [MLP_CASE.batch()] * 50, [3.0])  # type: ignore[arg-type]
