"""The contract that every order keeps, and the orders that know nothing of the rows."""

import copy
import math
import pickle
import tracemalloc
from itertools import product
from typing import Any

import numpy as np
import pytest
from scipy import stats

from data.every_order import CHOOSES_ITS_BATCHES, EVERY, RANDOM, holds_the_right_rows
from rightbatch.data.batches import LAST, Batches
from rightbatch.data.order import EXACT_ROWS, Order, OwnBatches, Sequential, Shuffled
from rightbatch.errors import SettingError
from rightbatch.records import Array

METHODS = ["exact", "bijection"]

every_order = pytest.mark.parametrize("name", EVERY)


def whole(order: Order, epoch: int, rows: int, meant: Batches | None = None) -> Array:
    """All row numbers of an epoch."""
    return np.asarray(order.row_numbers(epoch, rows, meant)[: order.length(rows)])


@every_order
class TestContract:
    def test_it_is_an_order(self, name: str) -> None:
        """Every order has what the protocol asks for."""
        assert isinstance(EVERY[name](5, 0), Order)

    @pytest.mark.parametrize("rows", [*range(1, 30), 100, 1000])
    def test_every_row_is_there_as_often_as_it_must(self, name: str, rows: int) -> None:
        """An epoch has `length` positions, and each row once or as the order says, for any batches."""
        order = EVERY[name](rows, 3)
        length = order.length(rows)
        cuts = [
            None,
            *(Batches(length, size, last) for size in {1, length // 2 + 1, length} for last in LAST),
        ]
        for epoch, meant in product(range(2), cuts):
            numbers = whole(order, epoch, rows, meant)
            assert len(numbers) == length
            assert holds_the_right_rows(name, rows, numbers)

    def test_the_same_question_has_the_same_answer(self, name: str) -> None:
        """Nothing depends on what was asked before, on copies or processes; row numbers are int64."""
        order, meant = EVERY[name](50, 1), Batches(EVERY[name](50, 1).length(50), 8)
        first = whole(order, 3, 50, meant)
        for epoch in (0, 3, 1):
            whole(order, epoch, 50)
        for again in (copy.deepcopy(order), pickle.loads(pickle.dumps(order)), EVERY[name](50, 1)):
            assert whole(again, 3, 50, meant).tolist() == first.tolist()
            assert repr(again) == repr(order)
        assert first.dtype == np.int64

    def test_a_window_is_the_slice_of_the_whole(self, name: str) -> None:
        """Any window can be had alone, beyond the end also."""
        order = EVERY[name](13, 0)
        expected = whole(order, 2, 13).tolist()
        numbers = order.row_numbers(2, 13)
        for start, stop in product(range(len(expected) + 1), repeat=2):
            assert list(numbers[start:stop]) == expected[start:stop]
        assert list(numbers[3 : len(expected) + 9]) == expected[3:]

    def test_row_numbers_cannot_be_changed(self, name: str) -> None:
        """Writing into a window could change the order of the rows to come."""
        window = EVERY[name](9, 0).row_numbers(0, 9)[2:5]
        assert isinstance(window, range) or not window.flags.writeable

    def test_the_repr_is_short_and_tells_the_seed(self, name: str) -> None:
        """A state remembers an order by its repr."""
        one, other = (repr(EVERY[name](100, seed)) for seed in (0, 2**70))
        assert (one == other) == (name == "sequential")
        assert max(len(one), len(other)) < 150
        assert "\n" not in one

    def test_batches_of_its_own_are_as_many_in_every_epoch(self, name: str) -> None:
        """Their sizes add up to an epoch; other orders leave the batches to the loader."""
        order = EVERY[name](50, 0)
        if isinstance(order, OwnBatches):
            sizes = [order.batch_sizes(epoch) for epoch in range(9)]
            own = [(len(each), each.sum()) for each in sizes if each is not None]
            assert own == [own[0]] * 9 if name == CHOOSES_ITS_BATCHES else not own
            assert not own or own[0][1] == 50


@pytest.mark.parametrize("name", RANDOM)
def test_epochs_and_seeds_differ(name: str) -> None:
    """100 epochs of 20 rows with one seed, and 100 seeds, have 199 different orders."""
    meant = Batches(EVERY[name](20, 0).length(20), 1)
    orders = {tuple(whole(EVERY[name](20, 0), epoch, 20, meant)) for epoch in range(100)}
    orders |= {tuple(whole(EVERY[name](20, seed), 0, 20, meant)) for seed in range(100)}
    assert len(orders) == 199


# shuffled -----------------------------------------------------------------------------


@pytest.fixture(scope="module", params=METHODS)
def grid(request: pytest.FixtureRequest) -> Array:
    """Orders of 20 rows for 100 x 100 pairs of seed and epoch, shape `(seeds, epochs, rows)`."""
    method = request.param
    return np.array(
        [[whole(Shuffled(seed, method), epoch, 20) for epoch in range(100)] for seed in range(100)]
    )


def test_seed_and_epoch_are_not_added(grid: Array) -> None:
    """No two of 100 x 100 pairs of seed and epoch share an order; their sums take 199 values only."""
    assert len({tuple(order) for order in grid.reshape(-1, 20)}) == 10_000


def test_pairs_of_seed_and_epoch_are_independent(grid: Array) -> None:
    """The first rows of an epoch, of the next one and of the next seed: all triples are as frequent."""
    first = grid[:, :, 0] // 4
    triples = 25 * first[:-1, :-1] + 5 * first[:-1, 1:] + first[1:, :-1]
    assert is_uniform(np.bincount(triples.ravel(), minlength=125))


def is_uniform(counts: Array) -> bool:
    """Whether counts are those of equally likely things, by the chi-squared test at 99.9 %."""
    return bool(stats.chisquare(counts).statistic < stats.chi2.ppf(0.999, df=len(counts) - 1))


def test_the_test_for_uniformity_finds_what_is_not() -> None:
    """The statistic of Grain's index shuffle over 24 permutations and 24,000 seeds was 65: refused."""
    counts = np.full(24, 1000)
    counts[:12] += 52
    counts[12:] -= 52
    assert not is_uniform(counts)
    assert is_uniform(np.full(24, 1000))


@pytest.mark.parametrize("rows", range(2, 7))
def test_drawn_permutations_are_uniform(rows: int) -> None:
    """All permutations are equally likely, over 20,000 pairs of seed and epoch."""
    drawn = np.array([whole(Shuffled(seed), epoch, rows) for seed in range(100) for epoch in range(200)])
    _, counts = np.unique(drawn @ rows ** np.arange(rows), return_counts=True)
    assert len(counts) == math.factorial(rows)
    assert is_uniform(counts)


@pytest.mark.parametrize("method", METHODS)
def test_any_row_can_be_anywhere(method: str) -> None:
    """Of 100 rows over 4,000 epochs: the row at a position, and the step from one row to the next."""
    drawn = np.array([whole(Shuffled(0, method), epoch, 100) for epoch in range(4000)])
    for position in (0, 1, 50, 99):
        assert is_uniform(np.bincount(drawn[:, position], minlength=100))
    for row in (0, 99):
        assert is_uniform(np.bincount(np.nonzero(drawn == row)[1], minlength=100))
    # neighbours are a uniform ordered pair, so all differences modulo 100 but 0 are equally likely
    assert is_uniform(np.bincount((np.diff(drawn, axis=1) % 100).ravel(), minlength=100)[1:])


def test_a_permutation_too_large_to_hold_is_computed() -> None:
    """Up to the threshold it is drawn; above, each place is computed, as if asked for."""
    assert isinstance(Shuffled().row_numbers(0, 1000), np.ndarray)
    rows = EXACT_ROWS + 1
    numbers = Shuffled(5).row_numbers(2, rows)
    assert not isinstance(numbers, np.ndarray)
    asked = Shuffled(5, method="bijection").row_numbers(2, rows)
    assert numbers[10**6 : 10**6 + 9].tolist() == asked[10**6 : 10**6 + 9].tolist()
    assert isinstance(Shuffled(method="exact").row_numbers(0, 1000), np.ndarray)


@pytest.mark.parametrize("rows", [10**12, 2**63])
def test_a_window_of_a_huge_order_takes_the_memory_of_the_window(rows: int) -> None:
    """A million positions: different rows, all over the data, in less than 100 MB."""
    numbers = Shuffled().row_numbers(0, rows)
    tracemalloc.start()
    window = numbers[rows - 10**6 : rows]
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 25 * 10**6
    assert len(np.unique(window)) == 10**6
    assert window.min() >= 0
    assert is_uniform(np.bincount(window // (rows // 100 + 1), minlength=100))


def test_the_golden_order() -> None:
    """The order of a seed is the same in every release of rightbatch and of NumPy."""
    # It must never move: a saved state counts samples in this order. In another order it would resume
    # without an error, repeat some rows of the epoch and leave out others. If a new NumPy moves it,
    # draw the permutation another way and raise what `repr` says, so that old states are refused.
    # The same holds of EXACT_ROWS, which decides between the two methods.
    assert whole(Shuffled(seed=0), 0, 10).tolist() == [0, 6, 8, 9, 4, 1, 2, 3, 7, 5]
    assert whole(Shuffled(seed=3), 5, 10).tolist() == [4, 6, 8, 3, 0, 2, 7, 9, 5, 1]
    assert whole(Shuffled(seed=3, method="bijection"), 5, 10).tolist() == [7, 8, 2, 9, 0, 6, 5, 3, 4, 1]
    assert Shuffled(seed=3).row_numbers(5, 10**12)[7:9].tolist() == [147229083097, 79051503032]
    assert EXACT_ROWS == 2**24


def test_sequential_gives_neighbours() -> None:
    """A range tells the loader that it may hand out views."""
    assert Sequential().row_numbers(4, 10)[3:6] == range(3, 6)


def test_the_repr_makes_the_order_again() -> None:
    """It is what one would write; the method is told where it is not the usual one."""
    for order in (Sequential(), Shuffled(7), Shuffled(2**70, "exact"), Shuffled(method="bijection")):
        assert eval(repr(order)) == order
    three: Any = np.int64(3)
    assert repr(Shuffled(three)) == "Shuffled(seed=3)"


@pytest.mark.parametrize(
    ("settings", "text"),
    [
        ({"seed": -1}, "seed must be at least 0, got -1; write a whole number such as 0."),
        ({"seed": 1.5}, "seed must be a whole number, got 1.5; write a whole number such as 0."),
        ({"seed": None}, "seed must be a whole number, got None; write a whole number such as 0."),
        ({"method": "feistel"}, "method is not known, got 'feistel'; write one of exact, bijection, auto."),
    ],
)
def test_settings_that_cannot_be_used_are_refused(settings: Any, text: str) -> None:
    """The sentence says what to write."""
    with pytest.raises(SettingError) as caught:
        Shuffled(**settings)
    assert str(caught.value) == text
