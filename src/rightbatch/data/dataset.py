"""A data set ready for training, and the way there from whatever the user gave."""

import hashlib
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from rightbatch.checks import whole_number
from rightbatch.data.columns import Features, prepare
from rightbatch.data.label import Target, split_off, target
from rightbatch.data.read import read
from rightbatch.data.scale import Scaled, standardise
from rightbatch.data.split import split_rows
from rightbatch.data.table import Column, Table
from rightbatch.records import Array, Shape


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Dataset:
    """Arrays to train, validate and test with, standardised by the training rows.

    Each part is (x, y): x float32 `(rows, features)`; y float32 `(rows, 1)` for regression, int64
    `(rows,)` class numbers for classification.
    """

    name: str
    """What the user typed, without folders: `"digits"`, `"houses.csv"`; `"frame"`, `"arrays"`."""
    task: str
    """`"regression"` or `"classification"`."""
    train: tuple[Array, Array]
    validation: tuple[Array, Array]
    test: tuple[Array, Array]
    feature_names: tuple[str, ...]
    classes: tuple[str, ...]
    """Name of each class number; empty for regression."""
    label: str
    """Name of the label column."""
    x_mean: Array
    """float64 `(features,)`; x = (own units - x_mean) / x_scale."""
    x_scale: Array
    y_mean: Array
    """float64 `(1,)`; 0 for classification."""
    y_scale: Array
    """float64 `(1,)`; 1 for classification."""
    notes: tuple[str, str, str]
    """Three lines: what was read, what was done to the columns, how the rows were split."""
    fingerprint: str
    """16 hexadecimal digits of the arrays and their names."""

    @property
    def shape(self) -> Shape:
        """What a model must know to start; two classes have one output, a logit."""
        x, y = self.train
        outputs = len(self.classes) if len(self.classes) > 2 else 1
        if self.task == "regression":
            outputs = y.shape[1]
        return Shape(features=len(self.feature_names), outputs=outputs, task=self.task, row=x.shape[1:])

    def in_own_units(self, weights: Array, bias: Array) -> tuple[Array, Array]:
        r"""The linear model y = x w + b of standardised data, in the data's own units.

        $w' = w \, s_y / s_x$ and $b' = b \, s_y + m_y - m_x w'$ with means m and scales s. For
        classification only the input changes its units: the model still gives logits.

        Args:
            weights: w, shape `(features, outputs)`.
            bias: b, shape `(outputs,)`.

        Returns:
            w' and b', float64, of the same shapes.

        Example:
            >>> data = load_data("houses")
            >>> weights, bias = data.in_own_units(np.array([[1.0]]), np.array([0.0]))
            >>> weights.round(6).tolist(), bias.round(6).tolist()
            ([[200.0]], [0.0])
        """
        own = np.asarray(weights, np.float64) * self.y_scale / self.x_scale[:, None]
        return own, np.asarray(bias, np.float64) * self.y_scale + self.y_mean - self.x_mean @ own


def load_data(
    data: Any, *, label: str | int | None = None, task: str | None = None, seed: int = 0
) -> Dataset:
    r"""Read data and make it ready for training.

    Without a `task`, a label of text or booleans is classification, and so is one of whole numbers with two
    distinct values, or with at most 20 that occur at least 5 times on average; other labels are regression.
    Numbers, booleans, dates and text become standardised float32 columns, fitted on the training rows alone
    (`rightbatch.data.columns`). 15 % of the rows validate and 15 % test (`rightbatch.data.split`).

    Args:
        data: a built-in name (`"digits"`, `"houses"`, `"line"`), the path of a CSV, TSV, Parquet, `.npy` or
            `.npz` file, a data frame (pandas, Polars, Arrow), a tuple (X, y) of arrays, or a `Dataset`, which
            is returned as it is.
        label: the column to predict, by its name or its place counted from 0; the last one by default.
        task: `"regression"` or `"classification"`; recognised from the label by default.
        seed: of the split.

    Returns:
        The data set; its `notes` tell what was done.

    Raises:
        SettingError: an argument cannot be used.
        DataError: the data cannot be used; the sentence says where and what to write instead.

    Example:
        >>> print(*load_data("digits").notes, sep="\n")
        digits: 1,797 rows, 64 numeric columns, label "digit" with 10 classes (classification).
        Columns: 64 kept and standardised; the 64 of unit pixel with one mean and deviation.
        Split: 1,257 train, 270 validation, 270 test (stratified by class, seed 0).
    """
    if isinstance(data, Dataset):
        return data
    seed = whole_number("seed", seed, at_least=0, instead="write a whole number such as 0")
    table = read(data)
    columns, column = split_off(table, label)
    return _assemble(table, columns, target(table, column, task), seed)


def _assemble(table: Table, columns: Sequence[Column], label: Target, seed: int) -> Dataset:
    split = split_rows(label, seed=seed, teaching=table.teaching)
    features = prepare(table.name, columns, split.train)
    x, y = features.scaled, _labels(table.name, label, split.train)
    train, validation, test = (
        (x.values[rows], y.values[rows]) for rows in (split.train, split.validation, split.test)
    )
    return Dataset(
        name=table.name,
        task=label.task,
        train=train,
        validation=validation,
        test=test,
        feature_names=features.names,
        classes=label.classes,
        label=label.name,
        x_mean=x.mean,
        x_scale=x.scale,
        y_mean=y.mean,
        y_scale=y.scale,
        notes=(_what_was_read(table, columns, label), features.note, split.note),
        fingerprint=_fingerprint(features, label, (*train, *validation, *test)),
    )


def _labels(table: str, label: Target, train: Array) -> Scaled:
    """Class numbers as they are, quantities standardised."""
    if label.task == "classification":
        return Scaled(values=label.values, mean=np.zeros(1), scale=np.ones(1))
    return standardise(table, [label.name], label.values.reshape(-1, 1), train)


def _what_was_read(table: Table, columns: Sequence[Column], label: Target) -> str:
    kinds = Counter(str(column.kind) for column in columns)
    plural = "columns" if len(columns) > 1 else "column"
    held = f"{len(columns)} {plural} ({', '.join(f'{count} {kind}' for kind, count in kinds.items())})"
    if len(kinds) == 1:
        held = f"{len(columns)} {columns[0].kind} {plural}"
    classes = f" with {len(label.classes)} classes" if label.classes else ""
    return f'{table.name}: {table.rows:,} rows, {held}, label "{label.name}"{classes} ({label.why}).'


def _fingerprint(features: Features, label: Target, arrays: Sequence[Array]) -> str:
    digest = hashlib.blake2b(digest_size=8)
    digest.update(repr((features.names, label.name, label.task, label.classes)).encode())
    for array in arrays:
        digest.update(repr((array.dtype.str, array.shape)).encode())
        digest.update(np.ascontiguousarray(array).data)
    return digest.hexdigest()
