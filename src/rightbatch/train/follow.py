"""Follow a training step by step: keep its history, and say when and why it ends."""

import math
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from rightbatch.learners.metrics import evaluate, metrics_of
from rightbatch.learners.protocol import Learner
from rightbatch.records import Array, Outcome, Shape, StepEvent
from rightbatch.train.budget import Budget, counted
from rightbatch.train.result import FitProgress, FitResult
from rightbatch.train.target import Target


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
    epoch: int = 1
    """The one being made; a loader may have made others before."""
    started: float = field(init=False, default=0.0)
    """By the clock."""
    history: list[dict[str, float]] = field(default_factory=list)
    metrics: dict[str, float] = field(default_factory=dict)
    best: tuple[float, int, Any] = (math.inf, 0, None)
    """Least loss to watch, its epoch from 1, and a copy of the state then."""

    def follow(self, state: Any, epoch_of: Callable[[Any, int, int], Iterator[StepEvent]]) -> FitResult:
        """Run until a limit, the target, the patience or a divergence ends it.

        Args:
            state: the replica to train.
            epoch_of: the steps of the next epoch, from a state, the steps and the samples done before.
        """
        self.started = time.perf_counter()
        step = samples = 0
        while True:
            ended, event = self._epoch(epoch_of(state, step, samples), samples)
            if ended is not None:
                return ended
            state, step, samples = event.state, event.step, event.samples
            self.epoch += 1

    def _epoch(self, events: Iterator[StepEvent], samples: int) -> tuple[FitResult | None, StepEvent]:
        """One epoch to its end or that of the training; `samples` were seen before."""
        total, begun, spent = 0.0, samples, ""
        for event in events:
            loss = event.result.loss.item()
            total += loss * (event.samples - samples)
            samples = event.samples
            mean = total / (samples - begun)
            if self.progress is not None:
                self.progress(self._progress(event, mean))
            if not math.isfinite(loss):
                return self._diverged(event, before_update=event.step == 1), event
            seconds = time.perf_counter() - self.started
            spent = self.budget.spent(event, epochs=self.epoch - 1, seconds=seconds)
            if spent:
                break
        spent = spent or self.budget.spent(event, epochs=self.epoch, seconds=seconds)
        return self._close_epoch(event, mean, seconds, spent), event

    def _close_epoch(self, event: StepEvent, loss: float, seconds: float, spent: str) -> FitResult | None:
        self.metrics = self._evaluate(event.state)
        watched = self.metrics.get("val_loss", loss)
        if not math.isfinite(watched):
            return self._diverged(event)
        self.history.append(
            {
                "epoch": self.epoch,
                "step": event.step,
                "samples": event.samples,
                "seconds": seconds,
                "lr": float(event.lr[0]),
                "loss": loss,
                **self.metrics,
            }
        )
        if self.target is not None and self._meets(self.target, event.state):
            text = f"It reached {self.target} at step {event.step:,}, in epoch {self.epoch}."
            return self._result(event, Outcome.REACHED, text)
        if self._out_of_patience(event, watched):
            return self._back_to_best(event)
        if spent:
            return self._result(event, Outcome.OUT_OF_STEPS, f"It stopped after {spent}, the limit.")
        return None

    def _evaluate(self, state: Any) -> dict[str, float]:
        if self.validation is None:
            return {}
        values = evaluate(self.learner, state, self.validation, metrics_of(self.shape.task))
        return {f"val_{name}": float(value[0]) for name, value in values.items()}

    def _meets(self, target: Target, state: Any) -> bool:
        if target.name in self.metrics:
            return target.met(self.metrics[target.name])
        values = evaluate(self.learner, state, self.train, [target.metric])
        return target.met(float(values[target.metric][0]))

    def _out_of_patience(self, event: StepEvent, watched: float) -> bool:
        if self.patience is None:
            return False
        if watched < self.best[0]:
            self.best = watched, self.epoch, self.learner.select(event.state, [0])
        return self.epoch - self.best[1] >= self.patience

    def _back_to_best(self, event: StepEvent) -> FitResult:
        _, best, state = self.best
        watched = "loss" if self.validation is None else "val_loss"
        text = (
            f"{watched} did not improve for {counted(self.epoch - best, 'epoch')}; "
            f"the weights are those of epoch {best}, the best."
        )
        return self._result(event._replace(state=state), Outcome.OUT_OF_STEPS, text)

    def _progress(self, event: StepEvent, loss: float) -> FitProgress:
        return FitProgress(
            epoch=self.epoch,
            epochs=self.budget.epochs,
            step=event.batch.step + 1,
            steps=self.steps_per_epoch,
            loss=loss,
            metrics=self.metrics,
        )

    def _diverged(self, event: StepEvent, *, before_update: bool = False) -> FitResult:
        if before_update:
            text = (
                "The loss was infinite before the first update; scale X and y, as rb.load_data((X, y)) does."
            )
        else:
            text = (
                f"The loss became infinite at step {event.step:,} with learning rate {self.lr:.3g}; "
                f"write a smaller one, such as {self.lr / 10:.2g}, or let rightbatch study find it."
            )
        return self._result(event, Outcome.DIVERGED, text)

    def _result(self, event: StepEvent, outcome: Outcome, stopped: str) -> FitResult:
        return FitResult(
            learner=self.learner,
            state=event.state,
            shape=self.shape,
            history=self.history,
            outcome=outcome,
            stopped=stopped,
        )
