"""`rightbatch train`: what it shows, and that what it shows is right."""

import json
import re
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from cli.command import rightbatch
from rightbatch.data.dataset import load_data

QUIET = ("--quiet",)


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is written elsewhere."""
    monkeypatch.chdir(tmp_path)


def trained(*words: str) -> dict[str, Any]:
    """What `train --json` says."""
    said = rightbatch("train", *words, "--json", "--quiet")
    assert (said.code, said.err) == (0, "")
    document: dict[str, Any] = json.loads(said.out)
    return document


@pytest.mark.parametrize("batch_size", ["1", "2", "4"])
def test_houses(batch_size: str) -> None:
    """Price = 200 · size + 0 in the data's own units, for stochastic, mini-batch and full-batch descent."""
    document = trained("houses", "--model", "linear", "--batch-size", batch_size)
    assert document["coefficients"]["size"] == [pytest.approx(200, rel=0.01)]
    assert document["intercept"] == [pytest.approx(0, abs=0.01 * 200 * 1000)]
    words = rightbatch("train", "houses", "--model", "linear", "--batch-size", batch_size, "--quiet").out
    assert words.splitlines()[-1] == "price = 200 × size + 0"


def least_squares() -> Any:
    """Weight and bias of the line's 100 points."""
    data = load_data("line")
    x = data.train[0][:, 0] * data.x_scale[0] + data.x_mean[0]
    y = data.train[1][:, 0] * data.y_scale[0] + data.y_mean[0]
    return np.polyfit(x, y, 1)


@pytest.mark.parametrize("batch_size", ["1", "10", "50", "100"])
def test_line(batch_size: str) -> None:
    """The least-squares solution of its points, w = 2.8 and b = 4.2 within their sampling error."""
    document = trained("line", "--model", "linear", "--batch-size", batch_size)
    weight, bias = least_squares()
    assert document["coefficients"]["x"] == [pytest.approx(weight, rel=0.02)]
    assert document["intercept"] == [pytest.approx(bias, rel=0.02)]
    assert (weight, bias) == (pytest.approx(2.8, abs=0.3), pytest.approx(4.2, abs=0.3))


def test_the_words() -> None:
    """Why it stopped, how long it took, and every metric on every part."""
    said = rightbatch("train", "digits", "--epochs", "3", "--quiet")
    assert (said.code, said.err) == (0, "")
    first, second, *parts = said.out.splitlines()
    assert first.startswith("It stopped after 3 epochs, ")
    assert second.startswith("3 epochs, 60 steps, ")
    assert [line.split()[0] for line in parts] == ["train", "validation", "test"]
    assert all(line.split()[1::2] == ["loss", "accuracy"] for line in parts)


def test_json() -> None:
    """The same as a document: scores, the model in its own units where it is linear, the history."""
    document = trained("digits", "--epochs", "2")
    assert list(document) == [
        "outcome", "stopped", "warnings", "train", "validation", "test",
        "coefficients", "intercept", "history",
    ]  # fmt: skip
    assert document["test"]["accuracy"] > 0.8
    assert document["coefficients"] is None
    assert [row["epoch"] for row in document["history"]] == [1, 2]
    assert {"loss", "val_loss", "val_accuracy", "seconds", "lr"} <= set(document["history"][0])


def test_a_training_repeats_itself() -> None:
    """The same seed gives the same model, another one another; seconds apart."""
    first, again, other = (
        trained("digits", "--epochs", "1", "--seed", seed)["test"] for seed in ("0", "0", "1")
    )
    assert first == again
    assert first != other


def test_warnings_are_in_words_of_the_command(tmp_path: Path) -> None:
    """Classes by the names that the file has for them, ways out as options; the document says the same."""
    data = tmp_path / "trees.csv"
    kinds = ("rare" if row % 50 == 0 else "usual" for row in range(1000))
    data.write_text("x,kind\n" + "".join(f"{row * 7 % 13},{kind}\n" for row, kind in enumerate(kinds)))
    said = rightbatch("train", str(data), "--batch-size", "8", "--epochs", "1", "--quiet", "--json")
    assert re.fullmatch(
        r'rightbatch: Class "rare", 2 % of the rows, is missing from \d\d % of the first 32 batches; '
        r"write a larger --batch-size\.\n",
        said.err,
    )
    assert said.err == f"rightbatch: {json.loads(said.out)['warnings'][0]}\n"


def test_progress() -> None:
    """Lines on standard error that say epoch, step, loss and the last evaluation."""
    said = rightbatch("train", "digits", "--epochs", "2")
    line = said.err.splitlines()[0]
    assert line.startswith("epoch 1/2  step 1/20  loss ")


def test_a_diverged_training_says_what_to_do() -> None:
    """Exit code 3, the sentence on standard error and in the answer; as JSON without NaN."""
    said = rightbatch("train", "digits", "--lr", "1e9", "--quiet")
    assert said.code == 3
    found, *_, stopped = said.err.splitlines(keepends=True)
    assert found.startswith("rightbatch: The loss exploded: it was ")
    assert stopped.startswith("rightbatch: The loss became NaN at step ")
    assert "write a smaller one" in said.err
    assert f"rightbatch: {said.out.splitlines()[0]}\n" == stopped
    as_json = rightbatch("train", "digits", "--lr", "1e9", "--quiet", "--json")
    assert (as_json.code, as_json.err) == (3, said.err)
    document = json.loads(as_json.out, parse_constant=pytest.fail)
    assert (document["outcome"], document["train"]["loss"]) == ("diverged", None)


