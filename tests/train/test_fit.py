"""`fit` from end to end."""

from itertools import islice
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from rightbatch.data.dataset import load_data
from rightbatch.data.loader import Loader
from rightbatch.learners.linear import LinearRegression, LogisticRegression
from rightbatch.learners.mlp import MLP
from rightbatch.learners.updates import SGD, Adam, optimizer_named
from rightbatch.records import Outcome
from rightbatch.train import follow
from rightbatch.train.fit import fit
from rightbatch.train.loop import endless, train
from rightbatch.train.result import FitProgress, FitResult
from rightbatch.train.schedule import Cosine, StepDecay
from rightbatch.train.target import Target, parse_target
from train.fit_data import CLASSES, HELD, QUANTITIES, TRAIN, X


def same(one: FitResult, two: FitResult) -> bool:
    """Whether two trainings ended at the same parameters, bit for bit."""
    found, expected = one.parameters(), two.parameters()
    return all(found[name].tolist() == expected[name].tolist() for name in expected)


def test_it_is_the_loop_by_hand() -> None:
    """Start, batches and steps are those of loader, learner and loop; the history holds weighted means."""
    result = fit(MLP(hidden=(5,)), TRAIN, batch_size=16, epochs=3, optimizer="momentum", lr=0.05, seed=4)
    loader = Loader(TRAIN, 16, shuffle=True, seed=4)
    learner = MLP(hidden=(5,)).build(result.shape, optimizer_named("momentum"))
    events = train(learner, learner.start([4]), endless(loader), np.array([0.05]), schedule=Cosine(steps=9))
    losses, rows = [], []
    for event in islice(events, 9):
        losses.append(event.result.loss[0])
        rows.append(len(event.batch.index))
    assert rows == [16, 16, 8] * 3
    expected = np.average(np.reshape(losses, (3, 3)), weights=[16, 16, 8], axis=1)
    assert [entry["loss"] for entry in result.history] == pytest.approx(expected, rel=1e-6)
    assert [entry["lr"] for entry in result.history] == pytest.approx(
        [0.05 * Cosine(steps=9)(step) for step in (2, 5, 8)]
    )
    assert result.state.parameters.tolist() == event.state.parameters.tolist()


@pytest.mark.parametrize("batch_size", [1, 7, 50])
def test_noiseless_data_are_learnt_exactly(batch_size: int) -> None:
    """Two outputs that are linear in the inputs: the least squares solution is the truth."""
    y = X @ np.array([[1, 2], [-3, 0.5], [0, 1]], np.float32) + np.array([0.5, -1], np.float32)
    parameters = fit(LinearRegression(), (X, y), batch_size=batch_size, steps=3000, lr=0.1).parameters()
    expected = np.linalg.lstsq(np.c_[X, np.ones(50)], y, rcond=None)[0]
    found = np.r_[parameters["weight1"], parameters["bias1"][None]]
    assert found == pytest.approx(expected, abs=1e-4)


def test_equal_seeds_are_equal_bit_for_bit() -> None:
    """The same call gives the same model and history; another seed another one."""
    one, two, other = (fit(MLP(), TRAIN, HELD, epochs=3, seed=seed) for seed in (1, 1, 2))
    assert same(one, two)
    assert not same(one, other)
    for mine, its in zip(one.history, two.history, strict=True):
        assert {**mine, "seconds": 0} == {**its, "seconds": 0}


def test_a_seed_of_numpy_is_the_same_seed() -> None:
    """The type of the number changes nothing."""
    seed: Any = np.int64(3)
    assert same(fit(MLP(), TRAIN, epochs=1, seed=seed), fit(MLP(), TRAIN, epochs=1, seed=3))


