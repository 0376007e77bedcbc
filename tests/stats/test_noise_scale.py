"""The noise scale and its interval: against closed forms, a simple jackknife, and by coverage."""

import itertools
import math
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from scipy import stats

from measure.noise_problems import OTHERS, Regression, printed
from rightbatch.errors import SettingError
from rightbatch.measure.moments import Moments, from_parts
from rightbatch.measure.noise import NoiseSums, NoiseTracker, noise_of_examples, noise_of_parts
from rightbatch.records import Batch, StepEvent, StepResult
from rightbatch.stats.noise import NoiseScale, noise_scale

REPEATS = 1000
SLACK = 4 * math.sqrt(0.95 * 0.05 / REPEATS)
"""Four standard errors of a coverage of 95 %, 2.8 points; the runs of size are in bench/noise_scale.py."""


NO_RESULT = StepResult(np.empty(0))


def scale_of(sums: NoiseSums, **settings: Any) -> NoiseScale:
    """The scale of sums."""
    return noise_scale(sums.means, sums.mean_deviations, degrees=sums.degrees, **settings)


@pytest.mark.parametrize(
    ("problem", "rows"),
    [(printed(), 160), (printed(), 640), (OTHERS["steep"], 160), (OTHERS["quiet"], 160)],
    ids=["printed 160", "printed 640", "steep", "quiet"],
)
def test_bias_is_small_and_intervals_cover(problem: Regression, rows: int) -> None:
    """At n >= 160: bias under 1 % and coverage of 95 %, each within 4 standard errors."""
    covered, values = [], []
    for part in range(4):
        batch = problem.batch(np.random.default_rng(part), rows, REPEATS // 4)
        sums = noise_of_examples(problem, problem.start(REPEATS // 4), batch)
        scale = scale_of(sums)
        covered.append((scale.lower <= problem.b_simple) & (problem.b_simple <= scale.upper))
        values.append(scale.value)
    found = np.concatenate(values) / problem.b_simple
    assert np.mean(covered) == pytest.approx(0.95, abs=SLACK)
    assert found.mean() == pytest.approx(1, abs=0.01 + 4 * found.std() / math.sqrt(REPEATS))
    assert found.std() < 0.35


def test_intervals_from_parts_cover() -> None:
    """640 rows in 40 micro-batches of 16: the same problem, known less well, and as honestly."""
    problem = printed()
    batch = problem.batch(np.random.default_rng(5), 640, REPEATS)
    sums = noise_of_parts(problem, problem.start(REPEATS), batch)
    scale = scale_of(sums)
    covered = (scale.lower <= problem.b_simple) & (problem.b_simple <= scale.upper)
    assert np.mean(covered) == pytest.approx(0.95, abs=SLACK)


def test_too_little_data_says_at_least() -> None:
    """A scale of 11 from 12 rows: hardly ever an upper end, and the lower end is right 97.5 % of the time."""
    problem = printed()
    batch = problem.batch(np.random.default_rng(6), 12, REPEATS)
    sums = noise_of_examples(problem, problem.start(REPEATS), batch)
    scale = scale_of(sums)
    assert np.mean(np.isinf(scale.upper)) > 0.9
    assert np.mean(scale.lower <= problem.b_simple) > 0.975 - 4 * math.sqrt(0.975 * 0.025 / REPEATS)
    assert np.isinf(scale.value[scale.square <= 0]).all()
    assert (scale.square < 0).any()


@pytest.mark.parametrize(("measurements", "rows"), [(5, 64), (40, 64), (40, 128)])
def test_intervals_over_a_run_cover(measurements: int, rows: int) -> None:
    """SGD that reduces |G|² by a factor 50 or so: the interval holds what each run had on its own path."""
    problem, rng = printed(), np.random.default_rng(measurements)
    truth = np.zeros((2, REPEATS // 2))

    def measure(state: Any, batch: Batch) -> Moments:
        square = ((problem.h * state) ** 2).sum(axis=1)
        error = (problem.h * state**2).sum(axis=1) + problem.sigma**2
        truth[:] += np.stack([square + error * problem.h.sum(), square])
        return from_parts(problem, state, batch)

    def descent() -> Iterator[StepEvent]:
        state = problem.start(REPEATS // 2)
        for step in range(1, measurements + 1):
            batch = problem.batch(rng, 16, REPEATS // 2)
            state = state - 0.1 * problem.gradient(state, batch)
            yield StepEvent(state, NO_RESULT, batch, step, 16 * step, NO_RESULT.loss)

    batches = (problem.batch(rng, rows, REPEATS // 2) for _ in itertools.count())
    tracker = NoiseTracker(measure, batches, when=lambda step: True, replicas=REPEATS // 2)
    assert len(list(tracker.follow(descent()))) == measurements
    scale = scale_of(tracker.sums)
    covered = (scale.lower <= truth[0] / truth[1]) & (truth[0] / truth[1] <= scale.upper)
    assert np.mean(covered) == pytest.approx(0.95, abs=SLACK * math.sqrt(2))


def halves(n: float, d: float, deviation: float, groups: int = 40, seed: int = 0) -> tuple[Any, Any]:
    """Means of one replica and deviations of two independent halves, as `noise_scale` takes them."""
    drawn = np.random.default_rng(seed).normal(0, deviation / math.sqrt(groups), (groups, 2, 1))
    return np.array([[n], [d]]), drawn


def test_the_interval_is_the_delta_method_on_the_logarithm() -> None:
    """With many degrees: log(n/d) plus and minus 1.96 sqrt(V_nn/n² + V_dd/d² - 2 V_nd/nd)."""
    means, off = halves(20, 2, 0.1, groups=5000)
    scale = noise_scale(means, off)
    v = np.einsum("gi,gj->ij", off[..., 0], off[..., 0])
    error = math.sqrt(v[0, 0] / 400 + v[1, 1] / 4 - 2 * v[0, 1] / 40)
    expected = [10 * math.exp(-1.96 * error), 10 * math.exp(1.96 * error)]
    assert [scale.lower[0], scale.upper[0]] == pytest.approx(expected, rel=1e-4)


def test_degrees_of_freedom_widen_the_interval() -> None:
    """Known degrees give Student's quantile; unknown ones are 1 where one deviation has all."""
    means, off = halves(20, 2, 0.01)
    width = np.log(noise_scale(means, off, degrees=10**6).upper / 10)[0]
    for degrees in (1, 4, 39):
        wider = np.log(noise_scale(means, off, degrees=degrees).upper / 10)[0]
        assert wider / width == pytest.approx(stats.t.ppf(0.975, degrees) / 1.95996, rel=1e-3)
    alone = np.zeros_like(off)
    alone[3] = [[0.0], [0.01]]
    found = np.log(noise_scale(means, alone).upper / 10)[0]
    assert found == pytest.approx(stats.t.ppf(0.975, 1) * 0.01 / 2, rel=1e-3)


def test_beale_takes_the_bias_off_the_ratio() -> None:
    """Normal halves, d known to 10 %: the plain ratio is 1 % too large, the estimate right to 0.2 %."""
    rng = np.random.default_rng(8)
    means = np.array([[20.0], [2.0]]) + rng.standard_normal((2, 40_000)) * 0.2
    off = rng.standard_normal((40, 2, 40_000)) * 0.2 / math.sqrt(40)
    scale = noise_scale(means, off)
    assert (means[0] / means[1]).mean() / 10 == pytest.approx(1.0103, abs=0.002)
    assert scale.value.mean() / 10 == pytest.approx(1, abs=0.002)


def test_no_mean_square_left_is_at_least() -> None:
    """|G|² at or below 0 is no error: no upper end, an infinite estimate, a lower end that can be said.

    With d taken for 0 and independent halves Fieller's end is sqrt(n² - t² V_nn) / (t sqrt(V_dd)).
    """
    means, off = np.array([[90.0], [-1.0]]), np.array([[[1.0], [0.0]], [[0.0], [2.0]]])
    scale = noise_scale(means, off, degrees=10**6)
    assert (scale.value[0], scale.upper[0]) == (math.inf, math.inf)
    assert scale.lower[0] == pytest.approx(math.sqrt(90**2 - 1.96**2) / (1.96 * 2), rel=1e-4)
    assert scale.words() == "at least 23"


def test_a_mean_square_within_chance_is_at_least() -> None:
    """D = 1 ± 1: the plain ratio is kept as the estimate, with no upper end and a lower one below it."""
    means, off = np.array([[90.0], [1.0]]), np.array([[[1.0], [0.0]], [[0.0], [1.0]]])
    scale = noise_scale(means, off, degrees=10**6)
    assert (scale.value[0], scale.upper[0]) == (90.0, math.inf)
    error = math.sqrt(1 / 90**2 + 1)
    assert scale.lower[0] == pytest.approx(90 * math.exp(-1.96 * error), rel=1e-3)


def test_what_was_not_measured_is_unknown() -> None:
    """No measurement: NaN. Nothing to tell chance by: a value, the interval open on both sides."""
    none = noise_scale(np.full((2, 1), np.nan), np.full((40, 2, 1), np.nan))
    assert (none.words(), none.lower[0], none.upper[0]) == ("unknown", 0.0, math.inf)
    for degrees in (None, 0):
        one = noise_scale([[90.0], [3.0]], np.zeros((40, 2, 1)), degrees=degrees)
        assert (one.value[0], one.lower[0], one.upper[0]) == (30.0, 0.0, math.inf)
        assert one.words() == "at least 0"


def test_rows_all_alike_have_no_noise() -> None:
    """tr(Σ) = 0 and |G|² = 3, known exactly: the scale is 0."""
    scale = noise_scale([[0.0], [3.0]], np.zeros((4, 2, 1)), degrees=3)
    assert (scale.value[0], scale.lower[0], scale.upper[0]) == (0.0, 0.0, 0.0)


def test_noise_of_negative_curvature_is_no_scale_below_zero() -> None:
    """For B_noise tr(HΣ) may be below 0: the scale is 0, and no end of it is negative."""
    means, off = halves(-1, 5, 0.01)
    scale = noise_scale(means, off)
    assert (scale.value[0], scale.lower[0], scale.upper[0]) == (0.0, 0.0, 0.0)
    assert scale.trace[0] == -1


class Table:
    """Gradients given as a table, one row each; a batch's data are the rows' gradients."""

    def gradient(self, state: Any, batch: Batch) -> Any:
        """Their mean."""
        return batch.data.mean(axis=0, keepdims=True)

    def gradient_and_norms(self, state: Any, batch: Batch) -> tuple[Any, Any]:
        """Their mean and their squared norms."""
        return self.gradient(state, batch), np.vecdot(batch.data, batch.data)[None]


def test_a_whole_training_set_is_known_exactly() -> None:
    """All N rows measured: S² over |G_N|² (reference 4.7), with an interval of no width."""
    problem = printed()
    x, noise = problem.batch(np.random.default_rng(10), 60, 1).data
    table = x[:, 0] * (x[:, 0] @ problem.delta - noise[:, 0])[:, None]
    batch = problem.batch(np.random.default_rng(0), 60, 1)
    batch.data = table
    sums = noise_of_examples(Table(), None, batch)
    scale = scale_of(sums, data_rows=60, rows_each=sums.rows_each)
    mean = table.mean(axis=0)
    expected = table.var(axis=0, ddof=1).sum() / (mean @ mean)
    assert [scale.value[0], scale.lower[0], scale.upper[0]] == pytest.approx([expected] * 3)
    assert scale.square[0] == pytest.approx(mean @ mean)
    assert sums.means[1, 0] == pytest.approx(mean @ mean - sums.means[0, 0] / 60)


def test_part_of_a_training_set_is_known_in_part() -> None:
    """300 of 400 rows without replacement: intervals cover the scale of the 400, to four standard errors."""
    problem, rng, hits, repeats = printed(), np.random.default_rng(11), 0, 400
    x, noise = problem.batch(rng, 400, 1).data
    table = x[:, 0] * (x[:, 0] @ problem.delta - noise[:, 0])[:, None]
    truth = table.var(axis=0, ddof=1).sum() / (table.mean(axis=0) ** 2).sum()
    batch = problem.batch(rng, 300, 1)
    for _ in range(repeats):
        batch.data = table[rng.choice(400, 300, replace=False)]
        sums = noise_of_examples(Table(), None, batch)
        scale = scale_of(sums, data_rows=400, rows_each=300)
        hits += scale.lower[0] <= truth <= scale.upper[0]
    assert hits / repeats == pytest.approx(0.95, abs=4 * math.sqrt(0.95 * 0.05 / repeats))


def test_arguments_that_do_not_fit_are_refused() -> None:
    """Shapes, rows and level: a sentence that says what to write."""
    cases: list[tuple[dict[str, Any], str]] = [
        (
            {"deviations": np.ones((4, 2, 1))},
            (
                "deviations must be groups x 2 x replicas, as means (2, 3) is 2 x replicas, got (4, 2, 1); "
                "pass the means and mean_deviations of the same NoiseSums."
            ),
        ),
        ({"data_rows": 0}, "data_rows must be above 0, got 0; write the rows of the training set, or None."),
        (
            {"data_rows": 10, "rows_each": 11},
            "rows_each must be from 0 to data_rows, got 11; write the rows of one measurement.",
        ),
        ({"level": 95}, "level must be between 0 and 1, got 95; write a number such as 0.95."),
    ]
    usual: dict[str, Any] = {"means": np.ones((2, 3)), "deviations": np.ones((4, 2, 3))}
    for wrong, sentence in cases:
        with pytest.raises(SettingError) as refused:
            noise_scale(**(usual | wrong))
        assert str(refused.value) == sentence
