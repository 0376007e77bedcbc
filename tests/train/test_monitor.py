"""Each fault is planted, and its sentence read; a training without one is left in peace."""

import math
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from rightbatch.data.dataset import load_data
from rightbatch.data.loader import Loader
from rightbatch.learners.linear import LinearRegression
from rightbatch.learners.mlp import MLP
from rightbatch.records import Outcome
from rightbatch.train import monitor as module
from rightbatch.train.fit import fit
from rightbatch.train.layers import LayerCheck
from rightbatch.train.missing import ClassCheck
from rightbatch.train.monitor import Monitor, overfitting
from rightbatch.train.result import FitProgress
from rightbatch.train.watch import Run
from train.watched import event_of, row_of, run_of

RNG = np.random.default_rng(3)
X = RNG.normal(size=(400, 4)).astype(np.float32)
CLASSES = np.argmax(X, axis=1)


def watched(run: Run, losses: list[float], monitor: Monitor | None = None) -> tuple[str, ...]:
    """What the monitor says of these losses, told as a follower tells them."""
    monitor = Monitor() if monitor is None else monitor
    monitor.begin(run, None)
    for step, loss in enumerate(losses, start=1):
        if not -math.inf < loss < run.calm:
            monitor.look(run, event_of(step, loss), loss)
    return tuple(run.warnings)


@pytest.mark.parametrize(
    ("bad", "named"), [(math.nan, "NaN"), (math.inf, "infinite"), (-math.inf, "infinite")]
)
def test_a_loss_that_is_no_number(bad: float, named: str) -> None:
    """Step, epoch and the rows of its batch are named, at the first steps and after them."""
    for steps in (2, 50):
        assert watched(run_of(), [*[1.0] * steps, bad]) == (
            (
                f"The loss was {named} at step {steps + 1}, in epoch 1, on 2 rows: 4 and 7; "
                "all of their values are finite."
            ),
        )


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (np.nan, "values of row 41 are not finite"),
        (-np.inf, "values of row 41 are not finite"),
        (-1e20, "values of row 41 are as large as 1e+20"),
        (3.0, "all of their values are finite"),
    ],
)
def test_the_row_at_fault_is_named(value: float, said: str) -> None:
    """Where the values of a row stand out; of many rows the first eight are listed."""
    x = np.ones((12, 2))
    x[1, 0] = value
    run = run_of()
    event = event_of(1, math.nan, data=(x, np.ones(12)), rows=range(40, 52))
    Monitor().look(run, event, math.nan)
    assert run.warnings == [
        (
            "The loss was NaN at step 1, in epoch 1, on 12 rows: 40, 41, 42, 43, 44, 45, 46, 47 and 4 more; "
            f"{said}."
        )
    ]


@pytest.mark.parametrize("steps", [5, 30, 32, 80])
def test_a_loss_that_explodes(steps: int) -> None:
    """At a thousand times the mean before, while it is still a number; it is said once."""
    assert watched(run_of(), [*[2.0] * steps, 1999.0, 2001.0, 1e9]) == (
        (
            f"The loss exploded: it was 2e+03, 1e+03 times the mean before, at step {steps + 2}, in epoch 1, "
            "on 2 rows: 4 and 7; all of their values are finite."
        ),
    )


def test_a_loss_that_grows_step_by_step_has_exploded_too() -> None:
    """Each loss is but four times the one before: it is held against the first ones."""
    (sentence,) = watched(run_of(), [4.0**n for n in range(20)])
    assert "at step 10," in sentence


def test_single_rows_may_be_hard() -> None:
    """A loss of a hundred times the mean is nothing, nor one of much more where the mean has fallen."""
    monitor, run = Monitor(), run_of()
    assert watched(run, [1.0] * 40 + [100.0], monitor) == ()
    run.history.append(row_of(1, 1e-6))
    monitor.epoch(run, row_of(1, 1e-6), event_of(41))
    assert run.calm == 1000.0


def test_calm_steps_are_not_looked_at() -> None:
    """After the first 32 no step below the threshold costs anything."""
    looked = []

    class Counts(Monitor):
        def look(self, run: Run, event: Any, loss: float) -> None:
            looked.append(event.step)
            super().look(run, event, loss)

    watched(run_of(), [1.0] * 100, Counts())
    assert looked == list(range(1, 33))


