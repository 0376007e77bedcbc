"""A map-style data set of PyTorch as a source: rows are asked for by number, and stacked."""

import hashlib
import sys
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from rightbatch.data.gather import Memory
from rightbatch.data.ragged import Ragged
from rightbatch.data.source import ArraySource, Source
from rightbatch.errors import DataError, SettingError
from rightbatch.records import Array, Tree

_READ_BY_NUMPY = ("__array__", "__array_interface__", "__array_struct__")


def source_of(data: Tree) -> Source:
    """Where the rows of what a loader was given live.

    Raises:
        DataError: it has no rows, or none that can be asked for by number, or its fields do not fit.
    """
    if _streams(data):
        raise DataError(
            f"{type(data).__name__} is an IterableDataset, whose rows cannot be asked for by number; "
            "write arrays, or a data set with __len__ and __getitem__."
        )
    if not is_map_style(data):
        return ArraySource(data)
    tensors = tensors_of(data)
    return MapStyle(data) if tensors is None else ArraySource(tensors)


def is_map_style(data: Any) -> bool:
    """Whether this is a map-style data set; PyTorch is not imported to find out.

    It need not be derived from PyTorch's: `len(data)` and `data[row]` are enough, where NumPy has no way of
    its own to read it. (What it does instead is ask for rows until there is an `IndexError`, for ever.)
    """
    theirs = sys.modules.get("torch.utils.data")
    if theirs is not None and isinstance(data, theirs.Dataset):
        return hasattr(data, "__getitem__")
    if isinstance(data, (Sequence, Mapping, Ragged)) or any(hasattr(data, name) for name in _READ_BY_NUMPY):
        return False
    try:
        return hasattr(data, "__getitem__") and len(data) >= 0
    except TypeError:
        return False


def _streams(data: Any) -> bool:
    theirs = sys.modules.get("torch.utils.data")
    return theirs is not None and isinstance(data, theirs.IterableDataset)


def check_no_worker() -> None:
    """Refuse to be asked from a worker process of PyTorch's DataLoader.

    Raises:
        SettingError: this is one.
    """
    theirs = sys.modules.get("torch.utils.data")
    if theirs is not None and theirs.get_worker_info() is not None:
        instead = "write num_workers=0: the loader makes batches faster than processes hand them over"
        raise SettingError(
            "num_workers", "must be 0 over a Loader", theirs.get_worker_info().num_workers, instead
        )


def register(kind: type) -> None:
    """Let PyTorch's DataLoader iterate objects of this kind, where PyTorch is loaded already."""
    theirs = sys.modules.get("torch.utils.data")
    if theirs is not None and not issubclass(kind, theirs.IterableDataset):
        theirs.IterableDataset.register(kind)


def tensors_of(data: Any) -> tuple[Any, ...] | None:
    """The tensors of a `TensorDataset`, which are gathered as arrays; `None` for any other."""
    theirs = sys.modules.get("torch.utils.data")
    return tuple(data.tensors) if theirs is not None and isinstance(data, theirs.TensorDataset) else None


class MapStyle(Source):
    """Rows that a data set makes one by one, or many at once where it has `__getitems__`.

    Args:
        data: with `__len__` and `__getitem__`; a row is a number, an array, a tensor, or a tuple, list or
            dict of such.

    Raises:
        DataError: it has no rows.
    """

    def __init__(self, data: Any) -> None:
        self._data, self.tree, self.rows = data, data, len(data)
        self.in_memory = False
        if not self.rows:
            raise DataError(f"{type(data).__name__} has no rows; write data with at least one.")
        first = stacked([data[0]])
        self.row_bytes = max(1, sum(field.nbytes for field in _leaves(first)))

    def take(self, index: Array, memory: Memory | None = None) -> Tree:  # noqa: ARG002 (rows are made elsewhere)
        """The rows of some batches, fields `(batches, size, ...)`."""
        numbers = index.reshape(-1).tolist()
        many = getattr(self._data, "__getitems__", None)
        rows = many(numbers) if many is not None else [self._data[number] for number in numbers]
        return stacked(rows, index.shape)

    def views(self, start: int, batches: int, size: int, columns: slice) -> Tree:
        """Neighbouring rows; they are made anew, not views."""
        return self.take(np.arange(start, start + batches * size).reshape(batches, size)[:, columns])

    def fingerprint(self) -> str:
        """16 hexadecimal digits of the data set's type, length and first row."""
        digest = hashlib.blake2b(f"{type(self._data).__qualname__} {self.rows}".encode(), digest_size=8)
        for field in _leaves(stacked([self._data[0]])):
            digest.update(f"{field.dtype} {field.shape}".encode())
        return digest.hexdigest()


def stacked(rows: list[Any], shape: tuple[int, ...] | None = None) -> Tree:
    """Rows of the same form as one tree of arrays.

    Args:
        rows: at least one.
        shape: of the first axes, as many places as rows; none: `(rows,)`.

    Raises:
        DataError: the rows differ in form or shape.

    Example:
        >>> stacked([(1, {"x": np.zeros(3)}), (2, {"x": np.ones(3)})])[1]["x"].shape
        (2, 3)
    """
    first = rows[0]
    if isinstance(first, dict):
        return {key: stacked([row[key] for row in rows], shape) for key in first}
    if isinstance(first, (tuple, list)):
        columns = [stacked(list(column), shape) for column in zip(*rows, strict=True)]
        return columns if isinstance(first, list) else getattr(first, "_make", tuple)(columns)
    try:
        made = np.stack([np.asarray(row) for row in rows])
    except ValueError as error:
        raise DataError(
            "Rows of the data set differ in shape; pad them to one shape, or write them into a Ragged."
        ) from error
    return made if shape is None else made.reshape(*shape, *made.shape[1:])


def _leaves(tree: Tree) -> list[Array]:
    if isinstance(tree, np.ndarray):
        return [tree]
    children = tree.values() if isinstance(tree, dict) else tree
    return [leaf for child in children for leaf in _leaves(child)]
