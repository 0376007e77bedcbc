"""The runs of a study: the best learning rate of a batch size, found on a coarse grid, then over seeds."""

import math
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from rightbatch import units
from rightbatch.measure.crossing import last_check
from rightbatch.records import Outcome
from rightbatch.stats.racing import in_the_race
from rightbatch.stats.scatter import PRIOR_SCATTER
from rightbatch.study.ahead import Ahead
from rightbatch.study.grid import around, best_point, lr_at, next_points
from rightbatch.study.guess import guess
from rightbatch.study.patience import patience, scatter_of, unseen
from rightbatch.study.pool import NOT_REACHED, RACE, Choice, choices, pool, scores_of
from rightbatch.study.session import Session
from rightbatch.study.store import Store
from rightbatch.study.subject import HOPELESS, Run, Subject, Sweep
from rightbatch.train.target import Target

_EPOCHS = 100
"""Passes over the data after which the first search gives up a learning rate."""

_LEAST_STEPS = 1000
"""Steps that a run may take in any case, where a pass over the data is only a few."""

_SLACK = 3.0
"""Steps or samples a run may take, as a multiple of what the neighbouring batch size took. Steps do
not rise with the batch and samples do not fall, so this leaves room for a learning rate off by 2."""

_WIDE = {"sgd": (-14, 2), "momentum": (-18, -2), "nesterov": (-18, -2), "adam": (-24, -4)}
"""Points of the first search for each update rule: a factor of 256, extended where it is not enough."""

_LAW = {"sgd": 1.0, "momentum": 1.0, "nesterov": 1.0}
"""Exponent of the learning rate's law; other rules adapt the step, for which a half is usual
(McCandlish et al. 2018, appendix A.2: between a half and 1 for Adam and RMSProp)."""

_REACH = 8
"""Points the fine grid may be shifted when its best learning rate lies on the edge: a factor of 16."""


@dataclass(frozen=True, slots=True)
class Found:
    """The coarse search at one batch size."""

    point: int
    """Of the best learning rate."""
    steps: float
    """To target with it; infinite: not reached."""


