"""One sweep, on problems whose steps to target are known."""

import math
import time
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import pytest

from rightbatch.learners.protocol import Learner
from rightbatch.measure.crossing import crossing, last_check, next_check
from rightbatch.records import Array, Batch, Outcome, StepResult
from rightbatch.study.grid import lr_at
from rightbatch.study.problem import Problem
from rightbatch.study.subject import DeadlineError, Run
from rightbatch.train.target import Target
from study.hand_made import Crowded, blobs, isotropic, linear_problem, sweep

SHARE = 0.01
"""The target of the linear problems: this share of the loss at the start."""


def swept(problem: Problem, points: Sequence[int], **settings: Any) -> list[Run]:
    """A sweep with defaults for what a test does not care about."""
    usual: dict[str, Any] = {"batch_size": 64, "seed": 0, "most_steps": 2000}
    target = settings.pop("target", Target("loss", "validation", 4 * SHARE))
    return sweep(problem, target, points=points, **{**usual, **settings})


@pytest.mark.parametrize("point", [-14, -12, -9, -7])
def test_full_batch_descent_arrives_when_the_closed_form_says(point: int) -> None:
    """With Hessian 2I each step takes the error by 1 - 2 lr, the loss by its square.

    So S = ln(share) / (2 ln(1 - 2 lr)); between evaluations 6 % apart the curve is taken as straight.
    """
    (run,) = swept(linear_problem(*isotropic()), [point])
    expected = math.log(SHARE) / (2 * math.log(1 - 2 * lr_at(point)))
    assert run.outcome is Outcome.REACHED
    assert run.steps_to_target == pytest.approx(expected, rel=0.01)
    assert run.curve == pytest.approx(
        [4 * (1 - 2 * run.lr) ** (2 * step) for step in run.curve_steps], rel=1e-4
    )


def expected_losses(*, steps: int, lr: float, batch_size: int, hessian: Array, start: Array) -> Array:
    """The mean loss of SGD on fresh Gaussian batches, without noise, step by step.

    Source: the second moments m of the error are closed (batch-size studies of linear regression);
    ½ of the squared error is differentiated there, so the rate is twice ours.
    """
    rate, moments, losses = 2 * lr, start**2, []
    for _ in range(steps):
        coupled = rate**2 / batch_size * hessian * (hessian @ moments)
        moments = (1 - 2 * rate * hessian + rate**2 * (1 + 1 / batch_size) * hessian**2) * moments + coupled
        losses.append(hessian @ moments)
    return np.array(losses)


def test_stochastic_descent_follows_its_expected_trajectory() -> None:
    """The mean curve of 200 seeds lies within 4 standard errors of the exact recursion, 5 features."""
    hessian, start, point, steps = 1 / np.arange(1, 6), -np.ones(5), -6, 17
    x = (np.random.default_rng(0).normal(size=(20_000, 5)) * np.sqrt(hessian)).astype(np.float32)
    problem = linear_problem(x, x.sum(axis=1, keepdims=True))
    one = Target("loss", "validation", 0.0)
    small = Problem(
        learner=problem.learner,
        train=problem.train,
        validation=(x[:2000], problem.train[1][:2000]),
        task="regression",
    )
    runs = [
        swept(small, [point], target=one, batch_size=4, seed=seed, most_steps=steps)[0] for seed in range(200)
    ]
    curves = np.array([run.curve for run in runs])
    expected = expected_losses(steps=steps, lr=lr_at(point), batch_size=4, hessian=hessian, start=start)
    error = curves.std(axis=0, ddof=1) / math.sqrt(len(runs))
    # The bias, which starts at 0 and is free, adds up to lr²-sized noise; 3 % covers it and the sample.
    assert np.all(np.abs(curves.mean(axis=0) - expected) < 4 * error + 0.03 * expected)


def test_a_rate_beyond_the_cliff_diverges() -> None:
    """With Hessian 2I a rate above 1 blows up: infinite in float32, and said so."""
    slow, diverged = swept(linear_problem(*isotropic()), [-12, 3])
    assert slow.outcome is Outcome.REACHED
    assert diverged.outcome is Outcome.DIVERGED
    assert diverged.steps_to_target is None
    # Each step multiplies the loss by (1 - 2 lr)²; float32 ends at 3.4e38.
    bound = math.log(3.4e38 / 4) / (2 * math.log(2 * lr_at(3) - 1))
    assert diverged.steps == pytest.approx(bound, abs=4)
    assert diverged.reason == f"the loss was infinite by step {diverged.steps}"


