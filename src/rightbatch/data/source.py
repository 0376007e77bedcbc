"""Where the rows live: in arrays in memory."""

import hashlib
from typing import Any, Protocol

import numpy as np

from rightbatch.data.gather import Memory, Take
from rightbatch.data.ragged import Ragged, RaggedBlock
from rightbatch.data.tree import as_arrays, builder, common_rows, fields, map_fields
from rightbatch.records import Array, Tree

SAMPLE_BYTES = 2**14
"""Content of a field that enters the fingerprint, about: hashed in 0.05 ms, whatever the data's size."""


COPIED_BYTES = 2**24
"""Largest field that is copied into row order, where it is not: four such fields are 64 MB."""


NUMBER_BYTES = 8
"""Of a row number."""


class Source(Protocol):
    """Where rows live: they are asked for by number, many batches by one call."""

    tree: Tree
    """The whole data; arrays, where they are in memory."""
    rows: int
    row_bytes: int
    """Of one row, about."""
    in_memory: bool = True
    """Whether `tree` is one of arrays."""
    one_by_one: bool = False
    """Whether `each` gathers a batch when it is asked for."""

    def take(self, index: Array, memory: Memory | None = None) -> Tree:
        """The rows of some batches, fields `(batches, size, ...)`, of row numbers `(batches, size)`."""
        ...

    def each(self, index: Array, memory: Memory | None = None) -> Tree:
        """The same, but a field is an iterator that gathers a batch when it is asked for, if `one_by_one`."""
        return self.take(index, memory)

    def views(self, start: int, batches: int, size: int, columns: slice) -> Tree:
        """Batches of neighbouring rows, without a copy where that is possible."""
        ...

    def fingerprint(self) -> str:
        """16 hexadecimal digits that differ between different data."""
        ...


class ArraySource(Source):
    """The rows of a tree of arrays; dtypes never change, and no field is joined with another.

    Args:
        tree: fields `(rows, ...)` of the same length; they are not copied, but for small ones that are not in
            row order, once, when rows are taken.

    Raises:
        DataError: a field is no array of rows, or the fields differ in length.

    Example:
        >>> source = ArraySource((np.arange(6.0).reshape(3, 2), np.array([0, 1, 0])))
        >>> source.take(np.array([[2, 0]]))
        (array([[[4., 5.],
                [0., 1.]]]), array([[0, 0]]))
    """

    def __init__(self, tree: Tree) -> None:
        arrays = as_arrays(tree)
        self.rows = common_rows(arrays)
        self.tree = map_fields(_read_only, arrays)
        self.row_bytes = sum(field.nbytes // self.rows for _, field in fields(arrays))
        self._built = builder(arrays)
        self._ordered: list[Any] | None = None
        self._small = [field.nbytes <= self.rows * NUMBER_BYTES for _, field in fields(arrays)]
        self.one_by_one = not any(isinstance(field, Ragged) for _, field in fields(arrays))

    def take(self, index: Array, memory: Memory | None = None) -> Tree:
        """A copy of the rows of some batches, in one call for each field.

        Args:
            index: row numbers in [0, rows), int64, shape `(batches, size)`; the caller has checked them.
            memory: where to; none: fresh memory.

        Returns:
            The tree with fields `(batches, size, ...)`; a `RaggedBlock` of a ragged field.
        """
        return self._built([take(index) for take in self._takes(memory)])

    def each(self, index: Array, memory: Memory | None = None) -> Tree:
        """The same rows, but a field is an iterator that gathers a batch when it is asked for.

        A large batch is then warm in the cache when it is used, and its memory comes back at once. A field
        whose rows take no more than their numbers, such as labels, is gathered by one call.

        Args:
            index: as in `take`.
            memory: where to; none: fresh memory.
        """
        pairs = zip(self._takes(memory), self._small, strict=True)
        return self._built([take(index) if small else map(take, index) for take, small in pairs])

    def views(self, start: int, batches: int, size: int, columns: slice) -> Tree:
        """Batches of neighbouring rows as read-only views, without a copy (but of ragged fields).

        Args:
            start: row at which the first batch begins.
            batches: how many.
            size: rows from one batch to the next.
            columns: which rows of each batch.
        """

        def view(field: Any) -> Any:
            if isinstance(field, Ragged):
                numbers = np.arange(start, start + batches * size)
                return RaggedBlock(field, numbers.reshape(-1, size)[:, columns])
            rows = field[start : start + batches * size]
            return rows.reshape(batches, size, *field.shape[1:])[:, columns]

        return map_fields(view, self.tree)

    def _takes(self, memory: Memory | None) -> list[Take]:
        if self._ordered is None:
            self._ordered = [_in_row_order(field) for _, field in fields(self.tree)]
        return (memory or Memory(1)).takes(self._ordered)

    def fingerprint(self) -> str:
        """16 hexadecimal digits that differ between data of other names, dtypes, shapes or content.

        Of the content only evenly spaced rows are read; Python objects are left out, because
        their arrays hold addresses.
        """
        digest = hashlib.blake2b(digest_size=8)
        for name, field in fields(self.tree):
            digest.update(f"{name}\x1f{field.dtype}\x1f{field.shape}\x1e".encode())
            for array in (field.values, field.lengths) if isinstance(field, Ragged) else (field,):
                if len(array) and not array.dtype.hasobject:
                    digest.update(_sample(array).tobytes())
        return digest.hexdigest()


def _read_only(field: Any) -> Any:
    if isinstance(field, Ragged):
        return field
    view = field.view()
    view.flags.writeable = False
    return view


def _in_row_order(field: Any) -> Any:
    """The field, or a copy of one that is not in row order and small: rows are then taken 5 times as fast."""
    if isinstance(field, Ragged) or field.flags.c_contiguous or field.nbytes > COPIED_BYTES:
        return field
    return np.ascontiguousarray(field)


def _sample(field: Array) -> Array:
    rows = len(field)
    most = max(2, SAMPLE_BYTES // max(1, field.nbytes // rows))
    return field[np.linspace(0, rows - 1, min(rows, most)).astype(np.int64)]
