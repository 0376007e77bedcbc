"""The rules of one update: micro-batches, a bound on the gradient's norm, weight decay.

An update in micro-batches is that of the whole batch, in the memory of one of them:

    G = Σ (m_i / m) G_i, with m_i what micro-batch i counts in the mean (its rows, or their weights)

Losses of micro-batches are not averaged: the last of them may be smaller, or hold padding, and rows
may have weights. What a model takes from a whole batch, as batch normalisation does, it takes from each
micro-batch.
"""

import math
from collections.abc import Iterator
from contextlib import nullcontext
from dataclasses import dataclass, fields
from typing import Any, Protocol

import numpy as np

from rightbatch.checks import not_negative, positive, whole_number
from rightbatch.data.ragged import rows_in
from rightbatch.errors import SettingError
from rightbatch.learners.protocol import GivesHalves, Learner
from rightbatch.records import Array, Batch, StepResult

_EPS = 1e-6
"""Keeps the division finite where the gradient is 0, as in `torch.nn.utils.clip_grad_norm_`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """What stands between a gradient and its update; the defaults change nothing.

    Nothing here remembers anything: a state of the learner is all there is to store.

    Args:
        accumulate: micro-batches of one update.
        clip_norm: most that the gradient's Euclidean norm may be; larger ones are shrunk to it.
        weight_decay: w, where w times the parameters is added to the gradient after clipping, as
            `torch.optim.SGD` and `torch.optim.Adam` do.

    Raises:
        SettingError: a setting cannot be used.

    Example:
        >>> Rules(accumulate=4)
        Rules(accumulate=4, clip_norm=None, weight_decay=0.0)
    """

    accumulate: int = 1
    clip_norm: float | None = None
    weight_decay: float = 0.0

    def __post_init__(self) -> None:
        instead = "write a number of micro-batches such as 4"
        whole_number("accumulate", self.accumulate, at_least=1, instead=instead)
        if self.clip_norm is not None:
            positive("clip_norm", self.clip_norm, instead="write a number such as 1.0")
        not_negative("weight_decay", self.weight_decay, instead="write 0 or a number such as 0.01")


class Watch(Protocol):
    """Looks at the gradient of a part of a batch and of the whole, at the same parameters."""

    def wants(self, batch: Batch) -> bool:
        """Whether to look at this batch."""
        ...

    def note(self, rows: int, share: float, part: float, whole: float) -> None:
        """Take note of the norms.

        Args:
            rows: of the batch.
            share: of them in the part.
            part: |G| of the part's mean loss.
            whole: |G| of the whole batch's.
        """
        ...


class Ruled:
    """A learner whose steps keep the rules; it has `step` alone, the rest is the learner's.

    Args:
        learner: gives its steps in halves, as all of ours do.
        rules: of every step.
        watch: looks at the gradients of micro-batches; a batch that it wants is cut in two at least.
    """

    def __init__(self, learner: GivesHalves, rules: Rules, watch: "Watch | None" = None) -> None:
        self._learner, self._rules, self._watch = learner, rules, watch
        # Several processes need to exchange a gradient only once, when all of it is there.
        self._holding = getattr(learner, "holding", nullcontext)

    def step(self, state: Any, batch: Batch, lr: Array) -> tuple[Any, StepResult]:
        """One update of every replica, each with its own learning rate."""
        learner, rules = self._learner, self._rules
        loss = self._slope(state, batch)
        if rules.clip_norm is not None:
            norms = learner.norms(state)
            if not np.all(norms <= rules.clip_norm - _EPS):
                with np.errstate(all="ignore"):  # a gradient that overflowed has no norm; its loss says so
                    learner.shrink(state, np.minimum(1.0, rules.clip_norm / (norms + _EPS)))
        if rules.weight_decay:
            learner.decay(state, rules.weight_decay)
        learner.move(state, lr)
        return state, StepResult(loss)

    def _slope(self, state: Any, batch: Batch) -> Array:
        """Mean loss of the whole batch; its gradient lies in the state then."""
        watched = self._watch is not None and self._watch.wants(batch)
        parts = max(self._rules.accumulate, 2 if watched else 1)
        if parts == 1:
            return self._learner.slope(state, batch)
        masses = [(part, self._learner.mass(part)) for part in micro_batches(batch, parts)]
        # Padding counts nothing; where nothing counts, there is no mean, and the learner says so.
        counted = [(part, mass) for part, mass in masses if mass] or masses[:1]
        whole = math.fsum(mass for _, mass in counted) or 1.0
        loss: Array = np.zeros(1, np.float32)
        first = 1.0, 0.0
        for number, (part, mass) in enumerate(counted):
            share = mass / whole
            with nullcontext() if watched or number + 1 == len(counted) else self._holding(state):
                slope = self._learner.slope(state, part, share=share, add=number > 0)
            loss = loss + np.float32(share) * slope
            if watched and number == 0:
                first = share, float(self._learner.norms(state)[0]) / share
        if watched and self._watch is not None and len(counted) > 1:
            self._watch.note(batch.whole or len(batch.index), *first, float(self._learner.norms(state)[0]))
        return loss


def ruled(learner: Learner[Any], rules: Rules, watch: Watch | None = None) -> Any:
    """What makes the steps: the learner itself where the rules change nothing and nobody watches.

    Raises:
        SettingError: the learner does not give its steps in halves.
    """
    changed = [field.name for field in fields(rules) if getattr(rules, field.name) != field.default]
    if not changed and watch is None:
        return learner
    if not hasattr(learner, "slope"):
        named, value = (changed[0], getattr(rules, changed[0])) if changed else ("batch_size", "auto")
        problem = "needs a model whose steps come in halves, a gradient and an update"
        raise SettingError(named, problem, value, "leave it out, or write another model")
    halves: Any = learner
    return Ruled(halves, rules, watch)


def micro_batches(batch: Batch, parts: int) -> Iterator[Batch]:
    """The batch in at most so many parts of equal size, the last of which may be smaller.

    Example:
        >>> batch = Batch((np.arange(7), np.arange(7)), np.arange(7), None, epoch=0, step=0)
        >>> [part.index.tolist() for part in micro_batches(batch, 3)]
        [[0, 1, 2], [3, 4, 5], [6]]
    """
    rows = len(batch.index)
    size = max(1, math.ceil(rows / parts))
    for start in range(0, rows, size):
        yield rows_of(batch, slice(start, start + size))


def rows_of(batch: Batch, which: slice) -> Batch:
    """Some rows of a batch, with their weights."""
    data = tuple(rows_in(field, which) for field in batch.data)
    weight = None if batch.weight is None else batch.weight[which]
    return Batch(data, batch.index[which], weight, batch.epoch, batch.step)
