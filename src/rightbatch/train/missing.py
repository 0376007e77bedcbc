"""Classes that batches lack: because of the order of the rows, or because they are rare."""

from collections.abc import Sequence
from typing import Any, Self

import numpy as np

from rightbatch import units
from rightbatch.records import Array, Batch

_ENOUGH_BATCHES = 8
"""Batches of which it can be said that most lack a class."""

_MOST = 0.5
"""Share of the batches that may lack a class."""

_ROOM = 2
"""Rows for every class that a batch must have for a class to be missed in it."""

_EXPECTED = 15.0
"""Rows of a class that must be expected among those seen before its absence says something: the chance of
seeing none is then below 1 in a million."""

_LISTED = 8
"""Classes that are named."""

_IN_PYTHON = (
    "write order=Stratified(labels) for their share in every batch, Balanced(labels) for more, "
    "or a larger batch_size"
)

_ON_COMMAND_LINE = "write a larger --batch-size"


class ClassCheck:
    """Compares the classes in batches with those of the data.

    Args:
        labels: class of every row of the data.
        names: of each class number; empty: classes are told by their numbers.
    """

    def __init__(self, labels: Array, names: Sequence[str] = ()) -> None:
        self._rows = np.bincount(labels)
        self._names = names
        self._batches: list[Array] = []

    @classmethod
    def of(cls, data: Any, names: Sequence[str] = ()) -> Self | None:
        """For data `(X, y)`; `None` where y does not hold class numbers."""
        labels = data[1] if isinstance(data, tuple) and len(data) == 2 else None
        if not isinstance(labels, np.ndarray) or labels.dtype.kind not in "iu" or labels.ndim != 1:
            return None
        return cls(labels, names)

    def add(self, batch: Batch) -> None:
        """Take note of a batch; its labels are kept until all are looked at together."""
        self._batches.append(on_host(batch.data[1]))

    def sentence(self, *, command_line: bool = False) -> str:
        """What was found, and what to write; empty where nothing is missing.

        Args:
            command_line: whether options of the command are named, or arguments of Python.
        """
        if not self._batches:
            return ""
        has = _counts(self._batches, len(self._rows)) > 0
        share = self._rows / self._rows.sum()
        missing = np.where(self._rows > 0, 1 - has.mean(axis=0), 0.0)
        seen = sum(map(len, self._batches))
        size = seen / len(has)
        room = size >= _ROOM * np.count_nonzero(self._rows) and len(has) >= _ENOUGH_BATCHES
        found = np.flatnonzero((room & (missing > _MOST)) | ((missing == 1) & (share * seen >= _EXPECTED)))
        if not len(found):
            return ""
        by_chance = (1 - share[found]) ** size
        figures = missing[found].mean(), by_chance.mean(), share[found].mean()
        return self._sentence(found, len(has), *figures, command_line=command_line)

    def _sentence(
        self,
        found: Array,
        batches: int,
        missing: float,
        by_chance: float,
        share: float,
        *,
        command_line: bool,
    ) -> str:
        who, is_ = ("Class", "is") if len(found) == 1 else ("Classes", "are")
        lack = f"{is_} missing from {units.percent(missing)} of the first {batches} batches"
        subject = f"{who} {self._called(found)}"
        # The command always shuffles: there the order is never to blame.
        if by_chance < _MOST * missing and not command_line:
            in_random = f"in random order from {units.percent(by_chance)}"
            return f"{subject} {lack}, {in_random}; write shuffle=True, or another order."
        of_rows = f"{units.percent(share)} of the rows{'' if len(found) == 1 else ' each'}"
        return f"{subject}, {of_rows}, {lack}; {_ON_COMMAND_LINE if command_line else _IN_PYTHON}."

    def _called(self, classes: Array) -> str:
        """Classes by the names that the data have for them, in quotes, or by their numbers."""
        names = [f'"{self._names[number]}"' if self._names else str(number) for number in classes[:_LISTED]]
        rest = len(classes) - len(names)
        return units.listed([*names, *([f"{rest} more"] if rest else [])])


def on_host(field: Any) -> Array:
    """A field of a batch as an array, where it is a tensor on a GPU, too."""
    return np.asarray(field.cpu() if hasattr(field, "cpu") else field)


def _counts(batches: list[Array], classes: int) -> Array:
    """Rows of each class in each batch, `(batches, classes)`."""
    number = np.repeat(np.arange(len(batches)), [len(labels) for labels in batches])
    places = number * classes + np.concatenate(batches).astype(np.int64)
    return np.bincount(places, minlength=len(batches) * classes).reshape(len(batches), classes)
