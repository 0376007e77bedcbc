"""When a training ends and what it remembers, on losses written by hand."""

from collections.abc import Iterator, Sequence
from itertools import islice
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from rightbatch.records import Array, Batch, Outcome, Shape, StepEvent, StepResult
from rightbatch.train import follow
from rightbatch.train.budget import Budget
from rightbatch.train.follow import Follower
from rightbatch.train.result import FitProgress, FitResult
from rightbatch.train.target import Target

STEPS_PER_EPOCH = 3
SIZES = (4, 4, 2)
NAN, INF = float("nan"), float("inf")


class Scripted:
    """A learner whose validation losses are written down, one an epoch; its state: the steps done."""

    def __init__(self, val_losses: Sequence[float], steps_per_epoch: int = STEPS_PER_EPOCH) -> None:
        self.val_losses, self.steps_per_epoch = val_losses, steps_per_epoch

    def predict(self, state: list[int], x: Array) -> Array:
        """The loss of the epoch, as the output of every row."""
        epoch = -(-state[0] // self.steps_per_epoch)
        return np.full((1, len(x), 1), self.val_losses[epoch - 1], np.float32)

    def losses(self, outputs: Array, y: Array) -> Array:
        """The outputs themselves."""
        return outputs[..., 0]

    def select(self, state: list[int], keep: Sequence[int]) -> list[int]:
        """A copy."""
        assert list(keep) == [0]
        return list(state)


def events(losses: Iterator[float], first_epoch: int = 0) -> Iterator[StepEvent]:
    """Steps of ten rows in batches of 4, 4 and 2; the state is changed in place, as a learner does."""
    state, samples = [0], 0
    for step, loss in enumerate(losses):
        epoch, place = divmod(step, STEPS_PER_EPOCH)
        state[0], samples = step + 1, samples + SIZES[place]
        batch = Batch((), np.arange(SIZES[place]), None, first_epoch + epoch, place)
        lr = np.full(1, 0.5 / (1 + step), np.float32)
        yield StepEvent(state, StepResult(np.full(1, loss, np.float32)), batch, step + 1, samples, lr)


def constant() -> Iterator[float]:
    """A training loss of 1 at every step."""
    while True:
        yield 1.0


def followed(
    losses: Iterator[float],
    val_losses: Sequence[float] | None = None,
    *,
    first_epoch: int = 0,
    task: str = "regression",
    **rules: Any,
) -> FitResult:
    """A training with these losses, to its end."""
    rows = np.zeros((10, 1), np.float32), np.zeros((10, 1), np.float32)
    settings: dict[str, Any] = {
        "budget": Budget(epochs=100),
        "target": None,
        "patience": None,
        "progress": None,
    }
    learner: Any = Scripted(val_losses or ())
    follower = Follower(
        learner=learner,
        shape=Shape(features=1, outputs=1, task=task),
        train=rows,
        validation=None if val_losses is None else rows,
        steps_per_epoch=STEPS_PER_EPOCH,
        lr=0.5,
        batch_size=SIZES[0],
        **{"budget": Budget(epochs=100), **settings, **rules},
    )
    steps = events(losses, first_epoch)
    return follower.follow(None, lambda state, step, samples: islice(steps, STEPS_PER_EPOCH))


def test_history_has_an_entry_an_epoch() -> None:
    """Counts, the last rate, the mean loss weighted by samples, and the validation metrics."""
    losses = iter([1.0, 2.0, 4.0, 0.5, 0.25, 0.125])
    result = followed(losses, [0.75, 0.5], budget=Budget(epochs=2))
    for entry in result.history:
        assert entry.pop("seconds") >= 0
        assert entry.pop("val_r2") == -INF
    assert result.history == [
        {
            "epoch": 1,
            "step": 3,
            "samples": 10,
            "lr": pytest.approx(0.5 / 3),
            "batch_size": 4,
            "loss": (4 * 1 + 4 * 2 + 2 * 4) / 10,
            "val_loss": 0.75,
            "val_rmse": 0.75,
            "val_mae": 0.75,
        },
        {
            "epoch": 2,
            "step": 6,
            "samples": 20,
            "lr": pytest.approx(0.5 / 6),
            "batch_size": 4,
            "loss": (4 * 0.5 + 4 * 0.25 + 2 * 0.125) / 10,
            "val_loss": 0.5,
            "val_rmse": 0.5,
            "val_mae": 0.5,
        },
    ]


@pytest.mark.parametrize(
    ("limits", "step", "text"),
    [
        ({"epochs": 2}, 6, "It stopped after 2 epochs, the limit."),
        ({"epochs": 1}, 3, "It stopped after 1 epoch, the limit."),
        ({"steps": 5}, 5, "It stopped after 5 steps, the limit."),
        ({"steps": 1}, 1, "It stopped after 1 step, the limit."),
        ({"samples": 15}, 5, "It stopped after 15 samples, the limit."),
        ({"samples": 18}, 5, "It stopped after 18 samples, the limit."),
        ({"epochs": 2, "steps": 5, "samples": 9}, 3, "It stopped after 9 samples, the limit."),
    ],
)
def test_the_first_limit_ends_it(limits: dict[str, int], step: int, text: str) -> None:
    """It stops at once, also within an epoch, whose entry then covers the steps made."""
    result = followed(constant(), budget=Budget(**limits))
    assert result.outcome is Outcome.OUT_OF_STEPS
    assert result.stopped == text
    assert result.history[-1]["step"] == step
    assert result.history[-1]["samples"] == [4, 8, 10, 14, 18, 20][step - 1]
    assert [entry["epoch"] for entry in result.history] == list(range(1, 2 + (step - 1) // 3))


def test_seconds_are_those_of_the_clock(monkeypatch: pytest.MonkeyPatch) -> None:
    """A clock that moves on by half a second a look stops at the first step at or after two seconds."""
    ticks = iter(np.arange(0, 100, 0.5))
    monkeypatch.setattr(follow, "time", SimpleNamespace(perf_counter=lambda: float(next(ticks))))
    result = followed(constant(), budget=Budget(seconds=2))
    assert result.stopped == "It stopped after 2 seconds, the limit."
    assert [(entry["step"], entry["seconds"]) for entry in result.history] == [(3, 1.5), (4, 2.0)]


def test_epochs_are_counted_from_its_own_start() -> None:
    """A loader that was used before does not shorten a training."""
    result = followed(constant(), [1.0] * 3, first_epoch=7, budget=Budget(epochs=3))
    assert [entry["epoch"] for entry in result.history] == [1, 2, 3]


@pytest.mark.parametrize(
    ("target", "task", "step", "text"),
    [
        (
            Target("loss", "validation", 0.5),
            "regression",
            9,
            "It reached val_loss<=0.5 at step 9, in epoch 3.",
        ),
        (Target("loss", "train", 0.5), "regression", 9, "It reached loss<=0.5 at step 9, in epoch 3."),
        (Target("mae", "train", 0.625), "regression", 6, "It reached mae<=0.625 at step 6, in epoch 2."),
        (
            Target("accuracy", "validation", 1.0),
            "classification",
            12,
            "It reached val_accuracy>=1 at step 12, in epoch 4.",
        ),
    ],
)
def test_a_target_ends_it(target: Target, task: str, step: int, text: str) -> None:
    """At the end of the first epoch whose metric, on the part that was named, reaches the value."""
    result = followed(constant(), [0.75, 0.625, 0.5, 0.0, 0.0], target=target, task=task)
    assert result.outcome is Outcome.REACHED
    assert result.stopped == text
    assert result.history[-1]["step"] == step


def test_a_target_is_looked_for_at_the_last_step() -> None:
    """A training that a limit ends within an epoch may have reached it too."""
    result = followed(
        constant(), [1.0, 0.5], target=Target("loss", "validation", 0.5), budget=Budget(steps=4)
    )
    assert result.outcome is Outcome.REACHED
    assert result.stopped == "It reached val_loss<=0.5 at step 4, in epoch 2."


@pytest.mark.parametrize(
    ("patience", "ended", "best", "text"),
    [
        (1, 3, 2, "val_loss did not improve for 1 epoch; the weights are those of epoch 2, the best."),
        (2, 6, 4, "val_loss did not improve for 2 epochs; the weights are those of epoch 4, the best."),
        (3, 10, 7, "val_loss did not improve for 3 epochs; the weights are those of epoch 7, the best."),
    ],
)
def test_patience_goes_back_to_the_best(patience: int, ended: int, best: int, text: str) -> None:
    """It ends so many epochs after the best, an equal loss being no better, and returns the state of then."""
    val_losses = [5.0, 3.0, 4.0, 2.0, 2.0, 2.5, 1.0, 1.5, 1.2, 1.1, 0.5]
    result = followed(constant(), val_losses, patience=patience)
    assert result.outcome is Outcome.OUT_OF_STEPS
    assert result.stopped == text
    assert len(result.history) == ended
    assert result.state == [best * STEPS_PER_EPOCH]


def test_patience_without_validation_watches_the_loss() -> None:
    """Then it is the mean training loss of the epoch that must improve."""
    means = [3.0, 1.0, 2.0, 2.0]
    result = followed((loss for loss in means for _ in range(STEPS_PER_EPOCH)), patience=2)
    assert result.stopped == "loss did not improve for 2 epochs; the weights are those of epoch 2, the best."
    assert result.state == [6]


SMALLER = "write a smaller one, such as 0.05, or let rightbatch study find it."


@pytest.mark.parametrize(("bad", "named"), [(NAN, "NaN"), (INF, "infinite")])
def test_divergence_ends_it(bad: float, named: str) -> None:
    """At the step whose loss is no number; the rate named is the caller's, not the schedule's."""
    result = followed(iter([1.0, 1.0, 1.0, 1.0, bad, 1.0]), [1.0, 1.0])
    assert result.outcome is Outcome.DIVERGED
    assert result.stopped == f"The loss became {named} at step 5 with learning rate 0.5; {SMALLER}"
    assert [entry["epoch"] for entry in result.history] == [1]


@pytest.mark.parametrize("rules", [{}, {"budget": Budget(steps=6)}])
def test_an_infinite_validation_loss_is_a_divergence(rules: dict[str, Any]) -> None:
    """The last update may have done it; no limit excuses it."""
    result = followed(constant(), [1.0, NAN, 1.0], **rules)
    assert result.outcome is Outcome.DIVERGED
    assert result.stopped == f"The loss became NaN at step 6 with learning rate 0.5; {SMALLER}"
    assert [entry["epoch"] for entry in result.history] == [1]


@pytest.mark.parametrize("losses", [[1.0] * 9, [1.0] * 7 + [NAN]], ids=["validation", "training"])
def test_patience_gives_the_best_back_after_a_divergence(losses: list[float]) -> None:
    """It is a divergence all the same."""
    result = followed(iter(losses), [2.0, 1.0, NAN], patience=5)
    assert result.outcome is Outcome.DIVERGED
    step = len(losses) if NAN in losses else 9
    assert result.stopped == (
        f"The loss became NaN at step {step} with learning rate 0.5; {SMALLER[:-1]}; "
        "the weights are those of epoch 2, the best before."
    )
    assert result.state == [2 * STEPS_PER_EPOCH]


@pytest.mark.parametrize(("val_losses", "best"), [([3.0, 1.0, 2.0], 2), ([3.0, 2.0, 1.0], 3)])
def test_patience_gives_the_best_back_when_a_limit_ends_it(val_losses: list[float], best: int) -> None:
    """Even before its time, and where the last epoch is the best."""
    result = followed(constant(), val_losses, patience=5, budget=Budget(epochs=3))
    assert (result.outcome, result.state) == (Outcome.OUT_OF_STEPS, [best * STEPS_PER_EPOCH])
    assert result.stopped == (
        f"It stopped after 3 epochs, the limit; the weights are those of epoch {best}, the best."
    )


@pytest.mark.parametrize(("bad", "named"), [(NAN, "NaN"), (INF, "infinite")])
def test_a_loss_infinite_from_the_start(bad: float, named: str) -> None:
    """Before the first update no learning rate is to blame: the data are, or the model."""
    result = followed(iter([bad]))
    assert result.outcome is Outcome.DIVERGED
    assert result.stopped == (
        f"The loss was {named} before the first update; scale X and y, as rb.load_data((X, y)) does, "
        "or write a model whose outputs are finite for them."
    )
    assert result.history == []


def test_progress_is_told_at_every_step() -> None:
    """Epoch and step, the mean loss of the epoch so far, and the metrics of the last evaluation."""
    told: list[FitProgress] = []
    losses = iter([1.0, 2.0, 4.0, 0.5])
    followed(
        losses, [0.388, 0.2], budget=Budget(epochs=9, steps=4), task="classification", progress=told.append
    )
    assert [str(progress) for progress in told] == [
        "epoch 1/9  step 1/3  loss 1",
        "epoch 1/9  step 2/3  loss 1.5",
        "epoch 1/9  step 3/3  loss 2",
        "epoch 2/9  step 1/3  loss 0.5  val_loss 0.388  val_accuracy 0",
    ]


def test_progress_without_a_number_of_epochs() -> None:
    """Where seconds or steps are the limit, no number of epochs is promised."""
    told: list[FitProgress] = []
    followed(constant(), budget=Budget(steps=4), progress=told.append)
    assert str(told[-1]) == "epoch 2  step 1/3  loss 1"
