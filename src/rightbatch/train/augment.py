"""What happens to a batch before it is learned from: rows changed at random, in a way that repeats.

The numbers of a row depend on the seed, the epoch and the row alone, so that a training that is resumed, or
shared by several processes, sees what an undisturbed one would have seen.
"""

import inspect
import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
from scipy.special import ndtri

from rightbatch.data.ragged import Padded
from rightbatch.data.rowrandom import row_uniforms
from rightbatch.errors import SettingError
from rightbatch.learners.torch_model import said
from rightbatch.records import Array, Batch

_HALF = 2.0**-54
"""Half the distance of two uniform numbers: keeps 0 out of the normal distribution's tail."""


class RowRandom:
    """Random numbers of the rows of one batch: every call gives new ones.

    Args:
        index: numbers of the rows in the data, `(rows,)`.
        seed: whole number, at least 0.
        epoch: passes over the data before.

    Example:
        >>> draw = RowRandom(np.array([7, 2]), seed=0, epoch=0)
        >>> draw.uniform(2).shape, draw.integers(-1, 2).shape
        ((2, 2), (2,))
    """

    def __init__(self, index: Array, *, seed: int, epoch: int) -> None:
        self._index, self._seed, self._epoch, self._used = index, seed, epoch, 0

    def uniform(self, *shape: int) -> Array:
        """Numbers in [0, 1), float64, `(rows, *shape)`; `rb.row_uniforms` gives the same."""
        count = math.prod(shape)
        stop = self._used + count
        numbers = row_uniforms(self._index, stop, seed=self._seed, epoch=self._epoch)[:, self._used :]
        self._used = stop
        return numbers.reshape(len(self._index), *shape)

    def normal(self, *shape: int) -> Array:
        """Normally distributed numbers, mean 0 and variance 1, float64, `(rows, *shape)`."""
        numbers: Array = ndtri(self.uniform(*shape) + _HALF)
        return numbers

    def integers(self, low: int, high: int, *shape: int) -> Array:
        """Whole numbers from low to high - 1, int64, `(rows, *shape)`."""
        return low + (self.uniform(*shape) * (high - low)).astype(np.int64)


_FUNCTION = "write a function of the inputs of a batch and of what draws random numbers for them"

Augment: TypeAlias = Callable[[Any, RowRandom], Any]
"""From the inputs of a batch to what is learned from in their place."""


@dataclass(frozen=True, slots=True)
class Incoming:
    """The batches of a training on their way from the loader to the learner.

    Args:
        augment: changes the inputs; none: they stay.
        seed: of what it draws.
        tensors: whether the learner takes PyTorch's tensors beside arrays.

    Raises:
        SettingError: `augment` is no function.
    """

    augment: Augment | None
    seed: int
    tensors: bool

    def __post_init__(self) -> None:
        given: Any = self.augment
        if given is not None and not callable(given):
            raise SettingError("augment", "must be a function", said(given), _FUNCTION)
        if given is not None and not _takes_two(given):
            raise SettingError("augment", "must take two arguments", said(given), _FUNCTION)

    def of(self, batches: Iterator[Batch]) -> Iterator[Batch]:
        """The batches as they are learned from.

        Raises:
            SettingError: they are of a library that the learner does not know, or `augment` gives other rows.
        """
        first = next(batches)
        self._check(first)
        yield self._changed(first)
        if self.augment is None:
            yield from batches
        else:
            yield from map(self._changed, batches)

    def _check(self, batch: Batch) -> None:
        field = batch.data[0]
        values = field.values if isinstance(field, Padded) else field
        library = type(values).__module__.partition(".")[0]
        if library not in ("numpy", "torch" if self.tensors else "numpy"):
            problem = "must give out batches that this model can take"
            raise SettingError("train", problem, f"arrays of {library}", "write Loader(..., output='numpy')")

    def _changed(self, batch: Batch) -> Batch:
        if self.augment is None:
            return batch
        x, *rest = batch.data
        draw = RowRandom(batch.index, seed=self.seed, epoch=batch.epoch)
        new = self.augment(x, draw)
        rows = _rows(new)
        if not self.tensors and rows and new.shape[1:] != x.shape[1:]:
            got, instead = new.shape[1:], "train a PyTorch module that takes both"
            raise SettingError("augment", f"must keep rows of shape {x.shape[1:]}", got, instead)
        if rows != len(batch.index):
            problem = f"must give one row for each of the {len(batch.index)} it is given"
            got = type(new).__name__ if rows is None else rows
            raise SettingError("augment", problem, got, "return the changed inputs of all rows")
        return Batch((new, *rest), batch.index, batch.weight, batch.epoch, batch.step, batch.whole)


def _rows(field: Any) -> int | None:
    values = field.values if isinstance(field, Padded) else field
    shape = getattr(values, "shape", ())
    return int(shape[0]) if shape else None


def _takes_two(function: Callable[..., Any]) -> bool:
    try:
        signature = inspect.signature(function)
    except (TypeError, ValueError):  # a function written in C may not tell
        return True
    try:
        signature.bind(None, None)
    except TypeError:
        return False
    return True