@pytest.mark.parametrize(
    ("limits", "epochs", "steps", "stopped"),
    [
        ({"epochs": 4}, 4, 16, "It stopped after 4 epochs, the limit."),
        ({"steps": 6}, 2, 6, "It stopped after 6 steps, the limit."),
        ({"samples": 45}, 2, 5, "It stopped after 45 samples, the limit."),
        ({"epochs": 4, "steps": 100, "samples": 120}, 3, 12, "It stopped after 120 samples, the limit."),
        ({}, 500, 2000, "It stopped after 500 epochs, the limit."),
    ],
)
def test_limits(limits: dict[str, Any], epochs: int, steps: int, stopped: str) -> None:
    """The first one ends it; without one, small data are passed over until 2,000 steps are done."""
    result = fit(LogisticRegression(), TRAIN, batch_size=10, **limits)
    assert result.outcome is Outcome.OUT_OF_STEPS
    assert result.stopped == stopped
    assert len(result.history) == epochs
    assert result.history[-1]["step"] == steps


def test_large_data_are_passed_over_ten_times() -> None:
    """Without a limit, ten epochs of more than 200 steps each."""
    result = fit(LinearRegression(), (np.tile(X, (5, 1)), np.tile(QUANTITIES, 5)), batch_size=1)
    assert result.stopped == "It stopped after 10 epochs, the limit."
    assert result.history[-1]["step"] == 2500


def test_seconds(monkeypatch: pytest.MonkeyPatch) -> None:
    """With a clock of a second a step, ten seconds are ten steps; the learning rate stays constant."""
    ticks = iter(range(1000))
    monkeypatch.setattr(follow, "time", SimpleNamespace(perf_counter=lambda: next(ticks)))
    result = fit(LogisticRegression(), TRAIN, batch_size=10, seconds=10)
    assert result.stopped == "It stopped after 10 seconds, the limit."
    assert result.history[-1]["step"] == 10
    assert {entry["lr"] for entry in result.history} == {float(np.float32(0.1))}


@pytest.mark.parametrize(
    ("target", "metric"),
    [
        ("val_loss=0.6", "val_loss"),
        ("val_acc>=0.8", "val_accuracy"),
        (Target("loss", "validation", 0.6), "val_loss"),
    ],
)
def test_a_validation_target(target: Any, metric: str) -> None:
    """It ends with the first epoch that reaches it, as the history shows."""
    result = fit(MLP(), TRAIN, HELD, batch_size=8, epochs=200, lr=0.05, target=target)
    assert result.outcome is Outcome.REACHED
    last = result.history[-1]
    assert result.stopped.endswith(f"at step {last['step']}, in epoch {last['epoch']}.")
    values = [entry[metric] for entry in result.history]
    met = [value <= 0.6 if metric == "val_loss" else value >= 0.8 for value in values]
    assert met == [False] * (len(met) - 1) + [True]
    assert len(met) > 1


@pytest.mark.parametrize("target", ["loss=0.5", "accuracy=0.9"])
def test_a_training_target(target: str) -> None:
    """It is evaluated on all training rows after the epoch, not on the batches as they went by."""
    settings: dict[str, Any] = {"batch_size": 8, "lr": 0.05, "schedule": "constant"}
    result = fit(MLP(), TRAIN, epochs=200, target=target, **settings)
    assert result.outcome is Outcome.REACHED
    before = fit(MLP(), TRAIN, epochs=len(result.history) - 1, **settings)
    assert parse_target(target, "classification").met(result.score(TRAIN)[target.partition("=")[0]])
    assert not parse_target(target, "classification").met(before.score(TRAIN)[target.partition("=")[0]])


def test_patience_restores_the_best_weights() -> None:
    """Labels at random are learnt by heart and validation gets worse: the best epoch's model is kept."""
    labels = np.random.default_rng(0).integers(0, 2, 50)
    train_part, held = (X[:40], labels[:40]), (X[40:], labels[40:])
    result = fit(MLP(), train_part, held, batch_size=8, epochs=500, lr=0.3, patience=5, schedule="constant")
    losses = [entry["val_loss"] for entry in result.history]
    best = int(np.argmin(losses))
    assert len(losses) == best + 1 + 5
    assert result.stopped == (
        f"val_loss did not improve for 5 epochs; the weights are those of epoch {best + 1}, the best."
    )
    assert result.score(held)["loss"] == pytest.approx(losses[best], rel=1e-6)
    assert losses[-1] > losses[best]


