"""Run a study: time the steps, set the target, find learning rates, repeat over seeds.

Everything found is in the store as soon as it is known, and what to do next is decided from the
store alone: a study that is killed and started again goes the same way.
"""

import math
import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from rightbatch import units
from rightbatch.learners.updates import Optimizer, name_of
from rightbatch.measure.clock import time_steps
from rightbatch.measure.memory import peak_bytes
from rightbatch.records import Progress
from rightbatch.study.grid import around, best_point, guess, lr_at, next_points, outwards
from rightbatch.study.pilot import pilot_target
from rightbatch.study.pool import NOT_REACHED, choices, pool, scores_of
from rightbatch.study.settings import Settings
from rightbatch.study.store import Store
from rightbatch.study.sweep import DeadlineError, Problem, Run, sweep
from rightbatch.train.target import Target, parse_target

ROUNDS = 20
"""Rounds of timing; their median has a quarter of the scatter of one."""

MIDDLE = 32
"""Where the search starts: small enough for few samples, large enough for few steps."""

_EPOCHS = 100
"""Passes over the data after which the first search gives up a learning rate."""

_LEAST_STEPS = 1000
"""Steps that a run may take in any case, where a pass over the data is only a few."""

_PILOT_EPOCHS = 10

_PILOT_SHARE = 0.1
"""Share of the budget that the pilot may take, where ten epochs would take more."""

_SLACK = 3.0
"""Steps or samples a run may take, as a multiple of what the neighbouring batch size took. Steps do
not rise with the batch and samples do not fall, so this leaves room for a learning rate off by 2."""

_WIDE = {"sgd": (-14, 2), "momentum": (-18, -2), "nesterov": (-18, -2), "adam": (-24, -4)}
"""Points of the first search for each update rule: a factor of 256, extended where it is not enough."""

