"""A caller's own training as a subject: what it yields is followed, and what it does wrong is said."""

import math
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

import rightbatch as rb
from rightbatch.errors import SettingError
from rightbatch.records import Outcome
from rightbatch.study.function import Function
from rightbatch.study.grid import lr_at
from rightbatch.study.subject import DeadlineError, Run, Sweep
from rightbatch.train.target import own_target

TARGET = own_target("loss<=0.1")
Report = tuple[float, float, float]


def decay(batch_size: int, lr: float, seed: int) -> Iterator[Report]:
    """Loss exp(-lr step), a step of 1 ms and 10 µs a sample, reported every 5 % and every step at first."""
    step = 0
    while True:
        step += max(1, step // 20)
        yield step * batch_size, step * (1e-3 + 1e-5 * batch_size), math.exp(-lr * step)


def made(train: Callable[..., Any], points: tuple[int, ...] = (-6,), **settings: Any) -> list[Run]:
    """The runs of one sweep at batch size 10."""
    deadline = settings.pop("deadline", math.inf)
    usual: dict[str, Any] = {"seeds": (3,), "most_steps": 5000}
    work = Sweep(target=TARGET, batch_size=10, points=points, **{**usual, **settings})
    return Function(train=train, samples=1000, name="train").runs(work, deadline=deadline)[0]


def test_each_rate_arrives_when_its_formula_says() -> None:
    """Loss 0.1 is reached at step ln(10) / lr."""
    for run in made(decay, points=(-10, -9)):
        assert run.outcome is Outcome.REACHED
        assert run.steps_to_target == pytest.approx(math.log(10) / lr_at(run.point), rel=0.01)


def test_what_is_much_slower_is_given_up() -> None:
    """A rate four times as small as the best is closed at twice the steps of that one, not later."""
    best, slow = made(decay, points=(-10, -14))
    assert (best.outcome, slow.outcome) == (Outcome.REACHED, Outcome.HOPELESS)
    assert best.steps_to_target is not None
    assert slow.steps <= 2.2 * best.steps_to_target


def test_every_seed_is_a_race_of_its_own() -> None:
    """A rate is given up by the best of its own seed; calls get the seeds in their order."""
    runs = made(decay, points=(-10, -14), seeds=(3, 4))
    assert [(run.seed, run.point) for run in runs] == [(3, -10), (3, -14), (4, -10), (4, -14)]
    assert [run.outcome for run in runs] == [Outcome.REACHED, Outcome.HOPELESS] * 2
    assert runs[0].steps_to_target == runs[2].steps_to_target


def test_seconds_come_from_the_functions_own_count() -> None:
    """However the rates take turns: 1 ms + 10 x 10 µs a step."""
    work = Sweep(target=TARGET, batch_size=10, seeds=(0,), points=(-10, -8, -6), most_steps=5000)
    _, timings = Function(train=decay, samples=1000, name="decay").runs(work)
    assert [timing.seconds for timing in timings] == pytest.approx([1.1e-3] * 3)


def test_a_clock_that_runs_on_while_others_train_does_no_harm() -> None:
    """Only stretches without a pause count: each report takes 5 ms, whoever else has had a turn."""

    def wall_clock(batch_size: int, lr: float, seed: int) -> Iterator[Report]:
        started, step = time.perf_counter(), 0
        while True:
            step += 1
            time.sleep(0.005)
            yield step * batch_size, time.perf_counter() - started, math.exp(-lr * step)

    work = Sweep(target=TARGET, batch_size=10, seeds=(0,), points=(-6, -5, -4, -3, -2), most_steps=5000)
    _, timings = Function(train=wall_clock, samples=1000, name="w").runs(work)
    assert len(timings) == 5
    assert all(0.005 <= timing.seconds < 0.025 for timing in timings)


def test_every_generator_is_closed() -> None:
    """Those that arrived, those given up, and all of them when the time is up."""
    closed: list[float] = []

    def watched(batch_size: int, lr: float, seed: int) -> Iterator[Report]:
        try:
            yield from decay(batch_size, lr, seed)
        finally:
            closed.append(lr)

    made(watched, points=(-10, -14))
    assert sorted(closed) == [lr_at(-14), lr_at(-10)]


def test_one_that_ends_by_itself_is_out_of_steps() -> None:
    """Its last report tells how far it came."""

    def short(batch_size: int, lr: float, seed: int) -> Iterator[Report]:
        yield from ((batch_size * step, step, 1.0) for step in range(1, 8))

    (run,) = made(short)
    assert (run.outcome, run.reason) == (Outcome.OUT_OF_STEPS, "train ended after 7 steps")


@pytest.mark.parametrize("value", [math.nan, math.inf])
def test_a_metric_that_is_not_finite_is_a_divergence(value: float) -> None:
    """An outcome, not an error."""

    def diverging(batch_size: int, lr: float, seed: int) -> Iterator[Report]:
        yield batch_size, 1.0, 0.5
        yield 2 * batch_size, 2.0, value

    assert made(diverging)[0].outcome is Outcome.DIVERGED


def test_an_overflow_is_a_divergence() -> None:
    """Frameworks raise for it."""

    def overflowing(batch_size: int, lr: float, seed: int) -> Iterator[Report]:
        yield batch_size, 1.0, 0.5
        raise FloatingPointError("overflow in exp")

    (run,) = made(overflowing)
    assert (run.outcome, run.reason) == (
        Outcome.DIVERGED,
        "train raised FloatingPointError: overflow in exp",
    )


def test_lack_of_memory_is_an_outcome() -> None:
    """Of the batch size, which is not run again."""

    def heavy(batch_size: int, lr: float, seed: int) -> Iterator[Report]:
        yield batch_size, 1.0, 0.5
        raise MemoryError

    (run,) = made(heavy)
    assert (run.outcome, run.reason) == (Outcome.OUT_OF_MEMORY, "train raised MemoryError")


def reports(*rows: Any) -> Callable[..., Any]:
    """A function that yields these."""

    def train(batch_size: int, lr: float, seed: int) -> Iterator[Any]:
        yield from rows

    return train


def raising(batch_size: int, lr: float, seed: int) -> Iterator[Report]:
    """Fails before it yields."""
    known: dict[str, Report] = {}
    yield known["weights"]


@pytest.mark.parametrize(
    ("train", "sentence"),
    [
        (
            raising,
            (
                "train raised KeyError: 'weights', got 'train(batch_size=10, lr=0.125, seed=3)'; "
                "mend it and give the same command again."
            ),
        ),
        (
            reports(),
            (
                "train must yield at least once, got 'train(batch_size=10, lr=0.125, seed=3)'; "
                "yield (examples seen, seconds spent, metric), such as (640, 0.8, 1.2)."
            ),
        ),
        (
            lambda batch_size, lr, seed: 0.25,
            (
                "train must yield, not return, got 0.25; "
                "yield (examples seen, seconds spent, metric), such as (640, 0.8, 1.2)."
            ),
        ),
        (
            reports(5.0),
            (
                "train must yield three numbers, got 5.0; "
                "yield (examples seen, seconds spent, metric), such as (640, 0.8, 1.2)."
            ),
        ),
        (
            reports((1, 2, "a")),
            (
                "train must yield three numbers, got (1, 2, 'a'); "
                "yield (examples seen, seconds spent, metric), such as (640, 0.8, 1.2)."
            ),
        ),
        (
            reports((20, 1, 0.5), (10, 2, 0.4)),
            (
                "train must count examples up (from 20), got 10.0; "
                "yield (examples seen, seconds spent, metric), such as (640, 0.8, 1.2)."
            ),
        ),
        (
            reports((10, 1, 0.5), (20, 1, 0.4)),
            (
                "train must count seconds up (from 1), got 1.0; "
                "yield (examples seen, seconds spent, metric), such as (640, 0.8, 1.2)."
            ),
        ),
    ],
)
def test_what_is_wrong_is_said(train: Callable[..., Any], sentence: str) -> None:
    """In one sentence, with the call where it helps."""
    with pytest.raises(SettingError) as caught:
        made(train)
    assert str(caught.value) == sentence


def test_one_that_blocks_is_left_at_the_deadline() -> None:
    """The study does not wait for it."""

    def blocking(batch_size: int, lr: float, seed: int) -> Iterator[Report]:
        time.sleep(3)
        yield 1, 1, 1

    started = time.perf_counter()
    with pytest.raises(DeadlineError):
        made(blocking, deadline=started + 0.1)
    assert time.perf_counter() - started < 2.5


def test_one_left_behind_is_asked_for_nothing_more() -> None:
    """It may come back later, and goes no further."""
    reported, back = [], threading.Event()

    def blocking(batch_size: int, lr: float, seed: int) -> Iterator[Report]:
        back.wait(10)
        for step in range(1, 1000):
            reported.append(step)
            yield step * batch_size, step, 1.0

    with pytest.raises(DeadlineError):
        made(blocking, deadline=time.perf_counter() + 0.05)
    back.set()
    time.sleep(0.2)
    assert reported == [1]


def test_what_has_arrived_by_the_deadline_is_kept() -> None:
    """The others are left, as if they had not begun."""

    def one_is_endless(batch_size: int, lr: float, seed: int) -> Iterator[Report]:
        for report in decay(batch_size, lr, seed):
            if lr < lr_at(-11):
                time.sleep(0.005)
            yield report

    never = {"hopeless": math.inf, "most_steps": 10**9}
    runs = made(one_is_endless, points=(-8, -40), **never, deadline=time.perf_counter() + 1.0)
    assert [(run.point, run.outcome) for run in runs] == [(-8, Outcome.REACHED)]


def known_truth(batch_size: int, lr: float, seed: int) -> Iterator[Report]:
    """S(B) = 25 (1 + 40/B) at its best rate 0.3/(1 + 40/B), t(B) = 1 ms + 10 µs B; B* = 63."""
    best = 0.3 / (1 + 40 / batch_size)
    pace = math.log(10) / (25 * (1 + 40 / batch_size)) * max(0.02, 1 - (math.log2(lr / best) / 4) ** 2)
    for examples, seconds, loss in decay(batch_size, pace, seed):
        yield examples, seconds, math.inf if lr > 4 * best else loss


def test_a_study_of_a_function_finds_the_truth() -> None:
    """S_min, B_crit and a batch size within 10 % of the least time, which the formulas know."""
    found = rb.study(known_truth, samples=4000, target="loss<=0.1", budget="60s")
    assert found.fit is not None
    assert found.recommendation is not None
    assert found.fit.s_min == pytest.approx(25, rel=0.1)
    assert found.fit.b_crit == pytest.approx(40, rel=0.2)

    def seconds(size: float) -> float:
        return 25 * (1 + 40 / size) * (1e-3 + 1e-5 * size)

    assert seconds(found.recommendation.batch_size) <= 1.1 * seconds(math.sqrt(100 * 40))


def test_larger_sizes_get_the_samples_that_smaller_ones_needed() -> None:
    """S(B) = 1500 (1 + 10/B) of 1,000 rows: 63 epochs at batch size 32, and 111 at 64."""

    def long(batch_size: int, lr: float, seed: int) -> Iterator[Report]:
        steps = 1500 * (1 + 10 / batch_size) * (1 + math.log2(lr / 0.25) ** 2 / 10)
        yield from decay(batch_size, math.log(10) / steps, seed)

    found = rb.study(long, samples=1000, target="loss<=0.1", batch_sizes=[16, 32, 64], seeds=2)
    assert [row["reached"] for row in found.to_dict()["batch_sizes"]] == [True] * 3


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        (
            {"samples": 0, "target": "loss<=1"},
            "samples must be at least 2, got 0; write the rows of your training data.",
        ),
        (
            {"target": "loss<=1"},
            (
                "samples must be given for a train function, got None; "
                "write samples=, the rows of your training data."
            ),
        ),
        (
            {"samples": 100},
            "target must be given for a train function, got None; write one such as loss<=0.2.",
        ),
        (
            {"samples": 100, "target": "perplexity=3"},
            (
                "target does not tell whether a smaller perplexity is better, got 'perplexity=3'; "
                "write perplexity<=3 or perplexity>=3."
            ),
        ),
        (
            {"samples": 100, "target": "loss<=1", "learning_rates": (1.0, 0.1)},
            (
                "learning_rates must rise, from 1e-12 on, to 1e+06 at most, got (1.0, 0.1); "
                "write the lowest and the highest, such as (1e-4, 1.0)."
            ),
        ),
        (
            {"samples": 100, "target": "loss<=1", "batch_sizes": [200]},
            "batch_sizes must not be above the 100 training rows, got 200; write at most 100.",
        ),
    ],
)
def test_bad_settings_are_refused(settings: dict[str, Any], sentence: str) -> None:
    """Before anything is trained."""
    with pytest.raises(SettingError) as caught:
        rb.study(raising, **settings)
    assert str(caught.value) == sentence


