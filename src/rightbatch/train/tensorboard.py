"""The history of a training for TensorBoard, by its own writer: neither PyTorch nor TensorFlow is needed."""

from typing import Any

from tensorboard.summary import Writer

from rightbatch.records import StepEvent
from rightbatch.train.watch import Run, Watcher

_AXES = {"epoch", "step"}
"""What is no quantity but a place."""


class TensorBoard(Watcher):
    """Writes a scalar for each column of the history, after every epoch.

    Args:
        folder: of the events.
    """

    def __init__(self, folder: str) -> None:
        self._folder = folder
        self._writer: Any = None

    def begin(self, run: Run, state: Any) -> None:
        """Open a file of events."""
        del run, state
        self._writer = Writer(self._folder)

    def epoch(self, run: Run, row: dict[str, float], event: StepEvent) -> None:
        """Write the row."""
        del run
        for name, value in row.items():
            if name not in _AXES:
                self._writer.add_scalar(_tag(name), value, event.step)
        self._writer.flush()

    def close(self) -> None:
        """Close the file."""
        if self._writer is not None:
            self._writer.close()
            self._writer = None


def _tag(name: str) -> str:
    """TensorBoard draws what has the same name up to the slash in one section."""
    return f"validation/{name[4:]}" if name.startswith("val_") else f"training/{name}"
