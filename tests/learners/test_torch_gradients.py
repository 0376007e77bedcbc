"""Gradients of PyTorch modules, as the noise scale wants them."""

from typing import Any

import numpy as np
import pytest

pytest.importorskip("torch", reason="PyTorch is not installed")

import torch
from torch import nn

from learners.torch_cases import CASES, IMAGES, MLP_CASE, Case, mlp
from rightbatch.errors import SettingError
from rightbatch.learners.torch import TorchLearner, TorchState
from rightbatch.learners.torch_model import TorchModel
from rightbatch.measure.moments import from_examples, from_parts
from rightbatch.records import Array, Batch

LR = np.full(3, 0.05, np.float32)
DRAWLESS = [case for case in CASES if not case.draws]


def begun(case: Case, replicas: int, **settings: Any) -> tuple[TorchLearner, TorchState]:
    """A learner and its replicas after two steps, stacked where they can be."""
    learner = case.learner(**settings)
    state = learner.start(range(replicas))
    for seed in (8, 9):
        learner.step(state, case.batch(seed=seed), LR[:replicas])
    return learner, state


def by_hand(learner: TorchLearner, state: TorchState, number: int, batch: Batch, case: Case) -> Array:
    """The gradient of a replica's mean loss as one writes it."""
    module = learner.module(state, number).train()
    x, y = (torch.from_numpy(array) for array in batch.data)
    outputs = module(x)
    if case.task == "regression":
        value = nn.functional.mse_loss(outputs, y)
    elif case.outputs == 1:
        value = nn.functional.binary_cross_entropy_with_logits(outputs[:, 0], y.float())
    else:
        value = nn.functional.cross_entropy(outputs, y)
    value.backward()  # type: ignore[no-untyped-call]
    trained = [parameter for parameter in module.parameters() if parameter.requires_grad]
    slopes = [torch.zeros_like(p) if p.grad is None else p.grad for p in trained]
    return torch.cat([slope.reshape(-1) for slope in slopes]).numpy()


@pytest.mark.parametrize("case", DRAWLESS, ids=lambda case: case.name)
@pytest.mark.parametrize("replicas", [1, 3])
def test_the_gradient_of_a_batch(case: Case, replicas: int) -> None:
    """That of every replica, in the order of its parameters; nothing of the state is changed by it."""
    learner, state = begun(case, replicas)
    before = learner.parameters(state)
    batch = case.batch(11)
    found = learner.gradient(state, batch)
    expected = [by_hand(learner, state, number, batch, case) for number in range(replicas)]
    assert found == pytest.approx(np.stack(expected), rel=1e-4, abs=1e-6)
    after = learner.parameters(state)
    assert all(before[name].tolist() == after[name].tolist() for name in before)


# A module that looks at several rows at once gives a row no gradient of its own.
ROWS_APART = [case for case in DRAWLESS if case.name not in {"normalised", "branching"}]


@pytest.mark.parametrize("case", ROWS_APART, ids=lambda case: case.name)
@pytest.mark.parametrize("replicas", [1, 3])
def test_the_gradient_of_every_row(case: Case, replicas: int) -> None:
    """Its squared norm, as of a batch of that row alone, whether the module can be mapped or not."""
    learner, state = begun(case, replicas)
    before = learner.parameters(state)
    batch = case.batch(6)
    gradient, norms = learner.gradient_and_norms(state, batch)
    assert gradient == pytest.approx(learner.gradient(state, batch), rel=1e-3, abs=1e-5)
    rows = [
        Batch(tuple(array[row : row + 1] for array in batch.data), np.array([row]), None, 0, 0)
        for row in range(6)
    ]
    expected = np.stack([(learner.gradient(state, row) ** 2).sum(1) for row in rows], axis=1)
    assert norms == pytest.approx(expected, rel=1e-3, abs=1e-6)
    after = learner.parameters(state)
    assert all(before[name].tolist() == after[name].tolist() for name in before)


def test_a_module_that_cannot_be_mapped() -> None:
    """Rows go through it one by one where it looks at their values to decide what to do."""
    learner, state = begun(next(case for case in CASES if case.name == "branching"), 1)
    batch = MLP_CASE.batch(5)
    _, norms = learner.gradient_and_norms(state, batch)
    rows = [
        Batch(tuple(array[row : row + 1] for array in batch.data), np.array([row]), None, 0, 0)
        for row in range(5)
    ]
    expected = [float((learner.gradient(state, row) ** 2).sum()) for row in rows]
    assert norms[0] == pytest.approx(expected, rel=1e-4)