def test_divergence_shows_in_an_accuracy_target_too() -> None:
    """Rows with outputs that are not finite count as wrong: the accuracy stays finite, the run is over."""
    target = Target("accuracy", "validation", 0.8)
    good, diverged = swept(blobs(), [-4, 60], batch_size=32, target=target)
    assert good.outcome is Outcome.REACHED
    assert diverged.outcome is Outcome.DIVERGED
    assert diverged.steps < 10


def test_a_rate_that_is_too_slow_is_given_up() -> None:
    """After twice the steps of the first arrival, at the next evaluation, a run is hopeless."""
    fast, slow = swept(linear_problem(*isotropic()), [-9, -14])
    assert slow.outcome is Outcome.HOPELESS
    assert slow.reason == "not there after 2 times the steps of a better learning rate"
    assert fast.steps_to_target is not None
    assert 2 * fast.steps_to_target < slow.steps <= 2 * fast.steps_to_target * 1.06 + 1


def test_without_an_arrival_nothing_is_hopeless() -> None:
    """A target out of reach: every run goes to the last step it may make."""
    runs = swept(
        linear_problem(*isotropic()), [-14, -12], target=Target("loss", "validation", -1.0), most_steps=50
    )
    assert {run.outcome for run in runs} == {Outcome.OUT_OF_STEPS}
    assert all(50 <= run.steps <= 53 for run in runs)
    assert runs[0].reason == f"not there after {runs[0].steps} steps"


def test_a_pilot_does_not_stop_at_a_target() -> None:
    """It has none yet: all rates go on to the last step, those that pass the target value too."""
    runs = swept(linear_problem(*isotropic()), [-7, -14], most_steps=100, stop_when_reached=False)
    assert [run.outcome for run in runs] == [Outcome.OUT_OF_STEPS] * 2
    assert runs[0].curve[-1] < 4 * SHARE
    assert runs[0].curve_steps == runs[1].curve_steps


def test_runs_come_in_the_order_of_the_points() -> None:
    """Whichever ends first."""
    points = [-7, -14, 3, -9]
    assert [run.point for run in swept(linear_problem(*isotropic()), points)] == points


def test_a_rate_does_not_depend_on_its_company() -> None:
    """Alone or among five, dropped replicas or not, a rate arrives at the same step (within 1e-3)."""
    problem, target = blobs(), Target("loss", "validation", 0.45)
    points = [-8, -6, -4, -2, 6]
    together = swept(problem, points, batch_size=8, target=target)
    arrived = [run for run in together if run.outcome is Outcome.REACHED]
    assert len(arrived) >= 3
    for run in arrived:
        (alone,) = swept(problem, [run.point], batch_size=8, target=target)
        assert alone.steps_to_target == pytest.approx(run.steps_to_target, rel=1e-3)
        assert alone.curve == pytest.approx(run.curve, rel=1e-3)


def test_the_same_seed_gives_the_same_runs() -> None:
    """To the last bit; another seed gives others."""
    settings: dict[str, Any] = {"batch_size": 8, "target": Target("loss", "validation", 0.45)}
    first, again, other = (swept(blobs(), [-8, -4], seed=seed, **settings) for seed in (3, 3, 4))
    assert first == again
    assert [run.curve for run in first] != [run.curve for run in other]


def test_the_crossing_is_that_of_the_whole_curve() -> None:
    """What is stored of a run is enough to find its steps to target again."""
    target = Target("loss", "validation", 0.45)
    runs = swept(blobs(), [-10, -8, -6, -4], batch_size=4, target=target)
    arrived = [run for run in runs if run.steps_to_target is not None]
    assert len(arrived) >= 2
    for run in arrived:
        assert crossing(run.curve_steps, run.curve, target) == pytest.approx(run.steps_to_target, rel=1e-5)


def test_steps_without_an_evaluation_change_no_run() -> None:
    """Runs that arrive later arrive at the same step; what was not looked at is missing from their curves."""
    settings: dict[str, Any] = {"batch_size": 8, "target": Target("loss", "validation", 0.45)}
    whole = swept(blobs(), [-10, -8, -6, 4], **settings)
    earliest = min(run.steps_to_target for run in whole if run.steps_to_target is not None)
    unseen = last_check(earliest / 2)
    assert unseen >= 5
    for run, other in zip(swept(blobs(), [-10, -8, -6, 4], unseen=unseen, **settings), whole, strict=True):
        assert (run.outcome, run.steps_to_target) == (other.outcome, other.steps_to_target)
        if run.outcome is not Outcome.DIVERGED:
            seen = [step > unseen for step in other.curve_steps]
            assert run.curve_steps == other.curve_steps[seen.index(True) :]
            assert run.curve == other.curve[seen.index(True) :]


