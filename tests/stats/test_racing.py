"""The race of learning rates: who promises too little is out, and little is lost by it."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rightbatch.records import Array
from rightbatch.stats import racing
from rightbatch.stats.racing import in_the_race


def races(means: list[float], seeds: int, spread: float, count: int, luck: float = 0.0) -> Array:
    """Who is left in each of many races, bool `(races, settings)`; `luck` is a seed's, the same for all."""
    generator = np.random.default_rng(0)
    logs = np.array(means) + spread * generator.normal(size=(count, seeds, len(means)))
    logs += luck * generator.normal(size=(count, seeds, 1))
    return np.array([in_the_race(race) for race in logs])


def test_the_rule_by_hand() -> None:
    """Two seeds, three settings: 0.1 and 0.3 behind the first, and 0.4 and 0.2; what they promise by sums."""
    logs = np.array([[1.0, 1.1, 1.4], [1.0, 1.3, 1.2]])
    error = np.sqrt((4 * 0.1**2) / 2 / 2)
    true = np.linspace(-2, 2, 400_001)
    gains = []
    for behind in (0.0, 0.2, 0.3):
        chance = np.exp(-(((true - behind) / error) ** 2) / 2) / (error * np.sqrt(2 * np.pi))
        gains.append((np.maximum(0, -true) * chance).sum() * 1e-5)
    for worth, left in ((0.9, True), (1.1, False)):
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(racing, "WORTH", worth * gains[1])
            assert in_the_race(logs).tolist() == [True, left, False]
            patch.setattr(racing, "WORTH", worth * gains[2])
            assert in_the_race(logs).tolist() == [True, True, left]


@pytest.mark.parametrize(("seeds", "most"), [(3, 0.035), (6, 0.015)])
@pytest.mark.parametrize("luck", [0.0, 1.0])
def test_the_best_stays(seeds: int, most: float, luck: float) -> None:
    """Of five settings 10 % apart whose runs scatter by 10 %, the best is out in 3 or 1 of 100 races."""
    left = races([0.2, 0.1, 0.0, 0.1, 0.2], seeds, 0.1, 2000, luck)
    assert (~left[:, 2]).mean() < most


@pytest.mark.parametrize("apart", [0.0, 0.01, 0.03, 0.1, 0.3])
@pytest.mark.parametrize("spread", [0.05, 0.1, 0.3])
def test_little_is_lost(apart: float, spread: float) -> None:
    """However far apart and scattered, the best that is left is 1 % worse than the best of all at most."""
    means = [2 * apart, apart, 0.0, apart, 2 * apart]
    left = races(means, 3, spread, 2000)
    assert np.where(left, means, np.inf).min(axis=1).mean() < 0.01


def test_who_is_far_behind_goes() -> None:
    """Half as fast, with runs that scatter by 10 %: out after three seeds in nearly every race."""
    left = races([0.0, 0.7], 3, 0.1, 500)
    assert left[:, 1].mean() < 0.15
    assert races([0.0, 0.1, 0.7, 0.7, 0.7], 3, 0.1, 500)[:, 2:].mean() < 0.01


def test_equals_stop_racing() -> None:
    """Three settings as good as each other whose runs scatter by 10 %: two are left at 3 seeds, one at 60."""
    assert races([0.0, 0.0, 0.0], 3, 0.1, 500).sum(axis=1).mean() > 2
    assert races([0.0, 0.0, 0.0], 60, 0.1, 500).sum(axis=1).mean() < 1.5


def test_without_scatter_a_little_is_no_reason() -> None:
    """Where runs do not scatter at all, who is 1 % behind after three seeds stays, and who is 5 % is out."""
    assert in_the_race(np.tile([1.0, 1.01, 1.05], (3, 1))).tolist() == [True, True, False]


@given(st.integers(2, 6), st.integers(1, 6), st.integers(0, 10**6))
def test_somebody_is_left_and_the_order_does_not_matter(seeds: int, settings: int, seed: int) -> None:
    """The setting of the least mean stays; settings in another order give the same."""
    generator = np.random.default_rng(seed)
    logs, order = generator.normal(size=(seeds, settings)), generator.permutation(settings)
    left = in_the_race(logs)
    assert left[logs.mean(axis=0).argmin()]
    assert in_the_race(logs[:, order]).tolist() == left[order].tolist()
