"""Batches with the class proportions of the whole data."""

from itertools import permutations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from data.every_order import labels as some_labels
from rightbatch.data.batches import LAST, Batches
from rightbatch.data.stratified import Stratified
from rightbatch.errors import DataError
from rightbatch.records import Array


def counts_of(seen: Array) -> Array:
    """How often each class occurs before each position, `(positions + 1, classes)`."""
    counts = np.cumsum(seen[:, np.newaxis] == np.unique(seen), axis=0)
    return np.vstack([np.zeros_like(counts[:1]), counts])


def distances(seen: Array, starts: Array, ends: Array) -> Array:
    """How far each class of each window is from its share, in rows."""
    counts = counts_of(seen)
    shares = np.outer(ends - starts, counts[-1] / len(seen))
    return np.abs(counts[ends] - counts[starts] - shares)


def edges(cut: Batches) -> Array:
    """Where batches begin and end, those also that are dropped."""
    sizes = [run.size for run in cut.whole() for _ in range(run.batches)]
    return np.concatenate([[0], np.cumsum(sizes)])


@pytest.mark.parametrize("last", LAST)
@pytest.mark.parametrize("shares", [(1,), (1, 1), (5, 1), (6, 3, 1), (3, 2, 1), (20, 5, 1, 1, 1, 1)], ids=str)
def test_every_batch_is_within_one_row(shares: tuple[int, ...], last: str) -> None:
    """For all rows up to 45 and all batch sizes: strictly, for every class, in the last batch also."""
    for rows in range(len(shares), 46):
        labels = np.resize(np.repeat(np.arange(len(shares)), shares), rows)
        for batch_size in range(1, rows + 1):
            cut = Batches(rows, batch_size, last)
            numbers = Stratified(labels, seed=rows).row_numbers(batch_size, rows, cut)[0:rows]
            assert np.array_equal(np.sort(numbers), np.arange(rows))
            at = edges(cut)
            assert distances(labels[numbers], at[:-1], at[1:]).max() < 1 - 1e-9


@given(st.data())
def test_every_batch_of_larger_data_is_within_one_row(data: st.DataObject) -> None:
    """For up to 50 classes of any sizes."""
    sizes = data.draw(st.lists(st.integers(1, 100), min_size=1, max_size=50))
    labels = np.repeat(np.arange(len(sizes)), sizes)
    cut = Batches(len(labels), data.draw(st.integers(1, len(labels))), data.draw(st.sampled_from(LAST)))
    numbers = Stratified(labels, data.draw(st.integers(0, 9))).row_numbers(0, len(labels), cut)[
        0 : len(labels)
    ]
    at = edges(cut)
    assert distances(labels[numbers], at[:-1], at[1:]).max() < 1 - 1e-9


@pytest.mark.parametrize("other_size", [1, 50, 100, 129, 640])
def test_after_a_change_of_the_batch_size_it_is_within_three(other_size: int) -> None:
    """The rest of an epoch of 20,000 rows that was laid out for batches of 64."""
    labels = np.random.default_rng(0).choice(7, 20_000, p=[0.5, 0.2, 0.1, 0.1, 0.05, 0.04, 0.01])
    seen = labels[Stratified(labels).row_numbers(0, 20_000, Batches(20_000, 64))[0:20_000]]
    starts = np.arange(64 * 9, 20_000 - other_size, other_size)
    assert distances(seen, starts, starts + other_size).max() < 3


def test_no_sequence_keeps_every_window_within_one_row() -> None:
    """Of the 60 sequences of classes with 3, 2 and 1 rows none does, so the batch size must be known."""
    every = np.triu_indices(7, 1)
    sequences = [np.array(each) for each in sorted(set(permutations([0, 0, 0, 1, 1, 2])))]
    assert len(sequences) == 60
    assert all(distances(seen, *every).max() >= 1 - 1e-9 for seen in sequences)
    possible = np.array([0, 1, 0, 2])
    assert distances(possible, *np.triu_indices(5, 1)).max() < 1


def test_rows_of_a_class_are_shuffled() -> None:
    """Over 3,000 epochs each row of a class is in the first batch as often as the others, and any pair."""
    labels = np.repeat([0, 1], [6, 3])
    order, cut = Stratified(labels), Batches(9, 3)
    first = np.array([np.sort(order.row_numbers(epoch, 9, cut)[0:3]) for epoch in range(3000)])
    times = np.bincount(first.ravel(), minlength=9)
    assert (abs(times - 1000) < 4 * np.sqrt(1000)).all()
    assert len({tuple(batch) for batch in first}) == 15 * 3


def test_any_row_may_be_dropped() -> None:
    """The rows left over are not always the same."""
    labels = np.repeat([0, 1], [7, 3])
    cut = Batches(10, 4, "drop")
    left = {row for epoch in range(100) for row in Stratified(labels).row_numbers(epoch, 10, cut)[8:10]}
    assert left == set(range(10))


def test_the_golden_order() -> None:
    """It must never move, for the reason told in test_order.py."""
    assert Stratified(some_labels(9), 1).row_numbers(2, 9, Batches(9, 4))[0:9].tolist() == [
        6,
        5,
        1,
        7,
        2,
        8,
        0,
        4,
        3,
    ]


def test_labels_that_are_none_are_refused() -> None:
    """When they are given, and when the data have other rows."""
    with pytest.raises(DataError, match=r"^labels is empty; "):
        Stratified([])
    with pytest.raises(DataError, match=r"^labels has 2 entries but the data have 3 rows; "):
        Stratified([0, 1]).length(3)
