"""The law of the best learning rate: exact laws recovered, and predictions that hold what they say."""

import itertools

import numpy as np
import pytest
from scipy.stats import norm

from rightbatch.errors import SettingError
from rightbatch.stats.curves import REACH
from rightbatch.stats.lrlaw import ALPHA_PRIOR, ALPHAS, B_STEP, EPS_AROUND, SPREADS, fit_lr_law

SIZES = 2.0 ** np.arange(12)


def on_the_grid(lr: np.ndarray, step: float) -> np.ndarray:
    """The nearest point of a grid of learning rates."""
    return np.asarray(step ** np.round(np.log(lr) / np.log(step)))


@pytest.mark.parametrize("alpha", [0.4, 0.6, 1.0])
def test_a_law_is_recovered_between_and_beyond(alpha: float) -> None:
    """From the best points of a grid of factors 2, unseen sizes are predicted to a factor of sqrt(2)."""
    truth = 0.8 / (1 + 60 / SIZES) ** alpha
    law = fit_lr_law(SIZES[:9:2], on_the_grid(truth, 2.0)[:9:2], step=2.0)
    for size, lr in zip(SIZES[:10], truth[:10], strict=True):
        assert law.predict(size)[0] == pytest.approx(np.log2(lr), abs=0.5)


def test_exact_learning_rates_of_linear_regression() -> None:
    """The best learning rates of the exact problem (d = 20), from four sizes, to a factor of sqrt(2)."""
    sizes = np.array([1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024, 4096])
    best = np.array([0.0169, 0.0336, 0.0664, 0.128, 0.242, 0.445, 0.795, 1.16, 1.47, 1.58, 1.57, 1.62])
    used = [1, 4, 7, 10]
    law = fit_lr_law(sizes[used], on_the_grid(best, np.sqrt(2))[used], step=np.sqrt(2))
    found = np.array([law.predict(size)[0] for size in sizes])
    assert np.abs(found - np.log2(best)).max() < 0.5


def test_doubt_grows_with_the_distance_and_shrinks_with_the_sizes() -> None:
    """One size tells least of the sizes furthest away; more sizes tell more of all."""
    one = fit_lr_law([32], [0.4])
    three = fit_lr_law([4, 32, 256], [0.06, 0.4, 0.8])
    assert one.predict(32)[1] < one.predict(128)[1] < one.predict(1024)[1]
    assert all(three.predict(size)[1] < one.predict(size)[1] for size in (4, 16, 128, 1024))


def test_predictions_are_as_unsure_as_they_say() -> None:
    """Over 150 made-up laws with scatter, 90 to 100 % of unseen best rates lie within two spreads."""
    rng = np.random.default_rng(0)
    inside = []
    for _ in range(150):
        alpha, b, eps = rng.uniform(0.4, 1), np.exp(rng.uniform(0, 7)), np.exp(rng.uniform(-4, 1))
        truth = eps / (1 + b / SIZES) ** alpha * 2 ** (0.25 * rng.standard_normal(SIZES.size))
        used = rng.permutation(SIZES.size)[:4]
        law = fit_lr_law(SIZES[used[:3]], on_the_grid(truth, 2.0)[used[:3]], step=2.0)
        centre, spread = law.predict(SIZES[used[3]])
        inside.append(abs(centre - np.log2(truth[used[3]])) < 2 * spread)
    assert 0.9 <= np.mean(inside) <= 1.0


@pytest.mark.parametrize("scatter", [0.0, 0.5, 3.0])
def test_no_likely_point_of_the_grid_is_left_out(scatter: float) -> None:
    """Predictions are means over the whole grid, point by point, however far the sizes lie off the law."""
    rng = np.random.default_rng(1)
    sizes, log2 = SIZES[[1, 4, 8]], np.array([-4.0, -2.0, 0.0]) + scatter * rng.standard_normal(3)
    log_b = np.arange(np.log(sizes.min() / REACH), np.log(sizes.max() * REACH), B_STEP)
    rows = []
    for alpha, b in itertools.product(ALPHAS, log_b):
        bend = alpha * np.log2(1 + np.exp(b) / np.append(sizes, 32))
        centre = (log2 + bend[:3]).mean()
        for eps, spread in itertools.product(centre + EPS_AROUND, SPREADS):
            off = np.abs(log2 - (eps - bend[:3]))
            inside = norm.cdf(0.5 - off, scale=spread) - norm.cdf(-0.5 - off, scale=spread)
            rows.append((inside.prod() * norm.pdf((1 - alpha) / ALPHA_PRIOR), eps - bend[3]))
    weight, predicted = np.array(rows).T
    law = fit_lr_law(sizes, 2.0**log2, step=2.0)
    assert law.predict(32)[0] == pytest.approx(np.average(predicted, weights=weight), abs=0.01)


def test_arguments_are_checked() -> None:
    """The errors say what is wrong."""
    with pytest.raises(SettingError, match="best_lr must be one learning rate per batch size"):
        fit_lr_law([1, 2], [0.1])
    with pytest.raises(SettingError, match="step must be above 1 and finite"):
        fit_lr_law([1, 2], [0.1, 0.2], step=1.0)
