"""The noise scale along a run, against the exact one of a quadratic problem."""

import math
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from rightbatch.errors import SettingError
from rightbatch.records import Array, Batch, Outcome
from rightbatch.study.function import Function
from rightbatch.study.noise import noise_along
from rightbatch.study.problem import Problem
from rightbatch.study.subject import Run
from rightbatch.train.target import Target
from study.hand_made import linear_problem, run, sweep

FEATURES, NOISE = 8, 1.0


def noisy_line(rows: int, seed: int) -> Problem:
    """Linear regression on white inputs, weights of 1, and noise of variance 1 on the targets."""
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(rows, FEATURES))
    y = x.sum(axis=1, keepdims=True) + np.sqrt(NOISE) * rng.normal(size=(rows, 1))
    return linear_problem(x.astype(np.float32), y.astype(np.float32))


def tuned(problem: Problem, batch_size: int, target: float, point: int) -> Run:
    """A run that arrives."""
    (found,) = sweep(
        problem,
        Target("loss", "validation", target),
        batch_size=batch_size,
        seed=0,
        points=[point],
        most_steps=5000,
    )
    assert found.outcome is Outcome.REACHED
    return found


def exact(excess: Array) -> Array:
    """B_simple of white inputs and bias where the loss is above the noise by so much.

    With error e, g = 2 (x·e - noise)(x, 1): tr Σ = 4 [(d + 3) |e|² + noise (d + 1)] - |G|², |G|² = 4 |e|²,
    for an error in the d weights alone; the bias has next to none.
    """
    return (4 * ((FEATURES + 3) * excess + NOISE * (FEATURES + 1)) - 4 * excess) / (4 * excess)


@pytest.mark.parametrize("batch_size", [8, 64])
def test_it_is_the_exact_scale_averaged_over_progress(batch_size: int) -> None:
    """Within 35 % of the closed form at the excess loss of the run's own curve, quarter by quarter."""
    problem = noisy_line(20_000, seed=1)
    made = tuned(problem, batch_size, target=1.3, point=-9)
    found = noise_along(problem, made)
    assert found is not None
    steps = np.arange(1, int(made.steps_to_target or 0) + 1)
    loss = np.interp(steps, made.curve_steps, made.curve)
    excess = np.maximum(loss - NOISE, 0.02)
    # each quarter is the ratio of the averages, as it is estimated
    parts = np.array_split(excess, 4)
    scales = np.array([exact(part).dot(part) / part.sum() for part in parts])
    progress = 1 / (1 + scales / batch_size)
    assert found.value == pytest.approx(scales @ progress / progress.sum(), rel=0.35)
    assert found.low <= found.value <= found.high


def test_the_same_run_gives_the_same_scale() -> None:
    """Nothing is drawn from outside."""
    problem = noisy_line(2000, seed=2)
    made = tuned(problem, 16, target=1.5, point=-8)
    one, two = noise_along(problem, made), noise_along(problem, made)
    assert one is not None
    assert two is not None
    assert (one.value, one.low, one.high) == (two.value, two.low, two.high)


def test_few_rows_and_few_steps_are_enough() -> None:
    """Forty rows and a run of about three steps: an answer or none, but no failure."""
    problem = noisy_line(40, seed=3)
    made = tuned(problem, 8, target=6.0, point=-7)
    found = noise_along(problem, made)
    assert found is None or 0 < found.low <= found.value


def test_without_gradients_or_arrival_there_is_none() -> None:
    """A train function gives no gradients, and a run that missed has no path to measure along."""
    function = Function(train=lambda *_: iter(()), samples=100, name="train")
    assert noise_along(function, run(8, 0, 0, 40.0)) is None
    assert noise_along(noisy_line(100, seed=4), run(8, 0, 0, None)) is None


class Refuses:
    """A learner whose rows have no gradient of their own, as with batch normalisation."""

    def __init__(self, inner: Any, *, parts: bool) -> None:
        self.inner, self.parts = inner, parts

    def __getattr__(self, name: str) -> Any:
        return getattr(self.inner, name)

    def gradient_and_norms(self, state: Any, batch: Batch) -> Any:
        """Refused."""
        raise SettingError("model", "normalises over the batch", "BatchNorm", "measure from micro-batches")

    def gradient(self, state: Any, batch: Batch) -> Any:
        """Of micro-batches, or refused as well."""
        if not self.parts:
            raise SettingError("model", "gives no gradient", "BatchNorm", "leave it out")
        return self.inner.gradient(state, batch)


def test_where_rows_have_no_gradients_micro_batches_do() -> None:
    """They tell about the same; and where those are refused, too, there is no noise scale, and no failure."""
    problem = noisy_line(20_000, seed=1)
    made = tuned(problem, 16, target=1.3, point=-9)
    by_rows = noise_along(problem, made)
    by_parts = noise_along(replace(problem, learner=Refuses(problem.learner, parts=True)), made)
    assert by_rows is not None
    assert by_parts is not None
    assert by_parts.value == pytest.approx(by_rows.value, rel=0.5)
    assert noise_along(replace(problem, learner=Refuses(problem.learner, parts=False)), made) is None


def test_the_quarters_surround_the_whole() -> None:
    """Four, up to the last step; each scale in its interval, and the mean of the run among them."""
    problem = noisy_line(4000, seed=1)
    run_found = tuned(problem, batch_size=16, target=2.0, point=-6)
    noise = noise_along(problem, run_found)
    assert noise is not None
    steps = [quarter[0] for quarter in noise.quarters]
    assert len(steps) == 4
    assert steps == sorted(set(steps))
    assert steps[-1] >= (run_found.steps_to_target or math.inf)
    known = [(value, low, high) for _, value, low, high in noise.quarters if np.isfinite(value)]
    assert all(low <= value <= high for value, low, high in known)
    assert min(value for value, _, _ in known) <= noise.value <= max(value for value, _, _ in known)
