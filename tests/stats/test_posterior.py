"""What the runs say of S(B), as draws."""

import numpy as np
import pytest
from scipy.special import logsumexp
from scipy.stats import multivariate_normal

from rightbatch.errors import SettingError
from rightbatch.stats.curves import REACH
from rightbatch.stats.posterior import likeliest_curve, steps_posterior
from rightbatch.stats.worlds import DEVIATIONS, Worlds, peak

SIZES = np.array([1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024])
S_MIN, B_CRIT = 22.0, 27.0


def curve(sizes: np.ndarray) -> np.ndarray:
    """Ln S of the hyperbola."""
    return np.log(S_MIN * (1 + B_CRIT / sizes))


def test_many_exact_runs_give_the_curve_back() -> None:
    """With 40 runs a size and hardly any scatter, all draws lie within a few per cent of the truth."""
    rng = np.random.default_rng(0)
    table = curve(SIZES) + 0.01 * rng.standard_normal((40, len(SIZES)))
    steps = steps_posterior(SIZES, table, draws=1000, seed=0)
    assert np.median(steps.b_crit) == pytest.approx(B_CRIT, rel=0.02)
    assert np.median(steps.s_min) == pytest.approx(S_MIN, rel=0.02)
    np.testing.assert_allclose(np.median(steps.log_steps, axis=0), curve(SIZES), atol=0.02)


@pytest.mark.parametrize("b_crit", [26.3, 27.0, 27.9])
def test_what_is_known_exactly_is_not_rounded(b_crit: float) -> None:
    """A thousand runs without scatter or luck: B_crit to 0.3 %, wherever it lies."""
    table = np.tile(np.log(S_MIN * (1 + b_crit / SIZES)), (1000, 1))
    steps = steps_posterior(SIZES, table, draws=1000, seed=0)
    assert np.median(steps.b_crit) == pytest.approx(b_crit, rel=3e-3)
    assert np.log(steps.b_crit).std() < 0.02


def test_a_size_that_was_not_run_is_predicted_by_the_others() -> None:
    """Three far-apart sizes tell what lies between them, with more doubt than at the sizes run."""
    table = np.full((3, len(SIZES)), np.nan)
    run = [2, 5, 8]
    table[:, run] = curve(SIZES)[run]
    steps = steps_posterior(SIZES, table, draws=2000, seed=0)
    doubt = steps.log_steps.std(axis=0)
    assert np.median(steps.log_steps[:, 6]) == pytest.approx(curve(SIZES)[6], abs=0.1)
    assert doubt[6] > doubt[5]
    assert doubt[0] > doubt[2]


def test_a_lucky_size_is_drawn_towards_the_curve() -> None:
    """A size 20 % under the curve in five runs is believed in part: between its mean and the curve."""
    rng = np.random.default_rng(1)
    table = curve(SIZES) + 0.15 * rng.standard_normal((5, len(SIZES)))
    table[:, 5] = curve(SIZES)[5] - 0.2 + (table[:, 5] - table[:, 5].mean())
    steps = steps_posterior(SIZES, table, draws=2000, seed=0)
    believed = np.median(steps.log_steps[:, 5])
    assert curve(SIZES)[5] - 0.2 < believed < curve(SIZES)[5]


def test_where_the_hyperbola_fails_the_sizes_own_runs_count() -> None:
    """A curve of another shape, well measured, is followed and not forced onto the hyperbola."""
    truth = np.log(20 + 600 / SIZES**0.6)
    table = np.broadcast_to(truth, (8, len(SIZES))) + 0.02 * np.random.default_rng(0).standard_normal((8, 1))
    steps = steps_posterior(SIZES, table, draws=1000, seed=0)
    np.testing.assert_allclose(np.median(steps.log_steps, axis=0), truth, atol=0.05)


def test_a_lucky_seed_is_lucky_at_all_sizes() -> None:
    """What a seed changes at every size alike is doubt of S_min, and hardly any of B_crit."""
    rng = np.random.default_rng(2)
    luck = 0.3 * rng.standard_normal((5, 1))
    quiet = 0.02 * rng.standard_normal((5, len(SIZES)))
    steps = steps_posterior(SIZES, curve(SIZES) + luck + quiet, draws=2000, seed=0)
    assert np.log(steps.s_min).std() > 3 * np.log(steps.b_crit).std()


@pytest.mark.parametrize(("seeds", "scatter"), [(3, 0.1), (5, 0.2)])
def test_intervals_hold_the_truth_about_as_often_as_they_say(seeds: int, scatter: float) -> None:
    """Of 200 simulated studies, 90 to 100 % of the 95 % intervals of B_crit and S_min hold the truth."""
    rng = np.random.default_rng(3)
    hits = np.zeros(2)
    for study in range(200):
        luck = 0.08 * rng.standard_normal((seeds, 1))
        table = curve(SIZES) + luck + scatter * rng.standard_normal((seeds, len(SIZES)))
        steps = steps_posterior(SIZES, table, draws=500, seed=study)
        for i, (draws, truth) in enumerate(((steps.b_crit, B_CRIT), (steps.s_min, S_MIN))):
            low, high = np.quantile(draws, [0.025, 0.975])
            hits[i] += low <= truth <= high
    assert (hits >= 0.9 * 200).all(), hits / 200


