"""The test of the curve: how often it is wrong, and how often it sees that the curve does not hold."""

from typing import Any

import numpy as np
import pytest
from scipy import stats

from rightbatch.stats.lack_of_fit import lack_of_fit
from rightbatch.stats.scaling import fit_scaling
from rightbatch.stats.spread import spread

POWERS = 2.0 ** np.arange(12)


def seeds_around(curve: Any, *, seeds: int, repeats: int, noise: float = 0.1) -> Any:
    """Simulated steps to target, `(repeats, seeds, sizes)`: an offset per seed, and noise."""
    rng = np.random.default_rng(0)
    offsets = 0.2 * rng.normal(size=(repeats, seeds, 1))
    return curve * np.exp(offsets + noise * rng.normal(size=(repeats, seeds, POWERS.size)))


def test_false_alarms_are_as_many_as_the_level_says() -> None:
    """On exact hyperbolas 5 % of the p-values are under 0.05, and all of them are even in [0, 1]."""
    steps = seeds_around(22 * (1 + 27 / POWERS), seeds=3, repeats=500)
    p_values = [lack_of_fit(POWERS, study).p_value for study in steps]
    assert np.mean(np.less(p_values, 0.05)) == pytest.approx(0.05, abs=4 * np.sqrt(0.05 * 0.95 / 500))
    assert stats.kstest(p_values, "uniform").pvalue > 1e-3


def test_sees_that_a_constant_noise_scale_is_no_hyperbola() -> None:
    """S = ln R / ln(1 + B/51) with 10 % noise and 3 seeds is found out in nine studies of ten."""
    curve = np.log(1e4) / np.log1p(POWERS / 51)
    found = [lack_of_fit(POWERS, study).p_value < 0.05 for study in seeds_around(curve, seeds=3, repeats=100)]
    assert np.mean(found) > 0.9


def test_sees_a_single_size_that_lies_off() -> None:
    """One size 35 % above an exact hyperbola, which no knee explains, is found in nine studies of ten."""
    curve = 22 * (1 + 27 / POWERS) * np.where(POWERS == 16, 1.35, 1.0)
    found = [lack_of_fit(POWERS, study).p_value < 0.05 for study in seeds_around(curve, seeds=5, repeats=100)]
    assert np.mean(found) > 0.9


def test_is_the_analysis_of_variance_of_nested_models() -> None:
    """On a full table F and the p-value are the textbook's, averaged over the guesses of `spread`."""
    steps = seeds_around(22 * (1 + 27 / POWERS), seeds=4, repeats=1)[0]
    logs = np.log(steps)
    means = logs.mean(axis=0)
    left = logs - means - logs.mean(axis=1, keepdims=True) + logs.mean()
    b_crit = float(fit_scaling(POWERS, np.exp(means)).b_crit)
    guesses = spread(POWERS.astype(np.float64), left, np.ones(logs.shape), b_crit=b_crit, floor=0.01)
    expected = guesses.chance @ [nested(logs, 1 / variance) for variance in guesses.variance]
    test = lack_of_fit(POWERS, steps)
    assert test.degrees == (POWERS.size - 2, 3 * (POWERS.size - 1))
    assert [test.statistic, test.p_value] == pytest.approx(expected, rel=1e-4)


def nested(logs: Any, weight: Any) -> tuple[float, float]:
    """F and the p-value by the means of the sizes alone, the knee's derivative by q taken by differences."""
    means, (seeds, sizes) = logs.mean(axis=0), logs.shape
    curve = fit_scaling(POWERS, np.exp(means), weight)
    off = (means - np.log(curve.predict(POWERS))) * np.sqrt(weight)
    ratio, tiny = float(curve.b_crit) / POWERS, 1e-5
    above, below = (np.log1p(ratio**q) / q for q in (1 + tiny, 1 - tiny))
    tangents = np.column_stack([np.ones(sizes), ratio / (1 + ratio)]) * np.sqrt(weight)[:, None]
    knee = (np.eye(sizes) - tangents @ np.linalg.pinv(tangents)) @ ((above - below) * np.sqrt(weight))
    shared = np.average(logs - means, axis=1, weights=weight)[:, None]
    degrees = (seeds - 1) * (sizes - 1)
    error = (weight * (logs - means - shared) ** 2).sum() / degrees
    lack, bend = seeds * (off**2).sum(), seeds * (knee @ off) ** 2 / (knee @ knee)
    one = stats.f.sf(bend / error, 1, degrees) / 0.9
    other = stats.f.sf((lack - bend) / (sizes - 3) / error, sizes - 3, degrees) / 0.1
    least = min(one, other)
    return lack / (sizes - 2) / error, 1 - (1 - 0.9 * least) * (1 - 0.1 * least)


