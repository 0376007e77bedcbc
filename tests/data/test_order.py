"""The contract that every order keeps, and what each adds."""

import copy
from collections import Counter
from itertools import product
from typing import Any

import numpy as np
import pytest
from scipy import stats

from rightbatch.data.order import Order, Sequential, Shuffled
from rightbatch.errors import SettingError
from rightbatch.records import Array

ORDERS: list[Order] = [Sequential(), Shuffled(), Shuffled(seed=7), Shuffled(seed=2**70)]
RANDOM: list[Order] = [Shuffled(), Shuffled(seed=7)]


def whole(order: Order, epoch: int, rows: int) -> Array:
    """All row numbers of an epoch."""
    return np.asarray(order.row_numbers(epoch, rows)[: order.length(rows)])


@pytest.mark.parametrize("order", ORDERS, ids=repr)
class TestContract:
    def test_it_is_an_order(self, order: Order) -> None:
        """Every order has what the protocol asks for."""
        assert isinstance(order, Order)

    @pytest.mark.parametrize("rows", [*range(1, 20), 1000])
    def test_every_row_is_there_once(self, order: Order, rows: int) -> None:
        """An epoch is a permutation of the rows."""
        assert order.length(rows) == rows
        for epoch in range(3):
            assert sorted(whole(order, epoch, rows)) == list(range(rows))

    def test_the_same_question_has_the_same_answer(self, order: Order) -> None:
        """Nothing depends on what was asked before, and row numbers are int64."""
        first = whole(order, 3, 50)
        for epoch in (0, 3, 1):
            whole(order, epoch, 50)
        again = copy.deepcopy(order)
        assert whole(again, 3, 50).tolist() == first.tolist()
        assert first.dtype == np.int64

    def test_a_window_is_the_slice_of_the_whole(self, order: Order) -> None:
        """Any window can be had alone."""
        expected = whole(order, 2, 13).tolist()
        for start in range(13):
            for stop in range(start + 1, 14):
                assert list(order.row_numbers(2, 13)[start:stop]) == expected[start:stop]

    def test_row_numbers_cannot_be_changed(self, order: Order) -> None:
        """Writing into a window would change the order of the rows to come."""
        window = order.row_numbers(0, 9)[2:5]
        assert isinstance(window, range) or not window.flags.writeable

    def test_the_repr_is_one_short_line_that_makes_it_again(self, order: Order) -> None:
        """A state remembers an order by its repr."""
        assert eval(repr(order)) == order
        assert len(repr(order)) < 100


@pytest.mark.parametrize("order", RANDOM, ids=repr)
def test_epochs_differ(order: Order) -> None:
    """100 epochs of 20 rows have 100 different orders."""
    assert len({tuple(whole(order, epoch, 20)) for epoch in range(100)}) == 100


def test_seed_and_epoch_are_not_added() -> None:
    """No two of 50 x 50 pairs of seed and epoch share an order; their sums take 99 values only."""
    orders = {tuple(whole(Shuffled(seed), epoch, 20)) for seed, epoch in product(range(50), repeat=2)}
    assert len(orders) == 2500


def test_permutations_are_uniform() -> None:
    """All 24 permutations of 4 rows are equally likely, over seeds and over epochs (99.9 % limit)."""
    counts = Counter(tuple(whole(Shuffled(seed), epoch, 4)) for seed in range(120) for epoch in range(100))
    assert len(counts) == 24
    assert stats.chisquare(list(counts.values())).statistic < stats.chi2.ppf(0.999, df=23)


def test_the_golden_order() -> None:
    """The order of a seed is the same in every release of rightbatch and of NumPy."""
    # It must never move: a saved state counts samples in this order. In another order it would resume
    # without an error, repeat some rows of the epoch and leave out others. If a new NumPy moves it,
    # draw the permutation another way and raise what `repr` says, so that old states are refused.
    assert whole(Shuffled(seed=0), 0, 10).tolist() == [0, 6, 8, 9, 4, 1, 2, 3, 7, 5]
    assert whole(Shuffled(seed=3), 5, 10).tolist() == [4, 6, 8, 3, 0, 2, 7, 9, 5, 1]


def test_sequential_gives_neighbours() -> None:
    """A range tells the loader that it may hand out views."""
    assert Sequential().row_numbers(4, 10)[3:6] == range(3, 6)


def test_a_seed_of_numpy_is_the_same_seed() -> None:
    """The repr, and so a loader's state, does not depend on the type of the number."""
    three: Any = np.int64(3)
    assert repr(Shuffled(three)) == "Shuffled(seed=3)"


@pytest.mark.parametrize(
    ("seed", "text"),
    [
        (-1, "seed must be at least 0, got -1; write a whole number such as 0."),
        (1.5, "seed must be a whole number, got 1.5; write a whole number such as 0."),
        (None, "seed must be a whole number, got None; write a whole number such as 0."),
    ],
)
def test_a_seed_that_is_none_is_refused(seed: Any, text: str) -> None:
    """The sentence says what to write."""
    with pytest.raises(SettingError) as caught:
        Shuffled(seed)
    assert str(caught.value) == text
