"""A caller's own training, in any framework, as a subject of study.

The learning rates of a sweep take turns: whichever has made the fewest steps goes on, so that one
that is much slower than another is closed early, as replicas of a learner are. A clock that the
function reads goes on while others have their turn, so only stretches without a pause tell the time:
the first of a run, and in every turn those after its first.
"""

import math
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from rightbatch.errors import RightbatchError, SettingError
from rightbatch.measure.clock import Timing
from rightbatch.records import Outcome
from rightbatch.study.grid import lr_at
from rightbatch.study.judge import Curve, Rules
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
        racers = [_Racer(self, sweep, seed, Curve(p)) for seed in sweep.seeds for p in sweep.points]
        try:
            while running := [racer for racer in racers if racer.curve.outcome is None]:
                racer = min(running, key=lambda racer: racer.steps)
                _take_turn(racer, rules[racer.seed], partial(_in_time, worker, deadline))
        except DeadlineError:
            if not any(racer.curve.outcome is Outcome.REACHED for racer in racers):
                raise
        finally:
            worker.close(racer.close for racer in racers if racer.curve.outcome is None)
        over = [racer for racer in racers if racer.curve.outcome is not None]
        timings = [timing for racer in over if (timing := racer.timing()) is not None]
        return [racer.curve.run(sweep.batch_size, racer.seed) for racer in over], timings


@dataclass(slots=True)
class _Racer:
    """One learning rate on its way."""

    function: Function
    sweep: Sweep
    seed: int
    curve: Curve
    steps: float = 0.0
    seconds: float = 0.0
    stretches: list[tuple[float, float]] = field(default_factory=list)
    """Steps and seconds of those without a pause inside."""
    going: Iterator[object] | None = None

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

    def note(self, examples: float, seconds: float, metric: float, *, paused: bool) -> None:
        """One report; without a pause before it, its stretch tells the time."""
        steps = examples / self.sweep.batch_size
        if not paused:
            self.stretches.append((steps - self.steps, seconds - self.seconds))
        self.steps, self.seconds = steps, seconds
        last = self.curve.steps[-1] if self.curve.steps else 0
        self.curve.note(max(last + 1, round(steps)), metric)

    def timing(self) -> Timing | None:
        """Seconds per step; the first stretch, with its set-up, only where there is no other."""
        used = self.stretches[1:] or self.stretches
        steps, seconds = (sum(part) for part in zip(*used, strict=True)) if used else (0.0, 0.0)
        if not steps:
            return None
        return Timing(self.sweep.batch_size, 0, max(1, round(steps)), seconds / steps)


def _in_time(worker: Worker, deadline: float, call: Callable[[], Any]) -> Any:
    """What the call gives, if there is time for it."""
    if time.perf_counter() > deadline:
        raise DeadlineError
    return worker.ask(call, deadline=deadline)


def _take_turn(racer: _Racer, rules: Rules, ask: Callable[[Callable[[], Any]], Any]) -> None:
    """Let a run go on until it has an outcome or has gone well past where it was."""
    goal, reports, fresh = _TURN * racer.steps, 0, racer.going is None
    while racer.curve.outcome is None and (reports < 2 or racer.steps < goal):
        found = _asked(racer, ask)
        if found is not None:
            racer.note(*found, paused=reports == 0 and not fresh)
            rules.judge([racer.curve], racer.curve.steps[-1])
            reports += 1
    if racer.curve.outcome is not None:
        ask(racer.close)


def _asked(racer: _Racer, ask: Callable[[Callable[[], Any]], Any]) -> tuple[float, float, float] | None:
    """The next report; `None`: there is none, and the run has its outcome."""
    try:
        found: tuple[float, float, float] | None = ask(racer.next)
    except (ArithmeticError, MemoryError) as error:
        racer.curve.note(racer.curve.steps[-1] + 1 if racer.curve.steps else 1, math.nan)
        heavy = isinstance(error, MemoryError)
        outcome = Outcome.OUT_OF_MEMORY if heavy else Outcome.DIVERGED
        racer.curve.end(outcome, f"train raised {type(error).__name__}: {error}".rstrip(": "))
        return None
    except (RightbatchError, DeadlineError):
        raise
    except Exception as error:
        raised = f"raised {type(error).__name__}: {str(error).rstrip('.')}"
        raise SettingError("train", raised, racer.call, "mend it and give the same command again") from error
    if found is None:
        if not racer.curve.steps:
            raise SettingError("train", "must yield at least once", racer.call, _FORM)
        racer.curve.end(Outcome.OUT_OF_STEPS, f"train ended after {racer.curve.steps[-1]:,} steps")
    return found


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
