"""The grid: for all rows, batch sizes, orders, `last` and shards, the rows that the contract says."""

import os
from collections.abc import Iterator
from itertools import product
from typing import Any

import numpy as np
import pytest

from data.every_order import CHOOSES_ITS_BATCHES, EVERY, holds_the_right_rows
from rightbatch.data.batches import LAST, Batches
from rightbatch.data.loader import Loader
from rightbatch.data.order import Order
from rightbatch.errors import DataError, SettingError
from rightbatch.records import Array, Batch

MOST_ROWS, MOST_SHARDS = 200, 7

SHARE = float(os.environ.get("RIGHTBATCH_GRID", "0.001"))
"""Share of the grid that is run. All of it takes hours:

    RIGHTBATCH_GRID=1 python -m pytest tests/data/test_exactly_once.py
"""


def cases(name: str, last: str) -> Iterator[tuple[int, int, int]]:
    """Rows, batch size and shards: a fixed random share of all, with the smallest and largest batches."""
    draw = np.random.default_rng(len(name) * 10 + LAST.index(last))
    for rows in range(1, MOST_ROWS + 1):
        length = EVERY[name](rows, 0).length(rows)
        for batch_size in range(1, length + 1):
            for shards in range(1, MOST_SHARDS + 1):
                if draw.random() < SHARE:
                    yield rows, batch_size, shards
        if rows % 6 < 2:
            yield rows, (1 if rows % 6 else length), 1 + rows % MOST_SHARDS


def loaders(name: str, rows: int, batch_size: int, last: str, shards: int) -> list[Loader]:
    """One loader for each shard, of data that are their own row numbers, with 0, 1 or 2 blocks ahead."""
    order = EVERY[name](rows, rows)
    size = None if name == CHOOSES_ITS_BATCHES else batch_size
    settings: list[dict[str, Any]] = [
        {"shard": (rank, shards), "prefetch": ahead, "threads": 1 + ahead // 2}
        for rank, ahead in enumerate((rows + np.arange(shards)) % 3)
    ]
    return [Loader(np.arange(rows), size, order=order, last=last, **more) for more in settings]


def real(batch: Batch) -> list[int]:
    """The rows of a batch that are no padding."""
    index: Array = batch.index if batch.weight is None else batch.index[batch.weight > 0]
    return index.tolist()


def expected(name: str, order: Order, rows: int, batch_size: int, last: str) -> list[list[int]]:
    """The rows of each batch of the first epoch, by slicing the order."""
    length = order.length(rows)
    if name == CHOOSES_ITS_BATCHES:
        numbers = np.asarray(order.row_numbers(0, rows)[0:length])
        ends = np.cumsum(order.batch_sizes(0))  # type: ignore[attr-defined]
        return [part.tolist() for part in np.split(numbers, ends[:-1])]
    numbers = np.asarray(order.row_numbers(0, rows, Batches(length, batch_size, last))[0:length])
    assert holds_the_right_rows(name, rows, numbers)
    parts = [numbers[start : start + batch_size] for start in range(0, length, batch_size)]
    if last == "spread":
        parts = np.array_split(numbers, len(parts))
    return [part.tolist() for part in parts if last != "drop" or len(part) == batch_size]


# a token budget leaves no rows over
EACH = [(name, last) for name in EVERY for last in LAST if name != CHOOSES_ITS_BATCHES or last == "keep"]


@pytest.mark.parametrize(("name", "last"), EACH)
def test_the_grid(name: str, last: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """All shards together see the batches of one process, each as many steps and rows; `len` is right."""
    monkeypatch.setattr("rightbatch.data.loader.AHEAD_BYTES", 500)
    for rows, batch_size, shards in cases(name, last):
        each = loaders(name, rows, batch_size, last, shards)
        steps = [list(loader.batches()) for loader in each]
        assert {len(loader) for loader in each} == {len(batches) for batches in steps}
        whole = expected(name, EVERY[name](rows, rows), rows, batch_size, last)
        together = list(zip(*steps, strict=True))
        assert [[row for part in parts for row in real(part)] for parts in together] == whole
        for parts, batch in zip(together, whole, strict=True):
            filled = batch_size if last == "pad" else len(batch)
            assert {len(part.index) for part in parts} == {-(-filled // shards)}
            assert all(set(part.index.tolist()) <= set(batch) for part in parts)
            assert all(part.data.tolist() == part.index.tolist() for part in parts)


@pytest.mark.parametrize("name", [name for name in EVERY if name != CHOOSES_ITS_BATCHES])
def test_no_rows_and_too_large_batches_are_refused(name: str) -> None:
    """A batch size of one more than there are, for all numbers of rows; and no rows at all."""
    for rows, last in product(range(1, 60), LAST):
        order = EVERY[name](rows, 0)
        with pytest.raises(SettingError, match=r"^batch_size must be at most "):
            Loader(np.arange(rows), order.length(rows) + 1, order=order, last=last)
    with pytest.raises(DataError, match=r"^data has shape \(0,\), so there are no rows; "):
        Loader(np.arange(0), 1, order=EVERY[name](1, 0))