def test_a_training_tells_the_batch_that_broke_it() -> None:
    """One row of 1e20 among 400 is found and named."""
    x = X.copy()
    x[37, 2] = 1e20
    told: list[FitProgress] = []
    result = fit(LinearRegression(), Loader((x, X[:, :1]), 16), epochs=2, progress=told.append)
    assert result.outcome is Outcome.DIVERGED
    loss = told[2].loss * 3 - told[1].loss * 2
    rows = "32, 33, 34, 35, 36, 37, 38, 39 and 8 more"
    values = "values of row 37 are as large as 1e+20"
    before = f"{loss:.3g}, {loss / told[1].loss:.3g} times the mean before"
    first, second = result.warnings
    assert first == (
        f"The loss exploded: it was {before}, at step 3, in epoch 1, on 16 rows: {rows}; {values}."
    )
    assert second.startswith("The loss was infinite at step 4, in epoch 1, on 16 rows: 48, 49, ")
    assert told[3].warnings == result.warnings[:1]


class Dead:
    """A learner whose second layer stands still."""

    def __init__(self) -> None:
        self.values = {name: np.zeros(3) for name in ("weight1", "bias1", "weight2", "bias2", "weight3")}

    def trained(self, state: Any) -> dict[str, Any]:
        del state
        return self.values


def test_layers_that_stand_still() -> None:
    """A layer none of whose parameters has moved; one whose bias alone moves is alive."""
    learner = Dead()
    check = LayerCheck(learner.values, 100)
    learner.values["weight1"][0] = 1e-30
    learner.values["bias2"] = np.ones(3)
    assert check.again(learner.values, 350) == (
        "weight3 has not moved for 250 steps, up to step 350: no gradient reaches it; let the loss depend on "
        "it, or write another activation or a smaller lr."
    )
    assert check.again(learner.values, 360) == ""


def test_where_nothing_has_ever_moved() -> None:
    """All layers are named; but all that stand still after they have moved have found their place."""
    learner = Dead()
    check = LayerCheck(learner.values, 0)
    assert check.again(learner.values, 10).startswith(
        "weight1, bias1, weight2, bias2 and weight3 have not moved for 10 steps, up to step 10: no gradient "
        "reaches them; "
    )


def test_layers_are_looked_at_between_epochs(monkeypatch: pytest.MonkeyPatch) -> None:
    """After a hundred steps, or at the end; not where the rate or the loss is zero, which move nothing."""
    monkeypatch.setattr(module, "_CHECK_SHARE", math.inf)
    for steps, lr, loss, found in [(99, 0.1, 1, 0), (100, 0.1, 1, 1), (100, 0.0, 1, 0), (100, 0.1, 0, 0)]:
        run, monitor = run_of(learner=Dead()), Monitor()
        monitor.begin(run, None)
        run.history.append(row_of(1))
        event = event_of(steps, loss)._replace(lr=np.full(1, lr))
        monitor.epoch(run, row_of(1), event)
        assert len(run.warnings) == found
    run, monitor = run_of(learner=Dead()), Monitor()
    monitor.begin(run, None)
    monitor.end(run, event_of(10), Outcome.OUT_OF_STEPS, "")
    assert len(run.warnings) == 1


def test_a_dead_module_is_named() -> None:
    """Rectified units that no input reaches, and a layer that the outputs do not depend on."""
    torch = pytest.importorskip("torch")
    nn = torch.nn

    class Net(nn.Module):  # type: ignore[misc,name-defined]
        def __init__(self, features: int, outputs: int) -> None:
            super().__init__()
            self.dead, self.head = nn.Linear(features, 4), nn.Linear(4, outputs)
            self.forgotten = nn.Linear(2, 2)
            self.frozen = nn.Linear(2, 2).requires_grad_(False)
            nn.init.constant_(self.dead.bias, -1000.0)

        def forward(self, x: Any) -> Any:
            return self.head(torch.relu(self.dead(x)))

    result = fit(Net, (X, CLASSES), epochs=2)
    assert result.warnings == (
        (
            "dead.weight, dead.bias, forgotten.weight and forgotten.bias have not moved for 26 steps, "
            "up to step 26: no gradient reaches them; let the loss depend on them, or write another "
            "activation or a smaller lr."
        ),
    )


def test_rows_sorted_by_class() -> None:
    """Without shuffling most batches hold a single class, and the order is to blame."""
    order = np.argsort(CLASSES, kind="stable")
    sorted_rows = Loader((X[order], CLASSES[order]), 10)
    result = fit("mlp", sorted_rows, epochs=1)
    assert len(result.warnings) == 1
    assert result.warnings[0].startswith("Classes 0, 1, 2 and 3 are missing from 7")
    assert result.warnings[0].endswith(
        "% of the first 32 batches, in random order from 5.8 %; write shuffle=True, or another order."
    )


