"""A caller's own training, in any framework, as a subject of study.

The learning rates of a sweep take turns: whichever has made the fewest steps goes on, so that one
that is much slower than another is closed early, as replicas of a learner are. A clock that the
function reads goes on while others have their turn, so only stretches without a pause tell the time:
the first of a run, and in every turn those after its first.
"""

import math
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial

from rightbatch.errors import RightbatchError, SettingError
from rightbatch.measure.clock import Timing
from rightbatch.records import Outcome
from rightbatch.study.grid import lr_at
from rightbatch.study.judge import Curve, Rules
from rightbatch.study.reports import Evaluation, Reports
from rightbatch.study.subject import DeadlineError, Run, Sweep
from rightbatch.study.waiting import Worker
from rightbatch.train.target import Target, own_target

TrainFunction = Callable[[int, float, int], Iterator[tuple[float, float, float]]]
"""`train(batch_size, lr, seed)` yields (examples seen, seconds spent, metric), counted from its start."""

_TURN = 1.25
"""A turn ends when a run has made this many times the steps that it had."""

_ENDED = object()

_FORM = "yield (examples seen, seconds spent, metric), such as (640, 0.8, 1.2)"


@dataclass(frozen=True, slots=True, kw_only=True)
class Function:
    """A training that the study drives through a generator.

    Args:
        train: the generator function; it is closed as soon as enough is seen.
        samples: rows of the training data.
        name: what the caller calls it.
    """

    train: TrainFunction
    samples: int
    name: str

    @property
    def timed_apart(self) -> bool:
        """The runs tell the seconds."""
        return False

    @property
    def stacks(self) -> bool:
        """Calls cannot be joined."""
        return False

    def read_target(self, text: str) -> Target:
        """Any metric: its sign tells which way is better."""
        return own_target(text)

    def untrained(self, target: Target, seed: int) -> None:
        """A function tells nothing before it trains."""
        del target, seed

    def baseline(self, target: Target) -> None:
        """Nothing is known of what a function trains on."""
        del target

    def peak_bytes(self, batch_size: int) -> None:
        """What a function allocates is its own affair."""
        del batch_size

    def try_out(self, batch_size: int, limit: float) -> str:
        """Nothing is known of what a function allocates."""
        del batch_size, limit
        return ""

    def time_steps(
        self, batch_sizes: Sequence[int], *, rounds: int, first_round: int
    ) -> Iterator[list[Timing]]:
        """Nothing: the runs tell their seconds."""
        del batch_sizes, rounds, first_round
        return iter(())

    def runs(self, sweep: Sweep, *, deadline: float = math.inf) -> tuple[list[Run], list[Timing]]:
        """Train with each learning rate in turn until each has an outcome.

        Returns:
            The runs, and their timings; at the deadline those that are over, if one of them arrived.

        Raises:
            DeadlineError: the deadline passed before any arrived, or the function did not come back.
            SettingError: the function raised, or yields something else than it should.
        """
        rules, worker = {seed: Rules(sweep) for seed in sweep.seeds}, Worker()
        racers = [
            _Racer(self, sweep, seed, Curve(point), self._reports(sweep))
            for seed in sweep.seeds
            for point in sweep.points
        ]
        try:
            while running := [racer for racer in racers if racer.curve.outcome is None]:
                racer = min(running, key=lambda racer: racer.steps)
                # a turn, not a report, for to change threads takes longer than many a step
                worker.ask(partial(_take_turn, racer, rules[racer.seed], worker, deadline), deadline=deadline)
        except DeadlineError:
            if not any(racer.curve.outcome is Outcome.REACHED for racer in racers):
                raise
        finally:
            worker.close(racer.close for racer in racers if racer.curve.outcome is None)
        over = [racer for racer in racers if racer.curve.outcome is not None]
        timings = [timing for racer in over if (timing := racer.timing()) is not None]
        return [racer.curve.run(sweep.batch_size, racer.seed) for racer in over], timings

    def _reports(self, sweep: Sweep) -> Reports:
        return Reports(sweep.batch_size, self.samples, sweep.target.value, sweep.most_steps)


