"""Follow a training step by step: keep its history, and say when and why it ends."""

import math
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np

from rightbatch.learners.metrics import Metric, evaluate, metrics_of
from rightbatch.learners.protocol import Learner, Storable
from rightbatch.records import Array, Outcome, Shape, StepEvent
from rightbatch.train.budget import Budget, counted
from rightbatch.train.memory import BatchTooLargeError, largest_that_fits, sentence
from rightbatch.train.result import FitProgress, FitResult
from rightbatch.train.target import Target
from rightbatch.train.watch import Run, Watching

_MODEST = 0.1
"""The largest learning rate that is proposed: a tenth of one that is far off is far off, too."""


@dataclass(slots=True)
class Reached:
    """How far a training is."""

    step: int = 0
    """Updates made."""
    samples: int = 0
    """Samples seen."""
    seconds: float = 0.0
    """Spent, sessions before this one included."""
    total: float = 0.0
    """Σ samples · loss of the epoch being made."""
    begun: int = 0
    """Samples seen before that epoch."""

    def next_epoch(self) -> None:
        """An epoch begins here."""
        self.total, self.begun = 0.0, self.samples


@dataclass(slots=True, kw_only=True)
class Follower:
    """The rules of one training and what has been seen of it so far."""

    learner: Learner[Any]
    shape: Shape
    train: tuple[Array, Array]
    validation: tuple[Array, Array] | None
    budget: Budget
    target: Target | None
    patience: int | None
    steps_per_epoch: int
    lr: float
    """As the caller set it, before any schedule."""
    progress: Callable[[FitProgress], None] | None
    judge: Any = None
    """The learner that evaluates; `None`: the one that is trained."""
    clock: Callable[[], float] | None = None
    """Seconds that limits are held against; `None`: of this process."""
    own_metrics: tuple[Metric, ...] = ()
    """Of the caller's, evaluated beside those of the task."""
    accumulate: int = 1
    """Micro-batches of an update."""
    batch_size: int = 0
    """Of the epoch being made."""
    watching: Watching = field(init=False)
    """Told of everything; nobody at first."""
    epoch: int = 1
    """The one being made; a loader may have made others before."""
    started: float = field(init=False, default=0.0)
    """By the clock."""
    reached: Reached = field(init=False, default_factory=Reached)
    ended: dict[str, Any] | None = field(init=False, default=None)
    """How it ended, and by which rules."""
    history: list[dict[str, float]] = field(default_factory=list)
    metrics: dict[str, float] = field(default_factory=dict)
    best: tuple[float, int, Any] = (math.inf, 0, None)
    """Least loss to watch, its epoch from 1, and a copy of the state then."""

    def __post_init__(self) -> None:
        run = Run(learner=self.learner, shape=self.shape, loader=None, history=self.history)
        self.watching = Watching(run)

    def follow(self, state: Any, epoch_of: Callable[[Any, int, int], Iterator[StepEvent]]) -> FitResult:
        """Run until a limit, the target, the patience or a divergence ends it.

        Args:
            state: the replica to train.
            epoch_of: the steps of the next epoch, from a state, the steps and the samples done before.
        """
        self.started = self._now() - self.reached.seconds
        try:
            self.watching.begin(state)
            if self.ended is not None or self._spent_before(state):
                return self._again(state)
            while True:
                ended, event = self._epoch(epoch_of(state, self.reached.step, self.reached.samples))
                if ended is not None:
                    return ended
                state = event.state
                self.epoch += 1
                self.reached.next_epoch()
        except BatchTooLargeError as error:
            return self._too_large(error)
        finally:
            self.watching.close()

    @property
    def watched(self) -> float | None:
        """The loss that patience and schedules watch, after the last epoch; `None` before its end."""
        last = self.history[-1] if self.history else {}
        return last.get("val_loss", last.get("loss"))

    def state_dict(self, copy: Callable[[Array], Array] = np.array) -> dict[str, Any]:
        """What was seen so far, but for the history; the best state's arrays copied by `copy`."""
        loss, epoch, state = self.best
        stored = None if state is None else self._storable.state_dict(state, copy)
        best = [loss, epoch, stored]
        return {**asdict(self.reached), "metrics": self.metrics, "best": best, "ended": self.ended}

    def load_state_dict(
        self, state: Any, kept: Mapping[str, Any], history: Sequence[dict[str, float]], *, within: bool
    ) -> None:
        """Go on from there.

        Args:
            state: any of the learner's, to make the best one of.
            kept: what `state_dict` gave.
            history: its rows then.
            within: whether the epoch has steps left; a row that it has already is made anew then.
        """
        ended = kept["ended"]
        self.ended = ended if ended is not None and ended["rules"] == self._rules() else None
        self.reached = Reached(**{name: kept[name] for name in asdict(self.reached)})
        made_anew = self.ended is None and within and history and history[-1]["step"] == self.reached.step
        self.history[:] = history[:-1] if made_anew else history
        self.epoch = len(self.history) + 1
        if not within:
            self.reached.next_epoch()
        self.metrics = dict(kept["metrics"])
        loss, epoch, best = kept["best"]
        if best is not None:
            copy = self.learner.select(state, [0])
            self._storable.load_state_dict(copy, best)
            self.best = loss, epoch, copy

    @property
    def _storable(self) -> Storable:
        learner: Any = self.learner
        return learner

    def _now(self) -> float:
        return time.perf_counter() if self.clock is None else self.clock()

    def _rules(self) -> dict[str, Any]:
        """When it ends."""
        target = None if self.target is None else str(self.target)
        return {**asdict(self.budget), "target": target, "patience": self.patience}

    def _epoch(self, events: Iterator[StepEvent]) -> tuple[FitResult | None, StepEvent]:
        """One epoch, or what is left of it, to its end or that of the training."""
        total, samples, begun, spent = self.reached.total, self.reached.samples, self.reached.begun, ""
        watching, run = self.watching, self.watching.run
        for event in events:
            loss = event.result.loss.item()
            total += loss * (event.samples - samples)
            samples = event.samples
            mean = total / (samples - begun)
            if self.progress is not None:
                self.progress(self._progress(event, mean))
            if not -math.inf < loss < run.calm:  # also where it is NaN
                watching.look(event, loss)
                if not math.isfinite(loss):
                    return self._diverged(event, loss, before_update=event.step == 1), event
            seconds = self._now() - self.started
            if watching.every_step:
                self.reached = Reached(event.step, samples, seconds, total, begun)
                watching.step(event)
            spent = self.budget.spent(event, epochs=self.epoch - 1, seconds=seconds)
            if spent:
                break
        self.reached = Reached(event.step, samples, seconds, total, begun)
        spent = spent or self.budget.spent(event, epochs=self.epoch, seconds=seconds)
        return self._close_epoch(event, mean, spent), event

    def _close_epoch(self, event: StepEvent, loss: float, spent: str) -> FitResult | None:
        self.metrics = self._evaluate(event.state)
        watched = self.metrics.get("val_loss", loss)
        if not math.isfinite(watched):
            return self._diverged(event, watched)
        self.history.append(
            {
                "epoch": self.epoch,
                "step": event.step,
                "samples": event.samples,
                "seconds": self.reached.seconds,
                "lr": float(event.lr[0]),
                "batch_size": self.batch_size,
                "loss": loss,
                **self.metrics,
            }
        )
        verdict = self._verdict(event, watched, spent)
        if verdict is not None:  # known before the epoch is told: what is kept of it is the end
            self._note_end(*verdict)
        self.watching.epoch(self.history[-1], event)
        return None if verdict is None else self._ended(event, *verdict)

    def _verdict(self, event: StepEvent, watched: float, spent: str) -> tuple[Any, Outcome, str] | None:
        """How it ends at the end of this epoch, and with which state; `None`: it goes on."""
        if self.target is not None and self._meets(self.target, event.state):
            text = f"It reached {self.target} at step {event.step:,}, in epoch {self.epoch}."
            return event.state, Outcome.REACHED, text
        if self._out_of_patience(event, watched):
            watched_name = "loss" if self.validation is None else "val_loss"
            waited = counted(self.epoch - self.best[1], "epoch")
            return self._back_to_best(f"{watched_name} did not improve for {waited}")
        if spent and self.patience is not None:
            return self._back_to_best(f"It stopped after {spent}, the limit")
        if spent:
            return event.state, Outcome.OUT_OF_STEPS, f"It stopped after {spent}, the limit."
        return None

    def _evaluate(self, state: Any) -> dict[str, float]:
        if self.validation is None:
            return {}
        names: list[str | Metric] = [*metrics_of(self.shape.task), *self.own_metrics]
        values = evaluate(self.judge or self.learner, state, self.validation, names)
        return {f"val_{name}": float(value[0]) for name, value in values.items()}

    def _meets(self, target: Target, state: Any) -> bool:
        if target.name in self.metrics:
            return target.met(self.metrics[target.name])
        values = evaluate(self.judge or self.learner, state, self.train, [target.metric])
        return target.met(float(values[target.metric][0]))

    def _out_of_patience(self, event: StepEvent, watched: float) -> bool:
        if self.patience is None:
            return False
        if watched < self.best[0]:
            self.best = watched, self.epoch, self.learner.select(event.state, [0])
        return self.epoch - self.best[1] >= self.patience

    def _back_to_best(self, why: str) -> tuple[Any, Outcome, str]:
        _, best, state = self.best
        return state, Outcome.OUT_OF_STEPS, f"{why}; the weights are those of epoch {best}, the best."

    def _progress(self, event: StepEvent, loss: float) -> FitProgress:
        return FitProgress(
            epoch=self.epoch,
            epochs=self.budget.epochs,
            step=event.batch.step + 1,
            steps=self.steps_per_epoch,
            loss=loss,
            metrics=self.metrics,
            warnings=tuple(self.watching.run.warnings),
        )

    def _diverged(self, event: StepEvent, loss: float, *, before_update: bool = False) -> FitResult:
        what = "NaN" if math.isnan(loss) else "infinite"
        if before_update:
            scaled = "the data" if self.watching.command_line else "X and y, as rb.load_data((X, y)) does"
            instead = f"scale {scaled}, or write a model whose outputs are finite for them"
            text = f"The loss was {what} before the first update; {instead}."
        else:
            modest = min(self.lr / 10, _MODEST)
            text = (
                f"The loss became {what} at step {event.step:,} with learning rate {self.lr:.3g}; "
                f"write a smaller one, such as {modest:.2g}, or let rightbatch study find it."
            )
        state = event.state
        if self.best[2] is not None:
            text = f"{text[:-1]}; the weights are those of epoch {self.best[1]}, the best before."
            state = self.best[2]
        return self._ended(event, state, Outcome.DIVERGED, text)

    def _too_large(self, error: BatchTooLargeError) -> FitResult:
        rows = len(error.batch.index)
        processes = math.ceil((error.batch.whole or rows) / rows)
        piece = math.ceil(rows / self.accumulate)
        largest = largest_that_fits(self.learner, error.state, error.batch, below=piece)
        state = error.state if self.best[2] is None else self.best[2]
        typed = self.watching.command_line
        text = sentence(rows * processes, largest * processes, self.accumulate, command_line=typed)
        return self._ended(None, state, Outcome.OUT_OF_MEMORY, text)

    def _ended(self, event: StepEvent | None, state: Any, outcome: Outcome, stopped: str) -> FitResult:
        self._note_end(state, outcome, stopped)
        self.watching.end(event, outcome, stopped)
        return self._result(state, outcome, stopped)

    def _note_end(self, state: Any, outcome: Outcome, stopped: str) -> None:
        best = state is self.best[2]
        self.ended = {"outcome": outcome.value, "stopped": stopped, "best": best, "rules": self._rules()}

    def _spent_before(self, state: Any) -> bool:
        """Whether what was made before it went on is enough for limits that are others now."""
        if not self.reached.step:
            return False
        epochs, seconds = len(self.history), self.reached.seconds
        spent = self.budget.spent(self.reached, epochs=epochs, seconds=seconds)
        if spent and self.best[2] is not None and self.patience is not None:
            self._note_end(*self._back_to_best(f"It stopped after {spent}, the limit"))
        elif spent:
            self._note_end(state, Outcome.OUT_OF_STEPS, f"It stopped after {spent}, the limit.")
        return bool(spent)

    def _again(self, state: Any) -> FitResult:
        """The result of a training that was stored at its end."""
        how = self.ended or {}
        state = self.best[2] if how["best"] else state
        outcome, stopped = Outcome(how["outcome"]), how["stopped"]
        self.watching.end(None, outcome, stopped)
        return self._result(state, outcome, stopped)

    def _result(self, state: Any, outcome: Outcome, stopped: str) -> FitResult:
        return FitResult(
            learner=self.learner,
            state=state,
            metrics=self.own_metrics,
            shape=self.shape,
            history=self.history,
            outcome=outcome,
            stopped=stopped,
            warnings=tuple(self.watching.run.warnings),
        )
