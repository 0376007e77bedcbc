"""Traps that other loaders fall into, where no test of a part holds them already.

The rest is held by test_exactly_once (rows lost or repeated, wrong `len`, padding), test_resume (states),
test_order (quality of permutations, seed + epoch), test_weights (means, padding, a last batch of one row),
test_loader (aliasing, dtypes of any tree, two passes) and the tests of each order.
"""

import gc
import tracemalloc
from typing import Any

import numpy as np
import pytest
from scipy import stats

from data.every_order import CHOOSES_ITS_BATCHES, EVERY, RANDOM
from rightbatch.data.audit import Audit
from rightbatch.data.loader import Loader
from rightbatch.data.order import Shuffled
from rightbatch.data.ragged import Ragged
from rightbatch.records import Array

ROWS = 10_000


def order_of(name: str, rows: int) -> Array:
    """All rows of the first epoch, as they are delivered."""
    size = None if name == CHOOSES_ITS_BATCHES else 100
    return np.concatenate(list(Loader(np.arange(rows), size, order=EVERY[name](rows, 0))))


@pytest.mark.parametrize("name", ["shuffled", "bijection", "stratified", "weighted, once"])
def test_a_shuffle_reaches_over_all_rows(name: str) -> None:
    """A row's place tells nothing of its number; a shuffle buffer of 1 % of the rows gives 0.9994."""
    rows = order_of(name, ROWS)
    assert abs(stats.spearmanr(np.arange(len(rows)), rows).statistic) < 4 / np.sqrt(len(rows))


@pytest.mark.parametrize("method", ["exact", "bijection"])
def test_batches_of_sorted_data_have_all_classes(method: str) -> None:
    """Of 10 equal classes a batch of 100 has as many as drawing without replacement makes it have."""
    labels = np.repeat(np.arange(10), ROWS // 10)
    audit = Loader((labels, labels), 100, order=Shuffled(0, method)).audit()
    spread = 5 * np.sqrt(100 * 0.1 * 0.9)
    assert all(count.mean == 10 and 10 - spread < count.least < 10 < count.most for count in audit.classes)
    assert all(count.most < 10 + spread for count in audit.classes)


@pytest.mark.parametrize("name", RANDOM)
def test_epochs_count_themselves(name: str) -> None:
    """Each pass has an order of its own, and nobody has to say which epoch it is."""
    loader = Loader(np.arange(50), order=EVERY[name](50, 0))
    passes = [np.concatenate(list(loader)).tolist() for _ in range(4)]
    assert len({tuple(rows) for rows in passes}) == 4


@pytest.mark.parametrize("name", [name for name in EVERY if name not in {"weighted", "weighted, once"}])
def test_every_row_is_seen_in_every_epoch(name: str) -> None:
    """Balanced batches too: the smallest class does not end the epoch, and no draw leaves rows out."""
    audit = Audit(Loader(np.arange(300), order=EVERY[name](300, 1)))
    for _ in range(3):
        list(audit)
    assert [account.coverage for account in audit.epochs] == [1, 1, 1]


TOGETHER = {
    "float32 and int64": (np.ones(9, np.float32), np.arange(9) + 2**24 + 1),
    "uint64 and int64": (np.arange(9, dtype=np.uint64) + np.uint64(2**63 + 1), -np.arange(9)),
    "numbers and text": (np.arange(9) / 2, np.array([f"class {i}" for i in range(9)])),
}


@pytest.mark.parametrize("fields", TOGETHER.values(), ids=TOGETHER)
def test_fields_are_never_joined(fields: tuple[Array, Array]) -> None:
    """One array for both would have another dtype, and other values."""
    for batch in Loader(fields, 4, shuffle=True).batches():
        for got, whole in zip(batch.data, fields, strict=True):
            assert got.dtype == whole.dtype
            assert got.tolist() == [whole.tolist()[row] for row in batch.index]


@pytest.mark.parametrize("name", EVERY)
def test_fields_of_a_row_stay_together(name: str) -> None:
    """Every field has the number of its row, deep in a tree, of one length or not; also in the next epoch."""
    rows = 40
    ids = np.arange(rows)
    words = Ragged([[i] * (1 + i % 3) for i in ids])
    tree: dict[str, Any] = {"a": (ids, ids[:, None] * 1.0), "b": words, "c": ids}
    loader = Loader(tree, order=EVERY[name](rows, 0))
    for _ in range(2):
        for batch in loader.batches():
            (one, two), three, four = batch.data["a"], batch.data["b"], batch.data["c"]
            for column in (one, two[:, 0], three.values[:, 0], four):
                assert column.tolist() == batch.index.tolist()


@pytest.mark.parametrize("name", EVERY)
def test_memory_does_not_grow_from_epoch_to_epoch(name: str) -> None:
    """After thirty epochs no more is held than after two; no number of a row is a Python object."""
    loader = Loader(np.zeros((2000, 4)), order=EVERY[name](2000, 0))
    held = []
    tracemalloc.start()
    for epoch in range(30):
        for _ in loader:
            pass
        if epoch in {1, 29}:
            gc.collect()  # what another test left in a cycle is not the loader's
            ours = tracemalloc.take_snapshot().filter_traces([tracemalloc.Filter(True, "*rightbatch*")])
            held.append(sum(trace.size for trace in ours.traces))
    tracemalloc.stop()
    assert 0 < held[1] < held[0] + 10_000
