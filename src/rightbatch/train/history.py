"""The history of a training as a file of JSON lines, written while it runs.

A line is a row of `FitResult.history`, one an epoch, as soon as it is there; or ``{"step", "warning"}``
where a watcher found something; the last is ``{"step", "outcome", "stopped"}``.
"""

import json
import math
from collections.abc import Mapping
from io import TextIOBase
from pathlib import Path
from typing import Any

from rightbatch.errors import SettingError
from rightbatch.records import Outcome, StepEvent
from rightbatch.train.watch import Run, Watcher

_INSTEAD = "write a file in a folder that exists, such as history.jsonl"


class HistoryLog(Watcher):
    """Writes the history line by line.

    Args:
        path: of the file.
        resume: whether the training goes on: lines of steps that will be made again are dropped.

    Raises:
        SettingError: the file is there already and nothing is resumed, or it cannot be written.
    """

    def __init__(self, path: Path, *, resume: bool) -> None:
        self._path = path
        self._file: TextIOBase | None = None
        if path.is_dir():
            raise SettingError("log", "is a folder", str(path), "write a file such as history.jsonl")
        if path.exists() and not resume:
            instead = "write resume=True (--resume) to go on with it, or another file"
            raise SettingError("log", "exists already", str(path), instead)
        there = path.exists()
        try:
            path.open("a", encoding="utf-8").close()
            if not there:  # data or settings may yet be refused
                path.unlink()
        except OSError as error:
            raise SettingError("log", f"cannot be written ({error.strerror})", str(path), _INSTEAD) from None

    def begin(self, run: Run, state: Any) -> None:
        """Go on where the training does; what was found until now is written."""
        del state
        lines = self._path.read_text("utf-8").splitlines() if self._path.exists() else []
        kept = [entry for entry in map(_read, lines) if _before(entry, run)]
        beside = self._path.with_name(f".{self._path.name}.part")
        beside.write_text("".join(_line(entry) for entry in kept), "utf-8")
        beside.replace(self._path)
        self._file = self._path.open("a", encoding="utf-8")
        for sentence in run.warnings:
            self.warned(run, sentence)

    def epoch(self, run: Run, row: dict[str, float], event: StepEvent) -> None:
        """Write the row."""
        del run, event
        self._write(row)

    def warned(self, run: Run, sentence: str) -> None:
        """Write what was found."""
        self._write({"step": run.at, "warning": sentence})

    def end(self, run: Run, event: StepEvent | None, outcome: Outcome, stopped: str) -> None:
        """Write how it ended."""
        step = run.at if event is None else event.step
        self._write({"step": step, "outcome": outcome.value, "stopped": stopped})

    def close(self) -> None:
        """Close the file."""
        if self._file is not None:
            self._file.close()

    def _write(self, entry: Mapping[str, Any]) -> None:
        if self._file is not None:
            self._file.write(_line(entry))
            self._file.flush()


def _line(entry: Mapping[str, Any]) -> str:
    """One line; JSON has no NaN and no infinity, for which it says null."""
    finite = {
        name: None if isinstance(value, float) and not math.isfinite(value) else value
        for name, value in entry.items()
    }
    return json.dumps(finite, allow_nan=False) + "\n"


def _read(line: str) -> dict[str, Any]:
    """A line as it was written; the last one of a training that was killed may be cut."""
    try:
        entry = json.loads(line)
    except ValueError:
        return {}
    return entry if isinstance(entry, dict) else {}


def _before(entry: Mapping[str, Any], run: Run) -> bool:
    """Whether the line stays true: an epoch that is complete, or a warning of a step that was made."""
    if "epoch" in entry:
        return entry["epoch"] <= len(run.history)
    return "warning" in entry and entry.get("step", math.inf) <= run.step
