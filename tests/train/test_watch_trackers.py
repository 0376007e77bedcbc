"""TensorBoard and MLflow get what the history has; each is skipped where it is not installed."""

import sys
from pathlib import Path
from typing import Any

import pytest

from rightbatch.errors import MissingExtraError
from rightbatch.train.trackers import mlflow, tensorboard
from train.checkpoint_cases import BreakOff, BrokenOffError, trained

pytestmark = pytest.mark.filterwarnings("ignore")  # theirs, not ours


def make() -> dict[str, Any]:
    """Three epochs of seven steps."""
    return {"model": "mlp"}


@pytest.mark.parametrize(("name", "called"), [("tensorboard", "TensorBoard"), ("mlflow", "MLflow")])
def test_what_is_not_installed_is_said(name: str, called: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Before anything is trained, with what to write."""
    for module in [known for known in sys.modules if known.partition(".")[0] == name]:
        monkeypatch.delitem(sys.modules, module)
    monkeypatch.delitem(sys.modules, f"rightbatch.train.{name}", raising=False)
    monkeypatch.setattr(sys, "meta_path", [_Without(name), *sys.meta_path])
    with pytest.raises(MissingExtraError) as caught:
        {"tensorboard": lambda: tensorboard("folder"), "mlflow": mlflow}[name]()
    assert str(caught.value) == f'{called} is not installed; write pip install "rightbatch[{name}]".'


class _Without:
    """Finds no module of this name."""

    def __init__(self, name: str) -> None:
        self._name = name

    def find_spec(self, name: str, path: Any = None, target: Any = None) -> None:
        if name.partition(".")[0] == self._name:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)


def test_tensorboard_has_the_history(tmp_path: Path) -> None:
    """Its own reader finds a scalar for each column, at the steps of the epochs."""
    accumulator = pytest.importorskip("tensorboard.backend.event_processing.event_accumulator")
    util = pytest.importorskip("tensorboard.util.tensor_util")
    result = trained(make, watchers=[tensorboard(tmp_path)])
    events = accumulator.EventAccumulator(str(tmp_path))
    events.Reload()
    for tag, name in {"validation/loss": "val_loss", "training/loss": "loss", "training/lr": "lr"}.items():
        found = [(one.step, util.make_ndarray(one.tensor_proto).item()) for one in events.Tensors(tag)]
        assert found == [(row["step"], pytest.approx(row[name], rel=1e-6)) for row in result.history]


def test_mlflow_has_settings_history_and_end(tmp_path: Path) -> None:
    """Its own client finds them in the run."""
    tracking = pytest.importorskip("mlflow.tracking")
    uri = f"sqlite:///{tmp_path / 'runs.db'}"
    watcher: Any = mlflow("digits", run_name="first", tracking_uri=uri)
    result = trained(make, watchers=[watcher])
    client = tracking.MlflowClient(uri)
    run = client.get_run(watcher.run_id)
    assert (run.info.run_name, run.info.status) == ("first", "FINISHED")
    assert (run.data.params["lr"], run.data.params["batch_size"]) == ("0.1", "6")
    assert run.data.tags["stopped"] == result.stopped
    found = [(one.step, one.value) for one in client.get_metric_history(watcher.run_id, "val_loss")]
    assert found == [(row["step"], row["val_loss"]) for row in result.history]


def test_a_run_of_mlflow_goes_on(tmp_path: Path) -> None:
    """One that was broken off has failed; resumed under its number it is finished."""
    tracking = pytest.importorskip("mlflow.tracking")
    uri, kept = f"sqlite:///{tmp_path / 'runs.db'}", {"checkpoint": tmp_path, "checkpoint_every": 5}
    first: Any = mlflow(tracking_uri=uri)
    with pytest.raises(BrokenOffError):
        trained(make, watchers=[first, BreakOff(10)], **kept)
    client = tracking.MlflowClient(uri)
    assert client.get_run(first.run_id).info.status == "FAILED"
    trained(make, watchers=[mlflow(run_id=first.run_id, tracking_uri=uri)], resume=True, **kept)
    assert client.get_run(first.run_id).info.status == "FINISHED"
    assert {one.step for one in client.get_metric_history(first.run_id, "loss")} == {7, 14, 21}