def test_no_function_where_samples_are_given() -> None:
    """A name of a model has data instead."""
    with pytest.raises(SettingError) as caught:
        rb.study("mlp", samples=100, target="loss<=1")
    assert str(caught.value) == (
        "model must be a train function where samples are given, got 'mlp'; "
        "write train(batch_size, lr, seed), which yields (examples, seconds, metric)."
    )


def steady(batch_size: int, lr: float, seed: int) -> Iterator[Report]:
    """Learns as fast whatever the learning rate."""
    for step in range(1, 1000):
        yield step * batch_size, step * 1e-3, 0.9**step


def test_a_target_met_by_every_first_report_is_refused() -> None:
    """It says nothing of batch sizes; without a report before the first step it cannot be refused earlier."""
    with pytest.raises(SettingError) as caught:
        rb.study(steady, samples=100, target="loss<=0.95")
    assert str(caught.value) == (
        "target is met by the first report of every run (loss is 0.9 then), got 'loss<=0.95'; "
        "write a harder one, or let train report earlier."
    )


def test_learning_rates_that_make_no_difference_are_not_searched_for_ever() -> None:
    """All are as good, so that the search ends with the first grid."""
    found = rb.study(steady, samples=100, target="loss<=0.1", batch_sizes=[10], seeds=2)
    assert found.recommendation is not None
    assert found.recommendation.learning_rate > 1e-5


def test_a_budget_without_a_run_says_what_to_do() -> None:
    """A function that yields too seldom is named beside a larger budget."""

    def slow(batch_size: int, lr: float, seed: int) -> Iterator[Report]:
        time.sleep(0.2)
        yield 10, 0.2, 1.0

    with pytest.raises(SettingError) as caught:
        rb.study(slow, samples=100, target="loss<=0.1", budget=0.1)
    assert str(caught.value) == (
        "budget was spent before the first run, got 0.1; "
        "write a larger one such as 60s, or let train yield more often."
    )
