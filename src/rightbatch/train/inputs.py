"""From what `fit` is given to arrays that a learner can take."""

import math
from typing import Any

import numpy as np

from rightbatch.data.dataset import Dataset, load_data
from rightbatch.data.loader import Loader
from rightbatch.data.ragged import Ragged
from rightbatch.errors import DataError
from rightbatch.records import Array, Shape

Pair = tuple[Array, Array]


def parts_of(train: Any, validation: Any, *, whole: bool = False) -> tuple[Pair, Pair | None, Shape]:
    """The training part, the validation part if there is one, and the shape that a model needs.

    Args:
        train: `(X, y)`, a `Dataset`, or whatever `load_data` reads.
        validation: `(X, y)` or `None`; a data set brings its own.
        whole: whether whole numbers of X stay whole, as in `inputs_of`.

    Raises:
        DataError: the data cannot be used, or the two parts do not fit each other.

    Example:
        >>> train, validation, shape = parts_of((np.ones((4, 3)), [0, 1, 2, 1]), None)
        >>> validation, shape
        (None, Shape(features=3, outputs=3, task='classification'))
    """
    if isinstance(train, tuple | list):
        pair = arrays_of(train, "train", whole=whole)
        shape = _shape(pair)
        if validation is None:
            return pair, None, shape
        return pair, arrays_of(validation, "validation", shape, whole=whole), shape
    data = train if isinstance(train, Dataset) else load_data(train)
    if validation is None:
        return data.train, data.validation, data.shape
    held = arrays_of(validation, "validation", data.shape, whole=whole)
    return data.train, held, data.shape


def pair_in(loader: Loader, *, whole: bool = False) -> Pair:
    """The arrays a loader hands out, checked to be a pair (X, y).

    Raises:
        DataError: they are none, or a learner would misread their batches.
    """
    pair = arrays_of(loader.data, "train", whole=whole)
    shape = np.shape(loader.data[1])
    if pair[1].dtype.kind == "i" and len(shape) > 1:
        raise DataError(
            f"y of a loader must be 1-d, one class number a row, got {shape}; write y.reshape(-1)."
        )
    return pair


def arrays_of(data: Any, name: str, shape: Shape | None = None, *, whole: bool = False) -> Pair:
    """Inputs float32 or int64 `(rows, ...)`, and targets: int64 `(rows,)` or float32 `(rows, outputs)`.

    Whole numbers and booleans are class numbers, all other numbers are quantities.

    Args:
        data: `(X, y)`.
        name: what the caller calls it, for errors: ``"train"`` or ``"validation"``.
        shape: of the training part, which the data must fit; none: this is the training part.
        whole: whether whole numbers of X stay whole, as in `inputs_of`.

    Raises:
        DataError: the data are no such pair, or do not fit the shape.

    Example:
        >>> x, y = arrays_of(([[1, 2], [3, 4]], [True, False]), "train")
        >>> x.dtype, y
        (dtype('float32'), array([1, 0]))
    """
    if not isinstance(data, tuple | list) or len(data) != 2:
        raise DataError(f"{name} must be a pair (X, y), got {type(data).__name__}; write (X, y).")
    x, y = _rows(data[0], f"X of {name}"), _array(data[1], f"y of {name}")
    if len(x) != len(y):
        raise DataError(
            f"X and y of {name} must have the same number of rows, got shapes {x.shape} and {y.shape};"
            " give one label per row."
        )
    if shape is None:
        return inputs_of(x, name, whole=whole), _targets(y, name)
    return inputs_of(x, name, shape, whole=whole), _fitting(_targets(y, name), name, shape)


def inputs_of(x: Any, name: str, shape: Shape | None = None, *, whole: bool = False) -> Any:
    """Inputs as float32 `(rows, features)`; images, and rows in a `Ragged`, keep their shape.

    Whole numbers of more than a byte are int64 where they may stay whole: a PyTorch module may look them up
    in a table, and float32 knows them up to 16,777,216 only. Bytes and booleans are pixels and the like.

    Args:
        x: numbers, `(rows, ...)`.
        name: what the caller calls the data, for errors.
        shape: of the training part, which the columns must fit; none: any.
        whole: whether whole numbers stay whole, as for PyTorch modules; the built-in models multiply them.

    Raises:
        DataError: they are no finite numbers, or not as many columns as in training.
    """
    x = _rows(x, f"X of {name}")
    if isinstance(x, Ragged):
        return _ragged(x, name, shape, whole=whole)
    if not x.size:
        raise DataError(f"X of {name} is empty, got shape {x.shape}; give at least one row and one column.")
    if x.dtype.kind not in "fiub":
        raise DataError(f"X of {name} must hold numbers, got {x.dtype}; {_way_out(x, 'to encode it')}.")
    stays = whole and x.dtype.kind in "iu" and x.itemsize > 1
    values = _int64(x, f"X of {name}") if stays else _float32(x, f"X of {name}")
    if shape is not None and values.shape[1] != shape.features:
        raise DataError(
            f"X of {name} must have {shape.features} columns as in training, got {values.shape[1]};"
            " give the same columns."
        )
    return values if x.ndim < 3 else values.reshape(x.shape)


