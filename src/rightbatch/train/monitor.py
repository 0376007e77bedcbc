"""Finds what goes wrong in a training while it happens, and says it in a sentence.

It looks at what is there already: the loss of every step, the rows of the first batches, the parameters
between two epochs, the history. A step whose loss is calm costs nothing.
"""

import itertools
import math
import time
from collections.abc import Sequence
from typing import Any

import numpy as np

from rightbatch import units
from rightbatch.data.ragged import Padded
from rightbatch.records import Array, Batch, Outcome, StepEvent
from rightbatch.train.layers import LayerCheck
from rightbatch.train.missing import ClassCheck, on_host
from rightbatch.train.watch import Run, Watcher

_FIRST_STEPS = 32
"""Steps that are all looked at, to know which losses are calm and which classes the batches hold."""

_EXPLODED = 1000.0
"""Times the largest mean loss so far from which on a loss has exploded; single rows may have 100."""

_LEAST_LOSSES = 5
"""The first ones, whose mean those after them are held against; of fewer it may be small by chance."""

_RISES, _RISEN = 3, 1.01
"""Evaluations in a row, and times the least validation loss: one that has settled rises three times in
a row by chance now and then, but not by 1 %."""

_WAITED_SHARE, _WAITED_SECONDS = 0.25, 1.0
"""Share of the time that waiting must take to be worth a word, and the time from which that can be told."""

_CHECK_STEPS, _CHECK_SHARE = 100, 0.002
"""Steps between two looks at the parameters, and the share of the time that looking may take."""

_LAST_STEPS = 10
"""Steps after which a training that ends is looked at once more."""

_LISTED = 8
"""Rows of a batch that are named."""

_LARGE = 1000.0
"""Times the largest value of the middle row from which on a row is named for its values."""


class Monitor(Watcher):
    """Watches for a loss that explodes, dead gradients, waiting, missing classes and overfitting.

    Args:
        command_line: whether advice names options of the command, or arguments of Python.
    """

    def __init__(self, *, command_line: bool = False) -> None:
        self.command_line = command_line
        self._losses: list[float] | None = []
        """The first ones; `None`: they have been looked at."""
        self._mean = 0.0
        """The largest mean loss so far."""
        self._classes: ClassCheck | None = None
        self._layers: LayerCheck | None = None
        self._looked, self._took = 0.0, 0.0
        self._began, self._waited = 0.0, 0.0
        self._said: set[str] = set()

    def begin(self, run: Run, state: Any) -> None:
        """Ask for every step at first."""
        run.calm = -math.inf
        self._began, self._waited = time.perf_counter(), _waited(run)
        if run.shape.task == "classification":
            self._classes = ClassCheck.of(run.loader.data, run.classes)
        if hasattr(run.learner, "trained"):
            self._layers = LayerCheck(run.learner.trained(state), run.step)
            self._looked = time.perf_counter()
            self._took = self._looked - self._began

    def look(self, run: Run, event: StepEvent, loss: float) -> None:
        """A step of the first ones, or one whose loss has exploded or is no number."""
        if not math.isfinite(loss):
            run.warn(_no_number(event, loss, len(run.history) + 1))
            return
        first = self._losses
        if first is None:
            self._say(run, "exploded", _exploded(event, loss / self._mean, len(run.history) + 1))
            run.calm = math.inf
            return
        known = len(first[:_LEAST_LOSSES])
        mean = math.fsum(first[:_LEAST_LOSSES]) / max(1, known)
        if loss > mean * (_EXPLODED if known == _LEAST_LOSSES else _EXPLODED**4) > 0:
            self._say(run, "exploded", _exploded(event, loss / mean, len(run.history) + 1))
        first.append(loss)
        if self._classes is not None:
            self._classes.add(event.batch)
        if len(first) == _FIRST_STEPS:
            self._settle(run)

    def epoch(self, run: Run, row: dict[str, float], event: StepEvent) -> None:
        """Look at the loss, the parameters, the time and the history."""
        if self._losses is None and "exploded" not in self._said:
            self._calm(run, row["loss"])
        now = time.perf_counter()
        idle = now - self._looked > self._took / _CHECK_SHARE
        if idle and self._layers is not None and event.step - self._layers.step >= _CHECK_STEPS:
            self._look_at_layers(run, event)
        self._look_at_waiting(run, now - self._began)
        if run.history[-1].get("val_loss", math.nan) <= _least(run.history):
            self._said.discard("overfitting")
        self._say(run, "overfitting", overfitting(run.history, command_line=self.command_line))

    def end(self, run: Run, event: StepEvent | None, outcome: Outcome, stopped: str) -> None:
        """Look once more at what a short training has not yet shown."""
        del stopped
        if event is None or outcome is Outcome.DIVERGED:
            return
        if self._losses is not None:
            self._settle(run)
        if self._layers is not None and event.step - self._layers.step >= _LAST_STEPS:
            self._look_at_layers(run, event)

    def _say(self, run: Run, what: str, sentence: str) -> None:
        """Warn of each thing once."""
        if sentence and what not in self._said:
            self._said.add(what)
            run.warn(sentence)

    def _settle(self, run: Run) -> None:
        """What the first steps have shown; from here on calm ones are passed over."""
        first, self._losses = self._losses or [], None
        if "exploded" in self._said:
            run.calm = math.inf
        else:
            self._calm(run, math.fsum(first) / len(first) if first else 0.0)
        if self._classes is not None:
            self._say(run, "classes", self._classes.sentence(command_line=self.command_line))
            self._classes = None

    def _calm(self, run: Run, mean: float) -> None:
        self._mean = max(self._mean, mean)
        run.calm = _EXPLODED * self._mean if self._mean > 0 else math.inf

    def _look_at_layers(self, run: Run, event: StepEvent) -> None:
        if self._layers is None or not event.lr[0] or not event.result.loss[0]:
            return
        before = time.perf_counter()
        parameters = run.learner.trained(event.state)
        sentence = self._layers.again(parameters, event.step, command_line=self.command_line)
        self._say(run, "layers", sentence)
        self._looked = time.perf_counter()
        self._took = self._looked - before

    def _look_at_waiting(self, run: Run, seconds: float) -> None:
        waited = _waited(run) - self._waited
        if seconds >= _WAITED_SECONDS and waited > _WAITED_SHARE * seconds:
            share = f"{units.percent(waited / seconds)} of the time ({units.seconds(waited)} so far)"
            instead = "prepare them ahead of it, in other threads or processes, or once and for all"
            self._say(run, "waiting", f"The model waited for its batches {share}; {instead}.")