@pytest.mark.parametrize(
    ("schedule", "text"),
    [
        (
            "constant",
            (
                "The loss became infinite at step {} with learning rate 100; "
                "write a smaller one, such as 0.1, or let rightbatch study find it."
            ),
        ),
        (
            StepDecay(every=1, decay=0.99),
            (
                "The loss became infinite at step {} with learning rate 100; "
                "write a smaller one, such as 0.1, or let rightbatch study find it."
            ),
        ),
    ],
)
def test_divergence_is_an_outcome(schedule: Any, text: str) -> None:
    """No exception and no warning: the sentence names the step and the rate that was set."""
    steps: list[FitProgress] = []
    result = fit(
        LinearRegression(), (X, QUANTITIES), batch_size=10, lr=100, schedule=schedule, progress=steps.append
    )
    assert result.outcome is Outcome.DIVERGED
    assert result.stopped == text.format(len(steps))
    assert not np.isfinite(steps[-1].loss)


def test_huge_quantities() -> None:
    """Squares that float32 cannot hold are told apart from a learning rate too large."""
    result = fit(LinearRegression(), (X, QUANTITIES * 1e25))
    assert result.outcome is Outcome.DIVERGED
    assert result.stopped == (
        "The loss was infinite before the first update; scale X and y, as rb.load_data((X, y)) does, "
        "or write a model whose outputs are finite for them."
    )


def test_history_has_every_metric() -> None:
    """One entry an epoch, of plain numbers that JSON can write."""
    names = ["epoch", "step", "samples", "seconds", "lr", "batch_size", "loss"]
    result = fit(MLP(), TRAIN, HELD, epochs=2)
    assert [list(entry) for entry in result.history] == [[*names, "val_loss", "val_accuracy"]] * 2
    result = fit(MLP(), (X, QUANTITIES), (X, QUANTITIES), epochs=1)
    assert list(result.history[0]) == [*names, "val_loss", "val_rmse", "val_mae", "val_r2"]
    assert list(fit(MLP(), TRAIN, epochs=1).history[0]) == names
    assert all(type(value) in {int, float} for value in result.history[0].values())


def test_history_is_the_models_score() -> None:
    """The last entry's validation metrics are those of the model that is returned."""
    result = fit(MLP(), TRAIN, HELD, epochs=3)
    score = {f"val_{name}": value for name, value in result.score(HELD).items()}
    assert {name: result.history[-1][name] for name in score} == score


def test_progress() -> None:
    """One call a step, with the line that the command prints."""
    told: list[FitProgress] = []
    fit(MLP(), TRAIN, HELD, batch_size=16, epochs=2, progress=told.append)
    lines = [str(progress).split("  ") for progress in told]
    assert [line[:2] for line in lines] == [
        [f"epoch {epoch}/2", f"step {step}/3"] for epoch in (1, 2) for step in (1, 2, 3)
    ]
    assert all([word.split()[0] for word in line] == ["epoch", "step", "loss"] for line in lines[:3])
    assert [word.split()[0] for word in lines[3]] == ["epoch", "step", "loss", "val_loss", "val_accuracy"]


def test_a_loader_is_data() -> None:
    """Its batches train as those that `fit` makes itself; its labels may be of any whole type."""
    expected = fit(MLP(), TRAIN, batch_size=16, epochs=3, seed=2)
    loader = Loader(TRAIN, 16, shuffle=True, seed=2)
    assert same(fit(MLP(), loader, epochs=3, seed=2), expected)
    small = Loader((TRAIN[0], TRAIN[1].astype(np.uint8)), 16, shuffle=True, seed=2)
    assert same(fit(MLP(), small, epochs=3, seed=2), expected)