def test_offsets_of_seeds_do_not_matter() -> None:
    """A seed that is slower by a factor at every size changes nothing."""
    steps = seeds_around(22 * (1 + 27 / POWERS), seeds=3, repeats=1)[0]
    slower = steps * np.array([[1.0], [5.0], [0.2]])
    assert lack_of_fit(POWERS, slower).statistic == pytest.approx(
        lack_of_fit(POWERS, steps).statistic, rel=1e-8
    )


def test_holes_in_the_table_cost_degrees_of_freedom() -> None:
    """Each missing run takes one degree of pure error, a size never reached takes one of the curve."""
    steps = seeds_around(22 * (1 + 27 / POWERS), seeds=3, repeats=1)[0]
    steps[0, 3] = steps[2, 7] = np.nan
    assert lack_of_fit(POWERS, steps).degrees == (10, 20)
    steps[:, 0] = np.nan
    assert lack_of_fit(POWERS, steps).degrees == (9, 18)


def test_false_alarms_with_holes() -> None:
    """With a sixth of the runs missing the share of false alarms is still the level's."""
    steps = seeds_around(22 * (1 + 27 / POWERS), seeds=4, repeats=300)
    steps[np.random.default_rng(1).random(steps.shape) < 1 / 6] = np.nan
    alarms = [lack_of_fit(POWERS, study).p_value < 0.05 for study in steps]
    assert np.mean(alarms) == pytest.approx(0.05, abs=4 * np.sqrt(0.05 * 0.95 / 300))


@pytest.mark.parametrize(
    ("sizes", "steps"),
    [
        ([4, 8], [[60, 40], [66, 41]]),
        ([4, 8, 16], [[60, 40, 30]]),
        ([4, 8, 16], [[np.nan] * 3, [np.nan] * 3]),
    ],
    ids=["two sizes", "one seed", "nothing measured"],
)
def test_cannot_be_tested(sizes: Any, steps: Any) -> None:
    """Where there is nothing to compare with, the p-value is NaN."""
    test = lack_of_fit(sizes, steps)
    assert np.isnan(test.p_value)
    assert np.isnan(test.statistic)


def test_seeds_that_shift_all_sizes_alike_are_judged_by_how_well_steps_are_known() -> None:
    """No scatter is left: a curve 1 % off is within the error of measuring, one of 20 % is not."""
    shift = np.array([[1.0], [1.3], [0.8]])
    for off, fits in ((0.0, True), (0.005, True), (0.2, False)):
        bent = 22 * (1 + 27 / POWERS) * np.where(np.arange(POWERS.size) % 2, 1 + off, 1 / (1 + off))
        assert (lack_of_fit(POWERS, bent * shift).p_value > 0.05) == fits
    assert lack_of_fit([4, 8, 16], [[60, 41, 30], [60, 41, 30]]).p_value < 1


def test_false_alarms_where_small_batches_scatter_more() -> None:
    """With four times the scatter at the smallest size the share of false alarms is near the level's."""
    curve, scatter = 22 * (1 + 27 / POWERS), np.geomspace(0.24, 0.06, POWERS.size)
    noise = np.random.default_rng(2).standard_normal((300, 4, POWERS.size))
    alarms = [lack_of_fit(POWERS, curve * np.exp(scatter * study)).p_value < 0.05 for study in noise]
    assert np.mean(alarms) == pytest.approx(0.05, abs=4 * np.sqrt(0.05 * 0.95 / 300))
