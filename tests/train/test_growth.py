"""Batch sizes by a plan, and by the noise scale as it is measured."""

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rightbatch.data.loader import Loader
from rightbatch.errors import SettingError
from rightbatch.learners.linear import LinearRegression
from rightbatch.learners.mlp import MLP
from rightbatch.learners.updates import SGD
from rightbatch.records import Array, Batch, Shape
from rightbatch.train.fit import fit
from rightbatch.train.growth import InsteadOfDecay, Measured, most_steps, planned, sizes_of
from rightbatch.train.schedule import Cosine, StepDecay
from rightbatch.train.steps import Rules, ruled
from train.fit_data import HELD, TRAIN

OUTPUTS = 100


def known_noise(scale: float, rows: int = 4000) -> tuple[Array, Array]:
    """Rows whose gradients at w = b = 0 have this noise scale for the squared error of a linear model.

    With x = 1 in the one column, the gradient of a row is -2/m (y, y) for m outputs, so that
    tr(Σ) = 8/m² Σ var(y) = 8/m scale and |G|² = 8/m² Σ mean(y)² = 8/m.
    """
    noise = np.random.default_rng(0).normal(size=(rows, OUTPUTS))
    y = 1 + math.sqrt(scale) * (noise - noise.mean(0)) / noise.std(0)
    return np.ones((rows, 1), np.float32), y.astype(np.float32)


@pytest.mark.parametrize("scale", [4.0, 60.0])
@pytest.mark.parametrize("parts", [1, 4])
def test_the_noise_scale_is_measured_in_passing(scale: float, parts: int) -> None:
    """As it is known for one point, where the steps stay: their learning rate is nearly nothing."""
    data = known_noise(scale)
    learner = LinearRegression().build(Shape(features=1, outputs=OUTPUTS, task="regression"), SGD())
    watch = Measured(size=64, rows=64 * 17)
    stepper, state = ruled(learner, Rules(accumulate=parts), watch), learner.start([0])
    for seed in range(10):
        for batch in Loader(data, 64, shuffle=True, seed=seed).batches():
            stepper.step(state, batch, np.array([1e-20], np.float32))
    assert watch.measured == 630
    assert watch.noise_scale == pytest.approx(scale, rel=0.05)
    assert watch.square / (64 * watch.measured) == pytest.approx(8 / OUTPUTS, rel=0.05)


def test_a_batch_grows_to_the_known_noise_scale() -> None:
    """It doubles epoch by epoch until twice its size is more than the noise scale, and stays then."""
    result = fit(
        LinearRegression(),
        known_noise(362, rows=8000),
        batch_size="auto",
        epochs=9,
        lr=1e-20,
        schedule="constant",
    )
    assert [entry["batch_size"] for entry in result.history] == [32, 64, 128, *[256] * 6]


def test_a_batch_stays_below_twice_the_noise_scale() -> None:
    """Where the noise is small from the start nothing changes."""
    result = fit(LinearRegression(), known_noise(4), batch_size="auto", epochs=4, lr=1e-20)
    assert [entry["batch_size"] for entry in result.history] == [32] * 4


def test_growth_leaves_an_epoch_its_steps() -> None:
    """As noise drowns everything the batch grows to a sixteenth of the rows; of few rows it does not grow."""
    for rows, sizes in ((1000, [32, 62, 62, 62]), (100, [32] * 4)):
        result = fit(LinearRegression(), known_noise(1e6, rows=rows), batch_size="auto", epochs=4, lr=1e-20)
        assert [entry["batch_size"] for entry in result.history] == sizes
        assert [entry["samples"] for entry in result.history] == [rows * epoch for epoch in (1, 2, 3, 4)]


def test_what_is_measured_can_be_stored() -> None:
    """From its state another one goes on; asking twice for an epoch changes nothing."""
    one, two = Measured(size=32, rows=4000), Measured(size=8, rows=4000)
    one.note(32, 0.5, 9.0, 3.0)
    assert one.at(1) == 32
    two.load_state_dict(one.state_dict())
    for watch in (one, two):
        assert [watch.at(epoch) for epoch in (1, 2, 2)] == [32, 64, 64]
    assert one.state_dict() == two.state_dict()


@given(
    small=st.floats(0.1, 100), rows=st.integers(2, 512), share=st.floats(0.1, 0.9), scale=st.floats(0.01, 1e4)
)
def test_the_halves_are_those_of_the_definition(small: float, rows: int, share: float, scale: float) -> None:
    """From E|G_b|² = |G|² + tr(Σ)/b at both sizes, the ratio is tr(Σ)/|G|²."""
    part = math.sqrt(small * (1 + scale / (share * rows)))
    whole = math.sqrt(small * (1 + scale / rows))
    watch = Measured(size=rows, rows=rows)
    watch.note(rows, share, part, whole)
    assert watch.noise_scale == pytest.approx(scale, rel=1e-6)


def test_a_gradient_that_overflowed_is_not_counted() -> None:
    """It would spoil all measurements."""
    watch = Measured(size=32, rows=100)
    watch.note(32, 0.5, math.inf, math.inf)
    assert watch.measured == 0
    assert math.isnan(watch.noise_scale)


