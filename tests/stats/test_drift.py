"""Changes of speed between rounds of timing: seen when they are there, and not made up."""

import numpy as np
import pytest

from rightbatch.errors import SettingError
from rightbatch.stats.drift import drift

SIZES = 1e-4 + 1e-6 * 2.0 ** np.arange(10)


def timings(seed: int, *, rounds: int = 16, common: float = 0.03) -> np.ndarray:
    """Rounds with noise of each timing, of the round, and a spike in twenty."""
    rng = np.random.default_rng(seed)
    noise = 0.05 * rng.standard_normal((rounds, SIZES.size)) + common * rng.standard_normal((rounds, 1))
    return np.asarray(SIZES * np.exp(noise) * np.where(rng.random(noise.shape) < 0.05, 4, 1))


@pytest.mark.parametrize("factor", [1.25, 0.6])
def test_a_step_is_found_where_it_is(factor: float) -> None:
    """A change by a quarter or more, at any round but the first two and last two, is placed to a round."""
    for at in range(3, 14):
        table = timings(at)
        table[at:] *= factor
        found = drift(table)
        assert found is not None
        assert abs(found.round - at) <= 1
        assert found.factor == pytest.approx(factor, rel=0.1)


def test_a_trend_is_found() -> None:
    """A machine that slows down by 40 % over the rounds, a little each."""
    assert drift(timings(0) * np.linspace(1, 1.4, 16)[:, None]) is not None


def test_steady_machines_raise_few_alarms() -> None:
    """Of 200 steady tables, even with rounds that scatter by 10 %, at most 6 % are said to drift."""
    alarms = [drift(timings(seed, common=0.1)) is not None for seed in range(200)]
    assert np.mean(alarms) <= 0.06


def test_small_changes_and_few_rounds_are_let_pass() -> None:
    """Five per cent does not matter, and five rounds do not tell."""
    table = timings(0, common=0.0)
    table[8:] *= 1.05
    assert drift(table) is None
    table[8:] *= 1.5
    assert drift(table[6:10]) is None
    assert drift(table[:3]) is None


def test_what_was_not_measured_is_left_out() -> None:
    """Holes change nothing; a negative time is refused."""
    table = timings(1)
    table[8:] *= 1.5
    table[2, 3] = table[9, 0] = np.nan
    found = drift(table)
    assert found is not None
    assert found.round == 8
    with pytest.raises(SettingError, match="rounds must be seconds above 0, one row per round"):
        drift([[1.0, -1.0]])
