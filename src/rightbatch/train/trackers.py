"""Trackers of others as watchers; each library is imported when it is asked for."""

import importlib
import os
from typing import Any

from rightbatch.errors import MissingExtraError
from rightbatch.train.watch import Watcher


def tensorboard(folder: str | os.PathLike[str]) -> Watcher:
    """A watcher that writes the history for TensorBoard: a scalar for each of its columns, by steps.

    ``tensorboard --logdir FOLDER`` shows it.

    Args:
        folder: of the events, made where there is none; one for each training.

    Raises:
        MissingExtraError: TensorBoard is not installed.
    """
    adapter = _adapter("tensorboard", "TensorBoard")
    watcher: Watcher = adapter.TensorBoard(os.fspath(folder))
    return watcher


def mlflow(
    experiment: str = "rightbatch",
    *,
    run_name: str | None = None,
    run_id: str | None = None,
    tracking_uri: str | None = None,
) -> Watcher:
    """A watcher that logs a training as a run of MLflow: settings, history, and how it ended.

    Args:
        experiment: its name, made where there is none.
        run_name: what to call the run; none: MLflow finds a name.
        run_id: of a run to go on with, as a training does that is resumed; none: a new one.
        tracking_uri: where MLflow keeps its runs, such as ``"sqlite:///runs.db"``; none: where it is
            set to.

    Raises:
        MissingExtraError: MLflow is not installed.
    """
    adapter = _adapter("mlflow", "MLflow")
    watcher: Watcher = adapter.MLflow(experiment, run_name, run_id, tracking_uri)
    return watcher


def _adapter(name: str, called: str) -> Any:
    """The file that adapts a library and bears its name."""
    try:
        return importlib.import_module(f"rightbatch.train.{name}")
    except ModuleNotFoundError as error:
        if error.name is None or error.name.partition(".")[0] != name:
            raise
        raise MissingExtraError(called, name) from error