def overfitting(history: Sequence[dict[str, float]], *, command_line: bool = False) -> str:
    """Whether the validation loss rises while that of training falls; empty where it does not.

    Args:
        history: one row an epoch.
        command_line: whether options of the command are named, or arguments of Python.

    Example:
        >>> rows = [{"epoch": n, "loss": 1 / n, "val_loss": 1 + 0.1 * n} for n in (1, 2, 3, 4)]
        >>> print(overfitting(rows).partition(";")[0])
        The model overfits: val_loss rose from 1.1 to 1.4 over 3 epochs while the loss fell from 1 to 0.25
    """
    rows = history[-_RISES - 1 :]
    if len(rows) <= _RISES or "val_loss" not in rows[0]:
        return ""
    pairs = list(itertools.pairwise(rows))
    rising = all(new["val_loss"] > old["val_loss"] and new["loss"] < old["loss"] for old, new in pairs)
    best = min(history, key=lambda row: row["val_loss"])
    if not rising or rows[-1]["val_loss"] <= _RISEN * best["val_loss"]:
        return ""
    first, last = rows[0], rows[-1]
    patience, decay = ("--patience ", "--weight-decay") if command_line else ("patience=", "weight_decay")
    return (
        f"The model overfits: val_loss rose from {first['val_loss']:.3g} to {last['val_loss']:.3g} over "
        f"{_RISES} epochs while the loss fell from {first['loss']:.3g} to {last['loss']:.3g}; its least was "
        f"{best['val_loss']:.3g}, in epoch {best['epoch']:.0f}; write {patience}{_RISES}, {decay} or "
        "a smaller model."
    )


def _least(history: Sequence[dict[str, float]]) -> float:
    return min((row.get("val_loss", math.inf) for row in history), default=math.inf)


def _waited(run: Run) -> float:
    return float(getattr(run.loader, "waited", 0.0))


def _no_number(event: StepEvent, loss: float, epoch: int) -> str:
    what = "NaN" if math.isnan(loss) else "infinite"
    return f"The loss was {what} at step {event.step:,}, in epoch {epoch}, {_batch(event.batch)}."


def _exploded(event: StepEvent, ratio: float, epoch: int) -> str:
    loss = f"{float(event.result.loss[0]):.3g}, {ratio:.3g} times the mean before"
    return (
        f"The loss exploded: it was {loss}, at step {event.step:,}, in epoch {epoch}, {_batch(event.batch)}."
    )


def _batch(batch: Batch) -> str:
    """The rows of a batch, and those among them whose values stand out."""
    return f"on {units.plural(len(batch.index), 'row')}: {_listed(batch.index)}{_outstanding(batch)}"


def _outstanding(batch: Batch) -> str:
    largest = np.max([_largest(field) for field in batch.data], axis=0)
    broken = batch.index[~np.isfinite(largest)]
    if len(broken):
        return f"; values of {_named(broken)} are not finite"
    large = batch.index[largest > _LARGE * np.median(largest)]
    if len(large):
        return f"; values of {_named(large)} are as large as {largest.max():.3g}"
    return "; all of their values are finite"


def _largest(field: Any) -> Array:
    """Largest absolute value of every row."""
    field = field.values if isinstance(field, Padded) else field
    values = np.abs(on_host(field).astype(np.float64).reshape(len(field), -1))
    return values.max(axis=1, initial=0.0)


def _named(rows: Array) -> str:
    return f"row {rows[0]}" if len(rows) == 1 else f"rows {_listed(rows)}"


def _listed(rows: Array) -> str:
    names = [str(row) for row in rows[:_LISTED]]
    rest = len(rows) - len(names)
    return units.listed([*names, *([f"{rest:,} more"] if rest else [])])