def test_a_rare_class() -> None:
    """Eight of 400 rows: most batches of 16 must do without, and its rarity is to blame."""
    labels = np.zeros(400, np.int64)
    labels[:8] = 1
    result = fit("mlp", (X, labels), epochs=2, batch_size=16)
    (sentence,) = result.warnings
    assert sentence.startswith("Class 1, 2 % of the rows, is missing from ")
    assert sentence.endswith(
        "% of the first 32 batches; write order=Stratified(labels) for their share in every batch, "
        "Balanced(labels) for more, or a larger batch_size."
    )


@pytest.mark.parametrize(
    ("labels", "batch_size"), [(CLASSES, 32), (CLASSES, 8), (CLASSES, 1), (np.arange(400) % 100, 32)]
)
def test_classes_in_random_order_are_fine(labels: Any, batch_size: int) -> None:
    """Nor is anything said where a batch has no room for all classes."""
    assert fit("mlp", (X, labels), batch_size=batch_size, epochs=1).warnings == ()


def test_a_class_that_never_comes() -> None:
    """A quarter of the rows and in none of the batches: it is missed however small these are."""
    check = ClassCheck(np.repeat([0, 1, 2, 3], 25))
    for _ in range(32):
        batch = event_of(1).batch
        batch.data = batch.data[0], np.array([0, 1, 2])
        check.add(batch)
    assert check.sentence() == (
        "Class 3 is missing from 100 % of the first 32 batches, in random order from 42 %; "
        "write shuffle=True, or another order."
    )


def lacking(classes: list[int], *, names: tuple[str, ...] = ()) -> ClassCheck:
    """Ten batches of eight rows without these of four classes, which have as many rows each."""
    check = ClassCheck(np.repeat([0, 1, 2, 3], 25), names)
    batch = event_of(1).batch
    batch.data = batch.data[0], np.resize([n for n in range(4) if n not in classes], 8)
    for _ in range(10):
        check.add(batch)
    return check


@pytest.mark.parametrize(
    ("classes", "said"), [([2], 'Class "ash" is'), ([0, 3], 'Classes "oak" and "elm, red" are')]
)
def test_classes_are_called_by_their_names(classes: list[int], said: str) -> None:
    """In quotes, where the data know them."""
    found = lacking(classes, names=("oak", "fir", "ash", "elm, red")).sentence()
    assert found == (
        f"{said} missing from 100 % of the first 10 batches, in random order from 10 %; "
        "write shuffle=True, or another order."
    )


def test_missing_classes_on_the_command_line() -> None:
    """The command shuffles, and its way out is a larger batch."""
    assert lacking([1, 2]).sentence(command_line=True) == (
        "Classes 1 and 2, 25 % of the rows each, are missing from 100 % of the first 10 batches; "
        "write a larger --batch-size."
    )


def test_a_data_set_brings_the_names_of_its_classes() -> None:
    """Text of a label is known from the file to the warning; arrays have the numbers alone."""
    kinds = np.where(np.arange(400) % 50 == 0, "rare", "usual")
    data = load_data((X, kinds))
    (named,) = fit("mlp", data, epochs=1, batch_size=8).warnings
    assert named.startswith('Class "rare", 1.4 % of the rows, is missing from ')
    (numbered,) = fit("mlp", data.train, epochs=1, batch_size=8).warnings
    assert numbered == named.replace('"rare"', "0")


def test_layers_on_the_command_line() -> None:
    """The rate is the option."""
    learner = Dead()
    assert (
        LayerCheck(learner.values, 0)
        .again(learner.values, 10, command_line=True)
        .endswith("let the loss depend on them, or write another activation or a smaller --lr.")
    )


def test_a_loader_that_the_model_waits_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """After a second or more, with the share of the time; a quarter of it is nothing."""
    for waited, seconds, said in [(0.8, 0.9, 0), (0.5, 2.0, 0), (1.5, 2.0, 1)]:
        run, monitor = run_of(), Monitor()
        ticks = iter([0.0, *[seconds] * 10])
        clock = SimpleNamespace(perf_counter=lambda ticks=ticks: next(ticks))
        monkeypatch.setattr(module, "time", clock)
        monitor.begin(run, None)
        run.loader.waited = waited
        run.history.append(row_of(1))
        monitor.epoch(run, row_of(1), event_of(3))
        assert len(run.warnings) == said
    assert run.warnings == [
        (
            "The model waited for its batches 75 % of the time (1.5 s so far); prepare them ahead of it, in "
            "other threads or processes, or once and for all."
        )
    ]


