"""Copies in memory that is used again."""

import numpy as np

from rightbatch.train.copies import Copies


def test_copies_are_equal_and_share_nothing_with_what_was_copied() -> None:
    """Of any shape, type and order in memory."""
    copies = Copies()
    for array in (np.arange(6).reshape(2, 3).T, np.full(1, 2, np.float32), np.array(True), np.zeros(0)):
        copy = copies.copy(array)
        np.testing.assert_array_equal(copy, array)
        assert copy.dtype == array.dtype
        assert not np.shares_memory(copy, array)


def test_copies_of_one_round_share_nothing() -> None:
    """Each has memory of its own until all are needed no longer."""
    copies = Copies()
    one, two = copies.copy(np.ones(3)), copies.copy(np.zeros(3))
    assert (one.tolist(), two.tolist()) == ([1.0] * 3, [0.0] * 3)


def test_the_memory_of_the_last_round_is_used_where_it_fits() -> None:
    """Another shape or type gets memory of its own, and the next round uses that."""
    copies = Copies()
    first = [copies.copy(np.ones(3)), copies.copy(np.ones(4))]
    copies.again()
    second = [copies.copy(np.zeros(3)), copies.copy(np.zeros(5))]
    copies.again()
    third = [copies.copy(np.full(3, 2.0)), copies.copy(np.full(5, 2.0)), copies.copy(np.full(1, 2.0))]
    assert second[0] is first[0] is third[0]
    assert second[1] is not first[1]
    assert third[1] is second[1]
    assert [array.tolist() for array in third] == [[2.0] * 3, [2.0] * 5, [2.0]]