MODEL = """
import torch

class Model(torch.nn.Module):
    def __init__(self, features, outputs):
        super().__init__()
        self.layer = torch.nn.Linear(features, outputs)

    def forward(self, x):
        {line}
        return self.layer(x)
"""


@pytest.mark.parametrize(
    ("line", "sentence"),
    [
        (
            "return self.layer(x) * float('nan')",
            (
                "The loss was NaN before the first update; scale the data, "
                "or write a model whose outputs are finite for them."
            ),
        ),
        (
            "return self.layer(x) * 1e30",
            (
                "The loss was infinite before the first update; scale the data, "
                "or write a model whose outputs are finite for them."
            ),
        ),
        (
            "if self.training and len(x) > 11: raise MemoryError",
            (
                "A batch of 32 rows does not fit in memory, 11 do; "
                "write --batch-size 11, or --accumulate 3 for the same updates in micro-batches."
            ),
        ),
    ],
)
def test_why_it_ended_in_words_of_the_command(line: str, sentence: str) -> None:
    """What to write instead is an option, and no argument of Python."""
    pytest.importorskip("torch", reason="PyTorch is not installed")
    Path("model.py").write_text(MODEL.format(line=line), encoding="utf-8")
    said = rightbatch("train", "line", "--model", "model.py:Model", "--batch-size", "32", "--quiet")
    assert said.code == 3
    assert said.err.splitlines()[-1] == f"rightbatch: {sentence}"
    assert said.out.splitlines()[0] == sentence


def test_a_target_that_is_not_reached() -> None:
    """Exit code 3; the model is shown all the same."""
    said = rightbatch("train", "digits", "--epochs", "1", "--target", "val_accuracy=0.999", "--quiet")
    assert (said.code, said.err) == (3, "rightbatch: It stopped after 1 epoch, the limit.\n")
    assert said.out.splitlines()[2].startswith("train ")


def test_rules_of_an_update() -> None:
    """Micro-batches change nothing but rounding; a bound on the gradient and decay change the weights."""
    plain = trained("digits", "--epochs", "2")
    parts = trained("digits", "--epochs", "2", "--accumulate", "4")
    assert parts["test"]["loss"] == pytest.approx(plain["test"]["loss"], rel=1e-3)
    for option in (("--clip-norm", "0.01"), ("--weight-decay", "0.5")):
        assert trained("digits", "--epochs", "2", *option)["test"]["loss"] > 1.1 * plain["test"]["loss"]


def test_a_batch_size_that_is_measured() -> None:
    """The history tells what it was in every epoch."""
    history = trained("digits", "--batch-size", "auto", "--epochs", "5")["history"]
    sizes = [row["batch_size"] for row in history]
    assert sizes[0] == 32
    assert all(before <= after <= 2 * before for before, after in pairwise(sizes))
    assert sizes[-1] <= 1257 // 16


def test_a_target_and_patience_stop_it() -> None:
    """Each with its sentence."""
    reached = trained("digits", "--target", "val_accuracy>=0.8")
    assert reached["outcome"] == "reached"
    assert reached["stopped"].startswith("It reached val_accuracy>=0.8 at ")
    patient = trained("line", "--model", "linear", "--patience", "2", "--lr", "0.3", "--epochs", "200")
    assert "val_loss did not improve for 2 epochs" in patient["stopped"]


def test_the_model_is_saved() -> None:
    """Its parameters by name, and nothing else."""
    said = rightbatch("train", "houses", "--model", "linear", "--save", "model.npz", *QUIET)
    assert said.code == 0
    with np.load("model.npz") as saved:
        assert {name: saved[name].shape for name in saved.files} == {"weight1": (1, 1), "bias1": (1,)}


def test_a_model_that_cannot_be_saved(monkeypatch: pytest.MonkeyPatch) -> None:
    """The training is shown to be lost in one sentence."""

    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(np, "savez", full)
    said = rightbatch("train", "houses", "--model", "linear", "--save", "model.npz", *QUIET)
    assert said.code == 2
    assert said.err == (
        "rightbatch: --save cannot be written (No space left on device), got 'model.npz'; "
        "write another file.\n"
    )


@pytest.mark.parametrize("optimizer", ["sgd", "momentum", "nesterov", "adam"])
@pytest.mark.parametrize("schedule", ["constant", "cosine"])
def test_every_optimizer_learns(optimizer: str, schedule: str) -> None:
    """With its own default rate, digits are told apart."""
    document = trained("digits", "--optimizer", optimizer, "--schedule", schedule, "--epochs", "3")
    assert document["test"]["accuracy"] > 0.75


def test_other_models() -> None:
    """Hidden layers and the penalty are the options' own."""
    logistic = trained("digits", "--model", "logistic", "--l2", "0.01", "--epochs", "3")
    deep = trained("digits", "--hidden", "32,16", "--epochs", "5")
    assert logistic["test"]["accuracy"] > 0.8
    assert deep["test"]["accuracy"] > 0.6
    assert np.shape(logistic["intercept"]) == (10,)
