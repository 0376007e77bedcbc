"""From what `fit` is given to arrays that a learner can take."""

from typing import Any

import numpy as np

from rightbatch.data.dataset import Dataset, load_data
from rightbatch.data.loader import Loader
from rightbatch.errors import DataError
from rightbatch.records import Array, Shape

Pair = tuple[Array, Array]


def arrays_of(data: Any, name: str) -> Pair:
    """Inputs as float32 `(rows, features)` and targets, from a pair of arrays.

    Args:
        data: `(X, y)`.
        name: what the caller calls it, for errors: ``"train"`` or ``"validation"``.

    Raises:
        DataError: not a pair, different lengths, text among the labels, or NaN in X.
    """
    if not isinstance(data, tuple | list) or len(data) != 2:
        raise DataError(f"{name} must be a pair (X, y), got {type(data).__name__}; write (X, y).")
    x, y = np.asarray(data[0]), np.asarray(data[1])
    if x.ndim == 0 or y.ndim == 0 or len(x) != len(y):
        raise DataError(
            f"X and y of {name} must have as many rows, got {x.shape} and {y.shape}; pair them up."
        )
    if x.dtype.kind not in "fiub":
        raise DataError(
            f"X of {name} must hold numbers, got {x.dtype}; write rb.load_data((X, y)) to encode it."
        )
    x = np.ascontiguousarray(x.reshape(len(x), -1), dtype=np.float32)
    if not np.isfinite(x).all():
        raise DataError(f"X of {name} holds NaN or infinity; write rb.load_data((X, y)) to impute it.")
    return x, _targets(y, name)


def parts_of(train: Any, validation: Any) -> tuple[Pair, Pair | None, Shape]:
    """The training part, the validation part if there is one, and the shape that a model needs.

    Args:
        train: `(X, y)`, a `Dataset`, or whatever `load_data` reads.
        validation: `(X, y)` or `None`; a data set brings its own.
    """
    if isinstance(train, tuple | list):
        pair = arrays_of(train, "train")
        held = None if validation is None else arrays_of(validation, "validation")
        return pair, held, _shape(pair)
    data = train if isinstance(train, Dataset) else load_data(train)
    held = data.validation if validation is None else arrays_of(validation, "validation")
    return data.train, held, data.shape


def pair_in(loader: Loader) -> Pair:
    """The arrays a loader hands out, checked to be a pair (X, y)."""
    return arrays_of(loader.data, "train")


def _targets(y: Array, name: str) -> Array:
    if y.dtype.kind in "iub":
        return y.reshape(-1).astype(np.int64)
    if y.dtype.kind != "f":
        raise DataError(
            f"y of {name} must hold numbers, got {y.dtype}; "
            "number the classes from 0, or write rb.load_data((X, y)) to have it done."
        )
    return np.ascontiguousarray(y.reshape(len(y), -1), dtype=np.float32)


def _shape(pair: Pair) -> Shape:
    x, y = pair
    if y.dtype.kind == "f":
        return Shape(features=x.shape[1], outputs=y.shape[1], task="regression")
    classes = int(y.max()) + 1 if len(y) else 0
    if classes < 2:
        raise DataError("y of train holds one class only, class 0; training needs rows of at least two.")
    return Shape(features=x.shape[1], outputs=1 if classes == 2 else classes, task="classification")