@dataclass(slots=True)
class _Racer:
    """One learning rate on its way."""

    function: Function
    sweep: Sweep
    seed: int
    curve: Curve
    reports: Reports
    seconds: float = 0.0
    begun: tuple[float, float] | None = None
    """Steps and seconds of the first stretch without a pause inside, which has the set-up in it."""
    timed: tuple[float, float] = (0.0, 0.0)
    """Of the others."""
    going: Iterator[object] | None = None

    @property
    def steps(self) -> float:
        """That were made."""
        return self.reports.steps

    @property
    def call(self) -> str:
        """The call as a caller would write it."""
        lr = lr_at(self.curve.point)
        return f"train(batch_size={self.sweep.batch_size}, lr={lr:.4g}, seed={self.seed})"

    def next(self) -> tuple[float, float, float] | None:
        """What the function yields next, checked; `None`: it has ended."""
        if self.going is None:
            lr = lr_at(self.curve.point)
            made = self.function.train(self.sweep.batch_size, lr, self.seed)
            if not isinstance(made, Iterable):
                raise SettingError("train", "must yield, not return", made, _FORM)
            self.going = iter(made)
        found = next(self.going, _ENDED)
        return None if found is _ENDED else _report(found, self)

    def close(self) -> None:
        """Let the function clean up."""
        close = getattr(self.going, "close", None)
        if close is not None:
            close()

    def note(self, examples: float, seconds: float, metric: float, *, paused: bool) -> list[Evaluation]:
        """One report; without a pause before it, its stretch tells the time.

        Returns:
            The evaluations that it completes.
        """
        steps = examples / self.sweep.batch_size
        if not paused:
            stretch = steps - self.steps, seconds - self.seconds
            if self.begun is None:
                self.begun = stretch
            else:
                self.timed = self.timed[0] + stretch[0], self.timed[1] + stretch[1]
        self.seconds = seconds
        return self.reports.note(steps, metric)

    def judge(self, evaluations: Iterable[Evaluation], rules: Rules) -> None:
        """Take evaluations into the curve, until one of them gives the run its outcome."""
        for step, metric in evaluations:
            if self.curve.outcome is None:
                self.curve.note(step, metric)
                rules.judge([self.curve], step)

    def timing(self) -> Timing | None:
        """Seconds per step; the first stretch, with its set-up, only where there is no other."""
        steps, seconds = self.timed if self.timed[0] else self.begun or self.timed
        if not steps:
            return None
        return Timing(self.sweep.batch_size, 0, max(1, round(steps)), seconds / steps)


def _take_turn(racer: _Racer, rules: Rules, worker: Worker, deadline: float) -> None:
    """Let a run go on until it has an outcome, has gone well past where it was, or nobody waits for it."""
    goal, reports, fresh = _TURN * racer.steps, 0, racer.going is None
    while racer.curve.outcome is None and (reports < 2 or racer.steps < goal):
        if time.perf_counter() > deadline:
            raise DeadlineError
        found = _asked(racer, rules)
        if worker.left:
            return
        if found is None:
            _end(racer, rules)
        else:
            racer.judge(racer.note(*found, paused=reports == 0 and not fresh), rules)
        reports += 1
    if racer.curve.steps:
        rules.judge([racer.curve], round(racer.steps))  # that it is hopeless shows without an evaluation, too
    if racer.curve.outcome is not None:
        racer.close()


def _end(racer: _Racer, rules: Rules) -> None:
    """The function has no more to report; if that gives no outcome, it ended by itself."""
    racer.judge(racer.reports.flush(), rules)
    if not racer.curve.steps:
        raise SettingError("train", "must yield at least once", racer.call, _FORM)
    if racer.curve.outcome is None:
        racer.curve.end(Outcome.OUT_OF_STEPS, f"train ended after {round(racer.steps):,} steps")


def _asked(racer: _Racer, rules: Rules) -> tuple[float, float, float] | None:
    """The next report; `None`: there is none."""
    try:
        return racer.next()
    except (ArithmeticError, MemoryError) as error:
        heavy = isinstance(error, MemoryError)
        outcome = Outcome.OUT_OF_MEMORY if heavy else Outcome.DIVERGED
        racer.judge(racer.reports.flush(), rules)
        if racer.curve.outcome is None:
            racer.curve.note(racer.curve.steps[-1] + 1 if racer.curve.steps else 1, math.nan)
            racer.curve.end(outcome, f"train raised {type(error).__name__}: {error}".rstrip(": "))
        return None
    except RightbatchError:
        raise
    except Exception as error:
        raised = f"raised {type(error).__name__}: {str(error).rstrip('.')}"
        raise SettingError("train", raised, racer.call, "mend it and give the same command again") from error


def _report(found: object, racer: _Racer) -> tuple[float, float, float]:
    """The report, if it is one and follows the one before."""
    if not isinstance(found, tuple | list) or len(found) != 3:
        raise SettingError("train", "must yield three numbers", found, _FORM)
    try:
        examples, seconds, metric = (float(value) for value in found)
    except (TypeError, ValueError) as error:
        raise SettingError("train", "must yield three numbers", found, _FORM) from error
    before = racer.steps * racer.sweep.batch_size
    if not before < examples < math.inf:
        raise SettingError("train", f"must count examples up (from {before:g})", examples, _FORM)
    if not racer.seconds < seconds < math.inf:
        raise SettingError("train", f"must count seconds up (from {racer.seconds:g})", seconds, _FORM)
    return examples, seconds, metric
