"""`augment`: inputs changed at random, by numbers that depend on the seed, the epoch and the row alone."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from rightbatch.data.loader import Loader
from rightbatch.data.ragged import Padded, Ragged
from rightbatch.data.rowrandom import row_uniforms
from rightbatch.errors import SettingError
from rightbatch.records import Batch
from rightbatch.train.augment import Incoming, RowRandom
from rightbatch.train.fit import fit

DRAW = np.random.default_rng(0)
X = DRAW.normal(size=(60, 5)).astype(np.float32)
Y = (X @ DRAW.normal(size=(5, 3))).argmax(axis=1)
ROWS = np.array([4, 0, 59])


def jitter(x: Any, draw: RowRandom) -> Any:
    """A little noise, and some rows mirrored."""
    sign = np.where(draw.uniform() < 0.5, -1, 1)[:, None]
    return (sign * x + 0.1 * draw.normal(x.shape[1])).astype(np.float32)


def test_uniform_numbers_are_row_uniforms() -> None:
    """Calls go on where the one before ended; a row has the same numbers in every company."""
    draw = RowRandom(ROWS, seed=3, epoch=2)
    every = row_uniforms(ROWS, 7, seed=3, epoch=2)
    assert np.array_equal(draw.uniform(2), every[:, :2])
    assert np.array_equal(draw.uniform(), every[:, 2])
    assert np.array_equal(draw.uniform(2, 2), every[:, 3:].reshape(3, 2, 2))
    assert np.array_equal(RowRandom(ROWS[1:], seed=3, epoch=2).uniform(7), every[1:])


def test_normal_numbers_are_normal() -> None:
    """Moments and tail of 100,000 numbers."""
    numbers = RowRandom(np.arange(1000), seed=0, epoch=0).normal(100)
    assert numbers.shape == (1000, 100)
    assert np.isfinite(numbers).all()
    assert abs(numbers.mean()) < 0.02
    assert abs(numbers.std() - 1) < 0.02
    assert abs(np.mean(np.abs(numbers) < 1.96) - 0.95) < 0.005


def test_whole_numbers() -> None:
    """Each of -1, 0 and 1 a third of the time."""
    numbers = RowRandom(np.arange(1000), seed=0, epoch=0).integers(-1, 2, 10)
    values, counts = np.unique(numbers, return_counts=True)
    assert values.tolist() == [-1, 0, 1]
    assert counts == pytest.approx(np.full(3, 3333), rel=0.06)


@pytest.mark.parametrize("size", [1, 7, 60])
def test_a_row_is_changed_alike_in_any_batch(size: int) -> None:
    """By a loop over single rows, in every batch size, order and shard; another epoch gives others."""
    expected = np.concatenate(
        [jitter(X[[row]], RowRandom(np.array([row]), seed=5, epoch=0)) for row in range(60)]
    )
    for rank in (0, 1):
        loader = Loader((X, Y), max(size, 2), shuffle=True, shard=(rank, 2))
        batches = list(Incoming(jitter, 5, tensors=True).of(loader.batches()))
        for batch in batches:
            assert np.array_equal(batch.data[0], expected[batch.index])
            assert np.array_equal(batch.data[1], Y[batch.index])
        (again, *_) = Incoming(jitter, 5, tensors=True).of(loader.batches())
        assert not np.array_equal(again.data[0], expected[again.index])


def test_what_belongs_to_a_batch_stays() -> None:
    """Weights, places and the data themselves."""
    before, loader = X.copy(), Loader((X, Y), 50, last="pad")
    changed = Incoming(jitter, 0, tensors=True).of(Loader((X, Y), 50, last="pad").batches())
    for old, new in zip(loader.batches(), changed, strict=True):
        assert (old.epoch, old.step, old.whole) == (new.epoch, new.step, new.whole)
        assert np.array_equal(old.index, new.index)
        assert repr(old.weight) == repr(new.weight)
    assert np.array_equal(X, before)


def test_training_sees_it_and_evaluation_does_not() -> None:
    """With learning rate as good as 0, the loss of training is that of changed rows, val_loss of the rows."""
    result = fit("logistic", (X, Y), (X, Y), augment=jitter, seed=4, epochs=1, lr=1e-40, batch_size=7)
    changed = jitter(X, RowRandom(np.arange(60), seed=4, epoch=0))
    assert result.history[0]["loss"] == pytest.approx(result.score((changed, Y))["loss"], rel=1e-5)
    assert result.history[0]["val_loss"] == pytest.approx(result.score((X, Y))["loss"], rel=1e-6)


@pytest.mark.parametrize("kind", ["numpy", "torch"])
def test_it_goes_on_bit_for_bit(kind: str, tmp_path: Path) -> None:
    """Stopped within an epoch and gone on; without `augment`, or with another, it is another training."""
    model: Any = "mlp"
    if kind == "torch":
        nn = pytest.importorskip("torch").nn
        model = nn.Sequential(nn.Linear(5, 8), nn.ReLU(), nn.Linear(8, 3))
    how: dict[str, Any] = {"epochs": 4, "batch_size": 8, "schedule": "constant", "augment": jitter}
    undisturbed = fit(model, (X, Y), **how).parameters()
    fit(model, (X, Y), **how, steps=11, checkpoint=tmp_path)
    again = fit(model, (X, Y), **how, checkpoint=tmp_path, resume=True).parameters()
    assert all(np.array_equal(undisturbed[name], again[name]) for name in undisturbed)
    plain = fit(model, (X, Y), **{**how, "augment": None}).parameters()
    assert not all(np.array_equal(undisturbed[name], plain[name]) for name in undisturbed)
    with pytest.raises(Exception, match=r"augment is jitter there and not known here"):
        fit(model, (X, Y), **{**how, "augment": None}, checkpoint=tmp_path, resume=True)


def test_rows_of_their_own_length() -> None:
    """The function is given what a batch of them is."""

    def dropped(x: Any, draw: RowRandom) -> Any:
        assert isinstance(x, Padded)
        return Padded(np.where(draw.uniform(x.values.shape[1]) < 0.5, 0, x.values), x.mask, x.lengths)

    loader = Loader((Ragged([[1, 2], [3]]), np.array([0, 1])), 2)
    (batch,) = Incoming(dropped, 0, tensors=True).of(loader.batches())
    expected = np.where(row_uniforms(batch.index, 2, seed=0, epoch=0) < 0.5, 0, [[1, 2], [3, 0]])
    assert np.array_equal(batch.data[0].values, expected)


ROW_EACH = (
    "augment must give one row for each of the 32 it is given, got {}; return the changed inputs of all rows."
)


@pytest.mark.parametrize(
    ("augment", "sentence"),
    [
        (3, "augment must be a function, got '3'; write a function of the inputs of a batch"),
        (
            lambda x: x,
            "augment must take two arguments, got '<lambda>'; write a function of the inputs of a batch",
        ),
        (lambda x, draw: x[:3], ROW_EACH.format(3)),
        (lambda x, draw: None, ROW_EACH.format("'NoneType'")),
        (lambda x, draw: x[:, :3], "augment must keep rows of shape (5,), got (3,); train a PyTorch module"),
    ],
)
def test_bad_input(augment: Any, sentence: str) -> None:
    """Each in a sentence."""
    with pytest.raises(SettingError) as caught:
        fit("mlp", (X, Y), augment=augment)
    assert str(caught.value).startswith(sentence)


def test_tensors_for_a_model_of_arrays() -> None:
    """A loader's output must be what the model takes."""
    pytest.importorskip("torch")
    loader = Loader((X, Y), 8, output="torch")
    with pytest.raises(SettingError) as caught:
        fit("mlp", loader)
    assert str(caught.value) == (
        "train must give out batches that this model can take, got 'arrays of torch'; "
        "write Loader(..., output='numpy')."
    )


def test_arrays_of_another_library() -> None:
    """Nor does a PyTorch module take those of JAX."""

    class Foreign:
        shape = (1, 5)

    batch = Batch((Foreign(), np.zeros(1)), np.zeros(1, np.int64), None, 0, 0)
    with pytest.raises(SettingError, match=r"got 'arrays of (\w+)'; write Loader"):
        list(Incoming(None, 0, tensors=True).of(iter([batch])))