def test_where_a_run_is_seldom_looked_at_its_curve_has_the_doublings() -> None:
    """And from there on every evaluation; the run arrives at the same step, to the last bit."""
    settings: dict[str, Any] = {"batch_size": 4, "target": Target("loss", "validation", 0.4)}
    whole = swept(blobs(), [-10, -8], **settings)
    earliest = min(run.steps_to_target for run in whole if run.steps_to_target is not None)
    seldom = last_check(earliest / 2)
    assert seldom > 17
    early = {1, 2, 4, 8, 16} | {2**k for k in range(5, 20) if 2**k < seldom}
    for run, other in zip(swept(blobs(), [-10, -8], seldom=seldom, **settings), whole, strict=True):
        assert (run.outcome, run.steps_to_target) == (other.outcome, other.steps_to_target)
        later = [step for step in other.curve_steps if step >= seldom]
        assert set(run.curve_steps) == early | set(later)
        assert run.curve[-len(later) :] == other.curve[-len(later) :]


@pytest.mark.parametrize(
    ("early", "before"), [("unseen", 0), ("unseen", 1), ("unseen", 2), ("seldom", 0), ("seldom", 1)]
)
def test_a_run_that_arrives_where_nobody_looked_is_made_again(early: str, before: int) -> None:
    """With every evaluation, the whole sweep; also if it arrives at the first or second look."""
    settings: dict[str, Any] = {"batch_size": 8, "target": Target("loss", "validation", 0.45)}
    whole = swept(blobs(), [-10, -6], **settings)
    earliest = min(run.steps_to_target for run in whole if run.steps_to_target is not None)
    checks = [0]
    while checks[-1] < earliest:
        checks.append(next_check(checks[-1]))
    assert swept(blobs(), [-10, -6], **{early: checks[-1 - before]}, **settings) == whole


@pytest.mark.parametrize("unseen", [0, 5])
def test_seeds_side_by_side_are_as_one_after_the_other(unseen: int) -> None:
    """Each seed's runs end as they do in a sweep of their own, and are given up by their own seed's best."""
    settings: dict[str, Any] = {
        "batch_size": 8,
        "target": Target("loss", "validation", 0.45),
        "unseen": unseen,
    }
    points, seeds = [-10, -8, -6, 4, 40], (3, 4, 5)
    together = swept(blobs(), points, seed=None, seeds=seeds, **settings)
    alone = [run for seed in seeds for run in swept(blobs(), points, seed=seed, **settings)]
    assert [(run.seed, run.point, run.outcome) for run in together] == [
        (run.seed, run.point, run.outcome) for run in alone
    ]
    assert len({run.outcome for run in alone}) == 3
    for run, other in zip(together, alone, strict=True):
        assert run.curve_steps == other.curve_steps
        if run.outcome is not Outcome.DIVERGED:
            assert run.curve == pytest.approx(other.curve, rel=1e-3)
            assert (run.steps_to_target or 0) == pytest.approx(other.steps_to_target or 0, rel=1e-3)


def test_seeds_of_a_learner_without_groups_come_one_after_the_other() -> None:
    """A learner that gives all replicas one batch gets the seeds in turn, to the same end."""
    settings: dict[str, Any] = {"batch_size": 8, "target": Target("loss", "validation", 0.45), "seed": None}
    problem = blobs()
    learner = Watched(problem.learner)
    plain = replace(problem, learner=learner)
    assert (problem.stacks, plain.stacks) == (True, False)
    runs = swept(plain, [-8, -6], seeds=(3, 4), **settings)
    assert len(learner.starts) == 2
    expected = swept(problem, [-8, -6], seeds=(3, 4), **settings)
    assert [run.steps_to_target for run in runs] == pytest.approx([run.steps_to_target for run in expected])


def test_seeds_that_do_not_fit_side_by_side_come_one_after_the_other() -> None:
    """What one seed needs is what counts: no run is out of memory that is not so alone."""
    settings: dict[str, Any] = {"batch_size": 8, "target": Target("loss", "validation", 0.45)}
    problem = blobs()
    crowded = replace(problem, learner=Crowded(problem.learner))
    assert crowded.stacks
    runs = swept(crowded, [-8, -6], seed=None, seeds=(3, 4), **settings)
    assert runs == [run for seed in (3, 4) for run in swept(problem, [-8, -6], seed=seed, **settings)]


@pytest.mark.parametrize("seconds", [-1.0, 0.0])
def test_a_deadline_ends_the_sweep(seconds: float) -> None:
    """Past the deadline nothing comes back: the runs were in flight."""
    with pytest.raises(DeadlineError):
        swept(linear_problem(*isotropic()), [-14], deadline=time.perf_counter() + seconds)


