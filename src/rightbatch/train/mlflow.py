"""A training as a run of MLflow, by its own client."""

import time
from typing import Any

from mlflow.entities import Metric, Param, RunStatus, RunTag
from mlflow.tracking import MlflowClient

from rightbatch.records import Outcome, StepEvent
from rightbatch.train.watch import Run, Watcher

_LONGEST_PARAM, _LONGEST_TAG = 6000, 5000
"""Letters that MLflow takes."""

_STATUS = RunStatus.to_string


class MLflow(Watcher):
    """Logs settings, the history, what was found, and how it ended.

    The run is no active run of the process: what the caller logs goes elsewhere.

    Args:
        experiment: its name.
        run_name: of a new run.
        run_id: of one to go on with.
        tracking_uri: where runs are kept.
    """

    def __init__(
        self, experiment: str, run_name: str | None, run_id: str | None, tracking_uri: str | None
    ) -> None:
        self._experiment, self._run_name, self._uri = experiment, run_name, tracking_uri
        self.run_id = run_id
        """Of the run, known once the training has begun."""
        self._client: Any = None
        self._status = RunStatus.FAILED

    def begin(self, run: Run, state: Any) -> None:
        """Begin a run, or go on with one, and log the settings."""
        del state
        self._client = MlflowClient(self._uri)
        if self.run_id is None:
            self.run_id = self._client.create_run(self._experiment_id(), run_name=self._run_name).info.run_id
        else:
            self._client.set_terminated(self.run_id, _STATUS(RunStatus.RUNNING))
        params = [Param(name, value[:_LONGEST_PARAM]) for name, value in run.settings.items()]
        self._client.log_batch(self.run_id, params=params)

    def epoch(self, run: Run, row: dict[str, float], event: StepEvent) -> None:
        """Log the row."""
        del run
        now = time.time_ns() // 1_000_000
        metrics = [Metric(name, value, now, event.step) for name, value in row.items() if name != "step"]
        self._client.log_batch(self.run_id, metrics=metrics)

    def warned(self, run: Run, sentence: str) -> None:
        """Log all that was found so far as a tag."""
        del sentence
        if self._client is not None:
            self._tag("warnings", "\n".join(run.warnings))

    def end(self, run: Run, event: StepEvent | None, outcome: Outcome, stopped: str) -> None:
        """Log how it ended."""
        del run, event
        self._tag("outcome", outcome.value)
        self._tag("stopped", stopped)
        self._status = RunStatus.FINISHED

    def close(self) -> None:
        """End the run: finished, or failed where the training was broken off."""
        if self._client is not None:
            self._client.set_terminated(self.run_id, _STATUS(self._status))
            self._client = None

    def _experiment_id(self) -> str:
        found = self._client.get_experiment_by_name(self._experiment)
        return found.experiment_id if found else self._client.create_experiment(self._experiment)

    def _tag(self, name: str, text: str) -> None:
        self._client.log_batch(self.run_id, tags=[RunTag(name, text[:_LONGEST_TAG])])
