"""Rows of different length, and what a batch of them looks like: padded, with a mask and lengths."""

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np

from rightbatch.errors import DataError
from rightbatch.records import Array


class Padded(NamedTuple):
    """The rows of a batch, padded to the longest of them."""

    values: Array
    """The rows, `(rows, longest, ...)`; 0, False or "" where there is padding."""
    mask: Array
    """Whether a value is of the row, bool, `(rows, longest)`."""
    lengths: Array
    """Length of each row, int64, `(rows,)`."""

    def part(self, which: Any) -> "Padded":
        """Some of the rows, by a slice or by their places."""
        return Padded(*(array[which] for array in self))


class Ragged:
    """A field whose rows differ in length, kept as all values one after the other.

    Args:
        rows: arrays `(length, ...)` that differ in length alone: a list, or an object array.

    Raises:
        DataError: a row is no array, or rows differ in more than their length.

    Example:
        >>> words = Ragged([[7, 8, 9], [5], [6, 4]])
        >>> words.lengths
        array([3, 1, 2])
        >>> words.take(np.array([1, 2]))
        Padded(values=array([[5, 0],
               [6, 4]]), mask=array([[ True, False],
               [ True,  True]]), lengths=array([1, 2]))
    """

    def __init__(self, rows: Sequence[Any] | Array) -> None:
        arrays = [_as_row(number, row) for number, row in enumerate(rows)]
        if not arrays:
            raise DataError("rows is empty; write at least one row.")
        # an empty row has no dtype that counts: np.array([]) is of floats
        filled = [array for array in arrays if array.size] or arrays
        _check_alike(arrays, filled[0])
        values = np.concatenate([array.reshape(len(array), *filled[0].shape[1:]) for array in filled])
        self._set(values, np.array([len(array) for array in arrays], np.int64))

    @classmethod
    def from_flat(cls, values: Any, lengths: Any) -> "Ragged":
        """The rows, given as all values one after the other, without a copy.

        Args:
            values: the values of all rows, `(values, ...)`.
            lengths: values of each row, whole numbers, `(rows,)`.

        Raises:
            DataError: the lengths do not add up to the values.

        Example:
            >>> Ragged.from_flat([7, 8, 9, 5], [3, 1]).take(np.array([1])).values
            array([[5]])
        """
        values, counts = np.asarray(values), np.asarray(lengths)
        if counts.ndim != 1 or not len(counts) or counts.dtype.kind not in "iu" or counts.min() < 0:
            raise DataError("lengths is no array of whole numbers; write the number of values of each row.")
        if values.ndim == 0 or counts.sum() != len(values):
            raise DataError(
                f"lengths add up to {counts.sum()} but values has shape {values.shape}; "
                "write the number of values of each row."
            )
        made = cls.__new__(cls)
        made._set(values, counts.astype(np.int64))
        return made

    def _set(self, values: Array, lengths: Array) -> None:
        self.values = values.view()
        """The values of all rows, read-only."""
        self.lengths = lengths
        """Values of each row, int64, read-only."""
        self._starts = np.cumsum(lengths) - lengths
        for array in (self.values, self.lengths, self._starts):
            array.flags.writeable = False

    def __len__(self) -> int:
        return len(self.lengths)

    def __repr__(self) -> str:
        return f"Ragged({len(self)} rows of {self.lengths.min()} to {self.lengths.max()}, {self.dtype})"

    @property
    def dtype(self) -> np.dtype[Any]:
        """Of the values."""
        return self.values.dtype

    @property
    def shape(self) -> tuple[int | None, ...]:
        """Rows, nothing for the length that differs, and the shape of one value."""
        return (len(self), None, *self.values.shape[1:])

    @property
    def nbytes(self) -> int:
        """Bytes of all values and lengths."""
        return self.values.nbytes + self.lengths.nbytes

    def part(self, which: slice) -> "Ragged":
        """Neighbouring rows, without a copy."""
        start, stop, _ = which.indices(len(self))
        ends = np.append(self._starts, len(self.values))
        return Ragged.from_flat(self.values[ends[start] : ends[max(start, stop)]], self.lengths[start:stop])

    def take(self, index: Array) -> Padded:
        """Some rows, padded to the longest of them.

        Args:
            index: row numbers, int64, shape `(rows,)`.
        """
        lengths = self.lengths[index]
        mask = np.arange(lengths.max(initial=0)) < lengths[:, np.newaxis]
        values = np.zeros((*mask.shape, *self.values.shape[1:]), self.dtype)
        # of each value of the rows, one after the other: its place in its row, and that in all values
        place = np.arange(lengths.sum()) - np.repeat(np.cumsum(lengths) - lengths, lengths)
        values[mask] = self.values[place + np.repeat(self._starts[index], lengths)]
        return Padded(values, mask, lengths)


def rows_in(field: Any, which: Any) -> Any:
    """Some rows of a field: of an array, of a batch's `Padded`, or, by a slice, of a `Ragged`.

    Example:
        >>> rows_in(Ragged([[7, 8, 9], [5], [6, 4]]), slice(1, 3)).lengths
        array([1, 2])
    """
    return field.part(which) if isinstance(field, Ragged | Padded) else field[which]


class RaggedBlock:
    """Several batches of a ragged field, each padded by itself.

    Args:
        field: the rows.
        index: row numbers, int64, shape `(batches, rows)`.
    """

    def __init__(self, field: Ragged, index: Array) -> None:
        self._batches = [field.take(rows) for rows in index]

    def __iter__(self) -> Iterator[Padded]:
        return iter(self._batches)


def _as_row(number: int, row: Any) -> Array:
    try:
        array = np.asarray(row)
    except (TypeError, ValueError, RuntimeError) as error:
        raise DataError(f"rows[{number}] cannot be read as an array ({error}).") from error
    if array.ndim == 0:
        raise DataError(
            f"rows[{number}] is a single {type(row).__name__}, not an array; write [...] around it."
        )
    return array


def _check_alike(arrays: Sequence[Array], first: Array) -> None:
    for number, array in enumerate(arrays):
        if array.size and (array.shape[1:], array.dtype.kind) != (first.shape[1:], first.dtype.kind):
            raise DataError(
                f"rows[{number}] is of shape {array.shape} and dtype {array.dtype}, another row of shape "
                f"{first.shape} and dtype {first.dtype}; write rows that differ in length alone."
            )
