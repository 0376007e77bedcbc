"""Changes between rounds of timing: seen when they are there, and not made up."""

import numpy as np
import pytest

from rightbatch.errors import SettingError
from rightbatch.records import Array
from rightbatch.stats.drift import drift


def paces(seed: int, *, rounds: int = 16, noise: float = 0.03) -> Array:
    """Rounds that scatter so much around the usual pace."""
    return np.asarray(np.exp(noise * np.random.default_rng(seed).standard_normal(rounds)))


@pytest.mark.parametrize("factor", [1.25, 0.6])
def test_a_step_is_found_where_it_is(factor: float) -> None:
    """A change by a quarter or more, at any round but the first two and last two, is placed to a round."""
    for at in range(3, 14):
        series = paces(at)
        series[at:] *= factor
        found = drift(series)
        assert found is not None
        assert abs(found.round - at) <= 1
        assert found.factor == pytest.approx(factor, rel=0.1)


def test_a_trend_is_found() -> None:
    """A machine that slows down by 40 % over the rounds, a little each."""
    assert drift(paces(0) * np.linspace(1, 1.4, 16)) is not None


@pytest.mark.parametrize("chance", [0.05, 0.01])
def test_steady_machines_raise_few_alarms(chance: float) -> None:
    """Of 400 steady series, scattering by 10 %, few more are said to drift than were allowed."""
    alarms = [drift(paces(seed, noise=0.1), chance=chance) is not None for seed in range(400)]
    assert np.mean(alarms) <= 1.2 * chance


def test_small_changes_and_few_rounds_are_let_pass() -> None:
    """Five per cent does not matter, and five rounds do not tell."""
    series = paces(0)
    series[8:] *= 1.05
    assert drift(series) is None
    series[8:] *= 1.5
    assert drift(series[6:10]) is None
    assert drift(series[:3]) is None


@pytest.mark.parametrize("series", [[1.0, -1.0], [1.0, float("nan")], [[1.0, 2.0]]])
def test_what_is_no_series_is_refused(series: list[float]) -> None:
    """Times are above 0, and there is one a round."""
    with pytest.raises(SettingError, match="series must be numbers above 0, one per round"):
        drift(series)
