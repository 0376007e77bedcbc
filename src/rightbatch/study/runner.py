"""Makes the runs that the phases of a study ask for, within their seconds, and tells of each."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from rightbatch.study import plan
from rightbatch.study.grid import outwards
from rightbatch.study.pool import best_so_far
from rightbatch.study.search import Search
from rightbatch.study.session import Session
from rightbatch.study.standing import Standing


@dataclass(frozen=True, slots=True, kw_only=True)
class Runner:
    """What all phases share.

    Args:
        search: the runs, and how more are made.
        standing: what they say so far.
        session: the clock, and who is told.
        seeds: asked for of every size.
        middle: the size at which the study began.
        total: pieces of work at most.
    """

    search: Search
    standing: Standing
    session: Session
    seeds: int
    middle: int
    total: int

    def find(self, *sizes: int) -> None:
        """Search the learning rates of these sizes."""
        for found in self.search.find(*sizes):
            self._tell("learning rates", found)

    def add(self, size: int, number: int = 1) -> None:
        """So many seeds more of a size at least, with the learning rates that may be the best."""
        while number > 0:
            added = self.search.add_seeds(size)
            self._tell("seeds", f"batch size {size}, seed {self.search.seeds[size]}", pieces=added)
            number -= added

    def bring_all_to(self, wanted: int, most: float = math.inf) -> None:
        """One seed more of every size that arrived and has fewer, within so many seconds of all runs."""
        seeds = self.search.seeds
        few = [size for size in self.outwards(self.search.reached()) if seeds.get(size, 0) < wanted]
        self.search.expect([(size, seeds.get(size, 0)) for size in few if self._affords(size, most)])
        for size in few:
            if self._affords(size, most):
                self.add(size)

    def repeat_best(self, most: float) -> None:
        """The seeds asked for, of every size that was run with fewer, with its best learning rate alone."""
        seeds = self.search.seeds
        few = [size for size in self.outwards(list(seeds)) if seeds[size] < self.seeds]
        while few:
            size, *few = few
            if self._affords(size, most, runs=self.seeds - seeds[size]):
                added = self.search.repeat_best(size, self.seeds, then=few)
                self._tell("seeds", f"batch size {size}, seed {self.seeds}", pieces=added)

    def outwards(self, batch_sizes: Sequence[int]) -> list[int]:
        """The sizes, those next to where the study began first."""
        return outwards(batch_sizes, self.middle)

    def _affords(self, size: int, most: float, runs: float = plan.SWEEP_COSTS) -> bool:
        """Whether so many runs of the size leave all within so many seconds; a sweep, if not said."""
        return most == math.inf or self.standing.cost() + runs * self.standing.cost_of(size) <= most

    def _tell(self, stage: str, detail: str, pieces: int = 1) -> None:
        best = best_so_far(self.standing.last_choices(), self.standing.costs.seconds())
        self.session.tell(stage, detail, total=self.total, best=best, pieces=pieces)
