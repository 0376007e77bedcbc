"""Watchers: what they are told, in which order, and that the training does not notice."""

from typing import Any

import pytest

from rightbatch.errors import SettingError
from rightbatch.records import Outcome, StepEvent
from rightbatch.train.result import FitProgress
from rightbatch.train.watch import Run, Watcher
from train.checkpoint_cases import rows, trained, weights
from train.fit_data import QUANTITIES, X


def make() -> dict[str, Any]:
    """Three epochs of seven steps."""
    return {"model": "mlp"}


class Notes(Watcher):
    """Writes down what it is told."""

    def __init__(self) -> None:
        self.told: list[Any] = []

    def begin(self, run: Run, state: Any) -> None:
        self.told.append(("begin", run.step, run.settings["lr"]))

    def step(self, run: Run, event: StepEvent) -> None:
        self.told.append(event.step)

    def epoch(self, run: Run, row: dict[str, float], event: StepEvent) -> None:
        self.told.append(("epoch", row["epoch"], row is run.history[-1], event.step))

    def warned(self, run: Run, sentence: str) -> None:
        self.told.append(("warned", sentence))

    def end(self, run: Run, event: StepEvent | None, outcome: Outcome, stopped: str) -> None:
        self.told.append(("end", outcome, stopped))

    def close(self) -> None:
        self.told.append("close")


def test_what_a_watcher_is_told() -> None:
    """Beginning, every step, every epoch with its row, the end, and that it may let go."""
    notes = Notes()
    trained(make, watchers=[notes], epochs=2)
    assert notes.told == [
        ("begin", 0, "0.1"),
        *range(1, 8),
        ("epoch", 1, True, 7),
        *range(8, 15),
        ("epoch", 2, True, 14),
        ("end", Outcome.OUT_OF_STEPS, "It stopped after 2 epochs, the limit."),
        "close",
    ]


def test_warnings_are_told_to_all() -> None:
    """What one watcher finds the others hear, once, and `progress` and the result have it."""

    class Finds(Watcher):
        def step(self, run: Run, event: StepEvent) -> None:
            if event.step in {3, 4}:
                run.warn("Something is wrong.")

    notes, told = Notes(), []

    def progress(now: FitProgress) -> None:
        told.append(now.warnings)

    result = trained(make, watchers=[Finds(), notes], epochs=1, progress=progress)
    assert notes.told[3] == ("warned", "Something is wrong.")
    assert [one for one in notes.told if one == notes.told[3]] == [notes.told[3]]
    assert result.warnings == ("Something is wrong.",)
    assert told == [()] * 3 + [("Something is wrong.",)] * 4


def test_an_end_within_a_step() -> None:
    """A divergence is told with its event, and an error lets go of files all the same."""
    notes = Notes()
    trained(make, model="linear", train=(X, QUANTITIES * 1e30), validation=None, watchers=[notes])
    assert [one[0] for one in notes.told[1:3]] == ["warned", "end"]

    class Breaks(Watcher):
        def step(self, run: Run, event: StepEvent) -> None:
            raise KeyboardInterrupt

    notes = Notes()
    with pytest.raises(KeyboardInterrupt):
        trained(make, watchers=[notes, Breaks()])
    assert notes.told[1:] == [1, "close"]


def test_the_training_does_not_notice() -> None:
    """Weights bit for bit and history are those of a training that nobody watches."""
    watched, alone = trained(make, watchers=[Notes(), Watcher()]), trained(make, monitor=False)
    assert weights(watched) == weights(alone)
    assert rows(watched) == rows(alone)


@pytest.mark.parametrize(
    ("watchers", "got"), [(Watcher(), "<rightbatch.train.watch.Watcher object>"), (print, "print")]
)
def test_one_watcher_is_not_several(watchers: Any, got: str) -> None:
    """It belongs into a list."""
    with pytest.raises(SettingError) as caught:
        trained(make, watchers=watchers)
    assert str(caught.value) == (
        f"watchers must be several, got '{got}'; write a list of them, such as [rb.tensorboard(FOLDER)]."
    )


@pytest.mark.parametrize("watcher", [Watcher, print, "tensorboard"])
def test_only_watchers_watch(watcher: Any) -> None:
    """A class, a function or a name is refused."""
    with pytest.raises(SettingError, match=r"^watchers must be watchers, got .*; write an object of a class"):
        trained(make, watchers=[watcher])
