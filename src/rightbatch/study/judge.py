"""When a run is over: its curve, and the rules that give it an outcome."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

from rightbatch.measure.crossing import crossing
from rightbatch.records import Outcome
from rightbatch.study.subject import Run, Sweep

_MAJORITY = 2
"""Of the last three evaluations, without which their median is not at the target."""


@dataclass(slots=True)
class Curve:
    """A run on its way."""

    point: int
    steps: list[int] = field(default_factory=list)
    values: list[float] = field(default_factory=list)
    outcome: Outcome | None = None
    reason: str = ""
    crossed: float | None = None

    def note(self, step: int, value: float) -> None:
        """One evaluation."""
        self.steps.append(step)
        self.values.append(value)

    def end(self, outcome: Outcome, reason: str) -> None:
        """Give the run its outcome."""
        self.outcome, self.reason = outcome, reason

    def run(self, batch_size: int, seed: int) -> Run:
        """The run, over."""
        if self.outcome is None:
            raise AssertionError("a sweep ends when every run has an outcome")
        return Run(
            batch_size=batch_size,
            point=self.point,
            seed=seed,
            outcome=self.outcome,
            reason=self.reason,
            steps_to_target=self.crossed,
            curve_steps=tuple(self.steps),
            curve=tuple(float(f"{value:.7g}") for value in self.values),
        )


@dataclass(slots=True)
class Rules:
    """When a run is over."""

    sweep: Sweep
    first_arrival: float = math.inf

    def judge(self, curves: Sequence[Curve], step: int) -> None:
        """Give an outcome to every run that is over at this step."""
        running = [curve for curve in curves if curve.outcome is None]
        for curve in running:
            self._judge_alone(curve, step)
        for curve in running:
            if curve.outcome is None and step > self.sweep.hopeless * self.first_arrival:
                reason = f"not there after {self.sweep.hopeless:g} times the steps of a better learning rate"
                curve.end(Outcome.HOPELESS, reason)

    def _judge_alone(self, curve: Curve, step: int) -> None:
        if not math.isfinite(curve.values[-1]):
            curve.end(Outcome.DIVERGED, f"the loss was infinite by step {step:,}")
            return
        met = sum(map(self.sweep.target.met, curve.values[-3:]))
        if met >= _MAJORITY and self.sweep.stop_when_reached:
            curve.crossed = crossing(curve.steps[-4:], curve.values[-4:], self.sweep.target)
        if curve.crossed is not None:
            curve.end(Outcome.REACHED, f"reached {self.sweep.target}")
            self.first_arrival = min(self.first_arrival, curve.crossed)
        elif step >= self.sweep.most_steps:
            curve.end(Outcome.OUT_OF_STEPS, f"not there after {step:,} steps")
