"""`fit` on rows that differ in length: padding changes nothing, from the first step to the prediction."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from torch import Tensor, nn  # noqa: E402 (after the check that it is there)

from rightbatch.data.bylength import ByLength  # noqa: E402
from rightbatch.data.loader import Loader  # noqa: E402
from rightbatch.data.ragged import Ragged  # noqa: E402
from rightbatch.errors import DataError, SettingError  # noqa: E402
from rightbatch.learners.torch_model import TorchModel  # noqa: E402
from rightbatch.train.fit import fit  # noqa: E402
from rightbatch.train.given import data_for  # noqa: E402

WORDS = 12
DRAW = np.random.default_rng(0)
ROWS = [DRAW.integers(1, WORDS, length) for length in DRAW.integers(1, 9, 90)]
X, Y = Ragged(ROWS), np.array([int(np.mean(row > 6) > 0.5) for row in ROWS])


class Pool(nn.Module):
    """The mean of a word's vectors, by the mask."""

    def __init__(self) -> None:
        super().__init__()
        self.embed, self.answer = nn.Embedding(WORDS, 4), nn.Linear(4, 1)

    def forward(self, x: Tensor, mask: Tensor) -> Tensor:
        """One logit a row."""
        total = (self.embed(x) * mask[..., None]).sum(1)
        found: Tensor = self.answer(total / mask.sum(1, keepdim=True))
        return found


class Read(nn.Module):
    """A recurrent layer, by the lengths."""

    def __init__(self) -> None:
        super().__init__()
        self.embed, self.read = nn.Embedding(WORDS, 4), nn.GRU(4, 4, batch_first=True)
        self.answer = nn.Linear(4, 1)

    def forward(self, x: Tensor, lengths: Tensor) -> Tensor:
        """One logit a row."""
        packed = nn.utils.rnn.pack_padded_sequence(
            self.embed(x), lengths.cpu(), batch_first=True, enforce_sorted=False
        )
        found: Tensor = self.answer(self.read(packed)[1][0])
        return found


class Heedless(Read):
    """Reads the padding, too."""

    def forward(self, x: Tensor) -> Tensor:  # type: ignore[override]
        """One logit a row."""
        found: Tensor = self.answer(self.read(self.embed(x))[1][0])
        return found


def alone(module: Any, row: Any) -> Tensor:
    """The logit of a row by itself, without padding."""
    x = torch.from_numpy(np.asarray(row))[None]
    name = {"Pool": "mask", "Read": "lengths"}[type(module).__name__]
    value = torch.ones_like(x, dtype=torch.bool) if name == "mask" else torch.tensor([x.shape[1]])
    logit: Tensor = module(x, **{name: value})[0, 0]
    return logit


@pytest.mark.parametrize("model", [Pool, Read])
@pytest.mark.parametrize("output", ["numpy", "torch"])
@pytest.mark.parametrize("settings", [{}, {"accumulate": 3}, {"accumulate": 3, "clip_norm": 1e9}])
def test_a_step_is_that_of_rows_by_themselves(model: Any, output: str, settings: dict[str, Any]) -> None:
    """One update of SGD on padded rows against the gradient of a loop over single rows."""
    loader = Loader((X, Y), 90, output=output)
    trained = fit(model, loader, steps=1, lr=0.5, schedule="constant", **settings)
    start = fit(model, Loader((X, Y), 90), steps=1, lr=1e-40, schedule="constant")
    module = start.learner.module(start.state).train()
    losses = [
        nn.functional.binary_cross_entropy_with_logits(alone(module, row), torch.tensor(float(label)))
        for row, label in zip(ROWS, Y, strict=True)
    ]
    loss = torch.stack(losses).mean()
    loss.backward()
    assert trained.history[0]["loss"] == pytest.approx(loss.item(), rel=1e-5)
    for name, parameter in module.named_parameters():
        expected = (parameter - 0.5 * parameter.grad).detach().numpy()
        assert trained.parameters()[name] == pytest.approx(expected, abs=1e-5)


@pytest.mark.parametrize("model", [Pool, Read])
def test_padding_of_a_batch_counts_nothing(model: Any) -> None:
    """The last of the batches has 26 rows; filled up with rows of weight 0 it is the same training."""
    kept, padded = (
        fit(model, Loader((X, Y), 32, shuffle=True, last=last), epochs=2, lr=0.1) for last in ("keep", "pad")
    )
    for name, value in kept.parameters().items():
        assert padded.parameters()[name] == pytest.approx(value, abs=1e-5)


