"""The rows of each class."""

from typing import Any

import numpy as np

from rightbatch.data.perrow import check_rows, described, per_row
from rightbatch.errors import DataError
from rightbatch.records import Array
from rightbatch.rng import generator


class Classes:
    """Rows by class, the classes numbered from 0 in the sequence of their labels.

    Args:
        labels: the class of each row: numbers, strings or whatever can be sorted, shape `(rows,)`.

    Raises:
        DataError: they are no such labels.

    Example:
        >>> classes = Classes(["cat", "dog", "cat"])
        >>> classes.sizes
        array([2, 1])
    """

    def __init__(self, labels: Any) -> None:
        array = per_row("labels", labels, "label")
        try:
            names, codes = np.unique(array, return_inverse=True)
        except TypeError as error:
            raise DataError(f"labels cannot be sorted ({error}); write numbers or strings alone.") from error
        # few bytes a row: they are sorted in linear time
        self.codes: Array = codes.astype(np.min_scalar_type(len(names) - 1))
        self.sizes: Array = np.bincount(codes)
        self.described = described("labels", self.codes, f"{len(names)} classes, ")

    def check(self, rows: int) -> None:
        """Raise a `DataError` where the data have another number of rows."""
        check_rows("labels", len(self.codes), rows, "label")

    def shuffled(self, *parts: int | str) -> tuple[Array, Array]:
        """All rows class by class, classes and the rows of each in an exactly uniform random sequence.

        Args:
            parts: the key of the randomness.

        Returns:
            Row numbers, int64, shape `(rows,)`, and the classes, in their sequence.
        """
        draw = generator(*parts)
        classes = draw.permutation(len(self.sizes))
        place = np.empty_like(self.codes, shape=len(classes))
        place[classes] = np.arange(len(classes))
        rows = draw.permutation(len(self.codes))
        # a stable sort leaves the rows of each class in the sequence of the permutation
        return rows[np.argsort(place[self.codes[rows]], kind="stable")], classes
