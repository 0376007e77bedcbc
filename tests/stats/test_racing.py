"""The race of learning rates: who is clearly worse is out, the best hardly ever."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rightbatch.records import Array
from rightbatch.stats.racing import CLEAR, NEAR, in_the_race


def races(means: list[float], seeds: int, spread: float, count: int, luck: float = 0.0) -> Array:
    """Who is left in each of many races, bool `(races, settings)`; `luck` is a seed's, the same for all."""
    generator = np.random.default_rng(0)
    logs = np.array(means) + spread * generator.normal(size=(count, seeds, len(means)))
    logs += luck * generator.normal(size=(count, seeds, 1))
    return np.array([in_the_race(race) for race in logs])


def test_the_rule_by_hand() -> None:
    """Two seeds, three settings: differences to the first of 0.1 and 0.3, and of 0.3 and 0.1."""
    logs = np.array([[1.0, 1.1, 1.3], [1.0, 1.3, 1.3 - 0.2]])
    behind = np.array([[0.1, 0.3], [0.3, 0.1]])
    allowed = CLEAR * np.sqrt(((behind - 0.2) ** 2).sum() / 2 / 2)
    assert in_the_race(logs).tolist() == [True, *(behind.mean(axis=0) <= allowed)]


@pytest.mark.parametrize("seeds", [3, 5])
@pytest.mark.parametrize("luck", [0.0, 1.0])
def test_the_best_stays(seeds: int, luck: float) -> None:
    """Of five settings 10 % apart whose runs scatter by 10 %, the best is out in less than 1 of 100 races."""
    left = races([0.2, 0.1, 0.0, 0.1, 0.2], seeds, 0.1, 2000, luck)
    assert (~left[:, 2]).mean() < 0.01


def test_who_is_far_behind_goes() -> None:
    """Half as fast, with runs that scatter by 10 %: out after three seeds in nearly every race."""
    left = races([0.0, 0.7], 3, 0.1, 500)
    assert left[:, 1].mean() < 0.15
    assert races([0.0, 0.1, 0.7, 0.7, 0.7], 3, 0.1, 500)[:, 2:].mean() < 0.01


def test_a_few_per_cent_put_nobody_out() -> None:
    """Where runs do not scatter at all a difference of 5 % is no reason, and more is."""
    logs = np.tile([1.0, 1.0 + 0.9 * NEAR, 1.0 + 1.1 * NEAR], (3, 1))
    assert in_the_race(logs).tolist() == [True, True, False]


@given(st.integers(2, 6), st.integers(1, 6), st.integers(0, 10**6))
def test_somebody_is_left_and_the_order_does_not_matter(seeds: int, settings: int, seed: int) -> None:
    """The setting of the least mean stays; settings in another order give the same."""
    generator = np.random.default_rng(seed)
    logs, order = generator.normal(size=(seeds, settings)), generator.permutation(settings)
    left = in_the_race(logs)
    assert left[logs.mean(axis=0).argmin()]
    assert in_the_race(logs[:, order]).tolist() == left[order].tolist()
