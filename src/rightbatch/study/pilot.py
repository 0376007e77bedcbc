"""The pilot: a short training that sets the target when none is given."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from rightbatch import units
from rightbatch.errors import DataError, SettingError
from rightbatch.records import Outcome
from rightbatch.study.grid import lr_at
from rightbatch.study.subject import Run, Subject, Sweep
from rightbatch.train.target import Target

SHARE = 0.95
"""The target is this share of the way from the untrained loss to the best loss of the pilot: far
enough to be a trained model, near enough that every sound learning rate gets there."""

_LEAST_GAIN = 0.01
"""A pilot that improves the loss by a smaller share than this has learnt nothing."""

_LOWER = 18
"""Points to go down when every learning rate diverged: a factor of 512."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PilotTarget:
    """A target, and how it was set."""

    target: Target
    how: str


def pilot_target(
    subject: Subject, *, batch_size: int, seed: int, points: Sequence[int], most_steps: int, deadline: float
) -> PilotTarget:
    """Train a little at one batch size with many learning rates, and put the target on the way.

    Args:
        subject: what is trained.
        batch_size: rows of each step.
        seed: of the starting weights and the order.
        points: learning rates, as points of the grid.
        most_steps: steps of the pilot.
        deadline: `time.perf_counter()` after which it is abandoned.

    Raises:
        DataError: no learning rate improved the loss.
        DeadlineError: the deadline passed.
    """
    loss = Target("loss", "validation", 0.0)  # a pilot goes on whatever the value
    start = subject.untrained(loss, seed)
    if start is None:
        raise SettingError(
            "target", "must be given for a train function", None, "write one such as loss<=0.2"
        )
    runs: list[Run] = []
    while all(run.outcome is Outcome.DIVERGED for run in runs) and len(runs) < 3 * len(points):
        tried = [point - _LOWER * (len(runs) // len(points)) for point in points]
        work = Sweep(
            target=loss,
            batch_size=batch_size,
            seed=seed,
            points=tuple(tried),
            most_steps=most_steps,
            stop_when_reached=False,
        )
        runs += subject.runs(work, deadline=deadline)[0]
    best = min(runs, key=_best_loss)
    return _target(start, best, len(runs), most_steps * batch_size / subject.samples)


def _target(start: float, best: Run, tried: int, epochs: float) -> PilotTarget:
    reached = _best_loss(best)
    what = f"val_loss from {start:.3g} to {reached:.3g}"
    if not start - reached > _LEAST_GAIN * abs(start):
        raise DataError(
            f"The pilot found nothing to learn: the best of {tried} learning rates brought {what}; "
            "check the label, or set a target yourself."
        )
    target = Target("loss", "validation", _rounded_up(reached + (1 - SHARE) * (start - reached)))
    how = (
        f"set from a pilot: at batch size {best.batch_size}, {epochs:.3g} epochs with the best of {tried} "
        f"learning rates ({units.plain(lr_at(best.point))}) brought {what}; "
        f"the target is {SHARE * 100:.0f} % of that way"
    )
    return PilotTarget(target=target, how=how)


def _best_loss(run: Run) -> float:
    """The least loss met by two evaluations in a row: one alone may be noise."""
    return min((max(pair) for pair in pairwise(run.curve) if math.isfinite(sum(pair))), default=math.inf)


def _rounded_up(value: float) -> float:
    """The value with two significant digits, never a harder target than the value itself."""
    if value <= 0:
        return value
    unit = 10.0 ** (math.floor(math.log10(value)) - 1)
    return float(f"{math.ceil(value / unit - 1e-9) * unit:.3g}")
