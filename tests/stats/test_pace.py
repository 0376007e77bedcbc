"""What a step takes at every size: told right whatever the pace of the rounds, with a doubt that is true."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import optimize

from rightbatch.records import Array
from rightbatch.stats.pace import drawn, paced

STEPS = np.array([1.0, 1.5, 2.0, 3.5, 7.0])
NAN = float("nan")


def timings(
    seed: int, rounds: int = 8, *, pace: float = 0.3, error: float = 0.05, wild: float = 0.0
) -> Array:
    """Rounds of so different a pace, and so wrong each timing; a share of them four times too long."""
    random = np.random.default_rng(seed)
    logs = pace * random.standard_normal((rounds, 1)) + error * random.standard_normal((rounds, STEPS.size))
    return np.asarray(STEPS * np.exp(logs) * np.where(random.random(logs.shape) < wild, 4.0, 1.0))


def with_contenders(table: Array, first: int, *columns: int) -> Array:
    """From a round on only these sizes were timed."""
    gaps = table.copy()
    gaps[first:, [column for column in range(table.shape[1]) if column not in columns]] = NAN
    return gaps


def ratios(seconds: Array) -> Array:
    """Of every size to the first."""
    return np.asarray(seconds[..., 1:] / seconds[..., :1])


@given(
    st.lists(st.floats(0.01, 100), min_size=3, max_size=9),
    st.integers(1, 2),
    st.lists(st.sampled_from([0, 1, 2, 3, 4]), min_size=2, max_size=4, unique=True),
)
def test_rounds_of_any_pace_with_any_gaps_tell_the_same(
    paces: list[float], first: int, columns: list[int]
) -> None:
    """Where every round is the steps times a pace, what is left is the steps, and the paces."""
    table = with_contenders(np.outer(paces, STEPS), first, *columns)
    found = paced(table)
    np.testing.assert_allclose(
        ratios(found.seconds), STEPS[1:] / STEPS[0], rtol=0.02 * np.ptp(np.log(paces)) + 1e-9
    )
    if len(set(paces)) == 1:
        np.testing.assert_allclose(found.seconds, STEPS * paces[0], rtol=1e-9)


def test_it_is_the_least_of_hubers_loss() -> None:
    """Without gaps the ratios are those that a slow search for the least of the loss finds."""
    table = timings(3, rounds=12, wild=0.1)
    logs, count = np.log(table), len(table)

    def errors(x: Array) -> Array:
        return logs - x[:count, None] - np.concatenate([[0.0], x[count:]])

    def loss(x: Array, scale: float) -> float:
        return _huber(errors(x) / scale)

    scale, at = 0.05, np.zeros(count + STEPS.size - 1)
    for _ in range(20):
        at = optimize.minimize(loss, at, args=(scale,), method="BFGS").x
        scale = 1.4826 * float(np.median(np.abs(errors(at))))
    np.testing.assert_allclose(np.log(ratios(paced(table).seconds)), at[count:], atol=0.004)


def _huber(errors: Array) -> float:
    size = np.abs(errors)
    return float(np.where(size <= 1.345, size**2 / 2, 1.345 * size - 1.345**2 / 2).sum())


def test_a_few_wild_timings_change_little() -> None:
    """One timing in twelve is a hundred times too long; the ratios stay within 3 %."""
    table = timings(0, rounds=24, error=0.02)
    wild = table.copy()
    wild.flat[::12] *= 100
    np.testing.assert_allclose(ratios(paced(wild).seconds), ratios(paced(table).seconds), rtol=0.03)


def test_contenders_timed_at_another_pace_do_not_look_slower() -> None:
    """Two of five sizes have 32 rounds more, at half the speed: their ratio to the rest is as before."""
    table = timings(1, rounds=40, pace=0.0, error=0.01)
    table[8:] *= 2
    found = paced(with_contenders(table, 8, 1, 2))
    np.testing.assert_allclose(found.seconds / found.seconds[0], STEPS, rtol=0.02)
    assert found.pace[8:].mean() / found.pace[:8].mean() == pytest.approx(2, rel=0.02)


def test_a_size_that_was_alone_tells_its_own_pace_only() -> None:
    """Rounds of one size change no seconds, but have a pace; of sizes that never had company they count."""
    table = timings(2)
    alone = np.full((6, STEPS.size), NAN)
    alone[:, 3] = 3 * STEPS[3]
    found = paced(np.vstack([table, alone]))
    np.testing.assert_allclose(ratios(found.seconds), ratios(paced(table).seconds), rtol=1e-9)
    assert found.pace[8:] / found.pace[:8].mean() == pytest.approx(3, rel=0.3)
    lonely = np.where(np.arange(10)[:, None] % 2 == [0, 1], [2.0, 6.0], NAN)
    np.testing.assert_allclose(paced(lonely).seconds, [2, 6])


def test_what_was_never_timed_is_not_known() -> None:
    """NaN for the size, and the others are as without it; no rounds, no seconds."""
    table = np.column_stack([timings(4), np.full(8, NAN)])
    found = paced(table)
    assert np.isnan(found.seconds[-1])
    np.testing.assert_allclose(found.seconds[:-1], paced(table[:, :-1]).seconds)
    assert np.isnan(paced(np.empty((0, 2))).seconds).all()


def test_its_ratios_are_known_better_than_those_of_trimmed_means() -> None:
    """Over 300 machines whose pace changes by 30 %, a timing in ten wild: less than half the variance."""
    tables = [timings(seed, rounds=12, wild=0.1) for seed in range(300)]
    found = np.log([ratios(paced(table).seconds) for table in tables])
    sorted_ = np.sort(tables, axis=1)[:, 3:9].mean(axis=1)
    assert found.var(axis=0).mean() < 0.5 * np.log(ratios(sorted_)).var(axis=0).mean()


@pytest.mark.parametrize("wild", [0.0, 0.05])
@pytest.mark.parametrize(("rounds", "first"), [(8, 8), (24, 8), (24, 24)])
def test_its_doubt_is_true(rounds: int, first: int, wild: float) -> None:
    """Of 400 tables 95 % intervals of a ratio hold the truth in 92 to 98 %, with gaps and without them."""
    hit = []
    for seed in range(400):
        table = timings(seed, rounds=rounds, wild=wild)
        gaps = with_contenders(table, first, 1, 2)
        draws = ratios(drawn(paced(gaps), 400, seed=0))
        low, high = np.quantile(draws, [0.025, 0.975], axis=0)
        hit.append((low <= STEPS[1:]) & (STEPS[1:] <= high))
    share = np.mean(hit, axis=0)
    assert ((share >= 0.92) & (share <= 0.985)).all(), share


def test_draws_spread_as_the_rounds_pull() -> None:
    """Twenty-four rounds: their standard deviation is that of Student's t of 23 degrees times the pulls'."""
    found = paced(timings(5, rounds=24))
    draws = np.log(drawn(found, 20_000, seed=1)).std(axis=0)
    expected = np.sqrt((found.pulls**2).sum(axis=0) * 23 / 21)
    np.testing.assert_allclose(draws, expected, rtol=0.03)


def test_draws_are_those_of_their_seed() -> None:
    """The same again, and others with another."""
    found = paced(timings(6))
    np.testing.assert_array_equal(drawn(found, 10, seed=0), drawn(found, 10, seed=0))
    assert (drawn(found, 10, seed=0) != drawn(found, 10, seed=1)).all()
