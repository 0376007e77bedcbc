"""Who watches a training: the contract of a watcher, and those of one training together."""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from rightbatch.records import Outcome, Shape, StepEvent


@dataclass(slots=True, kw_only=True)
class Run:
    """A training as its watchers see it; they change nothing of it but `calm`.

    Args:
        learner: what learns.
        shape: of the data.
        loader: where the batches come from.
        settings: as they were asked for, in words.
        classes: name of each class number; empty where they have no names, or nobody gave them.
    """

    learner: Any
    shape: Shape
    loader: Any
    settings: Mapping[str, str] = field(default_factory=dict)
    classes: Sequence[str] = ()
    step: int = 0
    """Updates made before: more than 0 where it goes on from a checkpoint."""
    at: int = 0
    """The step that watchers were told of last."""
    history: list[dict[str, float]] = field(default_factory=list)
    """One row an epoch, as in the result."""
    warnings: list[str] = field(default_factory=list)
    """What watchers found, in sentences."""
    calm: float = math.inf
    """Losses below need no look; see `Watcher.look`."""
    told: Callable[[str], None] | None = None
    """Passes a warning on to the other watchers."""

    def warn(self, sentence: str) -> None:
        """Say what was found, once: now, and in the result."""
        if sentence in self.warnings:
            return
        self.warnings.append(sentence)
        if self.told is not None:
            self.told(sentence)


class Watcher:
    """Watches a training. Every method does nothing: write those that are wanted.

    Example:
        >>> class Rates(Watcher):
        ...     def epoch(self, run, row, event):
        ...         print(row["epoch"], row["lr"])
    """

    command_line: bool = False
    """Whether it shows sentences to someone who typed a command, and no Python."""

    def begin(self, run: Run, state: Any) -> None:
        """Before the first step, with the learner's state then."""

    def step(self, run: Run, event: StepEvent) -> None:
        """After every step; the event's state and batch must be copied to be kept."""

    def look(self, run: Run, event: StepEvent, loss: float) -> None:
        """After a step whose loss is not below `run.calm`, or is no number; costs nothing at others."""

    def epoch(self, run: Run, row: dict[str, float], event: StepEvent) -> None:
        """After every epoch and its evaluation, with its row of the history."""

    def warned(self, run: Run, sentence: str) -> None:
        """A watcher has found something."""

    def end(self, run: Run, event: StepEvent | None, outcome: Outcome, stopped: str) -> None:
        """After the last step and its epoch; `None`: it ended within a step, or before one."""

    def close(self) -> None:
        """Let go of files; also after an error."""


class Watching:
    """The watchers of one training; each is told only of what it has a method for.

    Args:
        run: what they see.
        watchers: told in this order.
    """

    def __init__(self, run: Run, watchers: Sequence[Watcher] = ()) -> None:
        self.run = run
        self._watchers = tuple(watchers)
        self._step, self._look = (self._with(name) for name in ("step", "look"))
        self.every_step = bool(self._step)
        """Whether anyone wants to be told of all steps."""
        self.command_line = any(watcher.command_line for watcher in watchers)
        """Whether someone reads sentences in words of the command."""
        run.told = self._warned

    def begin(self, state: Any) -> None:
        """Before the first step."""
        self.run.at = self.run.step
        for watcher in self._watchers:
            watcher.begin(self.run, state)

    def step(self, event: StepEvent) -> None:
        """After every step."""
        self.run.at = event.step
        for told in self._step:
            told(self.run, event)

    def look(self, event: StepEvent, loss: float) -> None:
        """After a step that is not calm."""
        self.run.at = event.step
        for told in self._look:
            told(self.run, event, loss)

    def epoch(self, row: dict[str, float], event: StepEvent) -> None:
        """After every epoch."""
        self.run.at = event.step
        for watcher in self._watchers:
            watcher.epoch(self.run, row, event)

    def end(self, event: StepEvent | None, outcome: Outcome, stopped: str) -> None:
        """After the last step."""
        for watcher in self._watchers:
            watcher.end(self.run, event, outcome, stopped)

    def close(self) -> None:
        """Let go of everything."""
        for watcher in self._watchers:
            watcher.close()

    def _with(self, name: str) -> list[Callable[..., None]]:
        own = getattr(Watcher, name)
        return [getattr(w, name) for w in self._watchers if getattr(type(w), name, None) is not own]

    def _warned(self, sentence: str) -> None:
        for watcher in self._watchers:
            watcher.warned(self.run, sentence)
