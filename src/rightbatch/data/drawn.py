"""The row numbers of an epoch, drawn while the epoch before is gathered."""

from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Any

import numpy as np

from rightbatch.data.batches import Cut
from rightbatch.data.order import Order, RowNumbers
from rightbatch.errors import DataError
from rightbatch.records import Array

MOST_DRAWN = 2**21
"""Most row numbers that are drawn in the pass before, 16 MB. Drawing takes about 10 ns a row, as long as
gathering a row of eight numbers, and cannot be shared between threads."""


class Drawn:
    """Row numbers of one epoch after the other; those of the next may be drawn ahead.

    What is drawn does not depend on when: an order is a function of its settings and the epoch.

    Args:
        order: which rows, in which sequence.
        rows: of the data.

    Example:
        >>> from rightbatch.data.batches import Batches
        >>> from rightbatch.data.order import Sequential
        >>> Drawn(Sequential(), 10).of(0, Batches(10, 2))
        range(0, 10)
    """

    def __init__(self, order: Order, rows: int) -> None:
        self._order, self._rows = order, rows
        self._ahead: tuple[int, Cut, Future[RowNumbers]] | None = None

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self._order, self._rows)  # in another process it is drawn anew

    def of(self, epoch: int, meant: Cut) -> RowNumbers:
        """The row numbers of an epoch that was meant to be cut so."""
        ahead, self._ahead = self._ahead, None
        if ahead is not None and ahead[:2] == (epoch, meant) and not ahead[2].cancelled():
            return ahead[2].result()
        return self.numbers(epoch, meant)

    def numbers(self, epoch: int, meant: Cut) -> RowNumbers:
        """The row numbers of any epoch.

        Raises:
            DataError: the order gives one that is not in [0, rows); gathering would not see it.
        """
        numbers = self._order.row_numbers(epoch, self._rows, meant)
        if isinstance(numbers, np.ndarray):
            return _checked(numbers, self._rows)
        return numbers if isinstance(numbers, range) else _CheckedWindows(numbers, self._rows)

    def draw(self, epoch: int, meant: Cut, submit: Callable[..., Future[RowNumbers]]) -> None:
        """Have the row numbers of an epoch drawn by another thread, where they are few enough.

        Args:
            epoch: the next one, most likely.
            meant: the cut it will have.
            submit: gives the thread work, as `concurrent.futures.Executor.submit`.
        """
        if self._order.length(self._rows) <= MOST_DRAWN:
            self._ahead = epoch, meant, submit(self.numbers, epoch, meant)


@dataclass(frozen=True, slots=True)
class _CheckedWindows:
    """Row numbers that are computed window by window."""

    numbers: RowNumbers
    rows: int

    def __getitem__(self, window: slice) -> Any:
        found = self.numbers[window]
        return found if isinstance(found, range) else _checked(found, self.rows)


def _checked(numbers: Array, rows: int) -> Array:
    if numbers.size and (numbers.max() >= rows or numbers.min() < 0):
        wrong = numbers[(numbers < 0) | (numbers >= rows)][0]
        raise DataError(
            f"the order gives row number {wrong}, and the data have {rows} rows; "
            f"write an order of numbers from 0 to {rows - 1}."
        )
    return numbers
