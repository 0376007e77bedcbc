"""The runs of a study: the best learning rate of a batch size, found on a coarse grid, then over seeds."""

import math
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import chain

from rightbatch import units
from rightbatch.measure.crossing import last_check
from rightbatch.records import Outcome
from rightbatch.stats.scatter import PRIOR_SCATTER
from rightbatch.study.ahead import Ahead
from rightbatch.study.grid import around, best_point, halves, lr_at, next_points
from rightbatch.study.guess import guess
from rightbatch.study.patience import patience, scatters, unseen
from rightbatch.study.pool import NOT_REACHED, RACE, Choice, scores_of
from rightbatch.study.race import Race
from rightbatch.study.runs import Runs
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

_UNSEEN_AT_FIRST = 0.5
"""Share of the least steps, by other sizes, in which a run is seldom looked at."""

_REACH = 8
"""Points the fine grid may be shifted when its best learning rate lies on the edge: a factor of 16."""


@dataclass(frozen=True, slots=True)
class Found:
    """The coarse search at one batch size."""

    point: int
    """Of the best learning rate."""
    steps: float
    """To target with it; infinite: not reached."""


@dataclass(frozen=True, slots=True)
class _Part:
    """Runs of one batch size that are asked for at once."""

    size: int
    numbers: range
    """Of the seeds."""
    points: Collection[int]
    """Of the learning rates."""
    most_steps: int
    """That a run may take."""
    scatter: float = PRIOR_SCATTER
    """Standard deviation of ln S over the seeds."""
    least_steps: float = 0.0
    """That a run takes, by other sizes, where none of this size was made."""


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
    runs: Runs = field(default_factory=Runs)
    """In the order of their making: what to do next depends on them alone."""
    found: dict[int, Found] = field(default_factory=dict)
    seeds: dict[int, int] = field(default_factory=dict)
    """Seeds run on the fine grid, of every batch size."""
    fine: dict[int, set[int]] = field(default_factory=dict)
    """Points of the fine grid of every batch size, run with each of these seeds."""
    scatter: dict[int, float] = field(default_factory=dict)
    """Standard deviation of ln S over the seeds of every batch size, as of when its last race began."""
    _races: dict[int, tuple[tuple[int, int, int], Race]] = field(init=False, default_factory=dict)
    """Of every batch size, with how many runs, learning rates and seeds it had then."""

    def reached(self) -> list[int]:
        """The sizes at which the target was reached."""
        return [size for size, found in self.found.items() if math.isfinite(found.steps)]

    def best_run(self, size: int) -> Run:
        """The run of the best learning rate that the coarse grid found at a batch size."""
        point = self.found[size].point
        return next(run for run in self.runs.of(size, self.seed) if run.point == point)

    def tuned_runs(self, size: int, choice: Choice) -> list[Run]:
        """The runs of a size's best learning rate that reached the target, by seed."""
        runs = [run for run in self.runs.at(size) if run.point == choice.point]
        return sorted((run for run in runs if run.outcome is Outcome.REACHED), key=lambda run: run.seed)

    def find(self, *sizes: int) -> list[str]:
        """Find the best learning rate of each batch size on the coarse grid, from the first seed; in words.

        All begin where what is known before says, so that they do not wait for each other.
        """
        parts = [self._coarse(size) for size in sizes]
        while parts:
            pieces = [piece for part in parts for piece in self._pieces(part)]
            self._expect(pieces, first=True)
            for piece in pieces:
                self._sweep(piece, alone=not self.subject.timed_apart)
            parts = [replace(part, points=points) for part in parts if (points := self._wider(part.size))]
        self.found |= {size: _found(self._scores(size)) for size in sizes}
        return [f"batch size {size}: {units.plain(lr_at(self.found[size].point))}" for size in sizes]

    def _scores(self, size: int) -> dict[int, float]:
        return scores_of(self.runs.of(size, self.seed), self.target.value)

    def _wider(self, size: int) -> list[int]:
        """Learning rates to try next on the coarse grid; none: the best has worse neighbours."""
        scores = self._scores(size)
        beyond = any(run.outcome is Outcome.OUT_OF_MEMORY for run in self.runs.of(size, self.seed))
        return [] if beyond or _all_the_same(scores) else next_points(scores)

    def add_seeds(self, size: int) -> int:
        """More seeds of a batch size searched before, with its best learning rate and the neighbours of that.

        Returns:
            How many: one, or as many as are trained side by side.
        """
        number = self.seeds.get(size, 0)
        if number % RACE == 0:
            self.scatter |= self._scatters([size])
        part = self._next_race(size, number, self.scatter[size])
        self._sweep(part)
        self.seeds[size] = part.numbers.stop
        while more := self._beyond_edge(size):
            stacks = self._stacks(size, 0, part.numbers.stop)
            parts = [replace(part, numbers=stack, points=more) for stack in stacks]
            self._expect(parts)
            for each in parts:
                self._sweep(each)
            self.fine[size].update(more)
        return len(part.numbers)

    def repeat_best(self, size: int, seeds: int, then: Sequence[int] = ()) -> int:
        """Bring a batch size with a seed or more to so many, the others with its best learning rate alone.

        Args:
            size: the batch size.
            seeds: that it is to have.
            then: sizes for which the same is asked next.

        Returns:
            How many seeds were run.
        """
        parts = self._repeats(size, seeds)
        self._expect(chain(parts, *(self._repeats(other, seeds) for other in then)))
        for part in parts:
            self._sweep(part)
        return sum(len(part.numbers) for part in parts)

    def _repeats(self, size: int, seeds: int) -> list[_Part]:
        """The seeds that were not run: all together, or one by one."""
        if (best := self._race(size).leader) is None:
            return []
        left = range(self.seeds[size], seeds)
        at_once = len(left) if self.together(size) else 1
        stacks = (left[k : k + at_once] for k in range(0, len(left), at_once))
        return [self._on_fine_grid(size, stack, [best.point], self.scatter[size]) for stack in stacks]

    def next_runs(self, size: int) -> int:
        """How many runs a seed more of a batch size is; of a new size, on both grids."""
        if size not in self.found:
            return len(around(0, below=2, above=2)) + len(around(0, below=2, above=2, step=1))
        return len(self._race(size).left)

    def _most_steps(self, size: int, found: Mapping[int, Found], slack: float = _SLACK) -> int:
        """Steps that a run may take: from the sizes done, or so many epochs while there is none."""
        smaller = [found[known].steps for known in found if known <= size]
        larger = [found[known].steps * known / size for known in found if known >= size]
        least = min([*smaller, *larger], default=math.inf)
        if math.isfinite(least):
            return math.ceil(slack * least) + 10
        return max(_EPOCHS * (self.subject.samples // size), _LEAST_STEPS)

    def expect(self, seeds: Sequence[tuple[int, int]], new: Sequence[int] = ()) -> None:
        """Let these be made ahead, so far as they can be made beside others.

        Args:
            seeds: batch sizes that were searched, each with the number of a seed; those beyond the race under
                way are made if it is one learning rate that is left.
            new: batch sizes to search then.
        """
        searches = (self._coarse(size) for size in new if self.subject.timed_apart)
        self._expect(chain(self._next_races(seeds), searches))

    def _next_races(self, seeds: Sequence[tuple[int, int]]) -> Iterator[_Part]:
        seeds = [(size, number) for size, number in seeds if self._is_foreseen(size, number)]
        scatter = self.scatter | self._scatters({size for size, number in seeds if number % RACE == 0})
        stops = dict(self.seeds)
        for size, number in seeds:
            if number >= stops.get(size, 0):
                part = self._next_race(size, number, scatter[size])
                stops[size] = part.numbers.stop
                yield part

    def _is_foreseen(self, size: int, number: int) -> bool:
        """Whether it is known with which learning rates a seed is run: they are fewer after a race."""
        known = self.seeds.get(size, 0)
        return number // RACE == known // RACE or len(self._race(size).left) == 1

    def _expect(self, parts: Iterable[_Part], *, first: bool = False) -> None:
        self.ahead.expect((sweep for part in parts for sweep in self._missing(part)), first=first)

    def _coarse(self, size: int) -> _Part:
        """What is trained first at a batch size."""
        known = {size: found.point for size, found in self.found.items()}
        points = around(guess(known, size), below=2, above=2) if known else self.wide
        most, least = self._most_steps(size, self.found), self._least_steps(size)
        return _Part(size, range(1), points, most, least_steps=least)

    def _pieces(self, part: _Part) -> list[_Part]:
        """The first search of all in two, for while it goes on there is nothing else that could be made."""
        if part.points != self.wide or not self.subject.timed_apart:
            return [part]
        return [replace(part, points=half) for half in halves(self.wide)]

    def _next_race(self, size: int, number: int, scatter: float) -> _Part:
        """What is trained from the seed of this number on."""
        return self._on_fine_grid(size, self._stack(size, number), self._race(size).left, scatter)

    def _on_fine_grid(self, size: int, numbers: range, points: Collection[int], scatter: float) -> _Part:
        slack = _SLACK * patience(scatter) / HOPELESS
        most_steps = self._most_steps(size, {size: self.found[size]}, slack)
        return _Part(size, numbers, points, most_steps, scatter)

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

    def _race(self, size: int) -> Race:
        """The race of a size as its runs stand now."""
        runs, points, known = self.runs.at(size), self._fine_points(size), self.seeds.get(size, 0)
        state = len(runs), len(points), known
        if size not in self._races or self._races[size][0] != state:
            judged = range(self.seed, self.seed + known - known % RACE)
            self._races[size] = state, Race(size, runs, points, judged)
        return self._races[size][1]

    def _scatters(self, sizes: Collection[int]) -> dict[int, float]:
        """As the runs of the fine grid show them now."""
        return scatters({size: self._race(size).spread for size in self.fine}, sizes) if sizes else {}

    def _before(self, part: _Part, seed: int) -> int:
        """The last evaluation before which no run arrives, by the size's first seed or by other sizes."""
        if part.size in self.found:
            raced = min(seed - self.seed, self.seeds.get(part.size, 0))
            share = unseen(part.scatter, known=raced >= RACE)
            steps = share * self.found[part.size].steps
        else:
            steps = _UNSEEN_AT_FIRST * part.least_steps
        return last_check(min(steps, part.most_steps - 1))

    def _least_steps(self, size: int) -> float:
        """Steps that a run takes at least: as many as at larger sizes, as many samples as at smaller ones."""
        reached = {known: found.steps for known, found in self.found.items() if math.isfinite(found.steps)}
        return max((steps * min(known / size, 1) for known, steps in reached.items()), default=0.0)

    def _beyond_edge(self, size: int) -> list[int]:
        """Learning rates to add where the best over all seeds has no worse neighbour yet."""
        points, best = self.fine[size], self._race(size).leader
        if best is None or abs(best.point - self.found[size].point) >= _REACH:
            return []
        point = best.point
        if point == min(points):
            return [point - 2, point - 1]
        return [point + 1, point + 2] if point == max(points) else []

    def _sweep(self, part: _Part, *, alone: bool = False) -> None:
        """These runs, those of earlier sessions taken."""
        for seed in self._seeds_of(part):
            done = self.runs.points(part.size, seed)
            known = [(part.size, seed, point) for point in sorted(part.points) if point not in done]
            self.runs.add(self.stored[key] for key in known if key in self.stored)
        for work in self._missing(part):
            self.session.check()
            self.session.worked = True
            runs, timings = self.ahead.make(self.subject, work, deadline=self.session.deadline, alone=alone)
            self.store.add_runs(runs, timings, seconds=self.session.spent)
            self.runs.add(runs)

    def _missing(self, part: _Part) -> list[Sweep]:
        """What was not trained yet, in this session or an earlier one; seeds that miss the same, together."""
        seeds: dict[tuple[int, ...], list[int]] = {}
        for seed in self._seeds_of(part):
            done = self.runs.points(part.size, seed)
            new = (point for point in sorted(part.points) if point not in done)
            left = tuple(point for point in new if (part.size, seed, point) not in self.stored)
            if left:
                seeds.setdefault(left, []).append(seed)
        return [self._work(part, tuple(which), left) for left, which in seeds.items()]

    def _work(self, part: _Part, seeds: tuple[int, ...], points: tuple[int, ...]) -> Sweep:
        """These seeds and points of it; of the first seed the beginning is looked at, too, for its curve."""
        before, first = self._before(part, seeds[0]), seeds[0] == self.seed
        return Sweep(
            target=self.target,
            batch_size=part.size,
            seeds=seeds,
            points=points,
            most_steps=part.most_steps,
            unseen=0 if first else before,
            seldom=before if first else 0,
            hopeless=patience(part.scatter),
        )

    def _seeds_of(self, part: _Part) -> range:
        return range(self.seed + part.numbers.start, self.seed + part.numbers.stop)


def _found(scores: Mapping[int, float]) -> Found:
    best = best_point(scores)
    return Found(best, math.exp(scores[best]) if scores[best] < NOT_REACHED else math.inf)


def _all_the_same(scores: Mapping[int, float]) -> bool:
    """Whether every learning rate reaches the target, in as many steps: there is no best to find."""
    return len(set(scores.values())) == 1 and max(scores.values()) < NOT_REACHED
