"""Schedules, against torch.optim.lr_scheduler and closed forms."""

from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rightbatch.errors import SettingError
from rightbatch.train.schedule import (
    SCHEDULES,
    Constant,
    Cosine,
    Exponential,
    InverseTime,
    Schedule,
    StepDecay,
    WarmUp,
    schedule_named,
)

STEPS = 50


def torchs(name: str, settings: dict[str, Any]) -> list[float]:
    """The learning rates of 50 steps from 1 on, by `torch.optim.lr_scheduler`."""
    torch = pytest.importorskip("torch")
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=1.0)
    scheduler = getattr(torch.optim.lr_scheduler, name)(optimizer, **settings)
    rates = []
    for _ in range(STEPS):
        rates.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        scheduler.step()
    return rates


@pytest.mark.parametrize(
    ("schedule", "name", "settings"),
    [
        (Constant(), "ConstantLR", {"factor": 1}),
        (StepDecay(every=7), "StepLR", {"step_size": 7, "gamma": 0.1}),
        (StepDecay(every=1, decay=0.5), "StepLR", {"step_size": 1, "gamma": 0.5}),
        (Exponential(every=10), "ExponentialLR", {"gamma": 0.1 ** (1 / 10)}),
        (Exponential(every=1, decay=0.9), "ExponentialLR", {"gamma": 0.9}),
        (Cosine(steps=STEPS), "CosineAnnealingLR", {"T_max": STEPS}),
        (Cosine(steps=STEPS, floor=0.1), "CosineAnnealingLR", {"T_max": STEPS, "eta_min": 0.1}),
        (WarmUp(steps=20), "LinearLR", {"start_factor": 1 / 20, "total_iters": 19}),
    ],
    ids=repr,
)
def test_schedules_are_torchs(schedule: Schedule, name: str, settings: dict[str, Any]) -> None:
    """The factors of 50 steps are PyTorch's."""
    factors = [schedule(step) for step in range(STEPS)]
    assert factors == pytest.approx(torchs(name, settings), rel=1e-9, abs=1e-12)


@given(st.integers(1, 1000), st.integers(0, 10_000))
def test_inverse_time(half: int, step: int) -> None:
    """The factor is half / (half + step): one half after `half` steps, a third after two times that."""
    assert InverseTime(half=half)(step) == pytest.approx(half / (half + step))
    assert [InverseTime(half=half)(n * half) for n in range(3)] == pytest.approx([1, 1 / 2, 1 / 3])


@given(st.integers(1, 1000), st.floats(0.01, 1))
def test_smooth_and_stepwise_decay_meet(every: int, decay: float) -> None:
    """At the decays both are `decay` to the number of decays."""
    for count in range(4):
        expected = decay**count
        assert StepDecay(every=every, decay=decay)(count * every) == pytest.approx(expected)
        assert Exponential(every=every, decay=decay)(count * every) == pytest.approx(expected)


def test_a_cosine_stays_at_its_floor() -> None:
    """It begins at 1, is half way down in the middle, and stays down."""
    cosine = Cosine(steps=10, floor=0.2)
    assert [cosine(step) for step in (0, 5, 10, 11, 1000)] == pytest.approx([1, 0.6, 0.2, 0.2, 0.2])


def test_a_warm_up_hands_over() -> None:
    """After the climb the next schedule begins at its own step 0."""
    then = StepDecay(every=2, decay=0.5)
    factors = [WarmUp(steps=4, then=then)(step) for step in range(9)]
    assert factors == [0.25, 0.5, 0.75, 1, 1, 1, 0.5, 0.5, 0.25]


