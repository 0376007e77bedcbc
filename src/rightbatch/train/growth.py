"""Batch sizes that change from epoch to epoch: by a plan, or with the measured gradient noise scale.

A larger batch has less noise in its gradient, as a smaller learning rate has: "don't decay the learning
rate, increase the batch size". What each batch size is worth depends on the noise scale
B_simple = tr(Σ)/|G|²: far below it two batches of half the size go twice as far as one, far above it
they go no further.

Sources: S. Smith et al., "Don't Decay the Learning Rate, Increase the Batch Size" (2018);
S. McCandlish et al., "An Empirical Model of Large-Batch Training" (2018), section 2.2 and appendix A.1.
"""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from rightbatch.checks import whole_number
from rightbatch.errors import SettingError
from rightbatch.records import Batch
from rightbatch.train.schedule import Schedule

_INSTEAD = 'write a number such as 32, {1: 32, 10: 128}, a function of the epoch, or "auto"'

_LOOKS = 16
"""Most measurements of the noise scale in an epoch: each costs a step in two halves instead of one."""

_LEAST_STEPS = 16
"""Steps that an epoch keeps: small data are learnt in their first epochs, and with a step or two in each of
the others nothing more comes of them (`bench/batch_growth.py`)."""

_KEPT = 0.5
"""Share of what was measured before that counts on after each epoch: the noise scale grows in training."""


class BatchSizes(Protocol):
    """The batch size of every epoch."""

    def at(self, epoch: int) -> int:
        """The batch size of the epoch, counted from 1; asked before it begins, and again on resuming."""
        ...