_INTERRUPTED = "it was interrupted; the same command goes on from there"

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
class StudyRun:
    """One study on its way.

    Args:
        problem: what is trained.
        settings: what decides the runs.
        store: where they go.
        task: `"regression"` or `"classification"`.
        optimizer: the update rule, for the first search.
        budget: seconds after which no new run is started; infinite: none.
        progress: told of every piece of work done.
    """

    problem: Problem
    settings: Settings
    store: Store
    task: str
    optimizer: Optimizer
    budget: float
    progress: Callable[[Progress], None]
    runs: list[Run] = field(default_factory=list)
    target: Target | None = None
    stopped: str = "every planned run is done"
    started: float = field(default_factory=time.perf_counter)
    before: float = 0.0
    """Seconds that earlier sessions spent."""
    worked: bool = False
    """Whether this session had anything to do; to look a finished study up again costs it nothing."""
    done: int = 0
    total: int = 0

    def run(self) -> None:
        """Do what is still to be done, until all is done or the budget is spent."""
        self.before = self.store.fact("seconds") or 0.0
        self.runs = self.store.runs()
        self.store.put(stopped=_INTERRUPTED)
        sizes = self.settings.batch_sizes
        self.total = ROUNDS + len(sizes) * (1 + self.settings.seeds)
        self.progress(Progress("timing", "getting ready", 0, self.total, self._best(), self.before, None))
        try:
            self._measure_memory()
            self._time_steps()
            self.target = self._find_target()
            found = self._search_all(self.target)
            self._repeat_over_seeds(self.target, found)
        except DeadlineError:
            self.stopped = (
                f"the budget of {units.seconds(self.budget)} was spent before every planned run was done"
            )
        self.store.put(seconds=self._spent() if self.worked else self.before, stopped=self.stopped)

    def _spent(self) -> float:
        return self.before + time.perf_counter() - self.started

    def _deadline(self) -> float:
        return self.started + self.budget - self.before

    def _check_budget(self) -> None:
        if time.perf_counter() > self._deadline():
            raise DeadlineError

    def _tell(self, stage: str, detail: str) -> None:
        self.done += 1
        self.total = max(self.total, self.done)
        spent = self._spent()
        left = spent / self.done * (self.total - self.done) if self.done > ROUNDS else None
        self.progress(Progress(stage, detail, self.done, self.total, self._best(), spent, left))

    def _best(self) -> str:
        if not self.runs:
            return ""
        seconds = {timing.batch_size: timing.seconds for timing in self.store.timings()}
        found = choices(pool(self.runs, self.settings.batch_sizes))
        if not found:
            return ""
        size = min(found, key=lambda b: found[b].steps * seconds[b])
        lr, needed = lr_at(found[size].point), found[size].steps * seconds[size]
        return f"batch size {size}, learning rate {units.plain(lr)}: {units.seconds(needed)} to target"

    def _measure_memory(self) -> None:
        known = self.store.fact("memory") or {}
        for size in self.settings.batch_sizes:
            if str(size) not in known:
                self.worked = True
                known[str(size)] = peak_bytes(self.problem.learner, self.problem.loader, size)
        self.store.put(memory=known)

    def _time_steps(self) -> None:
        sizes = self.settings.batch_sizes
        first = len(self.store.timings()) // len(sizes)
        self.done += first
        rounds = time_steps(
            self.problem.learner, self.problem.loader, sizes, rounds=ROUNDS, lr=1e-6, first_round=first
        )
        for number, timings in enumerate(rounds, start=first + 1):
            self.worked = True
            self.store.add_timings(timings, seconds=self._spent())
            self._tell("timing", f"round {number} of {ROUNDS}")
            self._check_budget()

    def _middle(self) -> int:
        return min(self.settings.batch_sizes, key=lambda size: abs(math.log2(size / MIDDLE)))

    def _wide(self) -> list[int]:
        low, high = _WIDE.get(name_of(self.optimizer), (-20, 2))
        return list(range(low, high + 1, 2))

    def _find_target(self) -> Target:
        if self.store.fact("target") is None:
            if self.settings.target == "auto":
                self._set_target_by_pilot()
            else:
                self._put_target(parse_target(self.settings.target, self.task), "as given")
        return parse_target(self.store.fact("target")["text"], self.task)

    def _set_target_by_pilot(self) -> None:
        self.worked = True
        found = pilot_target(
            self.problem,
            batch_size=self._middle(),
            seed=self.settings.seed,
            points=self._wide(),
            most_steps=self._pilot_steps(),
            deadline=self._deadline(),
        )
        self._put_target(found.target, found.how)
        self._tell("pilot", f"batch size {self._middle()}: the target is {found.target}")

    def _put_target(self, target: Target, how: str) -> None:
        found = {"metric": target.name, "value": target.value, "text": str(target), "how": how}
        self.store.put(target=found, seconds=self._spent())

    def _pilot_steps(self) -> int:
        size = self._middle()
        seconds = statistics.median(t.seconds for t in self.store.timings() if t.batch_size == size)
        affordable = self.budget * _PILOT_SHARE / (seconds * len(self._wide()))
        wanted = max(_PILOT_EPOCHS * len(self.problem.loader(size)), _LEAST_STEPS // 3)
        return max(1, int(min(wanted, affordable)))

    def _search_all(self, target: Target) -> dict[int, Found]:
        """The best coarse learning rate of every batch size, from the first seed."""
        found: dict[int, Found] = {}
        for size in outwards(self.settings.batch_sizes, self._middle()):
            points = {known: found[known].point for known in found}
            start = around(guess(points, size), below=2, above=2) if found else self._wide()
            found[size] = self._search(target, size, start, self._most_steps(size, found))
            self._tell("learning rates", f"batch size {size}: {units.plain(lr_at(found[size].point))}")
        return found

    def _search(self, target: Target, size: int, points: Sequence[int], most_steps: int) -> Found:
        tried: set[int] = set()
        scores: dict[int, float] = {}
        while points:
            self._sweep(target, size, self.settings.seed, points, most_steps)
            tried.update(points)
            runs = [run for run in self._runs_of(size, self.settings.seed) if run.point in tried]
            scores = scores_of(runs, target.value)
            points = next_points(scores)
        best = best_point(scores)
        return Found(best, math.exp(scores[best]) if scores[best] < NOT_REACHED else math.inf)

    def _most_steps(self, size: int, found: Mapping[int, Found]) -> int:
        """Steps that a run may take: from the sizes done, or so many epochs while there is none."""
        epochs = max(_EPOCHS * len(self.problem.loader(size)), _LEAST_STEPS)
        smaller = [found[known].steps for known in found if known <= size]
        larger = [found[known].steps * known / size for known in found if known >= size]
        least = min([*smaller, *larger], default=math.inf)
        return min(epochs, math.ceil(_SLACK * least) + 10) if math.isfinite(least) else epochs

    def _repeat_over_seeds(self, target: Target, found: Mapping[int, Found]) -> None:
        """The best learning rate and its neighbours on the fine grid, for every seed; wider if need be."""
        wanted = {
            size: set(around(found[size].point, below=2, above=2, step=1))
            for size in outwards(self.settings.batch_sizes, self._middle())
            if math.isfinite(found[size].steps)
        }
        while wanted:
            self._run_missing(target, wanted, found)
            wanted = {size: more for size in wanted if (more := self._beyond_edge(size, found[size]))}

    def _run_missing(self, target: Target, wanted: dict[int, set[int]], found: Mapping[int, Found]) -> None:
        for seed in self._seeds():
            for size, points in wanted.items():
                most_steps = self._most_steps(size, {size: found[size]})
                self._sweep(target, size, seed, sorted(points), most_steps)
                number = seed - self.settings.seed + 1
                self._tell("seeds", f"seed {number} of {self.settings.seeds}, batch size {size}")

    def _beyond_edge(self, size: int, found: Found) -> set[int]:
        """Learning rates to add where the best over all seeds has no worse neighbour yet."""
        complete = set.intersection(*({r.point for r in self._runs_of(size, seed)} for seed in self._seeds()))
        runs = [run for run in self.runs if run.batch_size == size and run.point in complete]
        best = choices(pool(runs, [size]))
        if not best or abs(best[size].point - found.point) >= _REACH:
            return set()
        point = best[size].point
        if point == min(complete):
            return {point - 1, point - 2}
        return {point + 1, point + 2} if point == max(complete) else set()

    def _seeds(self) -> range:
        return range(self.settings.seed, self.settings.seed + self.settings.seeds)

    def _sweep(self, target: Target, size: int, seed: int, points: Sequence[int], most_steps: int) -> None:
        done = {run.point for run in self._runs_of(size, seed)}
        missing = [point for point in points if point not in done]
        if not missing:
            return
        self._check_budget()
        self.worked = True
        runs = sweep(
            self.problem,
            target,
            batch_size=size,
            seed=seed,
            points=missing,
            most_steps=most_steps,
            deadline=self._deadline(),
        )
        self.store.add_runs(runs, seconds=self._spent())
        self.runs.extend(runs)

    def _runs_of(self, size: int, seed: int) -> list[Run]:
        return [run for run in self.runs if run.batch_size == size and run.seed == seed]
