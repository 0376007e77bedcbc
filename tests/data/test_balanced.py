"""Batches in which all classes are equally frequent."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from data.every_order import labels as some_labels
from rightbatch.data.balanced import Balanced
from rightbatch.errors import DataError, SettingError
from rightbatch.records import Array

LABELS = np.random.default_rng(0).permutation(np.repeat([7, 1, 4, 9], [40, 3, 1, 11]))


def epoch_of(order: Balanced, epoch: int, rows: int) -> Array:
    """All row numbers of an epoch."""
    return np.asarray(order.row_numbers(epoch, rows)[: order.length(rows)])


@pytest.mark.parametrize("epoch", range(3))
def test_in_every_window_counts_differ_by_at_most_one(epoch: int) -> None:
    """A batch of any size from any position, so after any change of the batch size and for any shard."""
    seen = LABELS[epoch_of(Balanced(LABELS), epoch, 55)]
    counts = np.cumsum(seen[:, np.newaxis] == np.unique(LABELS), axis=0)
    counts = np.vstack([np.zeros_like(counts[:1]), counts])
    for size in range(1, len(seen) + 1):
        in_window = counts[size:] - counts[:-size]
        assert (np.ptp(in_window, axis=1) <= 1).all()


@given(st.lists(st.integers(0, 5), min_size=1, max_size=60), st.integers(0, 5))
def test_rows_of_a_class_repeat_as_evenly_as_can_be(labels: list[int], epoch: int) -> None:
    """Every class as often as the largest has rows; every row; counts within a class differ by at most 1."""
    sizes = np.bincount(labels)
    times = np.bincount(epoch_of(Balanced(labels), epoch, len(labels)), minlength=len(labels))
    for label in set(labels):
        of_class = times[np.array(labels) == label]
        assert of_class.sum() == sizes.max()
        assert of_class.min() >= 1
        assert np.ptp(of_class) <= 1


def test_each_round_of_a_class_is_a_permutation_of_its_own() -> None:
    """A class of 3 rows gives all of them in every round of 3, and all 6 sequences occur."""
    epoch = epoch_of(Balanced(LABELS), 0, 55)
    of_class = epoch[LABELS[epoch] == 1][:39].reshape(-1, 3)
    assert (np.sort(of_class, axis=1) == np.nonzero(LABELS == 1)[0]).all()
    assert len({tuple(row) for row in of_class}) == 6


def test_the_rows_that_occur_once_more_differ_between_epochs() -> None:
    """40 draws of 3 rows: one row has 14, in 300 epochs each of the three about 100 times."""
    order = Balanced(LABELS)
    (rows,) = np.nonzero(LABELS == 1)
    times = np.array([np.bincount(epoch_of(order, epoch, 55), minlength=55)[rows] for epoch in range(300)])
    assert (np.sort(times, axis=1) == [13, 13, 14]).all()
    assert (abs((times == 14).sum(axis=0) - 100) < 35).all()


def test_a_rare_class_costs_no_memory() -> None:
    """One row against 100,000: 200,000 positions, computed window by window."""
    labels = np.zeros(100_001, np.int64)
    labels[77] = 1
    order = Balanced(labels)
    assert order.length(100_001) == 200_000
    window = order.row_numbers(0, 100_001)[199_000:200_000]
    assert (window == 77).sum() == 500
    assert len(np.unique(window)) == 501


def test_one_class_is_shuffled() -> None:
    """Balanced or not, each row once."""
    assert sorted(epoch_of(Balanced(["a"] * 9), 0, 9)) == list(range(9))


def test_the_golden_order() -> None:
    """It must never move, for the reason told in test_order.py."""
    assert epoch_of(Balanced(some_labels(7), 1), 2, 7).tolist() == [0, 5, 3, 4, 0, 2, 6, 4, 0, 1, 6, 4]


@pytest.mark.parametrize("seed", [-1, 0.5])
def test_a_seed_that_is_none_is_refused(seed: Any) -> None:
    """As in every order."""
    with pytest.raises(SettingError, match=r"^seed must be "):
        Balanced([0, 1], seed)


def test_labels_that_are_none_are_refused() -> None:
    """When they are given, and when the data have other rows."""
    with pytest.raises(DataError, match=r"^labels has shape \(2, 2\); "):
        Balanced(np.zeros((2, 2)))
    with pytest.raises(DataError, match=r"^labels has 2 entries but the data have 3 rows; "):
        Balanced([0, 1]).length(3)
