"""Keys and generators: functions of their parts, and of nothing else."""

import hashlib

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from rightbatch.rng import generator, key

parts = st.lists(st.integers() | st.text(alphabet="abc:01", max_size=4), max_size=4)


@given(parts, parts)
def test_different_parts_give_different_keys(first: list[int | str], second: list[int | str]) -> None:
    """Keys are equal where the parts are, in value, type and order, and nowhere else."""
    same = [(type(part), part) for part in first] == [(type(part), part) for part in second]
    assert (key(*first) == key(*second)) == same


def test_neighbouring_seeds_and_epochs_share_nothing() -> None:
    """All keys of 30 seeds and 30 epochs differ, where seed + epoch would repeat."""
    assert len({key("order", seed, epoch) for seed in range(30) for epoch in range(30)}) == 900


def test_a_key_must_not_move() -> None:
    """The golden key: a stored state names it, so it is the same on every machine and in every version."""
    digest = hashlib.blake2b(b"str:order\x1fint:0\x1fint:1", digest_size=16).digest()
    assert key("order", 0, 1) == int.from_bytes(digest, "little")


def test_generators_depend_on_the_parts_alone() -> None:
    """The same parts give the same numbers, whatever was drawn before or in between."""
    first = generator("start", 0).random(5)
    np.random.default_rng(1).random(100)
    assert np.array_equal(generator("start", 0).random(5), first)
    assert not np.array_equal(generator("start", 1).random(5), first)


def test_generators_of_neighbours_are_independent() -> None:
    """The first draws of 2,000 consecutive seeds are as even as one stream's (Kolmogorov-Smirnov)."""
    draws = [generator("start", seed).random() for seed in range(2000)]
    assert stats.kstest(draws, "uniform").pvalue > 1e-3
    assert abs(np.corrcoef(draws[:-1], draws[1:])[0, 1]) < 4 / np.sqrt(2000)
