"""A PyTorch module where a model is wanted: `fit`, `study` and the command line."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("torch", reason="PyTorch is not installed")

import torch
from sklearn.datasets import load_digits
from torch import nn

from rightbatch.answer import study
from rightbatch.data.loader import Loader
from rightbatch.errors import SettingError
from rightbatch.learners.torch_model import TorchModel
from rightbatch.study.question import question_of
from rightbatch.train.fit import fit

DIGITS = load_digits()
IMAGES = (DIGITS.images[:, None] / 8 - 1).astype(np.float32)
LABELS = DIGITS.target
TRAIN, HELD = (IMAGES[:1400], LABELS[:1400]), (IMAGES[1400:], LABELS[1400:])


def net(features: int, outputs: int) -> nn.Module:
    """A small network for rows of numbers."""
    return nn.Sequential(nn.Linear(features, 32), nn.ReLU(), nn.Linear(32, outputs))


def cnn(outputs: int) -> nn.Module:
    """A small network for images."""
    convolution = nn.Conv2d(1, 8, 3, padding=1)
    return nn.Sequential(convolution, nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(), nn.Linear(128, outputs))


def test_fit_trains_a_module() -> None:
    """It is given as it is; what comes out predicts, and can be taken out as a module."""
    result = fit(net, "digits", epochs=10, optimizer="momentum", seed=1)
    assert result.history[-1]["val_accuracy"] > 0.9
    assert sorted(result.parameters()) == ["0.bias", "0.weight", "2.bias", "2.weight"]
    x = np.random.default_rng(0).normal(size=(9, 64)).astype(np.float32)
    module = result.learner.module(result.state)
    assert result.outputs(x) == pytest.approx(
        module(torch.from_numpy(x)).detach().numpy(), rel=1e-5, abs=1e-6
    )
    assert result.predict(x).tolist() == result.outputs(x).argmax(axis=1).tolist()


def test_a_module_given_is_left_as_it_is() -> None:
    """`fit` trains a copy, from weights drawn by the seed."""
    module = net(64, 10)
    before = [parameter.tolist() for parameter in module.parameters()]
    one, two = (fit(module, "digits", steps=5, seed=3).parameters() for _ in range(2))
    assert [parameter.tolist() for parameter in module.parameters()] == before
    assert all(one[name].tolist() == two[name].tolist() for name in one)


def test_images_keep_their_shape() -> None:
    """In training, validation, prediction and scoring; a loader in sequential order as well."""
    result = fit(cnn, TRAIN, HELD, epochs=6, optimizer="momentum", lr=0.05)
    assert result.history[-1]["val_accuracy"] > 0.85
    assert result.score(HELD)["accuracy"] == result.history[-1]["val_accuracy"]
    assert (result.predict(HELD[0]) == HELD[1]).mean() == pytest.approx(result.score(HELD)["accuracy"])
    loader = Loader((TRAIN[0], TRAIN[1].astype(np.int64)), 50)
    assert fit(cnn, loader, HELD, epochs=1).history[-1]["val_accuracy"] > 0.3


def test_an_optimizer_of_pytorch_brings_its_learning_rate() -> None:
    """None given: AdamW's own is 0.001, from `fit` as well as from the model."""
    for model, optimizer in ((net, "AdamW"), (TorchModel(net, optimizer="AdamW"), "sgd")):
        result = fit(model, "digits", epochs=1, optimizer=optimizer, schedule="constant")
        assert result.history[0]["lr"] == pytest.approx(0.001)


def test_patience_goes_back_to_the_best_weights() -> None:
    """Those of the epoch with the least validation loss."""
    result = fit(net, "digits", epochs=200, lr=1.0, batch_size=16, patience=3, schedule="constant")
    losses = [entry["val_loss"] for entry in result.history]
    assert "did not improve" in result.stopped
    assert f"epoch {int(np.argmin(losses)) + 1}," in result.stopped


