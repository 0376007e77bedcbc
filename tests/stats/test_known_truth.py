"""The estimators on problems with a known answer; the problems themselves against simulation."""

import numpy as np
import pytest

from rightbatch.stats.lack_of_fit import lack_of_fit
from rightbatch.stats.posterior import steps_posterior
from rightbatch.stats.scaling import fit_scaling
from stats.known_truth import PRINTED, PRINTED_BEST, Isotropic, NoisyQuadratic, Regression

OTHER = Regression(h=2.0 ** -np.arange(6), delta=np.array([1, -1, 2, 0.5, 1, 3]), sigma=0.7, target=0.05)


@pytest.mark.parametrize("size", [4, 16, 64, 256, 1024, 4096])
def test_printed_table_of_linear_regression(size: int) -> None:
    """With the table's learning rates the steps are the table's, to 2 % or one step; so is the best.

    The printed cliffs come from a grid of learning rates: the exact ones lie up to 3 % above.
    """
    steps, best, cliff = PRINTED_BEST[size]
    assert PRINTED.steps(size, best)[0] == pytest.approx(steps, rel=0.02, abs=1)
    assert PRINTED.best(size)[0] == pytest.approx(steps, rel=0.02, abs=1)
    assert 0.997 * cliff <= PRINTED.cliff(size) <= 1.03 * cliff


@pytest.mark.parametrize(("problem", "size", "lr"), [(OTHER, 4, 0.2), (OTHER, 32, 0.8), (PRINTED, 16, 0.242)])
def test_the_recursion_is_what_sgd_does(problem: Regression, size: int, lr: float) -> None:
    """At the recursion's step the mean risk of 1,000 simulated runs is the target, to 4 standard errors."""
    step = int(problem.steps(size, lr)[0])
    risks = problem.risks(size, lr, step, 1000, 0)
    decay = problem.target - problem.risks(size, lr, step + 1, 1000, 1).mean()
    error = 4 * risks.std() / np.sqrt(1000)
    assert problem.target - abs(decay) - error <= risks.mean() <= problem.target + error


def test_beyond_the_cliff_no_run_arrives() -> None:
    """Just under the cliff the target is reached, just over it never."""
    for size in (2, 64):
        edge = OTHER.cliff(size)
        under, over = OTHER.steps(size, [0.98 * edge, 1.01 * edge], most=20_000)
        assert np.isfinite(under)
        assert np.isinf(over)


@pytest.mark.parametrize("d", [12, 50, 90, 200])
def test_critical_batch_size_where_the_hyperbola_is_exact(d: int) -> None:
    """At 2 % of the best learning rates of an isotropic problem B_crit, d + 1, is found to 3 %."""
    problem = Isotropic(d=d, ratio=100.0, kappa=0.02)
    sizes = 4.0 ** np.arange(1, 6)
    runs = problem.runs(sizes, seeds=40, seed=d)
    fit = fit_scaling(sizes, np.exp(np.log(runs).mean(axis=0)))
    drawn = steps_posterior(sizes, np.log(runs), draws=2000, seed=0)
    assert float(fit.b_crit) == pytest.approx(d + 1, rel=0.03)
    assert np.median(drawn.b_crit) == pytest.approx(d + 1, rel=0.03)


def test_simulated_runs_follow_the_closed_form() -> None:
    """In the mean of the risk, and so nearly in the steps of a run when steps are small."""
    problem = Isotropic(d=50, ratio=1e4, kappa=0.02)
    sizes = np.array([4, 51, 512])
    runs = np.exp(np.log(problem.runs(sizes, seeds=30, seed=0)).mean(axis=0))
    np.testing.assert_allclose(runs, problem.exact(sizes), rtol=0.02)
    printed = [474.318, 239.439, 63.209, 18.912, 13.288, 7.336, 3.835]
    found = Isotropic(d=50, ratio=1e4).exact([1, 2, 8, 32, 51, 128, 512])
    assert found == pytest.approx(printed, abs=6e-4)


def test_a_constant_noise_scale_at_the_best_learning_rate_is_no_hyperbola() -> None:
    """Real runs at the best learning rates, two dimensions: the misfit is found in 19 of 20 studies."""
    sizes = 2.0 ** np.arange(2, 12)
    for d, seed in ((50, 0), (80, 1)):
        problem = Isotropic(d=d, ratio=1e4)
        found = [lack_of_fit(sizes, problem.runs(sizes, 5, 20 * seed + k)).p_value < 0.05 for k in range(20)]
        assert sum(found) >= 19


def test_noisy_quadratic_table() -> None:
    """The printed steps (d = 1000, target 0.1) to 1 %, and B_crit 83 to 5 %."""
    problem = NoisyQuadratic(d=1000, target=0.1)
    sizes = [4, 16, 64, 256, 1024]
    steps = [problem.best(size)[0] for size in sizes]
    assert steps == pytest.approx([6248, 1658, 569, 355, 300], rel=0.01)
    wide = [4.0**power for power in range(1, 11)]
    fit = fit_scaling(wide, [problem.best(size)[0] for size in wide])
    assert float(fit.b_crit) == pytest.approx(83, rel=0.05)
