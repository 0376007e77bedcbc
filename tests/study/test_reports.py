"""A train function's reports: single batches are averaged; what comes as seldom as evaluations do is not."""

import math
from collections.abc import Callable, Iterable, Iterator
from itertools import accumulate, pairwise, repeat

import numpy as np
import pytest

from rightbatch.measure.crossing import crossing, next_check
from rightbatch.records import Outcome
from rightbatch.study import function
from rightbatch.study.function import Function
from rightbatch.study.reports import Evaluation, Reports
from rightbatch.study.subject import Run, Sweep
from rightbatch.study.waiting import Worker
from rightbatch.train.target import own_target

TARGET = own_target("loss<=0.1")
Report = tuple[float, float, float]


def evaluations(
    reports: Iterable[tuple[float, float]],
    *,
    batch_size: int = 64,
    most_steps: int = 10**9,
    rows: int = 10**6,
) -> list[Evaluation]:
    """What becomes of these steps and losses, to the end."""
    taken, found = Reports(batch_size, rows, TARGET.value, most_steps), []
    for steps, metric in reports:
        found += taken.note(steps, metric)
    return found + taken.flush()


def made(
    losses: Callable[[int, int], Iterator[tuple[float, float]]], batch_size: int, seeds: int
) -> list[Run]:
    """Runs of a function that reports these steps and losses, by batch size and seed."""

    def train(batch_size: int, lr: float, seed: int) -> Iterator[Report]:
        del lr
        yield from ((step * batch_size, step * 1e-3, loss) for step, loss in losses(batch_size, seed))

    work = Sweep(
        target=TARGET, batch_size=batch_size, seeds=tuple(range(seeds)), points=(-6,), most_steps=10**7
    )
    return Function(train=train, samples=1000, name="train").runs(work)[0]


def exponential(step: float, steps: float) -> float:
    """Meets the target after so many steps."""
    return 2.0 * (0.05 ** (step / steps))


@pytest.mark.parametrize("batch_size", [1, 16, 64])
def test_what_is_reported_as_seldom_as_a_learner_is_evaluated_stays_as_it_is(batch_size: int) -> None:
    """Each report is an evaluation, whatever its noise."""
    steps = list(accumulate(repeat(0, 90), lambda step, _: next_check(step), initial=1))
    noise = np.random.default_rng(1).standard_normal(len(steps))
    reports = [(step, exponential(step, 900) + value) for step, value in zip(steps, noise, strict=True)]
    assert evaluations(reports, batch_size=batch_size) == reports


@pytest.mark.parametrize("falls_to", [0.2, 0.5, 0.9])
@pytest.mark.parametrize("batch_size", [1, 64])
def test_reports_far_apart_stay_as_they_are(batch_size: int, falls_to: float) -> None:
    """Eight a run, steep or not; and so do two, if there are no more."""
    reports = [(50 * k, 2 * falls_to**k) for k in range(1, 9)]
    assert evaluations(reports, batch_size=batch_size) == reports
    assert evaluations(reports[:2], batch_size=batch_size) == reports[:2]


