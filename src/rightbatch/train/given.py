"""Data for a study as they are given: rows that a PyTorch module wants whole, such as images and words.

What `load_data` makes of data is a table of standardised columns. Word numbers would lose their
meaning there, and images their axes.
"""

import hashlib
import math
from pathlib import Path
from typing import Any

import numpy as np

from rightbatch.checks import whole_number
from rightbatch.data.arrays import from_arrays, pair_in_npz
from rightbatch.data.dataset import Dataset, load_data
from rightbatch.data.label import Target, split_off, target
from rightbatch.data.loader import Loader
from rightbatch.data.ragged import Ragged
from rightbatch.data.scale import Scaled, standardise
from rightbatch.data.split import split_rows
from rightbatch.errors import DataError
from rightbatch.learners.protocol import Model
from rightbatch.learners.torch_model import TorchModel
from rightbatch.records import Array, Shape
from rightbatch.train.inputs import inputs_of


def data_for(
    model: Model, data: Any, *, label: str | int | None = None, task: str | None = None, seed: int = 0
) -> Dataset:
    """The data set that a model is studied on: as `load_data` reads it, or arrays as they are given.

    Arrays (X, y), in an `.npz` file too, stay as they are for a PyTorch module where X has more than two
    axes, or holds whole numbers of more than a byte that the module takes as they are; y is a label as for
    `load_data`.

    Args:
        model: what is studied.
        data: as `load_data` takes it; or a `Loader` of arrays (X, y), for their sake.
        label: as of `load_data`.
        task: as of `load_data`.
        seed: of the split.

    Raises:
        SettingError: an argument cannot be used.
        DataError: the data cannot be used.
    """
    if isinstance(data, Loader):
        data = data.data  # a study makes its own batches of the rows
    if isinstance(data, tuple | list) and any(isinstance(part, Ragged) for part in data):
        raise DataError(
            "A study of a model takes arrays, and rows that differ in length are none; write "
            "rb.study(training) with a function of batch_size, lr and seed, as examples/text_lstm.py does, "
            "or pad the rows to one length."
        )
    pair, name = _arrays_of(data, label)
    if pair is None or not isinstance(model, TorchModel):
        return load_data(data, label=label, task=task, seed=seed)
    x = np.asarray(pair[0])
    table = None if x.ndim < 1 else _Labelled.of(name, x, pair[1], task) if _may_stay(x) else None
    if table is None or not (x.ndim > 2 or model.takes_whole(x[:2], table.shape)):
        return load_data(data, label=label, task=task, seed=seed)
    return table.dataset(whole_number("seed", seed, at_least=0, instead="write a whole number such as 0"))


def _arrays_of(data: Any, label: str | int | None) -> tuple[tuple[Any, Any] | None, str]:
    """X and y where they are arrays, in a tuple or in an `.npz` file, and what to call them."""
    if isinstance(data, tuple) and len(data) == 2:
        return data, "arrays"
    path = Path(data).expanduser() if isinstance(data, str | Path) else None
    if path is None or path.suffix.lower() != ".npz" or not path.is_file():
        return None, ""
    x, y, named = pair_in_npz(path)
    return ((x, y), path.name) if label in {None, named} else (None, "")


def _may_stay(x: Array) -> bool:
    return x.ndim > 2 or (x.dtype.kind in "iu" and x.itemsize > 1)


class _Labelled:
    """Rows as they are, and their label as `load_data` understands it."""

    def __init__(self, name: str, x: Array, label: Target) -> None:
        self._name, self._x, self._label = name, x, label
        classes = len(label.classes)
        self.shape = Shape(
            features=math.prod(x.shape[1:]),
            outputs=classes if classes > 2 else 1,
            task=label.task,
            row=x.shape[1:],
        )

    @classmethod
    def of(cls, name: str, x: Array, y: Any, task: str | None) -> "_Labelled":
        """The rows, checked to be numbers."""
        rows = inputs_of(x, "data", whole=True)
        table = from_arrays(np.arange(len(rows))[:, None], y)
        _, column = split_off(table, None)
        return cls(name, rows, target(table, column, task))

    def dataset(self, seed: int) -> Dataset:
        """The data set, split as `load_data` splits."""
        x, label = self._x, self._label
        split = split_rows(label, seed=seed, teaching=False)
        y = _scaled(label, split.train)
        parts = [(x[rows], y.values[rows]) for rows in (split.train, split.validation, split.test)]
        kinds = f" with {len(label.classes)} classes" if label.classes else ""
        what = f"{self._name}: {len(x):,} rows"
        row = " × ".join(str(axis) for axis in x.shape[1:])
        return Dataset(
            name=self._name,
            task=label.task,
            train=parts[0],
            validation=parts[1],
            test=parts[2],
            feature_names=tuple(f"x{number}" for number in range(self.shape.features)),
            classes=label.classes,
            label=label.name,
            x_mean=np.zeros(self.shape.features),
            x_scale=np.ones(self.shape.features),
            y_mean=y.mean,
            y_scale=y.scale,
            notes=(
                f'{what} of {row} {x.dtype}, label "{label.name}"{kinds} ({label.why}).',
                "Columns: as they are given, as the PyTorch module takes them.",
                split.note,
            ),
            fingerprint=_fingerprint(label, [array for part in parts for array in part]),
        )


def _scaled(label: Target, train: Array) -> Scaled:
    """Class numbers as they are, quantities standardised."""
    if label.task == "classification":
        return Scaled(values=label.values, mean=np.zeros(1), scale=np.ones(1))
    return standardise("arrays", [label.name], label.values.reshape(-1, 1), train)


def _fingerprint(label: Target, arrays: list[Array]) -> str:
    digest = hashlib.blake2b(
        repr(("as given", label.name, label.task, label.classes)).encode(), digest_size=8
    )
    for array in arrays:
        digest.update(repr((array.dtype.str, array.shape)).encode())
        digest.update(np.ascontiguousarray(array).data)
    return digest.hexdigest()