def rows(losses: list[float], val_losses: list[float]) -> list[dict[str, float]]:
    """A history."""
    pairs = enumerate(zip(losses, val_losses, strict=True), start=1)
    return [row_of(epoch, loss, val_loss=val) for epoch, (loss, val) in pairs]


def test_overfitting() -> None:
    """Three rises of the validation loss in a row while the loss falls, and the best epoch is named."""
    history = rows([0.9, 0.8, 0.7, 0.6, 0.5], [0.5, 0.4, 0.41, 0.42, 0.43])
    assert overfitting(history) == (
        "The model overfits: val_loss rose from 0.4 to 0.43 over 3 epochs while the loss fell from 0.8 to "
        "0.5; its least was 0.4, in epoch 2; write patience=3, weight_decay or a smaller model."
    )


def test_overfitting_on_the_command_line() -> None:
    """Its ways out are options, from the monitor that the command makes too."""
    run, monitor = run_of(), Monitor(command_line=True)
    monitor.begin(run, None)
    run.history.extend(rows([0.9, 0.8, 0.7, 0.6, 0.5], [0.5, 0.4, 0.41, 0.42, 0.43]))
    monitor.epoch(run, run.history[-1], event_of(50))
    assert run.warnings == [
        (
            "The model overfits: val_loss rose from 0.4 to 0.43 over 3 epochs while the loss fell from 0.8 "
            "to 0.5; its least was 0.4, in epoch 2; write --patience 3, --weight-decay or a smaller model."
        )
    ]


@pytest.mark.parametrize(
    ("losses", "val_losses"),
    [
        ([0.9, 0.8, 0.7], [0.4, 0.5, 0.6]),
        ([0.9, 0.8, 0.7, 0.6], [0.4, 0.5, 0.6, 0.59]),
        ([0.9, 0.8, 0.85, 0.6], [0.4, 0.5, 0.6, 0.7]),
        ([0.9, 0.8, 0.7, 0.6], [0.4, 0.401, 0.402, 0.403]),
    ],
)
def test_what_is_no_overfitting(losses: list[float], val_losses: list[float]) -> None:
    """Two rises, a fall between, a loss that rises too, or less than a hundredth."""
    assert overfitting(rows(losses, val_losses)) == ""
    assert overfitting([row_of(epoch) for epoch in range(9)]) == ""


def test_overfitting_is_said_once_and_again_after_a_new_best() -> None:
    """While it goes on nothing is repeated."""
    run, monitor = run_of(), Monitor()
    monitor.begin(run, None)
    val_losses = [0.5, 0.6, 0.7, 0.8, 0.9, 0.4, 0.5, 0.6, 0.7]
    for row in rows([1 - 0.1 * n for n in range(9)], val_losses):
        run.history.append(row)
        monitor.epoch(run, row, event_of(int(row["step"])))
    assert [sentence.partition(" to ")[0][-3:] for sentence in run.warnings] == ["0.5", "0.4"]


def test_a_training_that_overfits() -> None:
    """Forty rows with classes by lot are learned by heart, and others are not."""
    lots = np.random.default_rng(0).integers(0, 4, 400)
    result = fit(MLP(hidden=(64,)), (X[:40], lots[:40]), (X[40:], lots[40:]), epochs=60, lr=0.3)
    assert [sentence[:20] for sentence in result.warnings] == ["The model overfits: "]


@pytest.mark.parametrize("optimizer", ["sgd", "adam"])
def test_a_sound_training_is_left_in_peace(optimizer: str) -> None:
    """Nothing is found where nothing is wrong, and the weights are those of one without a monitor."""
    data = (X[:300], CLASSES[:300]), (X[300:], CLASSES[300:])
    result = fit("mlp", *data, epochs=12, optimizer=optimizer)
    assert result.warnings == ()
    without = fit("mlp", *data, epochs=12, optimizer=optimizer, monitor=False)
    for name, values in result.parameters().items():
        assert values.tobytes() == without.parameters()[name].tobytes()


def test_without_a_monitor_nothing_is_said() -> None:
    """It can be switched off."""
    order = np.argsort(CLASSES, kind="stable")
    assert fit("mlp", Loader((X[order], CLASSES[order]), 10), epochs=1, monitor=False).warnings == ()
