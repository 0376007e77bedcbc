"""A training that is broken off and resumed ends as if nothing had happened."""

import random
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn.linear_model import SGDClassifier

from rightbatch.data.balanced import Balanced
from rightbatch.data.loader import Loader
from rightbatch.errors import SettingError, StoreError
from rightbatch.learners.estimator import EstimatorModel
from rightbatch.learners.linear import LogisticRegression
from rightbatch.learners.mlp import MLP
from rightbatch.records import Outcome, StepEvent
from rightbatch.train.keeper import Keeper
from rightbatch.train.schedule import ByEpoch
from rightbatch.train.watch import Run, Watcher
from train.checkpoint_cases import STEPS, assert_the_same, broken_off_and_resumed, rows, trained, weights
from train.fit_data import CLASSES, TRAIN, X

MLP_8 = MLP(hidden=(8,))


def noted() -> dict[str, Any]:
    """A training whose batches are drawn by a loader of the caller's."""
    return {"model": MLP_8, "train": Loader(TRAIN, 6, order=Balanced(TRAIN[1], seed=3)), "batch_size": None}


NUMPY: dict[str, Any] = {
    "sgd": lambda: {"model": MLP_8},
    "adam": lambda: {"model": MLP_8, "optimizer": "adam"},
    "nesterov, patience": lambda: {"model": MLP_8, "optimizer": "nesterov", "patience": 1, "lr": 1.0},
    "logistic, by epoch": lambda: {"model": LogisticRegression(), "schedule": ByEpoch("exponential")},
    "batch size measured": lambda: {"model": MLP_8, "batch_size": "auto"},
    "batch size planned": lambda: {"model": MLP_8, "batch_size": {1: 6, 2: 10}},
    "micro-batches, clipped": lambda: {
        "model": MLP_8,
        "accumulate": 2,
        "clip_norm": 0.5,
        "weight_decay": 0.1,
    },
    "a loader": noted,
    "padded": lambda: {"model": MLP_8, "last": "pad"},
    "target": lambda: {"model": MLP_8, "target": "loss=0.9", "lr": 0.3},
}


@pytest.mark.parametrize("case", NUMPY)
@pytest.mark.parametrize("step", [1, 2, 3])
def test_weights_are_those_of_an_undisturbed_run(case: str, step: int, tmp_path: Path) -> None:
    """Whatever is trained: weights bit for bit, history and end."""
    undisturbed = trained(NUMPY[case])
    assert_the_same(broken_off_and_resumed(NUMPY[case], tmp_path, step), undisturbed)


@pytest.mark.parametrize("every", [1, 3, 7, "1h"])
def test_at_every_step(every: int | str, tmp_path: Path) -> None:
    """Within an epoch, at its end and after it, with checkpoints of each step or of few."""
    undisturbed = trained(NUMPY["adam"])
    for step in range(1, STEPS + 1):
        resumed = broken_off_and_resumed(NUMPY["adam"], tmp_path / str(step), step, every)
        assert_the_same(resumed, undisturbed)


def test_it_goes_on_where_it_was(tmp_path: Path) -> None:
    """A checkpoint of every fifth step: after a break at step 12 it makes the steps from 11 on."""
    steps = []

    class Steps(Watcher):
        def begin(self, run: Run, state: Any) -> None:
            steps.append(run.step)

        def step(self, run: Run, event: StepEvent) -> None:
            steps.append(event.step)

    trained(NUMPY["sgd"], checkpoint=tmp_path, checkpoint_every=5, keep=9)
    assert [int(path.name[5:14]) for path in sorted(tmp_path.glob("step*"))] == [5, 10, 15, 20, STEPS]
    for path in tmp_path.glob("*"):
        if int(path.name[5:14]) > 10:
            path.unlink()
    trained(NUMPY["sgd"], checkpoint=tmp_path, resume=True, checkpoint_every=5, watchers=[Steps()])
    assert steps == [10, *range(11, STEPS + 1)]


def test_a_training_that_has_ended_is_not_trained_again(tmp_path: Path) -> None:
    """The same call again gives the same result, that of the best epoch too, without a step."""
    for name, make in {"limit": NUMPY["sgd"], "patience": NUMPY["nesterov, patience"]}.items():
        first = trained(make, checkpoint=tmp_path / name)
        again = trained(make, checkpoint=tmp_path / name, resume=True, watchers=[_NoStep()])
        assert_the_same(again, first)