@pytest.mark.parametrize("batch_size", [1, 8, 64])
@pytest.mark.parametrize("epoch", [1000 // 8 * 8, 1000])
def test_what_is_reported_once_an_epoch_waits_for_nothing(batch_size: int, epoch: int) -> None:
    """However noisy it is beside what is left of the way, with or without a last, small batch."""
    noise = np.random.default_rng(4).standard_normal(12)
    reports = [(k * epoch / batch_size, 0.12 + 0.02 * value) for k, value in enumerate(noise, start=1)]
    found = evaluations(reports, batch_size=batch_size, rows=1000)
    assert [value for _, value in found] == [value for _, value in reports]
    other = [(1.3 * steps, value) for steps, value in reports]
    assert len(evaluations(other, batch_size=batch_size, rows=1000)) == (12 if batch_size == 64 else 1)


def test_epochs_that_come_often_are_averaged_but_wait_for_nothing() -> None:
    """Of 200 epochs there are as many evaluations as of 200 steps of a learner, none later than due."""
    noise = np.random.default_rng(5).standard_normal(200)
    reports = [(10.0 * k, 0.12 + 0.05 * value) for k, value in enumerate(noise, start=1)]
    found = evaluations(reports, batch_size=8, rows=80)
    assert 40 < len(found) < 80
    assert max(later / step for (step, _), (later, _) in pairwise(found[20:])) < 1.15


@pytest.mark.parametrize(("batch_size", "most"), [(1, 0.15), (4, 0.05), (16, 0.0)])
def test_the_loss_of_a_small_batch_now_and_then_is_averaged(batch_size: int, most: float) -> None:
    """Reported every tenth step; of single rows a few are all alike by chance, and arrive far too soon."""

    def every_tenth(batch_size: int, seed: int) -> Iterator[tuple[float, float]]:
        random = np.random.default_rng([seed, batch_size, 10])
        for step in range(10, 10**6, 10):
            mean, shape = exponential(step, 2000), batch_size / 1.5**2
            yield step, random.gamma(shape, mean / shape)

    found = np.array([run.steps_to_target or math.inf for run in made(every_tenth, batch_size, 60)])
    assert np.median(found) == pytest.approx(2000, rel=0.05)
    assert (found < 1000).mean() <= most


def test_what_is_reported_in_between_is_averaged() -> None:
    """A straight line stays one: the mean of what was reported is noted at the mean step."""
    line = [(step, 1 - step / 1000) for step in range(1, 601)]
    found = evaluations(line)
    assert len(found) < 80
    for step, value in found:
        assert value == pytest.approx(1 - step / 1000, abs=0.501 / 1000)


def losses_of_batches(batch_size: int, seed: int) -> Iterator[tuple[float, float]]:
    """The loss of the batch of each step, where a row's scatters by 1.5 times its mean; there at step 400."""
    random = np.random.default_rng([seed, batch_size])
    for step in range(1, 10**6):
        mean, shape = exponential(step, 400), batch_size / 1.5**2
        yield step, random.gamma(shape, mean / shape)


@pytest.mark.parametrize("batch_size", [1, 2, 8, 32, 128])
def test_the_loss_of_single_batches_arrives_when_its_mean_does(batch_size: int) -> None:
    """At step 400, where the first three reports in a row to meet the target come far too soon."""
    found = [run.steps_to_target or math.inf for run in made(losses_of_batches, batch_size, 20)]
    assert np.median(found) == pytest.approx(400, rel=0.05)
    assert min(found) > 300
    assert max(found) < 500


def test_every_report_of_single_examples_would_arrive_too_soon() -> None:
    """So the test above would fail without the averages."""
    reports = [report for report, _ in zip(losses_of_batches(1, 0), range(400), strict=False)]
    found = crossing([step for step, _ in reports], [loss for _, loss in reports], TARGET)
    assert found is not None
    assert found < 100


def test_reports_within_a_step_do_not_count_as_steps() -> None:
    """Four reports a step arrive as one does."""

    def every(share: float) -> Callable[[int, int], Iterator[tuple[float, float]]]:
        def losses(batch_size: int, seed: int) -> Iterator[tuple[float, float]]:
            del batch_size, seed
            return ((k * share, exponential(k * share, 120)) for k in range(1, 10**6))

        return losses

    (one,), (four,) = (made(every(share), 64, 1) for share in (1.0, 0.25))
    assert one.steps_to_target == pytest.approx(120, rel=0.01)
    assert four.steps_to_target == pytest.approx(120, rel=0.01)


def test_a_long_run_that_reports_every_step_keeps_a_short_curve() -> None:
    """Or the store and the report of a study would hold every step."""

    def losses(batch_size: int, seed: int) -> Iterator[tuple[float, float]]:
        del batch_size, seed
        return ((step, exponential(step, 30_000)) for step in range(1, 10**6))

    (run,) = made(losses, 8, 1)
    assert run.steps_to_target == pytest.approx(30_000, rel=0.01)
    assert len(run.curve) < 200


def test_threads_change_by_the_turn_not_by_the_report(monkeypatch: pytest.MonkeyPatch) -> None:
    """A change takes longer than many a step."""
    asked = []

    class Counting(Worker):
        def ask(self, call: Callable[[], object], *, deadline: float) -> object:
            asked.append(call)
            return super().ask(call, deadline=deadline)

    monkeypatch.setattr(function, "Worker", Counting)

    def losses(batch_size: int, seed: int) -> Iterator[tuple[float, float]]:
        del batch_size, seed
        return ((step, exponential(step, 5000)) for step in range(1, 10**6))

    made(losses, 64, 1)
    assert len(asked) < 60


@pytest.mark.parametrize("batch_size", [4, 64])
def test_what_arrives_and_then_fails_has_arrived(batch_size: int) -> None:
    """Also while it is not yet known how often is reported."""

    def losses(batch_size: int, seed: int) -> Iterator[tuple[float, float]]:
        del batch_size, seed
        yield from ((step, 1.0 if step < 6 else 0.05) for step in range(1, 11))
        raise FloatingPointError("overflow in exp")

    (run,) = made(losses, batch_size, 1)
    assert run.outcome is Outcome.REACHED
    assert run.steps_to_target == pytest.approx(6, abs=1)


@pytest.mark.parametrize("batch_size", [4, 64])
def test_a_loss_that_explodes_is_a_divergence(batch_size: int) -> None:
    """However large it was before it became infinite."""

    def losses(batch_size: int, seed: int) -> Iterator[tuple[float, float]]:
        del batch_size, seed
        return ((step, 10.0 ** (10 * step) if step <= 30 else math.inf) for step in range(1, 10**6))

    (run,) = made(losses, batch_size, 1)
    assert run.outcome is Outcome.DIVERGED


def test_what_is_known_when_the_steps_are_used_up_is_an_evaluation() -> None:
    """Whatever its noise."""
    noise = np.random.default_rng(2).standard_normal(100) * 100
    reports = [(step, 0.11 + value) for step, value in enumerate(noise, start=1)]
    assert evaluations(reports, batch_size=1, most_steps=100)[-1][1] == pytest.approx(0.11 + noise.mean())