def test_rows_of_a_module_that_normalises() -> None:
    """None has a gradient of its own, and the sentence says what to do."""
    case = next(case for case in CASES if case.name == "normalised")
    learner, state = begun(case, 1)
    with pytest.raises(SettingError) as caught:
        learner.gradient_and_norms(state, case.batch(6))
    assert str(caught.value) == (
        "model must not normalise over the batch where every row's own gradient is wanted, "
        "got 'BatchNorm1d'; "
        "measure from micro-batches, or write a model with nn.GroupNorm or nn.LayerNorm."
    )


def test_pieces_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """Gradients of rows are made for a few of them at a time, to save memory."""
    learner, state = begun(IMAGES, 1)
    whole = learner.gradient_and_norms(state, IMAGES.batch(9))
    monkeypatch.setattr("rightbatch.learners.torch_gradients._NUMBERS_AT_ONCE", 4000)
    pieces = learner.gradient_and_norms(state, IMAGES.batch(9))
    for one, two in zip(whole, pieces, strict=True):
        assert one == pytest.approx(two, rel=1e-4, abs=1e-6)


def test_dropout_draws_other_numbers_for_other_rows() -> None:
    """So its noise counts as noise; the same rows have the same gradient."""

    def dropped(features: int, outputs: int) -> nn.Module:
        return nn.Sequential(nn.Linear(features, 16), nn.Dropout(0.5), nn.Linear(16, outputs))

    learner, state = begun(Case(name="", make=dropped), 1)
    one = MLP_CASE.batch(7)
    other = Batch(one.data, one.index + 7, None, 0, 0)
    first, again, second = (learner.gradient(state, batch) for batch in (one, one, other))
    assert first.tolist() == again.tolist()
    assert first.tolist() != second.tolist()


def test_the_noise_scale_of_a_module() -> None:
    """Both ways to measure it take a module, and agree with the definition on all rows."""
    learner, state = begun(MLP_CASE, 2)
    batch = MLP_CASE.batch(400, seed=3)
    moments = from_examples(learner, state, batch)
    for number in range(2):
        rows = np.stack(
            [
                by_hand(
                    learner,
                    state,
                    number,
                    Batch(tuple(array[row : row + 1] for array in batch.data), np.array([0]), None, 0, 0),
                    MLP_CASE,
                )
                for row in range(400)
            ]
        ).astype(np.float64)
        trace = rows.var(axis=0, ddof=1).sum()
        assert moments.trace[number] == pytest.approx(trace, rel=1e-4)
        assert moments.square[number] == pytest.approx((rows.mean(0) ** 2).sum() - trace / 400, rel=1e-3)
    parts = from_parts(learner, state, batch, 40)
    assert parts.trace == pytest.approx(moments.trace, rel=0.3)


@pytest.mark.parametrize("replicas", [1, 3])
def test_norms_and_factors(replicas: int) -> None:
    """Of the gradient that lies in the state, replica by replica, stacked or not."""
    learner, state = begun(MLP_CASE, replicas)
    batch = MLP_CASE.batch(11)
    expected = np.linalg.norm(learner.gradient(state, batch), axis=1)
    learner.slope(state, batch)
    assert learner.norms(state) == pytest.approx(expected, rel=1e-5)
    learner.shrink(state, np.linspace(0.5, 2, replicas))
    assert learner.norms(state) == pytest.approx(expected * np.linspace(0.5, 2, replicas), rel=1e-5)


def test_the_smallest_batch() -> None:
    """Two rows where a module normalises over the batch, and one row gives one value a channel."""
    images = nn.Sequential(nn.Conv2d(1, 2, 3), nn.BatchNorm2d(2), nn.Flatten(), nn.Linear(72, 5))
    assert {case.name: case.learner().least_rows for case in CASES if case.learner().least_rows > 1} == {
        "normalised": 2
    }
    learner = TorchModel(images, input_shape=(1, 8, 8)).build(IMAGES.shape, "sgd")
    assert isinstance(learner, TorchLearner)
    assert learner.least_rows == 1
    assert Case(name="", make=mlp).learner().least_rows == 1