@dataclass(frozen=True, slots=True)
class Planned:
    """Batch sizes that are known beforehand; nothing is remembered.

    Args:
        size_of: from the epoch, counted from 1, to its batch size.
        factor_of: what is left for the learning rate in the epoch.

    Example:
        >>> [planned({1: 32, 3: 64}).at(epoch) for epoch in (1, 2, 3, 4)]
        [32, 32, 64, 64]
    """

    size_of: Callable[[int], int]
    factor_of: Callable[[int], float] | None = None

    def at(self, epoch: int) -> int:
        """The batch size of the epoch, counted from 1."""
        return whole_number("batch_size", self.size_of(epoch), at_least=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class InsteadOfDecay:
    """A batch size that grows where a schedule would let the learning rate fall.

    At a factor f of the schedule the batch has first / f rows and the learning rate stays, until the
    batch size has reached `most`; what is left of the factor goes to the learning rate from there.

    Args:
        schedule: from the epochs done to a factor of at most 1.
        first: batch size where the factor is 1.
        most: largest batch size.

    Example:
        >>> from rightbatch.train.schedule import StepDecay
        >>> growing = InsteadOfDecay(schedule=StepDecay(every=2, decay=0.5), first=32, most=64)
        >>> [(growing(epoch), growing.factor(epoch)) for epoch in (1, 3, 5)]
        [(32, 1.0), (64, 1.0), (64, 0.5)]

    Source: S. Smith et al., "Don't Decay the Learning Rate, Increase the Batch Size" (2018), section 5.1.
    """

    schedule: Schedule
    first: int
    most: int

    def __post_init__(self) -> None:
        whole_number("first", self.first, at_least=1)
        whole_number("most", self.most, at_least=self.first, instead="write the largest batch size")

    def __call__(self, epoch: int) -> int:
        """The batch size of the epoch, counted from 1."""
        factor = self.schedule(epoch - 1)
        return self.most if factor * self.most <= self.first else max(1, round(self.first / factor))

    def factor(self, epoch: int) -> float:
        """The factor on the learning rate in the epoch, counted from 1."""
        return self.schedule(epoch - 1) * self(epoch) / self.first


@dataclass(slots=True, kw_only=True)
class Measured:
    """A batch size that doubles from one epoch to the next where the noise scale is twice as large, or more.

    So it settles between half the noise scale and all of it, where a step gets a third to a half as far as
    one with all the data. The noise scale is measured in passing: some batches are cut into two halves,
    and the gradient of one is compared with that of both, at the same parameters. With b and B rows::

        |G|²  = (B |G_B|² - b |G_b|²) / (B - b)
        tr(Σ) = (|G_b|² - |G_B|²) / (1/b - 1/B)

    Each is averaged over the measurements, weighted by their rows, before the ratio is taken. Where chance
    makes |G|² negative, it is small against the noise, and the batch grows.

    What it remembers is `state_dict()`: five numbers.

    Args:
        size: of the first epoch.
        rows: of the data; it grows to a sixteenth of them at most.

    Source: McCandlish et al. (2018), equations A.2 to A.5.
    """

    size: int
    rows: int
    epoch: int = field(init=False, default=1)
    """The last one whose batch size was asked for."""
    trace: float = field(init=False, default=0.0)
    """Σ rows · tr(Σ)."""
    square: float = field(init=False, default=0.0)
    """Σ rows · |G|²."""
    measured: int = field(init=False, default=0)

    @property
    def noise_scale(self) -> float:
        """tr(Σ)/|G|² as measured so far; infinite where |G|² is lost in the noise; NaN before that."""
        if not self.measured:
            return math.nan
        return max(self.trace, 0.0) / self.square if self.square > 0 else math.inf

    def at(self, epoch: int) -> int:
        """The batch size of the epoch, counted from 1, by what was measured in those before."""
        if epoch > self.epoch:
            self.epoch = epoch
            if self.noise_scale >= 2 * self.size:
                self.size = max(self.size, min(2 * self.size, self.rows // _LEAST_STEPS))
            self.trace, self.square = _KEPT * self.trace, _KEPT * self.square
        return self.size

    def wants(self, batch: Batch) -> bool:
        """Whether to look at this batch; no more once the batch size cannot grow."""
        if self.size >= self.rows // _LEAST_STEPS or len(batch.index) < 2:
            return False
        return batch.step % max(1, self.rows // self.size // _LOOKS) == 0

    def note(self, rows: int, share: float, part: float, whole: float) -> None:
        """Take note of the norms of the gradients of a part of a batch and of all of it."""
        small, large = part**2, whole**2
        square = (large - share * small) / (1 - share)
        trace = rows * share * (small - large) / (1 - share)
        if math.isfinite(square) and math.isfinite(trace):
            self.square += rows * square
            self.trace += rows * trace
            self.measured += 1

    def state_dict(self) -> dict[str, float]:
        """What it remembers, as JSON can hold it."""
        return {name: getattr(self, name) for name in _REMEMBERED}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on from there."""
        for name in _REMEMBERED:
            setattr(self, name, state[name])


_REMEMBERED = ("size", "epoch", "trace", "square", "measured")


def planned(sizes: Any) -> Planned:
    """Batch sizes from a mapping or a function of the epoch.

    Args:
        sizes: from an epoch to the batch size from there on, with one for epoch 1; or a function from
            the epoch, counted from 1, to its batch size.

    Raises:
        SettingError: neither of these, or a mapping that does not begin with epoch 1.
    """
    if isinstance(sizes, InsteadOfDecay):
        return Planned(sizes, sizes.factor)
    if not isinstance(sizes, Mapping):
        if not callable(sizes) or isinstance(sizes, type):
            raise SettingError("batch_size", "must be a whole number or a schedule of them", sizes, _INSTEAD)
        return Planned(sizes)
    starts = [whole_number("batch_size", epoch, at_least=1, instead=_INSTEAD) for epoch in sizes]
    if min(starts, default=0) != 1:
        raise SettingError(
            "batch_size", "must say where epoch 1 begins", dict(sizes), "write {1: 32, 10: 128}"
        )
    table = dict(sizes)
    return Planned(lambda epoch: table[max(start for start in starts if start <= epoch)])


def sizes_of(batch_size: Any, first: int, rows: int) -> Planned | Measured | None:
    """The batch sizes of every epoch; `None`: they stay as they are.

    Args:
        batch_size: a whole number or none, ``"auto"``, or as `planned` takes it.
        first: that of ``"auto"`` in the first epoch.
        rows: of the data.

    Raises:
        SettingError: none of these.
    """
    if isinstance(batch_size, str):
        if batch_size != "auto":
            raise SettingError("batch_size", "is no number", batch_size, _INSTEAD)
        return Measured(size=first, rows=rows)
    if batch_size is None or isinstance(batch_size, Mapping) or callable(batch_size):
        return None if batch_size is None else planned(batch_size)
    return None


def most_steps(
    sizes: Planned, rows: int, *, epochs: int | None, steps: int | None, samples: int | None
) -> int | None:
    """Steps after which one of the limits is reached; `None`: there is no such limit.

    Example:
        >>> most_steps(planned({1: 2, 2: 5}), 10, epochs=3, steps=None, samples=None)
        9
    """
    if epochs is None and steps is None and samples is None:
        return None
    last_epoch = math.inf if epochs is None else epochs
    left = math.inf if samples is None else samples
    done, epoch = 0, 1
    while epoch <= last_epoch and left > 0 and (steps is None or done < steps):
        done += math.ceil(min(rows, left) / sizes.at(epoch))
        epoch, left = epoch + 1, left - rows
    return done if steps is None else min(done, steps)