@pytest.mark.parametrize("model", [Pool, Read])
def test_predictions_are_those_of_rows_by_themselves(model: Any) -> None:
    """In the order of the rows, though they are evaluated in that of their lengths."""
    result = fit(model, (X, Y), (X, Y), epochs=30, optimizer="adam", lr=0.05)
    module = result.learner.module(result.state)
    with torch.no_grad():
        expected = np.array([[alone(module, row).item()] for row in ROWS])
    assert result.outputs(X) == pytest.approx(expected, abs=1e-4)
    assert result.history[-1]["val_accuracy"] == np.mean((expected[:, 0] > 0) == Y) > 0.9
    assert result.score((X, Y))["loss"] == pytest.approx(result.history[-1]["val_loss"])


def test_evaluation_in_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pieces of a few values give the same as one."""
    result = fit(Read, (X, Y), epochs=1)
    whole = result.outputs(X)
    monkeypatch.setattr("rightbatch.learners.torch_padded._VALUES_AT_ONCE", 20)
    assert result.outputs(X) == pytest.approx(whole, abs=1e-6)


def test_it_goes_on_from_a_checkpoint(tmp_path: Path) -> None:
    """Bit for bit, with an order by length, from within an epoch."""

    def trained(**settings: Any) -> dict[str, Any]:
        loader = Loader((X, Y), 16, order=ByLength(X.lengths, seed=1), last="pad")
        settings = {"epochs": 3, "optimizer": "adam", "schedule": "constant", **settings}
        return fit(Read, loader, (X, Y), **settings).parameters()

    undisturbed = trained()
    trained(steps=8, checkpoint=tmp_path)
    again = trained(checkpoint=tmp_path, resume=True)
    assert all(np.array_equal(undisturbed[name], again[name]) for name in undisturbed)


def test_quantities_in_rows_of_their_own_length() -> None:
    """Values of several columns, float64 and whole for a module of float32: the columns are its features."""

    class Mean(nn.Module):
        def __init__(self, features: int, outputs: int) -> None:
            super().__init__()
            self.layer = nn.Linear(features, outputs)

        def forward(self, x: Tensor, mask: Tensor, lengths: Tensor) -> Tensor:
            found: Tensor = self.layer((x * mask[..., None]).sum(1) / lengths[:, None])
            return found

    rows = [np.arange(3 * length).reshape(length, 3) for length in (1, 4, 2, 3)]
    for kind in (np.float64, np.int64):
        result = fit(Mean, (Ragged([row.astype(kind) for row in rows]), [0.0, 1.0, 2.0, 3.0]), epochs=1)
        assert result.shape.features == 3


def test_a_module_that_reads_padding_is_refused() -> None:
    """What it makes of a row would depend on the rows beside it."""
    with pytest.raises(SettingError) as caught:
        fit(Heedless, (X, Y))
    assert str(caught.value) == (
        "model must give the same for a row with and without padding behind it, got 'Heedless'; "
        "write forward(self, x, lengths) or forward(self, x, mask), and use them."
    )


def test_padding_of_the_first_batches_may_be_missing() -> None:
    """A module is checked when the first padding comes."""
    same = Ragged([[1, 2]] * 8 + [[3], [4, 5, 6]] * 4)
    assert fit(Heedless, Loader((same, Y[:16]), 8), steps=1, monitor=False).history
    with pytest.raises(SettingError, match=r"^model must give the same for a row"):
        fit(Heedless, Loader((same, Y[:16]), 8), steps=2, monitor=False)


def test_what_cannot_take_them() -> None:
    """Built-in models, an input shape, a study; and lists that were meant to be a `Ragged`."""
    with pytest.raises(DataError) as of_model:
        fit("mlp", (X, Y))
    assert str(of_model.value) == (
        "X of train is a Ragged, and rows that differ in length go into PyTorch modules alone; "
        "write a module, or pad the rows to one length."
    )
    with pytest.raises(SettingError, match=r"^input_shape must be left out where rows differ in length"):
        fit(TorchModel(Pool, input_shape=(3,)), (X, Y))
    with pytest.raises(DataError) as of_study:
        data_for(TorchModel(Pool), (X, Y))
    assert str(of_study.value) == (
        "A study of a model takes arrays, and rows that differ in length are none; write "
        "rb.study(training) with a function of batch_size, lr and seed, as examples/text_lstm.py does, "
        "or pad the rows to one length."
    )
    with pytest.raises(DataError, match=r"; write a NumPy array, or rb\.Ragged\(X\) where rows differ in"):
        fit(Pool, (ROWS, Y))
    with pytest.raises(DataError, match=r"^y of train is a Ragged; write an array, one label a row\.$"):
        fit(Pool, (X, X))