@dataclass(slots=True, kw_only=True)
class Search:
    """The runs made so far, and how more are made.

    Args:
        subject: what is trained.
        store: where the runs go.
        session: the clock.
        seed: the first seed.
        target: when a run counts as trained.
        wide: learning rates of the first search, as points of the grid.
        stored: runs of earlier sessions by (batch size, seed, point); taken when their turn comes.
        ahead: makes the sweeps, and others before they are asked for.
        together: whether seeds of this batch size are to be trained side by side.
        stops: numbers of seeds at which no more may be wanted.
    """

    subject: Subject
    store: Store
    session: Session
    seed: int
    target: Target
    wide: Sequence[int]
    stored: dict[tuple[int, int, int], Run]
    ahead: Ahead = field(default_factory=lambda: Ahead(None))
    together: Callable[[int], bool] = lambda _: False
    stops: Sequence[int] = ()
    runs: list[Run] = field(default_factory=list)
    """In the order of their making: what to do next depends on them alone."""
    found: dict[int, Found] = field(default_factory=dict)
    seeds: dict[int, int] = field(default_factory=dict)
    """Seeds run on the fine grid, of every batch size."""
    fine: dict[int, set[int]] = field(default_factory=dict)
    """Points of the fine grid of every batch size, run with each of these seeds."""
    scatter: dict[int, float] = field(default_factory=dict)
    """Standard deviation of ln S over the seeds of every batch size, as of its last race."""

    def reached(self) -> list[int]:
        """The sizes at which the target was reached."""
        return [size for size, found in self.found.items() if math.isfinite(found.steps)]

    def best_run(self, size: int) -> Run:
        """The run of the best learning rate that the coarse grid found at a batch size."""
        point = self.found[size].point
        return next(run for run in self._runs_of(size, self.seed) if run.point == point)

    def tuned_runs(self, found: Mapping[int, Choice]) -> list[Run]:
        """The runs of the best learning rate of each size that reached the target, by size and seed."""
        runs = [
            run
            for run in self.runs
            if run.batch_size in found
            and run.point == found[run.batch_size].point
            and run.outcome is Outcome.REACHED
        ]
        return sorted(runs, key=lambda run: (run.batch_size, run.seed))

    def find(self, size: int) -> str:
        """Find the best learning rate of a batch size on the coarse grid, from the first seed; in words."""
        points = {known: self.found[known].point for known in self.found}
        wanted = around(guess(points, size), below=2, above=2) if points else list(self.wide)
        most_steps = self._most_steps(size, self.found)
        tried: set[int] = set()
        scores: dict[int, float] = {}
        while wanted:
            self._sweep(size, range(1), wanted, most_steps, alone=not self.subject.timed_apart)
            tried.update(wanted)
            runs = [run for run in self._runs_of(size, self.seed) if run.point in tried]
            scores = scores_of(runs, self.target.value)
            beyond = any(run.outcome is Outcome.OUT_OF_MEMORY for run in runs)
            wanted = [] if beyond or _all_the_same(scores) else next_points(scores)
        best = best_point(scores)
        steps = math.exp(scores[best]) if scores[best] < NOT_REACHED else math.inf
        self.found[size] = Found(best, steps)
        return f"batch size {size}: {units.plain(lr_at(best))}"

    def add_seeds(self, size: int) -> int:
        """More seeds of a batch size searched before, with its best learning rate and the neighbours of that.

        Returns:
            How many: one, or as many as are trained side by side.
        """
        number = self.seeds.get(size, 0)
        if number % RACE == 0:
            self.scatter[size] = scatter_of(self._fine_runs(), self.fine, size)
        stack = self._stack(size, number)
        self._fine(size, stack, self._racing(size, number))
        self.seeds[size] = stack.stop
        while more := self._beyond_edge(size):
            stacks = self._stacks(size, 0, stack.stop)
            self._expect((size, each, more) for each in stacks)
            for each in stacks:
                self._fine(size, each, more)
            self.fine[size].update(more)
        return len(stack)

    def repeat_best(self, sizes: Sequence[int], seeds: int) -> Iterator[tuple[int, int]]:
        """Bring these sizes, if run on the fine grid, to so many seeds with their best learning rate alone.

        Yields:
            A size, and how many seeds it was run with, as often as it was run.
        """
        best = {size: {choice.point} for size, choice in choices(pool(self._fine_runs(), sizes)).items()}
        stacks = [(size, stack) for size in best for stack in self._stacks(size, self.seeds[size], seeds)]
        stacks.sort(key=lambda each: each[1].start)
        left = [(size, stack, best[size]) for size, stack in stacks]
        for done, (size, stack, points) in enumerate(left):
            self._expect(left[done:])
            self._fine(size, stack, points)
            self.seeds[size] = stack.stop
            yield size, len(stack)

    def _most_steps(self, size: int, found: Mapping[int, Found], slack: float = _SLACK) -> int:
        """Steps that a run may take: from the sizes done, or so many epochs while there is none."""
        epochs = max(_EPOCHS * (self.subject.samples // size), _LEAST_STEPS)
        smaller = [found[known].steps for known in found if known <= size]
        larger = [found[known].steps * known / size for known in found if known >= size]
        least = min([*smaller, *larger], default=math.inf)
        return min(epochs, math.ceil(slack * least) + 10) if math.isfinite(least) else epochs

    def expect_seeds(self, wanted: Sequence[tuple[int, int]]) -> None:
        """Let these be made ahead: batch sizes that were searched, each with the number of a seed."""
        left: list[tuple[int, range, Collection[int]]] = []
        stops = dict(self.seeds)
        for size, number in wanted:
            if number // RACE <= self.seeds.get(size, 0) // RACE and number >= stops.get(size, 0):
                stack = self._stack(size, number)
                left.append((size, stack, self._racing(size, number)))
                stops[size] = stack.stop
        self._expect(left)

    def _expect(self, wanted: Iterable[tuple[int, range, Collection[int]]]) -> None:
        steps = ((each, self._most_fine_steps(each[0])) for each in wanted)
        self.ahead.expect(sweep for each, most_steps in steps for sweep in self._missing(*each, most_steps))

    def _stack(self, size: int, number: int) -> range:
        """The seeds, by number, that are trained together, of which this is the first.

        The first seed of all is alone, for its curve is shown from the first step on; the others go with the
        rest of their race, but not beyond where the plan may stop.
        """
        if number == 0 or not self.together(size):
            return range(number, number + 1)
        stops = [number - number % RACE + RACE, *(stop for stop in self.stops if stop > number)]
        return range(number, min(stops))

    def _stacks(self, size: int, start: int, stop: int) -> list[range]:
        """The stacks of these seeds."""
        stacks = []
        while start < stop:
            stack = range(start, min(self._stack(size, start).stop, stop))
            stacks.append(stack)
            start = stack.stop
        return stacks

    def _fine_points(self, size: int) -> set[int]:
        return self.fine.setdefault(size, set(around(self.found[size].point, below=2, above=2, step=1)))

    def _racing(self, size: int, number: int) -> set[int]:
        """Learning rates of the fine grid to run from the seed of this number: those that may be the best."""
        points = self._fine_points(size)
        judged = range(self.seed, self.seed + number - number % RACE)
        if not judged:
            return points
        logs = _log_steps([run for run in self.runs if run.batch_size == size])
        left = [point for point in sorted(points) if all((seed, point) in logs for seed in judged)]
        racing = in_the_race(np.array([[logs[seed, point] for point in left] for seed in judged]))
        return {point for point, yes in zip(left, racing, strict=True) if yes}

    def _fine(self, size: int, numbers: range, points: Collection[int]) -> None:
        self._sweep(size, numbers, points, self._most_fine_steps(size))

    def _most_fine_steps(self, size: int) -> int:
        slack = _SLACK * self._patience(size) / HOPELESS
        return self._most_steps(size, {size: self.found[size]}, slack)

    def _patience(self, size: int) -> float:
        return patience(self._scatter(size))

    def _scatter(self, size: int) -> float:
        return self.scatter.get(size, PRIOR_SCATTER)

    def _unseen(self, size: int, seed: int) -> float:
        """Steps in which a seed surely does not arrive; the first is looked at from the beginning."""
        if seed == self.seed:
            return 0.0
        return self.found[size].steps * unseen(self._scatter(size), known=seed - self.seed >= RACE)

    def _fine_runs(self) -> list[Run]:
        return [run for run in self.runs if run.point in self.fine.get(run.batch_size, ())]

    def _beyond_edge(self, size: int) -> list[int]:
        """Learning rates to add where the best over all seeds has no worse neighbour yet."""
        points = self.fine[size]
        runs = [run for run in self.runs if run.batch_size == size and run.point in points]
        best = choices(pool(runs, [size]))
        if not best or abs(best[size].point - self.found[size].point) >= _REACH:
            return []
        point = best[size].point
        if point == min(points):
            return [point - 2, point - 1]
        return [point + 1, point + 2] if point == max(points) else []

    def _sweep(
        self, size: int, numbers: range, points: Collection[int], most_steps: int, *, alone: bool = False
    ) -> None:
        """Runs of these learning rates from the seeds of these numbers, those of earlier sessions taken."""
        for seed in self._seeds_of(numbers):
            done = self._points_of(size, seed)
            known = [(size, seed, point) for point in sorted(points) if point not in done]
            self.runs.extend(self.stored[key] for key in known if key in self.stored)
        for work in self._missing(size, numbers, points, most_steps):
            self.session.check()
            self.session.worked = True
            runs, timings = self.ahead.make(self.subject, work, deadline=self.session.deadline, alone=alone)
            self.store.add_runs(runs, timings, seconds=self.session.spent)
            self.runs.extend(runs)

    def _missing(self, size: int, numbers: range, points: Collection[int], most_steps: int) -> list[Sweep]:
        """What was not trained yet, in this session or an earlier one; seeds that miss the same, together."""
        seeds: dict[tuple[int, ...], list[int]] = {}
        for seed in self._seeds_of(numbers):
            done = self._points_of(size, seed)
            left = tuple(p for p in sorted(points) if p not in done and (size, seed, p) not in self.stored)
            if left:
                seeds.setdefault(left, []).append(seed)
        return [
            Sweep(
                target=self.target,
                batch_size=size,
                seeds=tuple(which),
                points=left,
                most_steps=most_steps,
                unseen=last_check(min(self._unseen(size, which[0]), most_steps - 1)),
                hopeless=self._patience(size),
            )
            for left, which in seeds.items()
        ]

    def _seeds_of(self, numbers: range) -> range:
        return range(self.seed + numbers.start, self.seed + numbers.stop)

    def _points_of(self, size: int, seed: int) -> set[int]:
        return {run.point for run in self._runs_of(size, seed)}

    def _runs_of(self, size: int, seed: int) -> list[Run]:
        return [run for run in self.runs if run.batch_size == size and run.seed == seed]


def _log_steps(runs: Sequence[Run]) -> dict[tuple[int, int], float]:
    """Of steps to target, by seed and point; a missed run counts with twice the steps of the longest."""
    longest = 2 * max(run.steps for run in runs)
    return {(run.seed, run.point): math.log(run.steps_to_target or longest) for run in runs}


def _all_the_same(scores: Mapping[int, float]) -> bool:
    """Whether every learning rate reaches the target, in as many steps: there is no best to find."""
    return len(set(scores.values())) == 1 and max(scores.values()) < NOT_REACHED


def first_points(update_rule: str = "") -> list[int]:
    """Learning rates of the first search with an update rule, by its name, as points of the grid."""
    low, high = _WIDE.get(update_rule, (-20, 2))
    return list(range(low, high + 1, 2))


def law_of(update_rule: str = "") -> float:
    """The exponent of the learning rate's law, lr(B) ~ (1 + B_crit/B)^-law, of an update rule by its name."""
    return _LAW.get(update_rule, 0.5)
