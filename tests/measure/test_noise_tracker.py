"""The noise scale over a run: sums that add up, the cost, and what consecutive gradients get wrong."""

import itertools
import math
from collections.abc import Iterator
from functools import partial
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from measure.noise_problems import Descent, Regression, printed
from rightbatch.data.loader import Loader
from rightbatch.errors import SettingError
from rightbatch.learners.mlp import MLP
from rightbatch.learners.updates import SGD
from rightbatch.measure.moments import Moments, from_examples, from_parts
from rightbatch.measure.noise import NoiseTracker, jackknife, noise_of_examples, noise_of_parts
from rightbatch.records import Batch, Shape, StepEvent, StepResult
from rightbatch.train.loop import endless, train

ALPHAS = [0.01, 0.03, 0.1, 0.2]
NO_RESULT = StepResult(np.empty(0))


def descent(problem: Descent, state: Any, rng: np.random.Generator) -> Iterator[StepEvent]:
    """The steps of plain SGD."""
    for step in itertools.count(1):
        batch = problem.batch(rng, len(state))
        state = state - problem.alpha * problem.gradient(state, batch)
        yield StepEvent(state, NO_RESULT, batch, step, 16 * step, NO_RESULT.loss)


@pytest.mark.parametrize("alpha", ALPHAS)
def test_once_settled_sign_and_size_are_right(alpha: float) -> None:
    """Reference 4.9: B_simple of settled SGD is B (2 - alpha)/alpha, within 4 errors of at most 5 %."""
    rng, problem, large = np.random.default_rng(1), Descent(50, 16, alpha), Descent(50, 640, alpha)
    tracker = NoiseTracker(
        partial(from_parts, problem, parts=4),
        (large.batch(rng, 60) for _ in itertools.count()),
        when=lambda step: step % 4 == 0,
        replicas=60,
    )
    events = descent(problem, problem.settled(rng, 60), rng)
    assert len(list(itertools.islice(tracker.follow(events), 40))) == 40
    trace, square = tracker.sums.means
    error = square.std() / math.sqrt(60) / square.mean()
    assert error < 0.05
    assert trace.mean() / square.mean() == pytest.approx(problem.b_simple, rel=4 * error)


@pytest.mark.parametrize("alpha", ALPHAS)
def test_consecutive_gradients_have_the_sign_wrong(alpha: float) -> None:
    """Reference 4.9: on the same problem the mean of g_t · g_(t+1) is -|G|², so we never use it."""
    rng, problem = np.random.default_rng(2), Descent(50, 16, alpha)
    theta = problem.settled(rng, 4000)
    before, found = np.zeros_like(theta), []
    for _ in range(41):
        gradient = theta + rng.standard_normal(theta.shape) / math.sqrt(16)
        found.append(np.vecdot(before, gradient).mean())
        theta, before = theta - alpha * gradient, gradient
    square = 50 * alpha / (16 * (2 - alpha))
    error = np.std(found[1:]) / math.sqrt(40)
    assert np.mean(found[1:]) == pytest.approx(-square, abs=4 * error)
    assert np.mean(found[1:]) < -2 * error