def test_few_batches_of_a_long_epoch_are_measured() -> None:
    """At most about 16."""
    watch = Measured(size=10, rows=100_000)
    looked = [watch.wants(Batch((), np.arange(10), None, 0, step)) for step in range(10_000)]
    assert 16 <= sum(looked) <= 17
    full = Measured(size=10, rows=160)
    assert not any(full.wants(Batch((), np.arange(10), None, 0, step)) for step in range(16))


def test_a_plan() -> None:
    """By the epochs from which a size holds, or by a function of the epoch."""
    result = fit(MLP(), TRAIN, HELD, batch_size={1: 8, 2: 16, 4: 40}, epochs=5)
    assert [entry["batch_size"] for entry in result.history] == [8, 16, 16, 40, 40]
    assert [entry["step"] for entry in result.history] == [5, 8, 11, 12, 13]
    result = fit(MLP(), TRAIN, batch_size=lambda epoch: 10 * epoch, epochs=4)
    assert [entry["batch_size"] for entry in result.history] == [10, 20, 30, 40]
    loader = Loader(TRAIN, 5, shuffle=True)
    result = fit(MLP(), loader, batch_size={1: 8, 2: 16}, epochs=2)
    assert [entry["batch_size"] for entry in result.history] == [8, 16]


def test_a_named_schedule_knows_the_steps_of_a_plan() -> None:
    """5 + 3 + 3 steps: the cosine ends there."""
    result = fit(MLP(), TRAIN, batch_size={1: 8, 2: 16}, epochs=3, lr=0.1, schedule="cosine")
    assert [entry["lr"] for entry in result.history] == pytest.approx(
        [0.1 * Cosine(steps=11)(step) for step in (4, 7, 10)]
    )
    constant = fit(MLP(), TRAIN, batch_size={1: 8, 2: 16}, epochs=3, lr=0.1)
    assert [entry["lr"] for entry in constant.history] == pytest.approx([0.1] * 3)


@given(
    rows=st.integers(1, 60),
    sizes=st.lists(st.integers(1, 60), min_size=1, max_size=6),
    epochs=st.none() | st.integers(1, 8),
    steps=st.none() | st.integers(1, 200),
    samples=st.none() | st.integers(1, 400),
)
def test_the_most_steps(
    rows: int, sizes: list[int], epochs: int | None, steps: int | None, samples: int | None
) -> None:
    """Counted batch by batch."""
    plan = planned(lambda epoch: sizes[min(epoch, len(sizes)) - 1])
    expected: int | None = None
    if (epochs, steps, samples) != (None, None, None):
        expected = seen = 0
        epoch = 1
        while True:
            left = rows
            while left and not (seen >= (samples or math.inf) or expected >= (steps or math.inf)):
                take = min(plan.at(epoch), left)
                left, seen, expected = left - take, seen + take, expected + 1
            epoch += 1
            if left or epoch > (epochs or math.inf):
                break
    assert most_steps(plan, rows, epochs=epochs, steps=steps, samples=samples) == expected


def test_growth_instead_of_decay() -> None:
    """The batch takes what the learning rate would lose, until it is as large as it may be."""
    growing = InsteadOfDecay(schedule=StepDecay(every=1, decay=0.5), first=10, most=30)
    result = fit(MLP(), TRAIN, batch_size=growing, epochs=4, lr=0.1)
    assert [entry["batch_size"] for entry in result.history] == [10, 20, 30, 30]
    assert [entry["lr"] for entry in result.history] == pytest.approx([0.1, 0.1, 0.075, 0.0375])


ANY = 'write a number such as 32, {1: 32, 10: 128}, a function of the epoch, or "auto".'


@pytest.mark.parametrize(
    ("settings", "text"),
    [
        ({"batch_size": "large"}, f"batch_size is no number, got 'large'; {ANY}"),
        (
            {"batch_size": {2: 32}},
            "batch_size must say where epoch 1 begins, got {2: 32}; write {1: 32, 10: 128}.",
        ),
        (
            {"batch_size": {1: 0}},
            "batch_size must be at least 1, got 0; write a whole number such as 32.",
        ),
        (
            {"batch_size": lambda epoch: 2.5},
            "batch_size must be a whole number, got 2.5; write a whole number such as 32.",
        ),
        (
            {
                "batch_size": InsteadOfDecay(schedule=StepDecay(every=1), first=10, most=30),
                "schedule": "cosine",
            },
            (
                "schedule is that of the batch size already, got 'cosine'; "
                "leave it out: what is left of the batch size's schedule sets the learning rate."
            ),
        ),
        (
            {"batch_size": "auto", "epochs": 5, "schedule": "cosine"},
            (
                "schedule needs a limit on steps where the batch size is measured, got 'cosine'; "
                "leave it out, or in Python write steps=1000, or ByEpoch('cosine')."
            ),
        ),
    ],
)
def test_bad_sizes(settings: Any, text: str) -> None:
    """One sentence each."""
    with pytest.raises(SettingError) as caught:
        fit(MLP(), TRAIN, **settings)
    assert str(caught.value) == text


def test_a_number_stays_as_it_is() -> None:
    """There is nothing to change from epoch to epoch."""
    assert sizes_of(32, 32, 100) is None
    assert sizes_of(None, 32, 100) is None