def test_a_study_of_a_module() -> None:
    """It recommends one of the batch sizes asked for, and has a row for each."""
    found = study(net, "digits", target="val_accuracy=0.85", batch_sizes=[16, 128], seeds=2, budget="60s")
    assert found.recommendation is not None
    assert found.recommendation.batch_size in {16, 128}
    assert [row["batch_size"] for row in found.table()] == [16, 128]


def test_a_study_of_one_row_batches_with_normalisation() -> None:
    """PyTorch cannot normalise a single row: the sentence says which batch sizes to write."""

    def normalised(features: int, outputs: int) -> nn.Module:
        return nn.Sequential(nn.Linear(features, 8), nn.BatchNorm1d(8), nn.Linear(8, outputs))

    with pytest.raises(SettingError) as caught:
        study(normalised, "digits", batch_sizes=[1, 8], seeds=2, budget="10s")
    assert str(caught.value) == (
        "batch_size leaves a batch of one row, and a model that normalises over the batch needs at least 2, "
        "got 1; "
        "write another one, or last='drop' for the rest."
    )


def test_auto_leaves_out_what_a_module_cannot_be_trained_on() -> None:
    """Where it normalises over the batch, the powers of two begin with 2, and a note says why."""

    def normalised(features: int, outputs: int) -> nn.Module:
        return nn.Sequential(nn.Linear(features, 8), nn.BatchNorm1d(8), nn.Linear(8, outputs))

    asked = question_of(normalised, "digits")
    settings = asked.settings(target=None, batch_sizes="auto", seeds=2, seed=0, threads=1)
    assert settings.batch_sizes[:3] == (2, 4, 8)
    assert asked.data["notes"][-1] == "Batch sizes: from 2 rows on, as the model normalises over the batch."
    assert question_of(net, "digits").least_rows == 1


def test_images_and_words_reach_a_study_as_they_are() -> None:
    """Images keep their axes, word numbers stay whole; numbers that are multiplied are standardised."""
    rng = np.random.default_rng(0)
    words = rng.integers(0, 50, (300, 5))
    labels = (words < 25).sum(1) > 2

    def table(outputs: int) -> nn.Module:
        return nn.Sequential(nn.EmbeddingBag(50, 8), nn.Linear(8, outputs))

    for model, x, y, dtype in (
        (table, words, labels, np.int64),
        (cnn, IMAGES, LABELS, np.float32),
        (net, words, labels, np.float32),
    ):
        asked = question_of(model, (x, y))
        train = asked.subject.train[0]  # type: ignore[attr-defined]
        assert (train.shape[1:], train.dtype) == (x.shape[1:], dtype)
        assert (abs(train.mean()) < 1e-5) == (model is net)
    found = study(
        table, (words, labels), target="val_accuracy=0.7", batch_sizes=[16], seeds=2, optimizer="adam"
    )
    assert found.recommendation is not None


def test_a_module_on_the_command_line(tmp_path: Path) -> None:
    """--model FILE.py:name is given the features and the outputs that it asks for."""
    file = tmp_path / "net.py"
    file.write_text(
        "from torch import nn\n\n\n"
        "def net(features, outputs):\n"
        "    return nn.Sequential(nn.Linear(features, 16), nn.Tanh(), nn.Linear(16, outputs))\n"
    )
    command = [sys.executable, "-m", "rightbatch", "train", "digits", "--model", f"{file}:net"]
    done = subprocess.run(
        [*command, "--epochs", "10", "--json", "--quiet"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["validation"]["accuracy"] > 0.8
    for option, text in {
        "--hidden 9": f"--hidden is for the mlp, got '9'; leave it out with --model {file}:net.",
        "--l2 0.1": (
            "--l2 is for the built-in models, got 0.1; write --weight-decay for it, or leave it out."
        ),
    }.items():
        refused = subprocess.run([*command, *option.split()], capture_output=True, text=True, check=False)
        assert (refused.returncode, refused.stderr) == (2, f"rightbatch: {text}\n")
