"""The pilot: a short training that sets the target when none is given."""

import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from rightbatch import units
from rightbatch.errors import DataError, SettingError
from rightbatch.records import Outcome
from rightbatch.study.ahead import Ahead
from rightbatch.study.grid import halves, lr_at
from rightbatch.study.subject import Run, Subject, Sweep
from rightbatch.train.target import Target

SHARE = 0.95
"""The target is this share of the way from where it begins to the least loss of the pilot: far enough to
be a trained model, near enough that every sound learning rate gets there."""

BEYOND = {3: 7.656, 4: 5.144, 5: 4.203}
"""Standard deviations above the mean of so many least losses below which 95 % of all seeds end, with 95 %
confidence: the one-sided tolerance factor (Hahn & Meeker 1991, table A.12d), by the noncentral t."""

SEEDS = max(BEYOND)
"""Starts of the pilot at most: what one reaches may be luck, above all where validation rows are few."""

_LEAST_WAY = 0.5
"""The target is at least this share of the way, whatever the seeds do."""

_LEAST_GAIN = 0.01
"""A pilot that improves the loss by a smaller share than this has learnt nothing."""

_LOSS = Target("loss", "validation", 0.0)
"""A pilot goes on whatever the value."""

_LOWER = 18
"""Points to go down when every learning rate diverged: a factor of 512."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PilotTarget:
    """A target, and how it was set."""

    target: Target
    how: str


def pilot_target(
    subject: Subject,
    *,
    batch_size: int,
    seed: int,
    points: Sequence[int],
    most_steps: int,
    deadline: float,
    ahead: Ahead | None = None,
) -> PilotTarget:
    """Train a little at one batch size, with many learning rates and then from more seeds; set the target.

    Args:
        subject: what is trained.
        batch_size: rows of each step.
        seed: of the starting weights and the order.
        points: learning rates, as points of the grid.
        most_steps: steps of the pilot.
        deadline: `time.perf_counter()` after which it is abandoned.
        ahead: makes the sweeps; none: they are made here.

    Raises:
        DataError: no learning rate improved the loss.
        DeadlineError: the deadline passed.
    """
    untrained = subject.untrained(_LOSS, seed)
    if untrained is None:
        raise SettingError(
            "target", "must be given for a train function", None, "write one such as loss<=0.2"
        )
    pilot = _Pilot(
        subject=subject,
        batch_size=batch_size,
        seed=seed,
        most_steps=most_steps,
        deadline=deadline,
        ahead=ahead or Ahead(None),
    )
    tried = pilot.grid(points)
    best = min(tried, key=_best_loss)
    start = _start(untrained, subject.baseline(_LOSS), _best_loss(best))
    reached = pilot.reached(best, start)
    epochs = most_steps * batch_size / subject.samples
    return _target(start, reached, best, len(tried), epochs, untrained=untrained)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Pilot:
    """What makes the runs: the arguments of `pilot_target`."""

    subject: Subject
    batch_size: int
    seed: int
    most_steps: int
    deadline: float
    ahead: Ahead

    def grid(self, points: Sequence[int]) -> list[Run]:
        """Every learning rate from the first seed; lower ones where all diverge."""
        tried: list[Run] = []
        while all(run.outcome is Outcome.DIVERGED for run in tried) and len(tried) < 3 * len(points):
            lower = _LOWER * (len(tried) // len(points))
            pieces = [self._sweep([self.seed], [point - lower for point in half]) for half in halves(points)]
            self.ahead.expect(pieces)
            tried += [run for piece in pieces for run in self._runs(piece)]
        return tried

    def reached(self, best: Run, start: float) -> list[float]:
        """The least loss of every seed until they agree; of the first alone if it learnt nothing."""
        reached, first, rest = [_best_loss(best)], *self._other_seeds()
        if not _gains(start, reached[0]):
            return reached
        # the best rate of one seed may diverge from another
        sweeps = [self._sweep(seeds, [best.point - 2, best.point]) for seeds in (*first, *rest)]
        self.ahead.expect(sweeps[: len(first)])
        for sweep in sweeps:
            if _agree(start, reached):
                break
            made = self._runs(sweep)
            reached += [
                min(start, *(_best_loss(run) for run in made if run.seed == seed)) for seed in sweep.seeds
            ]
        return reached

    def _other_seeds(self) -> tuple[list[Sequence[int]], list[Sequence[int]]]:
        """Those that are always made, side by side where that can be, and the rest one by one."""
        needed = range(self.seed + 1, self.seed + min(BEYOND))
        rest: list[Sequence[int]] = [[seed] for seed in range(needed.stop, self.seed + SEEDS)]
        return [needed] if self.subject.stacks else [[seed] for seed in needed], rest

    def _sweep(self, seeds: Sequence[int], points: Sequence[int]) -> Sweep:
        return Sweep(
            target=_LOSS,
            batch_size=self.batch_size,
            seeds=tuple(seeds),
            points=tuple(points),
            most_steps=self.most_steps,
            stop_when_reached=False,
        )

    def _runs(self, sweep: Sweep) -> list[Run]:
        return self.ahead.make(self.subject, sweep, deadline=self.deadline)[0]


def _start(untrained: float, baseline: float | None, reached: float) -> float:
    """Where the way to the target begins: at one guess for every row, if the pilot learnt more than that.

    From the untrained loss most of the way to one that rare labels have would be to learn how rare they are.
    """
    if baseline is None or baseline >= untrained or not _gains(baseline, reached):
        return untrained
    return baseline


def _gains(start: float, reached: float) -> bool:
    return start - reached > _LEAST_GAIN * abs(start)


def _target(
    start: float, reached: Sequence[float], best: Run, tried: int, epochs: float, *, untrained: float
) -> PilotTarget:
    """The target, from the least loss of each seed: a share of the way there that nearly all seeds make."""
    if len(reached) == 1:
        raise DataError(
            f"The pilot found nothing to learn: the best of {tried} learning rates brought val_loss from "
            f"{untrained:.3g} to {reached[0]:.3g}; check the label, or set a target yourself."
        )
    mean = statistics.mean(reached)
    way, sure = _ways(start, reached)
    level = max(way, min(sure, mean + (1 - _LEAST_WAY) * (start - mean)))
    that_way = "that way" if start == untrained else f"the way from {start:.3g}, one guess for every row"
    what = f"{SHARE * 100:.0f} % of {that_way}" if level == way else "what nearly every seed reaches"
    how = (
        f"set from a pilot: at batch size {best.batch_size}, {epochs:.3g} epochs with the best of {tried} "
        f"learning rates ({units.plain(lr_at(best.point))}) brought val_loss from {untrained:.3g} to "
        f"{mean:.3g}, the mean of {len(reached)} seeds; the target is {what}"
    )
    return PilotTarget(target=Target("loss", "validation", _rounded_up(level, start)), how=how)


def _agree(start: float, reached: Sequence[float]) -> bool:
    """Whether nearly every seed gets most of the way, so that no more need be tried."""
    if len(reached) not in BEYOND:
        return False
    way, sure = _ways(start, reached)
    return sure <= way


def _ways(start: float, reached: Sequence[float]) -> tuple[float, float]:
    """The loss after most of the mean seed's way, and the one that nearly every seed reaches."""
    mean = statistics.mean(reached)
    return mean + (1 - SHARE) * (start - mean), mean + BEYOND[len(reached)] * statistics.stdev(reached)


def _best_loss(run: Run) -> float:
    """The least loss met by two evaluations in a row: one alone may be noise."""
    return min((max(pair) for pair in pairwise(run.curve) if math.isfinite(sum(pair))), default=math.inf)


def _rounded_up(value: float, start: float) -> float:
    """The value with two significant digits, or as many more as keep it nearer to itself than to the start.

    It is never a harder target than the value itself.
    """
    if value <= 0:
        return value
    for digits in range(2, 7):
        unit = 10.0 ** (math.floor(math.log10(value)) + 1 - digits)
        rounded = float(f"{math.ceil(value / unit - 1e-9) * unit:.{digits + 1}g}")
        if rounded < (value + start) / 2:
            return rounded
    return value