def _ragged(x: Ragged, name: str, shape: Shape | None, *, whole: bool) -> Ragged:
    """Rows that differ in length, each value of them as a row of an array would be."""
    if not whole:
        raise DataError(
            f"X of {name} is a Ragged, and rows that differ in length go into PyTorch modules alone; "
            "write a module, or pad the rows to one length."
        )
    values = inputs_of(x.values, name, shape, whole=True)
    return Ragged.from_flat(values.reshape(x.values.shape), x.lengths)


def _rows(values: Any, what: str) -> Any:
    return values if isinstance(values, Ragged) else _array(values, what)


def _array(values: Any, what: str) -> Array:
    try:
        array = np.asarray(values)
    except (TypeError, ValueError, RuntimeError) as error:
        instead = "write a NumPy array"
        if what.startswith("X"):
            instead += ", or rb.Ragged(X) where rows differ in length"
        raise DataError(f"{what} cannot be read as an array ({error}); {instead}.") from error
    if isinstance(values, Ragged):
        raise DataError(f"{what} is a Ragged; write an array, one label a row.")
    if not array.ndim:
        raise DataError(
            f"{what} must hold rows, got a single {type(values).__name__}; write an array of rows."
        )
    return array


def _targets(y: Array, name: str) -> Array:
    if y.dtype.kind == "f":
        return _float32(y, f"y of {name}")
    if y.dtype.kind not in "iub":
        raise DataError(
            f"y of {name} must hold numbers, got {y.dtype}; "
            f"number the classes from 0, or {_way_out(y, 'to have it done')}."
        )
    if y.size != len(y):
        raise DataError(
            f"y of {name} must be one class number a row, got whole numbers of shape {y.shape}; "
            "write y.argmax(axis=1) if it is one-hot, or y.astype(float) if these are quantities."
        )
    return y.reshape(-1).astype(np.int64)


def _fitting(y: Array, name: str, shape: Shape) -> Array:
    """Targets for a model of this shape: whole numbers are quantities if those of training are."""
    if shape.task == "classification":
        if y.dtype.kind == "f":
            raise DataError(
                f"y of {name} must hold class numbers as y of train does, got quantities;"
                " write y.astype(int) if they are whole."
            )
        _check_classes(y, name, max(shape.outputs, 2))
        return y
    y = y.reshape(len(y), -1).astype(np.float32)
    if y.shape[1] != shape.outputs:
        raise DataError(
            f"y of {name} must have as many columns as y of train, {shape.outputs}, got {y.shape[1]};"
            " give the same columns."
        )
    return y


def _shape(pair: Pair) -> Shape:
    x: Any
    x, y = pair
    row = () if isinstance(x, Ragged) else x.shape[1:]
    features = math.prod(x.values.shape[1:] if isinstance(x, Ragged) else row)
    if y.dtype.kind == "f":
        return Shape(features=features, outputs=y.shape[1], task="regression", row=row)
    first, last = int(y.min()), int(y.max())
    if first == last:
        raise DataError(f"y of train holds one class only, class {first}; give rows of at least two.")
    if first < 0:
        raise DataError(
            f"y of train must hold class numbers from 0 on, got {first}; "
            "number the classes from 0 without gaps."
        )
    if last >= len(y):
        raise DataError(
            f"y of train has class number {last:,} in {len(y):,} rows; "
            "number the classes from 0 without gaps, or write y.astype(float) if these are quantities."
        )
    outputs = 1 if last == 1 else last + 1
    return Shape(features=features, outputs=outputs, task="classification", row=row)


def _check_classes(y: Array, name: str, classes: int) -> None:
    wrong = next((int(number) for number in (y.min(), y.max()) if not 0 <= number < classes), None)
    if wrong is not None:
        raise DataError(
            f"y of {name} must hold class numbers from 0 to {classes - 1}, got {wrong}; "
            "number the classes from 0 without gaps, as in y of train."
        )


def _float32(values: Array, what: str) -> Array:
    """The values as `(rows, columns)`; all of them finite in float32, which ends at 3.4e38."""
    values = values.reshape(len(values), -1)
    with np.errstate(over="ignore"):
        single = np.ascontiguousarray(values, dtype=np.float32)
    if not np.isfinite(single).all():
        row, column = (int(place) for place in np.argwhere(~np.isfinite(single))[0])
        raise DataError(
            f"{what} has {values[row, column]} at row {row}, column {column} (the first is 0), which is no"
            " finite number of float32; take the row out or write another number there."
        )
    return single


def _int64(values: Array, what: str) -> Array:
    """The values as `(rows, columns)`."""
    if values.dtype.kind == "u" and values.max() > np.iinfo(np.int64).max:
        raise DataError(f"{what} has {values.max()}, which int64 does not hold; write X.astype(float).")
    return np.ascontiguousarray(values.reshape(len(values), -1), dtype=np.int64)


def _way_out(values: Array, purpose: str) -> str:
    """What to write for text and dates, or for Python objects, which `load_data` does not take either."""
    if values.dtype.kind == "O":
        return "write .astype(float) or .astype(str) to say what these objects are"
    return f"write rb.load_data((X, y)) {purpose}"
