"""Permutations that are computed."""

import math

import numpy as np
import pytest
from scipy import stats

from rightbatch.data import bijection
from rightbatch.data.bijection import CHUNK, SMALL, permuted
from rightbatch.records import Array

KEYS = np.random.default_rng(0).integers(0, 2**64, 100_000, dtype=np.uint64)


def by_hand(position: int, size: int, key: int, rounds: int) -> int:
    """The same network, with Python's whole numbers."""
    a = math.isqrt(size - 1) + 1
    a += a % 2
    b = -(-size // a)
    while True:
        left, right = divmod(position, b)
        for number in range(1, rounds + 1):
            by, circle = (right, a) if number % 2 else (left, b)
            bits = (by + key + number * 0x9E3779B97F4A7C15) % 2**64
            bits = (bits ^ bits >> 30) * 0xBF58476D1CE4E5B9 % 2**64
            bits = (bits ^ bits >> 27) * 0x94D049BB133111EB % 2**64
            moved = (bits >> 32) * circle >> 32
            left, right = ((left + moved) % a, right) if number % 2 else (left, (right + moved) % b)
        position = left * b + right
        if position < size:
            return position


def images(size: int, keys: Array) -> Array:
    """The whole permutation of each key, shape `(keys, size)`."""
    positions = np.tile(np.arange(size), len(keys))
    return permuted(positions, np.full(len(positions), size), np.repeat(keys, size)).reshape(-1, size)


@pytest.mark.parametrize("size", [*range(1, 300), 1000, SMALL - 1, SMALL, 99_991, 2**17])
def test_it_is_a_permutation(size: int) -> None:
    """Every number below the size is the image of one position, under any key."""
    for key in (0, 1, 2**64 - 1):
        assert np.array_equal(np.sort(permuted(np.arange(size), size, key)), np.arange(size))


@pytest.mark.parametrize("size", [1, 2, 3, 7, 100, 12_345, 10**12, 2**63 - 25, 2**63])
def test_it_is_the_network_told(size: int) -> None:
    """Each image is that of the same network in plain Python."""
    positions = np.unique(np.linspace(0, size - 1, 20).astype(np.uint64).clip(0, size - 1)).astype(np.int64)
    for rounds in (1, 12, 24):
        expected = [by_hand(position, size, 77, rounds) for position in positions.tolist()]
        assert permuted(positions, size, 77, rounds).tolist() == expected


def test_small_sets_take_more_rounds() -> None:
    """24 below 2^16 and 12 from there on."""
    for size, rounds in ((SMALL - 1, 24), (SMALL, 12)):
        assert permuted(np.array([5]), size, 3).tolist() == [by_hand(5, size, 3, rounds)]


def test_each_position_may_have_a_size_and_a_key_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    """The image is that of the position alone, in whatever chunk it is computed."""
    draw = np.random.default_rng(1)
    sizes, keys = draw.integers(1, 5000, 400), draw.integers(0, 2**64, 400, dtype=np.uint64)
    positions = draw.integers(0, sizes)
    together = permuted(positions, sizes, keys)
    parts = zip(positions, sizes.tolist(), keys.tolist(), strict=True)
    assert together.tolist() == [permuted(position[None], size, key, 24)[0] for position, size, key in parts]
    monkeypatch.setattr(bijection, "CHUNK", 7)
    assert permuted(positions, sizes, keys).tolist() == together.tolist()


@pytest.mark.parametrize("keys", [KEYS, np.arange(100_000, dtype=np.uint64)], ids=["random", "consecutive"])
@pytest.mark.parametrize("size", range(2, 7))
def test_permutations_are_uniform(size: int, keys: Array) -> None:
    """All permutations of 2 to 6 are equally likely over 100,000 keys, by the chi-squared test at 99.9 %."""
    _, counts = np.unique(images(size, keys) @ size ** np.arange(size), return_counts=True)
    assert len(counts) == math.factorial(size)
    assert stats.chisquare(counts).statistic < stats.chi2.ppf(0.999, df=len(counts) - 1)


def test_odd_permutations_are_as_frequent_as_even_ones() -> None:
    """Of 9 = 3 x 3, where a square network would reach even permutations alone."""
    drawn = images(9, KEYS[:20_000])
    later, earlier = np.triu_indices(9, 1)
    odd = (drawn[:, later] > drawn[:, earlier]).sum(1) % 2
    assert stats.binomtest(int(odd.sum()), len(odd)).pvalue > 0.001


@pytest.mark.parametrize("size", [SMALL, 10**12])
def test_no_position_tells_of_its_neighbour(size: int) -> None:
    """In large sets, where rounds are few, tenths of the images of neighbours are independent."""
    tenths = permuted(np.arange(min(size, 20 * CHUNK)), size, 5) // (size // 10 + 1)
    table = np.zeros((10, 10))
    np.add.at(table, (tenths[:-1:2], tenths[1::2]), 1)
    assert stats.chi2_contingency(table).pvalue > 0.001
