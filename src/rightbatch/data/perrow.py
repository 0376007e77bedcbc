"""What an order is told of every row: labels, weights or lengths, one entry a row."""

import hashlib
from typing import Any

import numpy as np

from rightbatch.errors import DataError
from rightbatch.records import Array


def per_row(name: str, values: Any, entry: str) -> Array:
    """The values as an array of one entry a row.

    Args:
        name: what the caller calls them: ``labels``.
        values: anything that NumPy reads as an array of one dimension.
        entry: what one is called: ``label``.

    Raises:
        DataError: they are no such array, there are none, or one is not a number where numbers are.

    Example:
        >>> per_row("labels", [0, 1, 1], "label")
        array([0, 1, 1])
    """
    try:
        array = np.asarray(values)
    except (TypeError, ValueError, RuntimeError) as error:
        raise DataError(f"{name} cannot be read as an array ({error}); write a NumPy array.") from error
    if array.ndim != 1:
        raise DataError(
            f"{name} has shape {array.shape}; write an array of one dimension, one {entry} for each row."
        )
    if not len(array):
        raise DataError(f"{name} is empty; write one {entry} for each row.")
    if array.dtype.kind == "f" and np.isnan(array).any():
        raise DataError(f"{name}[{np.argmax(np.isnan(array))}] is nan; write a {entry} for each row.")
    return array


def check_rows(name: str, entries: int, rows: int, entry: str) -> None:
    """Raise a `DataError` where there are not as many entries as rows.

    Example:
        >>> check_rows("labels", 3, 3, "label")
    """
    if entries != rows:
        raise DataError(
            f"{name} has {entries} entries but the data have {rows} rows; write one {entry} for each row."
        )


def described(name: str, array: Array, more: str = "") -> str:
    """The array in a `repr`: short, and different for other content.

    Example:
        >>> described("weights", np.ones(5))
        'weights=<5 rows, c7f67de5d7e43bd4>'
    """
    digest = hashlib.blake2b(np.ascontiguousarray(array).data, digest_size=8)
    return f"{name}=<{len(array)} rows, {more}{digest.hexdigest()}>"