@given(st.sampled_from(SCHEDULES), st.integers(0, 3000), st.integers(1, 500))
def test_named_schedules_never_leave_the_range(name: str, total: int, step: int) -> None:
    """For a training of any length the factor lies in [0, 1], and is above 0 until the end."""
    schedule = schedule_named(name, total)
    assert 0 <= schedule(step) <= 1
    assert all(schedule(n) > 0 for n in {0, total // 2, total - 1} if n >= 0)


@given(st.sampled_from(sorted({*SCHEDULES} - {"warm-up"})), st.integers(1, 100))
def test_named_schedules_fall(name: str, total: int) -> None:
    """But for the warm-up, none ever rises."""
    factors = [schedule_named(name, total)(step) for step in range(total + 5)]
    assert factors[0] == 1
    assert all(after <= before for before, after in pairwise(factors))


@pytest.mark.parametrize(
    ("name", "schedule"),
    [
        ("constant", Constant()),
        ("step", StepDecay(every=200, decay=0.1)),
        ("exponential", Exponential(every=200, decay=0.1)),
        ("cosine", Cosine(steps=600, floor=0.0)),
        ("inverse-time", InverseTime(half=60)),
        ("warm-up", WarmUp(steps=30, then=Cosine(steps=570))),
    ],
)
def test_names_are_fitted_to_the_training(name: str, schedule: Schedule) -> None:
    """Of 600 steps: thirds, the whole, a tenth, a twentieth and the rest."""
    assert schedule_named(name, 600) == schedule
    assert name in SCHEDULES


def test_every_name_is_known_without_a_length_or_refused() -> None:
    """Where the steps are not known, only `constant` can be meant."""
    assert schedule_named("constant", None) == Constant()
    for name in set(SCHEDULES) - {"constant"}:
        with pytest.raises(SettingError) as caught:
            schedule_named(name, None)
        assert str(caught.value) == (
            f"schedule needs a limit on epochs, steps or samples, got {name!r}; "
            "give one, or write 'constant'."
        )


FUNCTION = "write one such as Cosine(steps=1000)"


@pytest.mark.parametrize(
    ("schedule", "text"),
    [
        (
            "cosin",
            (
                "schedule is not known, got 'cosin'; write one of cosine, constant, exponential, "
                "inverse-time, step, warm-up."
            ),
        ),
        (
            "",
            (
                "schedule is not known, got ''; write one of constant, step, exponential, cosine, "
                "inverse-time, warm-up."
            ),
        ),
        (0.5, f"schedule must be a function of the step, got 0.5; {FUNCTION}, or a name."),
        (
            Cosine,
            (
                "schedule must be a function of the step, got <class 'rightbatch.train.schedule.Cosine'>; "
                f"{FUNCTION}, or a name."
            ),
        ),
        (
            lambda o: o.param_groups,
            (
                "schedule must give a factor for the steps done (AttributeError: 'int' object has no "
                "attribute 'param_groups'), got '<lambda>'; write such a function; one that makes a "
                "scheduler of PyTorch names its parameter optimizer."
            ),
        ),
    ],
)
def test_what_is_no_schedule(schedule: Any, text: str) -> None:
    """Unknown names are answered with all names, nearest first."""
    for total in (100, None):
        with pytest.raises(SettingError) as caught:
            schedule_named(schedule, total)
        assert str(caught.value) == text


@pytest.mark.parametrize(
    ("schedule", "settings", "text"),
    [
        (StepDecay, {"every": 0}, "every must be at least 1, got 0; write a number of steps such as 1000."),
        (StepDecay, {"every": 5, "decay": 0}, "decay must be above 0, got 0; write a number such as 0.1."),
        (
            Exponential,
            {"every": 1.5},
            "every must be a whole number, got 1.5; write a number of steps such as 1000.",
        ),
        (
            Exponential,
            {"every": 5, "decay": -1},
            "decay must be above 0, got -1; write a number such as 0.1.",
        ),
        (
            Cosine,
            {"steps": 0},
            "steps must be at least 1, got 0; write the steps of the training, such as 1000.",
        ),
        (
            Cosine,
            {"steps": 9, "floor": -0.1},
            "floor must not be negative, got -0.1; write 0 or a number such as 0.001.",
        ),
        (InverseTime, {"half": 0}, "half must be at least 1, got 0; write a number of steps such as 1000."),
        (WarmUp, {"steps": 0}, "steps must be at least 1, got 0; write a number of steps such as 100."),
        (
            WarmUp,
            {"steps": 9, "then": "cosine"},
            f"then must be a function of the step, got 'cosine'; {FUNCTION}.",
        ),
    ],
)
def test_settings_that_cannot_be_used(schedule: Any, settings: dict[str, Any], text: str) -> None:
    """The sentence names the setting and says what to write."""
    with pytest.raises(SettingError) as caught:
        schedule(**settings)
    assert str(caught.value) == text


def test_functions_of_the_step_are_schedules() -> None:
    """Any callable will do, also one of another library."""
    table: Any = np.array([1.0, 0.5, 0.1]).take
    assert schedule_named(table, 3)(1) == 0.5
    assert schedule_named(table, None) is table
