"""NumPy arrays, given as they are or in `.npy` and `.npz` files, as a `Table`.

Columns are called x0, x1, ... by their place. Arrays carry no mark for a missing value, so that NaN
is taken for an accident and refused.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from rightbatch.data.table import Column, Kind, Table, text_column
from rightbatch.errors import DataError
from rightbatch.records import Array

FEATURE_KEYS = ("x", "X", "features")
LABEL_KEYS = ("y", "label", "labels", "target", "targets")


def read_npy(path: Path) -> Table:
    """Read an `.npy` file: a 2-d array, one row per sample, whose last column is the label.

    Raises:
        DataError: the file is damaged, or holds something else.
    """
    array = _load(path)
    return Table(name=path.name, columns=_feature_columns(array, f"the array in {path.name}"))


def read_npz(path: Path, *, flat: bool = False) -> Table:
    """Read an `.npz` file: features under `x`, `X` or `features`, labels under `y`, `label` or `target`.

    Under other names, the first 2-d array and the first 1-d array of the same length are taken.

    Args:
        path: of the file.
        flat: whether rows may have several axes, as pictures have: every value is a column then.

    Raises:
        DataError: the file is damaged, or holds no such arrays.
    """
    arrays = _load(path)
    x, y = _pair(path.name, arrays)
    where, features = f"{{}} in {path.name}", arrays[x]
    if flat and features.ndim > 2 and len(features):
        features = features.reshape(len(features), -1)
    return _table(path.name, (features, where.format(x)), (arrays[y], where.format(y)), label=y)


def pair_in_npz(path: Path) -> tuple[Array, Array, str]:
    """Features and labels of an `.npz` file as they are, features of any axes, and the name of the labels.

    Raises:
        DataError: the file is damaged, or holds no such arrays.
    """
    arrays = _load(path)
    if not isinstance(arrays, dict):
        raise DataError(f"{path.name} holds one array; write numpy.savez(file, x=..., y=...).")
    x, y = _pair(path.name, arrays)
    return arrays[x], arrays[y], y


def from_arrays(x: Any, y: Any) -> Table:
    """The table of features `x`, shape `(rows, features)`, and labels `y`, shape `(rows,)` or `(rows, 1)`.

    Raises:
        DataError: the shapes do not fit, or a value is no finite number, text or date.
    """
    return _table("arrays", (_array(x, "X"), "X"), (_array(y, "y"), "y"), label="y")


def _load(path: Path) -> Any:
    """The array, or the arrays by name."""
    with path.open("rb") as file:
        try:
            loaded = np.load(file, allow_pickle=False)
            if not isinstance(loaded, np.lib.npyio.NpzFile):
                return loaded
            with loaded:
                return {name: loaded[name] for name in loaded.files}
        except OSError:
            raise
        except Exception as error:  # of a damaged file NumPy and zipfile raise anything, tokenizer errors too
            if "Object arrays" in str(error):
                raise _objects(f"{path.name} holds an array", "before saving it") from None
            raise DataError(
                f"{path.name} is no array file of NumPy, or damaged; write it with numpy.save or numpy.savez."
            ) from None


def _pair(file: str, arrays: Mapping[str, Array]) -> tuple[str, str]:
    """The names of the features and of the labels."""
    x = next((key for key in FEATURE_KEYS if key in arrays), None)
    x = x or next((key for key, array in arrays.items() if array.ndim == 2), None)
    y = next((key for key in LABEL_KEYS if key in arrays), None)
    y = y or next((key for key, array in arrays.items() if _is_vector(array, x and len(arrays[x]))), None)
    if x is None or y is None:
        held = ", ".join(f"{key} {array.shape}" for key, array in arrays.items()) or "nothing"
        raise DataError(
            f"{file} holds {held}, and it takes a 2-d array of features and a 1-d array of labels;"
            " write numpy.savez(file, x=..., y=...)."
        )
    return x, y


def _is_vector(array: Array, rows: Any) -> bool:
    return array.ndim == 1 and len(array) == rows


def _array(values: Any, where: str) -> Array:
    try:
        return np.asarray(values)
    except ValueError:
        raise DataError(
            f"{where} is not an array: its rows differ in length; give every row the same."
        ) from None


def _table(name: str, features: tuple[Array, str], labels: tuple[Array, str], *, label: str) -> Table:
    (x, x_where), (y, y_where) = features, labels
    columns = _feature_columns(x, x_where)
    if y.ndim not in {1, 2} or y.shape[1:] not in {(), (1,)}:
        raise DataError(
            f"{y_where} must be 1-d, one label per row, got shape {y.shape}; give one column of it."
        )
    if len(x) != len(y):
        raise DataError(
            f"{x_where} and {y_where} must have the same number of rows, got shapes {x.shape} and {y.shape};"
            " give one label per row."
        )
    return Table(name=name, columns=(*columns, _column(label, y.reshape(-1), y_where, "row {}")))


def _feature_columns(x: Array, where: str) -> tuple[Column, ...]:
    if x.ndim != 2:
        write = "reshape(-1, 1)" if x.ndim == 1 else "reshape(len(x), -1)"
        raise DataError(f"{where} must be 2-d, one row per sample, got shape {x.shape}; write x.{write}.")
    return tuple(_column(f"x{i}", x[:, i], where, f"row {{}}, column {i}") for i in range(x.shape[1]))


def _column(name: str, values: Array, where: str, place: str) -> Column:
    kind = values.dtype.kind
    if kind == "U":
        levels, codes = np.unique(values, return_inverse=True)
        return text_column(name, codes, levels.tolist())
    if kind == "O":
        raise _objects(f"{where} is an array", "first")
    if kind not in "biufM":
        raise DataError(
            f"{where} has dtype {values.dtype}, not numbers, text or dates; write x.astype(float) first."
        )
    return _number_column(name, values, where, place)


def _number_column(name: str, values: Array, where: str, place: str) -> Column:
    bad = np.isnat(values) if values.dtype.kind == "M" else ~np.isfinite(values)
    if bad.any():
        row = int(bad.argmax())
        raise DataError(
            f"{where} has {values[row]} at {place.format(row)} (the first is 0);"
            " take the row out or write a number there."
        )
    if values.dtype.kind == "M":
        days = values.astype("datetime64[us]").astype(np.int64) / 86_400_000_000
        return Column(name=name, kind=Kind.DATE, values=days)
    if values.dtype.kind == "b":
        return Column(name=name, kind=Kind.BOOLEAN, values=values.astype(np.float32))
    return Column(name=name, kind=Kind.NUMBER, values=values)


def _objects(what: str, when: str) -> DataError:
    return DataError(f"{what} of Python objects (dtype object); write x.astype(float) {when}.")