def fixed(values: list[float]) -> tuple[NoiseTracker, Iterator[StepEvent]]:
    """A tracker that measures 10 v and v for each of these values in turn, two replicas, every third step."""
    halves = iter(values)
    batch = Batch(np.zeros(8), np.arange(8), None, epoch=0, step=0)

    def measure(state: Any, batch: Batch) -> Moments:
        value = next(halves)
        return Moments(np.array([10 * value, 20 * value]), np.array([value, 2 * value]))

    tracker = NoiseTracker(
        measure, itertools.repeat(batch), when=lambda step: step % 3 == 0, replicas=2, groups=2
    )
    steps = range(1, 3 * len(values) // 2 + 1)
    return tracker, (StepEvent(None, NO_RESULT, batch, step, 8 * step, NO_RESULT.loss) for step in steps)


def test_halves_are_averaged_apart_and_differences_tell_chance() -> None:
    """Pairs (1, 2), (3, 3), (5, 9): mean 23/6; in 2 groups the differences add up to 1 - 2 + 5 - 9 and 0."""
    tracker, events = fixed([1, 2, 3, 3, 5, 9])
    assert [event.step for event in tracker.follow(events)] == list(range(1, 10))
    sums = tracker.sums
    np.testing.assert_allclose(sums.means, np.outer([10, 1], [23.0, 46.0]) / 6)
    np.testing.assert_allclose(sums.mean_deviations[:, 1, 0] * 6, [-5, 0])
    np.testing.assert_allclose(sums.deviations[:, 0], 10 * sums.deviations[:, 1])
    assert (sums.measurements, sums.rows, sums.rows_each, sums.degrees) == (3, 48, 16.0, None)


def test_deviations_are_the_variance_whatever_the_trend() -> None:
    """Noise of variance 1 on values that fall from 1000 to 1: the variance of the mean is 1/n."""
    rng, found = np.random.default_rng(4), []
    for _ in range(300):
        values = np.repeat(np.geomspace(1000, 1, 20), 2) + rng.standard_normal(40)
        tracker, events = fixed(values.tolist())
        assert len(list(tracker.follow(events))) == 60
        found.append((tracker.sums.mean_deviations[:, 1, 0] ** 2).sum())
    assert np.mean(found) == pytest.approx(1 / 40, abs=4 * np.std(found) / math.sqrt(300))
    assert np.std(found) / math.sqrt(300) < 0.1 / 40


def test_a_batch_with_fewer_rows_weighs_less() -> None:
    """Of 8 and 2 rows: the mean is weighted by rows, and the deviation is what independent rows give."""
    batches = (Batch(np.zeros(n), np.arange(n), None, epoch=0, step=0) for n in (8, 2))
    tracker = NoiseTracker(
        lambda state, batch: Moments(np.full(1, 30.0), np.full(1, float(len(batch.index)))),
        batches,
        when=lambda step: step == 1,
    )
    batch = Batch(np.zeros(8), np.arange(8), None, epoch=0, step=0)
    assert len(list(tracker.follow(iter([StepEvent(None, NO_RESULT, batch, 1, 8, NO_RESULT.loss)])))) == 1
    assert tracker.sums.means[1, 0] == pytest.approx((8 * 8 + 2 * 2) / 10)
    # Var of the weighted mean is v/10 where the variances are v/8 and v/2, whose sum (8 - 2)² estimates.
    assert (tracker.sums.mean_deviations[:, 1] ** 2).sum() == pytest.approx(36 / (1 / 8 + 1 / 2) / 10)


def test_before_the_first_measurement_nothing_is_known() -> None:
    """The means are NaN."""
    tracker, events = fixed([])
    assert list(tracker.follow(events)) == []
    assert np.isnan(tracker.sums.means).all()
    assert tracker.sums.rows_each == 0


def test_stretches_add_up_to_the_whole() -> None:
    """Cut in two, at any place, the sums of the stretches are those of the run."""
    values = [1.0, 2, 3, 3, 5, 9, 4, 7, 0, 8]
    whole, events = fixed(values)
    assert len(list(whole.follow(events))) == 15
    for place in range(1, 15):
        tracker, events = fixed(values)
        following = tracker.follow(events)
        for _ in range(place):
            next(following)
        first = tracker.cut()
        assert len(list(following)) == 15 - place
        both = first + tracker.cut()
        np.testing.assert_allclose(both.total, whole.sums.total)
        np.testing.assert_allclose(both.deviations, whole.sums.deviations)
        assert (both.rows, both.measurements, both.degrees) == (80, 5, None)
        assert tracker.sums.measurements == 0


def test_replicas_can_be_selected() -> None:
    """The sums of the replicas kept, in the order given."""
    tracker, events = fixed([1, 2])
    assert len(list(tracker.follow(events))) == 3
    tracker.select([1, 1, 0])
    np.testing.assert_allclose(tracker.sums.means, [[30.0, 30.0, 15.0], [3.0, 3.0, 1.5]])
    np.testing.assert_allclose(tracker.sums.deviations[0, 1], [-16.0, -16.0, -8.0])


def test_the_cost_is_recorded() -> None:
    """Seconds of measuring and of training are kept apart; the cost is their ratio, 0 before the start."""
    clock = itertools.count()
    tracker, events = fixed([1, 2, 3, 4])
    assert tracker.cost == 0
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("time.perf_counter", lambda: float(next(clock)))
        assert len(list(tracker.follow(events))) == 6
    assert (tracker.training_seconds, tracker.seconds) == (6, 2)
    assert tracker.cost == pytest.approx(2 / 6)


def test_a_training_is_the_same_with_a_tracker() -> None:
    """A network ends with the same parameters whether or not it is measured on the way."""
    rng = np.random.default_rng(3)
    x, y = rng.standard_normal((96, 6), dtype=np.float32), rng.integers(0, 3, 96)
    learner = MLP(hidden=(8,)).build(Shape(features=6, outputs=3, task="classification"), SGD())

    def run(tracked: bool) -> Any:
        batches = endless(Loader((x, y), 16, shuffle=True, seed=0))
        own = endless(Loader((x, y), 12, shuffle=True, seed=1, last="drop"))
        events = train(learner, learner.start([0, 1]), batches, np.array([0.1, 0.2], np.float32))
        tracker = NoiseTracker(partial(from_examples, learner), own, when=lambda step: True, replicas=2)
        *_, last = itertools.islice(tracker.follow(events) if tracked else events, 20)
        return learner.predict(last.state, x).copy(), tracker

    (plain, _), (tracked, tracker) = run(False), run(True)
    assert np.array_equal(plain, tracked)
    assert tracker.sums.measurements == 20
    assert (tracker.sums.means[0] > 0).all()


def test_a_diverged_replica_is_unknown_and_the_others_are_not() -> None:
    """Infinite parameters give NaN for their replica alone, without a warning."""
    rng = np.random.default_rng(3)
    x, y = rng.standard_normal((96, 6), dtype=np.float32), rng.integers(0, 3, 96)
    learner = MLP(hidden=(8,)).build(Shape(features=6, outputs=3, task="classification"), SGD())
    batches = endless(Loader((x, y), 16, shuffle=True, seed=0))
    own = endless(Loader((x, y), 12, shuffle=True, seed=1, last="drop"))
    events = train(learner, learner.start([0, 0]), batches, np.array([1e30, 0.1], np.float32))
    tracker = NoiseTracker(partial(from_parts, learner), own, when=lambda step: True, replicas=2)
    assert len(list(itertools.islice(tracker.follow(events), 5))) == 5
    assert np.isnan(tracker.sums.means).tolist() == [[True, False], [True, False]]


def left_out(problem: Regression, batch: Batch, rows: list[int]) -> Any:
    """Both halves without some rows."""
    data = tuple(np.delete(field, rows, axis=0) for field in batch.data)
    rest = Batch(data, np.arange(len(data[0])), None, epoch=0, step=0)
    return np.stack(from_examples(problem, problem.start(3), rest))


def test_examples_are_left_out_one_by_one() -> None:
    """With a group for each row the deviations are the classical jackknife of `from_examples`."""
    problem = printed()
    batch = problem.batch(np.random.default_rng(8), 7, 3)
    sums = noise_of_examples(problem, problem.start(3), batch)
    np.testing.assert_allclose(sums.means, from_examples(problem, problem.start(3), batch))
    without = np.array([left_out(problem, batch, [row]) for row in range(7)])
    centred = without - without.mean(axis=0)
    np.testing.assert_allclose(
        np.einsum("gir,gjr->ijr", sums.mean_deviations, sums.mean_deviations),
        6 / 7 * np.einsum("gir,gjr->ijr", centred, centred),
    )
    assert (sums.degrees, sums.rows, sums.measurements, len(sums.deviations)) == (6, 7, 1, 40)


def test_parts_are_left_out_one_by_one() -> None:
    """A deviation is -4 times what leaving out its part changes, over sqrt(5 · 4)."""
    problem = printed()
    batch = problem.batch(np.random.default_rng(9), 21, 3)
    sums = noise_of_parts(problem, problem.start(3), batch, parts=5)
    whole = np.stack(from_parts(problem, problem.start(3), batch, parts=5))
    np.testing.assert_allclose(sums.means, whole)
    assert (sums.degrees, sums.rows) == (4, 20)
    rests = []
    for part in range(5):
        kept = [row for row in range(20) if row // 4 != part]
        rest = Batch(tuple(field[kept] for field in batch.data), np.arange(16), None, epoch=0, step=0)
        rests.append(np.stack(from_parts(problem, problem.start(3), rest, parts=4)))
    expected = -4 * (np.array(rests) - np.mean(rests, axis=0)) / math.sqrt(20)
    np.testing.assert_allclose(sums.mean_deviations, expected, atol=1e-12)


@given(st.integers(3, 12), st.integers(0, 10**6))
def test_the_jackknife_of_a_mean_is_its_variance(groups: int, seed: int) -> None:
    """For plain means it is the textbook covariance of a mean, s_ij / n."""
    values = np.random.default_rng(seed).normal(size=(groups, 2))
    without = (values.sum(axis=0) - values) / (groups - 1)
    found = jackknife(values.mean(axis=0), without, np.full(groups, 1 / groups))
    np.testing.assert_allclose(found.T @ found, np.cov(values.T) / groups, atol=1e-12)


def test_unequal_groups_are_weighed() -> None:
    """Groups of 1, 2, 3 and 4 normal values: over 20,000 repeats the jackknife is right to 3 %."""
    values = np.random.default_rng(7).normal(size=(10, 20_000))
    group = np.repeat([0, 1, 2, 3], [1, 2, 3, 4])
    without = np.stack([values[group != g].mean(axis=0) for g in range(4)])
    found = jackknife(values.mean(axis=0), without, np.bincount(group) / 10)
    assert (found**2).sum(axis=0).mean() == pytest.approx(1 / 10, rel=0.03)


def test_settings_that_cannot_be_used_are_refused() -> None:
    """One group and two parts leave nothing to compare."""
    problem = printed()
    batch = problem.batch(np.random.default_rng(0), 9, 1)
    with pytest.raises(SettingError) as groups:
        noise_of_examples(problem, problem.start(1), batch, groups=1)
    assert str(groups.value) == "groups must be at least 2, got 1; write 40."
    with pytest.raises(SettingError) as parts:
        noise_of_parts(problem, problem.start(1), batch, parts=2)
    assert str(parts.value) == "parts must be at least 3, got 2; write 40."
