"""The race of one batch size's learning rates over its seeds: who leads, who goes on, how runs scatter."""

import math
from collections.abc import Collection, Sequence
from functools import cached_property

import numpy as np

from rightbatch.stats.racing import in_the_race
from rightbatch.study.patience import Spread, spread_of
from rightbatch.study.pool import Choice, Pool, choices, pool
from rightbatch.study.subject import Run


class Race:
    """What the runs of one batch size say; each answer is worked out once.

    Args:
        batch_size: the size.
        runs: its runs, of other learning rates, too.
        points: the learning rates of its fine grid.
        judged: the seeds of the races that are over, with which every learning rate still in was run.
    """

    def __init__(
        self, batch_size: int, runs: Sequence[Run], points: Collection[int], judged: Collection[int]
    ) -> None:
        """Keep what is asked about."""
        self._size = batch_size
        self._runs, self._points, self._judged = tuple(runs), frozenset(points), judged

    @cached_property
    def leader(self) -> Choice | None:
        """The best of the fine grid; `None`: none reached the target."""
        return choices(self._table).get(self._size)

    @cached_property
    def spread(self) -> Spread:
        """How the runs of the leader scatter."""
        return spread_of(self._table)

    @cached_property
    def left(self) -> frozenset[int]:
        """The learning rates to run with the next seed: those that may be the best."""
        if not self._judged:
            return self._points
        logs = _log_steps(self._runs)
        left = [
            point for point in sorted(self._points) if all((seed, point) in logs for seed in self._judged)
        ]
        racing = in_the_race(np.array([[logs[seed, point] for point in left] for seed in self._judged]))
        return frozenset(point for point, yes in zip(left, racing, strict=True) if yes)

    @cached_property
    def _table(self) -> Pool:
        return pool([run for run in self._runs if run.point in self._points], [self._size])


def _log_steps(runs: Sequence[Run]) -> dict[tuple[int, int], float]:
    """Of steps to target, by seed and point; a missed run counts with twice the steps of the longest."""
    longest = 2 * max(run.steps for run in runs)
    return {(run.seed, run.point): math.log(run.steps_to_target or longest) for run in runs}
