"""Large batches are gathered one by one, and are no different for it."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from rightbatch.data.blocks import LARGE_BYTES
from rightbatch.data.loader import Loader
from rightbatch.data.ragged import Ragged
from rightbatch.records import Array, Tree

ROWS, COLUMNS = 50, 1000
X = np.random.default_rng(0).random((ROWS, COLUMNS))
Y = np.arange(ROWS)
LARGE = 2 + LARGE_BYTES // X[0].nbytes
"""Rows of a batch that is gathered by itself."""

TREES: dict[str, Tree] = {
    "an array": X,
    "a tuple": (X, Y),
    "a dict": {"x": X, "y": Y},
    "a dict in a tuple": ({"x": X}, [Y]),
    "one field": (X,),
}


def leaves(tree: Tree) -> list[Array]:
    """All fields."""
    if not isinstance(tree, (tuple, list, dict)):
        return [tree]
    children = tree.values() if isinstance(tree, dict) else tree
    return [leaf for child in children for leaf in leaves(child)]


@pytest.mark.parametrize("tree", TREES.values(), ids=TREES)
@pytest.mark.parametrize("size", [1, LARGE, ROWS])
@pytest.mark.parametrize("threads", [1, 2])
def test_batches_are_the_rows_of_their_numbers(tree: Tree, size: int, threads: int) -> None:
    """Of small batches and of large ones, gathered here and by threads; the form is that of the data."""
    for batch in Loader(tree, size, shuffle=True, threads=threads).batches():
        for got, field in zip(leaves(batch.data), leaves(tree), strict=True):
            assert np.array_equal(got, field[batch.index])
        assert type(batch.data) is type(tree)


@pytest.mark.parametrize(
    ("data", "late"), [((X, Y), True), ((X[:, :5], Y), False), ((X, Ragged([[1.0]] * ROWS)), False)]
)
def test_only_large_batches_of_arrays_are_late(data: Tree, late: bool) -> None:
    """Not small ones, nor where a field is ragged: its batches are padded together."""
    loader = Loader(data, LARGE, shuffle=True)
    assert {block.late for block in loader._blocks(loader._begin())} == {late}


def test_a_kept_batch_stays_what_it_was() -> None:
    """Memory is used again only when nobody holds it: also after the pass, and after batches were changed."""
    kept = list(Loader((X, Y), LARGE, shuffle=True).batches())
    for x, _ in Loader((X, Y), LARGE, shuffle=True):
        x[:] = -1
    assert all(np.array_equal(batch.data[0], X[batch.index]) for batch in kept)
    assert X.min() >= 0


def test_a_new_batch_size_counts_from_the_next_batch() -> None:
    """Large to small and back: every row once."""
    loader, seen, sizes = Loader((X, Y), LARGE, shuffle=True), [], []
    for _, y in loader:
        seen += y.tolist()
        sizes.append(len(y))
        loader.batch_size = 3 if loader.batch_size == LARGE else LARGE
    assert sizes[:3] == [LARGE, 3, LARGE]
    assert sorted(seen) == Y.tolist()


def test_waiting_is_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    """The seconds of gathering count as waited for, the seconds of using a batch do not."""
    clock = [0.0]
    source_take: Callable[..., Any] = Loader((X, Y), LARGE)._source.take

    def slow(*arguments: Any) -> Any:
        clock[0] += 1.0
        return source_take(*arguments)

    loader = Loader((X, Y), LARGE, shuffle=True)
    monkeypatch.setattr("rightbatch.data.position.perf_counter", lambda: clock[0])
    monkeypatch.setattr("rightbatch.data.loader.perf_counter", lambda: clock[0])
    monkeypatch.setattr(loader._source, "each", lambda index, memory: (slow(row) for row in index))
    for _ in loader:
        clock[0] += 100.0
    assert loader.waited == pytest.approx(len(loader))
