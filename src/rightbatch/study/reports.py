"""A train function's reports, averaged to evaluations whose noise is small beside the way to the target.

A function may report as often as it likes, the loss of single batches too. The first of very many noisy
reports to meet a target comes long before their mean does, and the sooner the smaller, that is noisier, the
batch is (docs/decisions/0044).
"""

import math
from dataclasses import dataclass, field

import numpy as np

from rightbatch.measure.crossing import next_check

_ROWS = 32
"""Batch size below which a report may be of so few examples that it says nothing of the mean."""

_SHARE = 0.25
"""Standard error that the mean of an evaluation may have, as a share of the way to the target."""

_MEMORY = 32
"""Reports from which the noise is known; what was further back counts for less and less."""

_SECOND_DIFFERENCE = 6.0
"""Variance of x0 - 2 x1 + x2 over that of one report."""

_TO_DEVIATION = 1.4826
"""The median of absolute values times this is the standard deviation of normal ones."""

_ENOUGH = 5
"""Reports of a small batch, far apart but evenly, that tell whether they are noisy."""

_ROUNDING = 1e-9
"""Of steps, which are examples over the batch size."""

_EVEN = 0.1
"""By which share evenly spaced reports may be further apart than those before."""

Evaluation = tuple[int, float]
"""Step and metric."""


@dataclass(slots=True)
class Reports:
    """What a run reports, on its way into its curve.

    An evaluation is the mean of all reports since the one before, at their mean step. It is due where one of
    a learner would be, 6 % of the steps after the last. From a function that has reported more often than
    that, it waits until its standard error is at most a quarter of the longest way to the target that was
    seen. The noise of a report is told by second differences, which a trend hardly enters. Small batches wait
    for their first evaluation until it is known how often is reported; where that is every so many steps,
    five reports tell whether they are so noisy that they must be averaged, too. Who reports once an epoch
    evaluates, or has seen all rows since: nothing waits for such reports to be less noisy.

    Args:
        batch_size: examples of a step.
        rows: of the training data: those of an epoch.
        target: value of the metric to reach.
        most_steps: after which a run is over, whatever is known.
    """

    batch_size: int
    rows: int
    target: float
    most_steps: int
    steps: float = 0.0
    """That were made."""
    _averaged: bool | None = None
    """Whether reports are averaged; `None`: not known yet."""
    _each_epoch: bool = False
    _due: float = 1.0
    _made: int = 0
    """Step of the last evaluation."""
    _since: list[tuple[float, float]] = field(default_factory=list)
    """Steps and metric of the reports since then."""
    _before: tuple[float, ...] = ()
    """The metric of the two reports before."""
    _variance: float = 0.0
    """Of the noise of one report."""
    _differences: int = 0
    """That it was learnt from."""
    _way: float = 0.0

    def note(self, steps: float, metric: float) -> list[Evaluation]:
        """Take one report.

        Returns:
            The evaluations that it completes, mostly none or one.
        """
        if not self.steps and self._whole_epochs(steps):
            self._each_epoch, self._averaged = True, False
        if steps < next_check(math.floor(self.steps)):
            self._averaged = True
        self.steps = steps
        self._since.append((steps, metric))
        self._learn(metric)
        if not math.isfinite(metric) or steps >= self.most_steps:
            return self.flush()
        if self._averaged is None and self.batch_size < _ROWS:
            self._averaged = self._look()
            if self._averaged is None:
                return []
        if steps < self._due:
            return []
        self._due = next_check(math.floor(steps))
        error = self._error()
        waits = self._averaged and not self._each_epoch and error > _SHARE * self._way
        return [] if waits else self.flush()

    def flush(self) -> list[Evaluation]:
        """The evaluation that the reports since the last make, or each of them while they are as rare."""
        groups = [self._since] if self._averaged else [[report] for report in self._since]
        self._since = []
        return [self._evaluation(group) for group in groups if group]

    def _evaluation(self, reports: list[tuple[float, float]]) -> Evaluation:
        steps = sum(step for step, _ in reports) / len(reports)
        self._made = max(self._made + 1, round(steps))
        return self._made, sum(metric for _, metric in reports) / len(reports)

    def _whole_epochs(self, steps: float) -> bool:
        """Whether these steps make whole epochs, with or without the last batch, which may be small."""
        full = self.rows // self.batch_size
        epochs = steps // max(full, 1)
        return steps >= max(full, 2) and steps <= epochs * self.rows / self.batch_size + _ROUNDING

    def _look(self) -> bool | None:
        """What the first reports, none closer than evaluations, say of those to come."""
        steps = np.diff([0.0, *(step for step, _ in self._since)])
        if steps[-1] < 2:
            return None
        if len(steps) > 1 and abs(steps[-1] / steps[-2] - 1) > _EVEN:
            return False
        if len(steps) < _ENOUGH:
            return None
        metrics = np.array([metric for _, metric in self._since])
        noise = _TO_DEVIATION * np.median(np.abs(np.diff(metrics, 2))) / math.sqrt(_SECOND_DIFFERENCE)
        return bool(noise > _SHARE * np.abs(metrics - self.target).max())

    def _error(self) -> float:
        """Standard error of the mean since the last evaluation, which may show a longer way to the target."""
        mean = sum(metric for _, metric in self._since) / len(self._since)
        error = math.sqrt(self._variance / len(self._since))
        self._way = max(self._way, abs(mean - self.target) - 2 * error)
        return error

    def _learn(self, metric: float) -> None:
        """What one report more says of the noise."""
        if len(self._before) == 2:
            first, second = self._before
            self._differences = min(self._differences + 1, _MEMORY)
            difference = first - 2 * second + metric
            found = difference * difference / _SECOND_DIFFERENCE
            self._variance += (found - self._variance) / self._differences
        self._before = (*self._before[-1:], metric)