class _NoStep(Watcher):
    def step(self, run: Run, event: StepEvent) -> None:
        raise AssertionError("a step was made")


@pytest.mark.parametrize("limits", [{"epochs": 2}, {"steps": 10}, {"steps": 14}, {"samples": 50}])
def test_limits_may_be_raised(limits: dict[str, int], tmp_path: Path) -> None:
    """Resumed with a later end, in the midst of an epoch too, it is the longer training."""
    constant = {"model": MLP_8, "schedule": "constant", "epochs": None}
    trained(lambda: {**constant, **limits}, checkpoint=tmp_path)
    longer = trained(lambda: {**constant, "epochs": 4}, checkpoint=tmp_path, resume=True)
    assert_the_same(longer, trained(lambda: {**constant, "epochs": 4}))


@pytest.mark.parametrize("case", ["sgd", "nesterov, patience", "target"])
def test_the_end_is_known_as_soon_as_it_is_kept(
    case: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Killed after the last epoch was kept and before its end was: no step is made when it goes on."""
    monkeypatch.setattr(Keeper, "end", Watcher.end)
    undisturbed = trained(NUMPY[case], checkpoint=tmp_path, checkpoint_every=1)
    resumed = trained(NUMPY[case], checkpoint=tmp_path, resume=True, watchers=[_NoStep()])
    assert_the_same(resumed, undisturbed)


@pytest.mark.parametrize("limits", [{"epochs": 2}, {"steps": 5}, {"samples": 9}, {"seconds": 1e-9}])
def test_limits_that_are_passed_already(limits: dict[str, Any], tmp_path: Path) -> None:
    """No step is made where there have been enough."""
    first = trained(NUMPY["sgd"], checkpoint=tmp_path)
    again = trained(
        lambda: {**NUMPY["sgd"](), "epochs": None, **limits},
        checkpoint=tmp_path,
        resume=True,
        watchers=[_NoStep()],
    )
    assert weights(again) == weights(first)
    (number,) = limits.values()
    assert again.stopped == f"It stopped after {number} {next(iter(limits))}, the limit."


def test_generators_of_the_process_go_on(tmp_path: Path) -> None:
    """What a loss or a watcher draws from Python's and NumPy's own generators is drawn as before."""
    drawn: list[float] = []

    class Draws(Watcher):
        def step(self, run: Run, event: StepEvent) -> None:
            drawn[event.step - 1 :] = [random.random() + np.random.rand()]  # noqa: NPY002

    def drawing() -> dict[str, Any]:
        return {"model": MLP_8}

    random.seed(5)
    np.random.seed(5)  # noqa: NPY002
    trained(drawing, watchers=[Draws()], checkpoint=tmp_path, checkpoint_every=4)
    undisturbed = drawn.copy()
    for path in tmp_path.glob("*"):
        if int(path.name[5:14]) > 16:
            path.unlink()
    random.seed(6)
    trained(drawing, watchers=[Draws()], checkpoint=tmp_path, checkpoint_every=4, resume=True)
    assert drawn == undisturbed


def test_nothing_to_resume_is_said(tmp_path: Path) -> None:
    """Without a checkpoint it starts from the beginning, and says so."""
    result = trained(NUMPY["sgd"], checkpoint=tmp_path / "new", resume=True)
    assert result.warnings == (
        f"There is no checkpoint in {tmp_path / 'new'}: it started from the beginning.",
    )
    assert weights(result) == weights(trained(NUMPY["sgd"]))


def test_checkpoints_are_not_overwritten_by_another_start(tmp_path: Path) -> None:
    """A folder that holds checkpoints is refused where nothing is resumed."""
    trained(NUMPY["sgd"], checkpoint=tmp_path)
    newest = max(tmp_path.glob("step*")).name
    with pytest.raises(SettingError) as caught:
        trained(NUMPY["sgd"], checkpoint=tmp_path)
    assert str(caught.value) == (
        f"checkpoint holds checkpoints already, got {str(tmp_path)!r}; "
        f"write resume=True (--resume) to go on from {newest}, or another folder."
    )


OTHERS: dict[str, tuple[dict[str, Any], str]] = {
    "model": (
        {"model": MLP(hidden=(9,))},
        (
            "model is MLP(hidden=(8,), activation='relu', l2=0.0) there "
            "and MLP(hidden=(9,), activation='relu', l2=0.0) here"
        ),
    ),
    "data": ({"train": (TRAIN[0] + 1, TRAIN[1])}, "data is "),
    "rows": ({"train": (X, CLASSES)}, "rows is 40 there and 50 here"),
    "lr": ({"lr": 0.25}, "lr is 0.1 there and 0.25 here"),
    "optimizer": ({"optimizer": "adam"}, "optimizer is SGD() there and Adam("),
    "batch size": ({"batch_size": 7}, "batch_size is 6 there and 7 here"),
    "seed": ({"seed": 1}, "seed is 0 there and 1 here"),
    "schedule": ({"schedule": "constant"}, "schedule is None there and 'constant' here"),
    "last": ({"last": "drop"}, "last is keep there and drop here"),
}


@pytest.mark.parametrize("case", OTHERS)
def test_another_training_is_refused(case: str, tmp_path: Path) -> None:
    """Checkpoints of another model, other data or other settings: the first difference is named."""
    other, difference = OTHERS[case]
    trained(lambda: {"model": MLP_8, "lr": 0.1}, checkpoint=tmp_path)
    newest = max(tmp_path.glob("step*"))
    with pytest.raises(StoreError) as caught:
        trained(lambda: {"model": MLP_8, "lr": 0.1, **other}, checkpoint=tmp_path, resume=True)
    assert str(caught.value).startswith(f"{newest} is of another training: {difference}")
    assert str(caught.value).endswith("; write the same model, data and settings, or another folder.")


def test_a_model_that_cannot_be_stored_is_refused(tmp_path: Path) -> None:
    """An estimator of scikit-learn keeps what it has learned to itself."""
    model = EstimatorModel(SGDClassifier(loss="log_loss"))
    with pytest.raises(SettingError) as caught:
        trained(lambda: {"model": model}, checkpoint=tmp_path)
    assert str(caught.value) == (
        "checkpoint cannot hold what this model learns, got 'EstimatorLearner'; "
        "leave it out, or train a built-in model or a PyTorch module."
    )


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        (
            {"resume": True},
            (
                "resume needs a folder of checkpoints, got True; "
                "name the folder that it goes on from, too: checkpoint=FOLDER (--checkpoint FOLDER)."
            ),
        ),
        ({"keep": 0}, "keep must be at least 1, got 0; write a number of checkpoints such as 3."),
        (
            {"checkpoint_every": 0},
            (
                "checkpoint_every must be at least 1, got 0; write a number of steps such as 1000, or a time "
                "such as 60s, 5m or 1h."
            ),
        ),
        (
            {"checkpoint_every": "often"},
            (
                "checkpoint_every is no number of steps and no time, got 'often'; write a number of "
                "steps such as 1000, or a time such as 60s, 5m or 1h."
            ),
        ),
        (
            {"checkpoint_every": "0s"},
            (
                "checkpoint_every must be above 0, got '0s'; write a number of steps such as 1000, or a time "
                "such as 60s, 5m or 1h."
            ),
        ),
    ],
)
def test_settings_that_cannot_be_used(settings: dict[str, Any], sentence: str) -> None:
    """Each is refused in a sentence, before anything is trained."""
    with pytest.raises(SettingError) as caught:
        trained(NUMPY["sgd"], **settings)
    assert str(caught.value) == sentence


def test_a_training_that_diverges_keeps_what_was_before(tmp_path: Path) -> None:
    """Its last state is worth nothing: the checkpoints before it stay the newest."""

    def diverging() -> dict[str, Any]:
        return {"model": "linear", "train": (X, X[:, 0]), "validation": None, "lr": 5.0}

    result = trained(diverging, checkpoint=tmp_path, checkpoint_every=5, epochs=50)
    assert result.outcome is Outcome.DIVERGED
    diverged = int(result.stopped.partition(" at step ")[2].partition(" ")[0].replace(",", ""))
    last = 5 * ((diverged - 1) // 5)
    assert sorted(int(path.name[5:14]) for path in tmp_path.glob("step*")) == [last - 10, last - 5, last]


def test_the_history_has_the_epochs_of_all_sessions(tmp_path: Path) -> None:
    """Seconds too go on from those spent before."""
    resumed = broken_off_and_resumed(NUMPY["sgd"], tmp_path, 12)
    seconds = [row["seconds"] for row in resumed.history]
    assert seconds == sorted(seconds)
    assert [row["epoch"] for row in rows(resumed)] == [1, 2, 3]
