"""Follow a training step by step: keep its history, and say when and why it ends."""

import math
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from rightbatch.learners.metrics import evaluate, metrics_of
from rightbatch.learners.protocol import Learner
from rightbatch.records import Array, Outcome, Shape, StepEvent
from rightbatch.train.budget import Budget
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
    progress: Callable[[FitProgress], None] | None
    history: list[dict[str, float]] = field(default_factory=list)
    metrics: dict[str, float] = field(default_factory=dict)
    best: tuple[float, int, Any] = (math.inf, 0, None)
    """Least loss to watch, its epoch from 1, and a copy of the state then."""

    def follow(self, events: Iterator[StepEvent]) -> FitResult:
        """Run until a limit, the target, the patience or a divergence ends it."""
        started = time.perf_counter()
        total, samples, begun = 0.0, 0, 0
        for event in events:
            loss = event.result.loss.item()
            total += loss * (event.samples - samples)
            samples = event.samples
            mean = total / (samples - begun)
            if self.progress is not None:
                self.progress(self._progress(event, mean))
            if not math.isfinite(loss):
                return self._result(event, Outcome.DIVERGED, _diverged(event))
            ends = event.batch.step + 1 == self.steps_per_epoch
            seconds = time.perf_counter() - started
            spent = self.budget.spent(event, end_of_epoch=ends, seconds=seconds)
            if spent or ends:
                ended = self._close_epoch(event, mean, seconds, spent)
                if ended is not None:
                    return ended
                total, begun = 0.0, samples
        raise AssertionError("a training loop has no end of its own")

    def _close_epoch(self, event: StepEvent, loss: float, seconds: float, spent: str) -> FitResult | None:
        self.metrics = self._evaluate(event.state)
        self.history.append(
            {
                "epoch": event.batch.epoch + 1,
                "step": event.step,
                "samples": event.samples,
                "seconds": seconds,
                "lr": float(event.lr[0]),
                "loss": loss,
                **self.metrics,
            }
        )
        if self.target is not None and self._meets(self.target, event.state):
            return self._result(
                event,
                Outcome.REACHED,
                f"It reached {self.target} at the end of epoch {event.batch.epoch + 1}.",
            )
        if self._out_of_patience(event, self.metrics.get("val_loss", loss)):
            return self._back_to_best(event)
        if spent:
            return self._result(event, Outcome.OUT_OF_STEPS, f"It stopped after {spent}, as set.")
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
        epoch = event.batch.epoch + 1
        if watched < self.best[0]:
            self.best = watched, epoch, self.learner.select(event.state, [0])
        return epoch - self.best[1] >= self.patience

    def _back_to_best(self, event: StepEvent) -> FitResult:
        _, epoch, state = self.best
        watched = "loss" if self.validation is None else "val_loss"
        text = (
            f"{watched} did not improve for {self.patience} epochs; "
            f"the weights are those of epoch {epoch}, the best."
        )
        return self._result(event._replace(state=state), Outcome.OUT_OF_STEPS, text)

    def _progress(self, event: StepEvent, loss: float) -> FitProgress:
        return FitProgress(
            epoch=event.batch.epoch + 1,
            epochs=self.budget.epochs,
            step=event.batch.step + 1,
            steps=self.steps_per_epoch,
            loss=loss,
            metrics=self.metrics,
        )

    def _result(self, event: StepEvent, outcome: Outcome, stopped: str) -> FitResult:
        return FitResult(
            learner=self.learner,
            state=event.state,
            shape=self.shape,
            history=self.history,
            outcome=outcome,
            stopped=stopped,
        )


def _diverged(event: StepEvent) -> str:
    rate = float(event.lr[0])
    return (
        f"The loss became infinite at step {event.step:,} with learning rate {rate:.3g}; "
        f"write a smaller one, such as {rate / 10:.2g}, or let rightbatch study find it."
    )
