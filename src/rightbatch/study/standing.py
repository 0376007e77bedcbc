"""What the runs and the timings of a study say so far, looked at anew only when there are more of them."""

import math
from dataclasses import dataclass, field

import numpy as np

from rightbatch.records import Array
from rightbatch.study.costs import Costs, memory_of, too_large
from rightbatch.study.outlook import Outlook, outlook
from rightbatch.study.pool import Choice, Pool, choices, pool
from rightbatch.study.search import Search
from rightbatch.study.settings import Settings


@dataclass(slots=True, kw_only=True)
class Standing:
    """How a study stands.

    Args:
        settings: the batch sizes, and the seed of the draws.
        search: the runs.
        costs: the timings, and the bytes that training takes.
        memory_limit: bytes; a batch size that needs more is not recommended.
    """

    settings: Settings
    search: Search
    costs: Costs
    memory_limit: float
    _pooled: tuple[int, Pool, dict[int, Choice]] | None = field(init=False, default=None)
    """The table of the first so many runs, with its choices."""
    _viewed: tuple[tuple[int, int], Array, Outlook | None] | None = field(init=False, default=None)
    """What so many runs and searches said, with these timings."""

    def table(self) -> tuple[Pool, dict[int, Choice]]:
        """All runs, and the best learning rate of each size."""
        runs = self.search.runs
        if self._pooled is None or self._pooled[0] != len(runs):
            table = pool(runs, self.settings.batch_sizes)
            self._pooled = len(runs), table, choices(table)
        return self._pooled[1:]

    def last_choices(self) -> dict[int, Choice]:
        """The best learning rates as of the last look, which takes its time."""
        return {} if self._pooled is None else self._pooled[2]

    def view(self) -> Outlook | None:
        """The seconds to target of all sizes; `None` while too few have reached it."""
        known, rounds = (len(self.search.runs), len(self.search.found)), self.costs.rounds()
        if self._viewed is None or self._viewed[0] != known or self._viewed[1] is not rounds:
            self._viewed = known, rounds, self._outlook(rounds)
        return self._viewed[2]

    def cost(self) -> float:
        """Seconds that all runs so far take one after the other."""
        return self.costs.of(self.search.runs)

    def cost_of(self, size: int) -> float:
        """Seconds that the best run at the size takes likewise; infinite: nothing is known of it."""
        if (view := self.view()) is None:
            return math.inf
        return float(np.median(view.seconds[:, self.settings.batch_sizes.index(size)]))

    def _outlook(self, rounds: Array) -> Outlook | None:
        table, found = self.table()
        missed = [size for size in self.search.found if size not in found]
        memory = memory_of(self.costs.store)
        heavy = [size for size in self.settings.batch_sizes if memory.get(size, 0) > self.memory_limit]
        beyond = too_large(self.costs.store, self.settings.batch_sizes)
        return outlook(table, found, rounds, barred=[*missed, *heavy, *beyond], seed=self.settings.seed)
