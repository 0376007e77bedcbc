"""Arrays in `.npz` files reach PyTorch modules as they are given: images with their axes, words whole."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("torch", reason="PyTorch is not installed")

from click.testing import CliRunner, Result
from torch import nn

from rightbatch.cli.main import rightbatch
from rightbatch.data.loader import Loader
from rightbatch.errors import DataError
from rightbatch.learners.mlp import MLP
from rightbatch.learners.torch_model import TorchModel
from rightbatch.train.fit import fit
from rightbatch.train.given import data_for

DRAW = np.random.default_rng(0)
IMAGES = DRAW.normal(size=(80, 2, 4, 4)).astype(np.float32)
WORDS = DRAW.integers(0, 10, (80, 5))
LABELS = np.tile([0, 1], 40)
IMAGES += LABELS[:, None, None, None]
WORDS += 10 * LABELS[:, None]
MODELS = """
from torch import nn

def pictures(input_shape, outputs):
    assert input_shape == (2, 4, 4)
    return nn.Sequential(nn.Conv2d(2, 3, 3), nn.Flatten(), nn.Linear(12, outputs))

def words(outputs):
    return nn.Sequential(nn.Embedding(20, 2), nn.Flatten(), nn.Linear(10, outputs))
"""


def pictures(input_shape: tuple[int, ...], outputs: int) -> nn.Module:
    """A convolution and a layer."""
    return nn.Sequential(nn.Conv2d(input_shape[0], 3, 3), nn.Flatten(), nn.Linear(12, outputs))


def words(outputs: int) -> nn.Module:
    """Vectors of the words, and a layer."""
    return nn.Sequential(nn.Embedding(20, 2), nn.Flatten(), nn.Linear(10, outputs))


@pytest.mark.parametrize(("model", "x"), [(pictures, IMAGES), (words, WORDS)])
def test_a_file_gives_what_its_arrays_give(tmp_path: Path, model: Any, x: Any) -> None:
    """But for its name."""
    path = tmp_path / "rows.npz"
    np.savez(path, x=x, y=LABELS)
    ours, theirs = data_for(TorchModel(model), path), data_for(TorchModel(model), (x, LABELS))
    assert ours.name == "rows.npz"
    assert ours.notes[0].startswith("rows.npz: 80 rows of ")
    assert ours.train[0].dtype == theirs.train[0].dtype == x.dtype
    assert ours.train[0].shape[1:] == x.shape[1:]
    for part in ("train", "validation", "test"):
        assert all(
            np.array_equal(*both) for both in zip(getattr(ours, part), getattr(theirs, part), strict=True)
        )
    assert fit(model, str(path), epochs=1).shape == ours.shape


def test_columns_are_a_table_as_before(tmp_path: Path) -> None:
    """Real numbers of two axes, another label, or a built-in model: what `load_data` says."""
    np.savez(tmp_path / "flat.npz", x=WORDS.astype(float), y=LABELS)
    np.savez(tmp_path / "images.npz", x=IMAGES, y=LABELS)
    assert abs(data_for(TorchModel(words), tmp_path / "flat.npz").train[0].mean()) < 1e-6
    assert data_for(TorchModel(words), tmp_path / "flat.npz", label="x1").label == "x1"
    with pytest.raises(DataError) as caught:
        data_for(MLP(hidden=(4,)), tmp_path / "images.npz")
    assert str(caught.value) == (
        "x in images.npz must be 2-d, one row per sample, got shape (80, 2, 4, 4); "
        "write x.reshape(len(x), -1)."
    )


def run(arguments: list[str]) -> Result:
    """The command `rightbatch`."""
    return CliRunner().invoke(rightbatch, arguments)


@pytest.mark.parametrize(("name", "x"), [("pictures", IMAGES), ("words", WORDS)])
def test_the_command_takes_them(tmp_path: Path, name: str, x: Any) -> None:
    """`rightbatch train` and `rightbatch study` on a file, with a module from a file."""
    np.savez(tmp_path / "rows.npz", x=x, y=LABELS)
    (tmp_path / "models.py").write_text(MODELS)
    given = [str(tmp_path / "rows.npz"), "--model", f"{tmp_path / 'models.py'}:{name}", "--quiet"]
    trained = run(["train", *given, "--epochs", "1", "--json"])
    assert trained.exit_code == 0, trained.output
    where = ["--store", str(tmp_path / "study.db"), "--target", "val_loss=0.5", "--batch-sizes", "8,16"]
    studied = run(["study", *given, *where, "--seeds", "2", "--budget", "8s", "--json"])
    assert studied.exit_code in {0, 3}, studied.output
    assert '"rows.npz"' in studied.output


def test_a_loader_is_its_arrays() -> None:
    """A study makes its own batches of the rows."""
    x, y = np.random.default_rng(0).random((40, 3)), np.arange(40) % 2
    whole, unwrapped = (data_for(MLP(), data) for data in ((x, y), Loader((x, y), 8, shuffle=True)))
    assert unwrapped.fingerprint == whole.fingerprint