def test_the_same_seed_draws_the_same() -> None:
    """Draws depend on the runs and the seed alone."""
    table = curve(SIZES)[None]
    one, two = (steps_posterior(SIZES, table, draws=10, seed=7) for _ in range(2))
    np.testing.assert_array_equal(one.log_steps, two.log_steps)


def test_one_size_is_refused() -> None:
    """No curve goes through one size; the error says what is needed."""
    with pytest.raises(SettingError, match="log_steps must be known at two sizes or more"):
        steps_posterior([1, 2], [[1.0, np.nan]], draws=10, seed=0)


def test_a_missed_run_took_more_steps_than_it_made() -> None:
    """Runs cut off at a third of what they need are put back on the curve, but not if taken for arrivals."""
    rng = np.random.default_rng(4)
    table = curve(SIZES) + 0.1 * rng.standard_normal((4, len(SIZES)))
    missed = table > np.log(150)
    made = np.where(missed, np.minimum(table, np.log(150)), table)
    right = steps_posterior(SIZES, made, draws=1000, seed=0, missed=missed)
    wrong = steps_posterior(SIZES, made, draws=1000, seed=0)
    low, high = np.quantile(right.log_steps[:, 0], [0.025, 0.975])
    assert low < curve(SIZES)[0] < high
    assert np.quantile(wrong.log_steps[:, 0], 0.975) < curve(SIZES)[0]
    assert np.median(right.b_crit) == pytest.approx(B_CRIT, rel=0.3)


def test_a_size_of_an_unlucky_seed_alone_is_corrected_for_it() -> None:
    """A seed that is 1.6 times slower everywhere does not make the one size slow that only it was run at."""
    luck = np.array([[0.5], [-0.25], [-0.25]])
    table = curve(SIZES) + luck + 0.01 * np.random.default_rng(5).standard_normal((3, len(SIZES)))
    table[1:, 4] = np.nan
    off = steps_posterior(SIZES, table, draws=1000, seed=0).log_steps - curve(SIZES)
    assert np.median(off[:, 4] - off[:, 5]) == pytest.approx(0, abs=0.05)


def test_missed_must_be_one_value_a_run() -> None:
    """The error names both shapes."""
    with pytest.raises(SettingError, match="missed must have the shape of log_steps \\(1, 11\\)"):
        steps_posterior(SIZES, curve(SIZES)[None], draws=10, seed=0, missed=[True])


@pytest.mark.parametrize("b_crit", [0.31, 27.0, 2900.0])
@pytest.mark.parametrize("seeds", [1, 3])
def test_runs_on_a_curve_give_its_constants_back_exactly(b_crit: float, seeds: int) -> None:
    """To six digits, from one seed, and where the sizes were run differently often."""
    table = np.tile(np.log(S_MIN * (1 + b_crit / SIZES)), (seeds, 1))
    table[1:, :4] = np.nan
    assert likeliest_curve(SIZES, table, seed=0) == pytest.approx((S_MIN, b_crit), rel=1e-6)


@pytest.mark.parametrize(("power", "limit"), [(-1, 1024 * REACH), (0, 1 / REACH)])
def test_where_runs_only_bound_b_crit_it_lies_on_the_limit(power: int, limit: float) -> None:
    """Steps in proportion to 1/B have no knee below the largest size, constant ones none above 1."""
    table = np.log(1e4) + power * np.log(SIZES)[None]
    assert likeliest_curve(SIZES, table, seed=0)[1] == pytest.approx(limit)


def test_the_likeliest_curve_is_the_one_that_densities_name() -> None:
    """All runs taken as one normal vector, for every tau, S_min and B_crit of a grid, in two worlds."""
    rng = np.random.default_rng(6)
    known = rng.random((4, len(SIZES))) < 0.6
    runs = np.asarray(known * (curve(SIZES) + 0.2 * rng.standard_normal(known.shape)), np.float64)
    sigma2, omega2 = np.array([0.01, 0.05]), np.array([0.02, 0.001])
    log_s_min, log_b_crit = peak(
        SIZES * 1.0, Worlds(np.tile(runs, (2, 1, 1)), known.astype(np.float64), sigma2, omega2)
    )
    levels, places = log_s_min + np.linspace(-1, 1, 101), log_b_crit + np.linspace(-0.2, 0.2, 21)
    seed, size = np.nonzero(known)
    shapes = np.log1p(np.exp(places)[:, None] / SIZES[size])
    rest = runs[known] - shapes[:, None] - levels[:, None]
    density = np.zeros(len(places))
    means = []
    for left, luck in zip(sigma2, omega2, strict=True):
        same = left * np.eye(len(seed)) + luck * (seed[:, None] == seed)
        laws = [multivariate_normal(cov=same + off**2 * (size[:, None] == size)) for off in DEVIATIONS]
        there = logsumexp([law.logpdf(rest) for law in laws], axis=0)
        density += logsumexp(there, axis=1)
        means.append(np.average(levels, weights=np.exp(there[10] - there[10].max())))
    assert density.argmax() == 10
    assert np.mean(means) == pytest.approx(log_s_min, abs=1e-3)