@dataclass
class Watched:
    """A learner that remembers what its replicas started from and which rows they saw."""

    inner: Learner[Any]
    starts: list[Array] = field(default_factory=list)
    rows: list[Array] = field(default_factory=list)
    replicas: list[int] = field(default_factory=list)

    def start(self, seeds: Sequence[int]) -> Any:
        state = self.inner.start(seeds)
        weights: Array = self.inner.parameters(state)["weight1"]  # type: ignore[attr-defined]
        self.starts.append(weights.copy())
        return state

    def step(self, state: Any, batch: Batch, lr: Array) -> tuple[Any, StepResult]:
        self.rows.append(batch.index.copy())
        self.replicas.append(len(lr))
        return self.inner.step(state, batch, lr)

    def select(self, state: Any, keep: Sequence[int]) -> Any:
        return self.inner.select(state, keep)

    def predict(self, state: Any, x: Array) -> Array:
        return self.inner.predict(state, x)

    def losses(self, outputs: Array, y: Array) -> Array:
        return self.inner.losses(outputs, y)


def watched(**settings: Any) -> Watched:
    """What a sweep's learner saw."""
    problem = blobs()
    learner = Watched(problem.learner)
    watching = Problem(learner=learner, train=problem.train, validation=problem.validation, task=problem.task)
    swept(watching, target=Target("loss", "validation", 0.45), **settings)
    return learner


def test_seeds_are_paired() -> None:
    """Across batch sizes and learning rates a seed means the same start and the same order of rows."""
    one = watched(points=[-6, -4, -2], batch_size=8, seed=5)
    two = watched(points=[-9], batch_size=20, seed=5)
    other = watched(points=[-9], batch_size=20, seed=6)
    assert all(np.array_equal(weights, two.starts[0][0]) for weights in one.starts[0])
    assert np.array_equal(np.concatenate(one.rows)[:100], np.concatenate(two.rows)[:100])
    assert not np.array_equal(other.starts[0], two.starts[0])
    assert not np.array_equal(np.concatenate(other.rows)[:100], np.concatenate(two.rows)[:100])


def test_finished_replicas_are_dropped() -> None:
    """As rates diverge and arrive fewer are trained, and the stream of batches goes on without a gap."""
    learner = watched(points=[-8, -6, -4, 40, 41, 42], batch_size=8)
    assert learner.replicas[0] == 6
    assert learner.replicas == sorted(learner.replicas, reverse=True)
    assert learner.replicas[-1] <= 3
    alone = watched(points=[-8], batch_size=8)
    assert np.array_equal(np.concatenate(learner.rows)[:160], np.concatenate(alone.rows)[:160])


def test_batches_are_full() -> None:
    """A step at B is a step of B samples: what is left of an epoch is not trained on."""
    rows = watched(points=[-6], batch_size=64).rows
    assert {len(batch) for batch in rows} == {64}


def test_the_metric_is_of_the_part_that_the_target_names() -> None:
    """`loss` is that of the training rows, `val_loss` that of the validation rows."""
    problem = blobs()
    state = problem.learner.start([0])
    train, validation = (
        problem.metric(state, Target("loss", part, 0.1))[0] for part in ("train", "validation")
    )
    outputs = problem.learner.predict(state, problem.train[0])
    assert train == pytest.approx(problem.learner.losses(outputs, problem.train[1]).mean(), rel=1e-6)
    assert train != validation


def test_a_run_knows_its_rate() -> None:
    """Point -2 is a rate of one half."""
    (run,) = swept(linear_problem(*isotropic()), [-2])
    assert (run.lr, run.batch_size, run.seed) == (0.5, 64, 0)


@dataclass
class Heavy(Watched):
    """Runs out of memory at its fourth step."""

    def step(self, state: Any, batch: Batch, lr: Array) -> tuple[Any, StepResult]:
        if len(self.rows) == 3:
            raise MemoryError
        return super().step(state, batch, lr)


def test_lack_of_memory_is_an_outcome() -> None:
    """Each run says so, with the evaluations made before."""
    problem = blobs()
    heavy = Problem(
        learner=Heavy(problem.learner), train=problem.train, validation=problem.validation, task=problem.task
    )
    for run in swept(heavy, [-9, -8], batch_size=16, target=Target("loss", "validation", 0.01)):
        assert run.outcome is Outcome.OUT_OF_MEMORY
        assert run.reason == "a batch of 16 did not fit in memory"
        assert run.curve_steps == (1, 2, 3, 4)
        assert math.isnan(run.curve[-1])