def test_a_loader_may_be_used_again() -> None:
    """Epochs are counted from the training's own start, and go on in the loader."""
    loader = Loader(TRAIN, 16, shuffle=True)
    for _ in range(2):
        result = fit(MLP(), loader, epochs=3)
        assert [entry["epoch"] for entry in result.history] == [1, 2, 3]
    list(loader)
    assert loader.epoch == 7


def test_the_last_batch_may_be_dropped() -> None:
    """Then an epoch has full batches only."""
    result = fit(MLP(), TRAIN, batch_size=16, epochs=2, last="drop")
    assert [entry["samples"] for entry in result.history] == [32, 64]


def test_a_loader_may_begin_within_an_epoch() -> None:
    """A loader that is resumed, with other batches even, first makes the rest of its epoch."""
    stopped = Loader(TRAIN, 8, shuffle=True)
    next(iter(stopped))
    for batch_size, steps in ((8, 4), (4, 8), (16, 2)):
        resumed = Loader(TRAIN, batch_size, shuffle=True)
        resumed.load_state_dict(stopped.state_dict())
        result = fit(MLP(), resumed, epochs=2)
        assert [entry["samples"] for entry in result.history] == [32, 72]
        assert result.history[0]["step"] == steps


def test_a_data_set_is_data() -> None:
    """It brings its validation part; its name does the same."""
    data = load_data("digits")
    result = fit(LogisticRegression(), data, batch_size=128, epochs=2)
    assert result.history[-1]["val_accuracy"] == result.score(data.validation)["accuracy"] > 0.8
    assert same(fit("logistic", "digits", batch_size=128, epochs=2), result)


def test_a_batch_is_32_rows_or_all() -> None:
    """Without a batch size, 32 rows are taken, or all where there are fewer."""
    assert fit(MLP(), TRAIN, epochs=1).history[0]["step"] == 2
    assert fit(MLP(), HELD, epochs=1).history[0]["step"] == 1


@pytest.mark.parametrize(
    ("limits", "horizon"),
    [
        ({"epochs": 5}, 15),
        ({"steps": 7}, 7),
        ({"samples": 80}, 6),
        ({"samples": 80, "last": "drop"}, 5),
        ({"epochs": 5, "seconds": 1000}, 15),
        ({}, 2001),
    ],
)
def test_the_default_schedule_is_a_cosine_over_the_training(limits: dict[str, Any], horizon: int) -> None:
    """The last step of the training is the last of the cosine, small last batches counted."""
    result = fit(LogisticRegression(), TRAIN, batch_size=16, **limits)
    last = result.history[-1]
    assert last["step"] == horizon
    assert last["lr"] == pytest.approx(0.1 * Cosine(steps=horizon)(horizon - 1), rel=1e-5)
    assert last["lr"] > 0


def test_optimizers_come_with_settings() -> None:
    """An optimizer's name is the optimizer with its default settings and its default learning rate."""
    named, made = (fit(MLP(), TRAIN, epochs=2, optimizer=rule) for rule in ("adam", Adam()))
    assert same(named, made)
    assert not same(named, fit(MLP(), TRAIN, epochs=2, optimizer=Adam(beta1=0.5)))
    assert fit(MLP(), TRAIN, epochs=1, optimizer="adam", schedule="constant").history[0]["lr"] == (
        pytest.approx(0.01)
    )


def test_functions_are_schedules() -> None:
    """A function from the steps done to a factor sets every step's rate."""
    result = fit(MLP(), TRAIN, batch_size=16, epochs=3, lr=0.1, schedule=lambda step: 1 / (1 + step))
    assert [entry["lr"] for entry in result.history] == pytest.approx([0.1 / 3, 0.1 / 6, 0.1 / 9])


def test_the_callers_arrays_are_left_alone() -> None:
    """Training neither changes nor locks what it was given."""
    x, y = X.copy(), CLASSES.copy()
    fit(MLP(), (x, y), (x, y), epochs=2, optimizer=SGD())
    assert x.tolist() == X.tolist()
    assert y.tolist() == CLASSES.tolist()
    assert x.flags.writeable
    assert y.flags.writeable
