"""The track of one training: what is noted of it at its marks, a fold over the loop's events."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

import numpy as np

from rightbatch.data.loader import Loader
from rightbatch.learners.metrics import evaluate
from rightbatch.learners.protocol import Learner
from rightbatch.measure.crossing import crossing
from rightbatch.records import Array, StepEvent
from rightbatch.train.loop import endless, train
from rightbatch.train.target import Target

EVERY = 200
"""So many first updates are all marks, so that a path can be followed step by step."""

SPACING = 1.02
"""Later marks are 2 % apart: even on a logarithmic axis, finer than a picture shows."""

_MOST_NUMBERS = 20_000_000
"""Numbers kept of all places on one path; a larger model is noted at fewer marks."""

_FEWEST_PLACES = 24

_AWAY = 1e6
"""A training loss so many times that of the start does not come back."""


@dataclass(slots=True)
class Track:
    """One training on its way; every list has one entry a mark, the start included."""

    updates: list[int] = field(default_factory=list)
    scores: dict[str, list[float]] = field(default_factory=dict)
    """Metrics on the training part by name, such as ``loss``; with ``val_`` on the validation part."""
    places: list[Array] = field(default_factory=list)
    """The parameters, float32, flat; empty where the learner does not tell them."""
    placed: list[int] = field(default_factory=list)
    """Updates of the places."""
    batch_losses: list[float] = field(default_factory=list)
    """Loss of each update's own batch before it."""
    diverged: int | None = None
    """The update by which the loss was infinite, or a million times that of the start."""
    final: dict[str, Array] = field(default_factory=dict)
    """The trained parameters by name, as the learner gives them; empty where the run diverged."""

    def converged(self, target: Target) -> float | None:
        """Updates until the median of three evaluations in a row reaches the target."""
        return crossing(self.updates, self.scores[target.metric], target)


def next_mark(update: int) -> int:
    """The update of the next mark: every one at first, then 2 % further on.

    Example:
        >>> [next_mark(update) for update in (0, 199, 200, 1000)]
        [1, 200, 204, 1020]
    """
    return update + 1 if update < EVERY else max(update + 1, math.ceil(update * SPACING - 1e-9))


def marks(updates: int) -> list[int]:
    """Every mark from the start to the last of so many updates.

    Example:
        >>> marks(3), len(marks(100_000))
        ([0, 1, 2, 3], 509)
    """
    found = [0]
    while found[-1] < updates:
        found.append(min(next_mark(found[-1]), updates))
    return found


@dataclass(frozen=True, slots=True, kw_only=True)
class Course:
    """What all trainings of one method have in common.

    Args:
        learner: of the method's update rule.
        train: rows to train on.
        validation: rows to validate on.
        batch_size: rows of an update; the last of an epoch may have fewer.
        lr: learning rate.
        start: seed of the starting parameters.
        updates: how many there are at most.
        names: metrics to note.
    """

    learner: Learner[Any]
    train: tuple[Array, Array]
    validation: tuple[Array, Array]
    batch_size: int
    lr: float
    start: int
    updates: int
    names: Sequence[str]

    def run(self, seed: int) -> Track:
        """Train to the end, in the order of a seed, and note everything."""
        track, state = Track(), self.learner.start([self.start])
        at = marks(self.updates)
        every = _places(self.learner, state, len(at))
        self._note(track, state, 0, every)
        for event in self._events(state, seed):
            track.batch_losses.append(float(event.result.loss[0]))
            if event.step == at[len(track.updates)] or not math.isfinite(track.batch_losses[-1]):
                self._note(track, event.state, event.step, every)
                if _runs_away(track):
                    track.diverged = event.step
                    break
        return track

    def converges(self, seed: int, target: Target) -> float | None:
        """Train in the order of a seed until it has converged; the updates until then."""
        steps: list[int] = [0]
        state = self.learner.start([self.start])
        values = [self._loss(state)]
        mark = 1
        for event in self._events(state, seed):
            if event.step == mark:
                steps.append(event.step)
                values.append(self._loss(event.state))
                found = crossing(steps[-4:], values[-4:], target)
                if found is not None or not math.isfinite(values[-1]):
                    return found
                mark = next_mark(mark)
        return None

    def _events(self, state: Any, seed: int) -> Iterator[StepEvent]:
        loader = Loader(self.train, self.batch_size, shuffle=True, seed=seed)
        lr = np.full(1, self.lr, np.float32)
        return islice(train(self.learner, state, endless(loader), lr), self.updates)

    def _loss(self, state: Any) -> float:
        return float(evaluate(self.learner, state, self.train, ["loss"])["loss"][0])

    def _note(self, track: Track, state: Any, update: int, every: int) -> None:
        track.updates.append(update)
        for prefix, part in (("", self.train), ("val_", self.validation)):
            for name, values in evaluate(self.learner, state, part, self.names).items():
                track.scores.setdefault(prefix + name, []).append(float(values[0]))
        last = update == self.updates
        if not every or not (last or (len(track.updates) - 1) % every == 0):
            return
        named = self.learner.trained(state)  # type: ignore[attr-defined]
        track.places.append(_flat(named))
        track.placed.append(update)
        if last:
            track.final = {name: np.array(values, np.float64) for name, values in named.items()}


def _places(learner: Learner[Any], state: Any, notes: int) -> int:
    """One of so many marks has its place noted; 0: the learner does not tell its parameters."""
    trained = getattr(learner, "trained", None)
    if trained is None:
        return 0
    most = max(_FEWEST_PLACES, _MOST_NUMBERS // _flat(trained(state)).size)
    return math.ceil(notes / most)


def _flat(named: dict[str, Array]) -> Array:
    return np.concatenate([np.asarray(values, np.float32).ravel() for values in named.values()])


def _runs_away(track: Track) -> bool:
    loss = track.scores["loss"]
    return not (math.isfinite(track.batch_losses[-1]) and loss[-1] <= _AWAY * loss[0])
