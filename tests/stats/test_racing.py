"""The race of learning rates: who is clearly worse or promises little is out, and little is lost by it."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rightbatch.records import Array
from rightbatch.stats import racing
from rightbatch.stats.racing import CLEAR, ENOUGH, NEAR, in_the_race


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


def test_what_a_setting_promises_by_sums(monkeypatch: pytest.MonkeyPatch) -> None:
    """At nine seeds a setting stays while its gain, added up over a normal distribution, is worth it."""
    random = np.random.default_rng(1)
    behind = 0.03 + 0.1 * random.standard_normal(ENOUGH)
    mean, error = behind.mean(), behind.std(ddof=1) / np.sqrt(ENOUGH)
    assert 0 < mean < 3 * error
    true = np.linspace(mean - 9 * error, mean + 9 * error, 200_001)
    chance = np.exp(-(((true - mean) / error) ** 2) / 2) / (error * np.sqrt(2 * np.pi))
    gain = (np.maximum(0, -true) * chance).sum() * (true[1] - true[0])
    logs = np.column_stack([np.zeros(ENOUGH), behind])
    for share, stays in ((0.99, True), (1.01, False)):
        monkeypatch.setattr(racing, "WORTH", share * gain)
        assert in_the_race(logs).tolist() == [True, stays]
        assert in_the_race(logs[:-1]).tolist() == [True, True]


@pytest.mark.parametrize("apart", [0.0, 0.01, 0.03, 0.1, 0.3])
@pytest.mark.parametrize("spread", [0.05, 0.1, 0.3])
def test_little_is_lost(apart: float, spread: float) -> None:
    """However far apart and scattered, who is left after nine seeds is 0.6 % worse than the best at most."""
    means = [2 * apart, apart, 0.0, apart, 2 * apart]
    left = races(means, ENOUGH, spread, 2000)
    assert np.where(left, means, np.inf).min(axis=1).mean() < 0.006


def test_equals_stop_racing() -> None:
    """Of three settings as good as each other whose runs scatter by 10 %, at 60 seeds one or two are left."""
    assert races([0.0, 0.0, 0.0], 60, 0.1, 500).sum(axis=1).mean() < 1.5


@given(st.integers(2, 6), st.integers(1, 6), st.integers(0, 10**6))
def test_somebody_is_left_and_the_order_does_not_matter(seeds: int, settings: int, seed: int) -> None:
    """The setting of the least mean stays; settings in another order give the same."""
    generator = np.random.default_rng(seed)
    logs, order = generator.normal(size=(seeds, settings)), generator.permutation(settings)
    left = in_the_race(logs)
    assert left[logs.mean(axis=0).argmin()]
    assert in_the_race(logs[:, order]).tolist() == left[order].tolist()
