"""Run a study: time the steps, set the target, find learning rates, repeat over seeds.

Everything found is in the store as soon as it is known, and what to do next is decided from the
store alone: a study that is killed and started again goes the same way.
"""

import math
import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from rightbatch import units
from rightbatch.learners.updates import Optimizer, name_of
from rightbatch.measure.clock import time_steps
from rightbatch.measure.memory import peak_bytes
from rightbatch.records import Progress
from rightbatch.study.grid import around, best_point, guess, lr_at, next_points, outwards
from rightbatch.study.outlook import Outlook, outlook, rounds_of
from rightbatch.study.pilot import pilot_target
from rightbatch.study.plan import next_step, skeleton
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

_SHARE_TO_COMPLETE = 0.15
"""Share of the budget that the table may take once the answer stands, if the answer took less."""

_SWEEP_COSTS = 10.0
"""Seconds of a sweep over the seconds of its best run: five learning rates, each up to twice as long."""

_ALL_DONE = "every planned run is done"
_SURE = "the recommended batch size is within {percent} of the fastest with 95 % probability"
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
        tolerance: the study is done when the recommendation takes at most this share more seconds
            than the best batch size, with 95 % probability.
        memory_limit: bytes; a batch size that needs more is not recommended; `None`: no limit.
        complete: whether to measure, when the answer stands, the batch sizes it did not need.
        progress: told of every piece of work done.
    """

    problem: Problem
    settings: Settings
    store: Store
    task: str
    optimizer: Optimizer
    budget: float
    tolerance: float
    memory_limit: int | None
    complete: bool
    progress: Callable[[Progress], None]
    runs: list[Run] = field(default_factory=list)
    """In the order of their making: what to do next depends on them alone."""
    stored: dict[tuple[int, int, int], Run] = field(default_factory=dict)
    """Runs of earlier sessions by (batch size, seed, point); taken when their turn comes."""
    found: dict[int, Found] = field(default_factory=dict)
    seeds: dict[int, int] = field(default_factory=dict)
    """Seeds run on the fine grid, of every batch size."""
    fine: dict[int, set[int]] = field(default_factory=dict)
    """Points of the fine grid of every batch size, run with each of these seeds."""
    stopped: str = ""
    started: float = field(default_factory=time.perf_counter)
    before: float = 0.0
    """Seconds that earlier sessions spent."""
    worked: bool = False
    """Whether this session had anything to do; to look a finished study up again costs it nothing."""
    done: int = 0

    def run(self) -> None:
        """Do what is still to be done, until the answer stands or the budget is spent."""
        self.before = self.store.fact("seconds") or 0.0
        self.stored = {(run.batch_size, run.seed, run.point): run for run in self.store.runs()}
        self.store.put(stopped=_INTERRUPTED)
        self.progress(Progress("timing", "getting ready", 0, self._total(), "", self.before, None))
        try:
            self._measure_memory()
            self._time_steps()
            target = self._find_target()
            for size in skeleton(self.settings.batch_sizes, self._middle()):
                self._search(target, size)
            self._answer(target)
            if self.complete:
                self._complete(target)
                self._answer(target)  # what completed the table may have raised new doubt
        except DeadlineError:
            self.stopped = (
                f"the budget of {units.seconds(self.budget)} was spent before every planned run was done"
            )
        self.store.put(seconds=self._spent() if self.worked else self.before, stopped=self.stopped)

    def _answer(self, target: Target) -> None:
        """Run what bears on the recommendation until it is sure enough."""
        while True:
            view = self._view()
            step = next_step(
                view,
                self.settings.batch_sizes,
                middle=self._middle(),
                searched=self.found,
                seeds=self.seeds,
                most_seeds=self.settings.seeds,
                tolerance=self.tolerance,
            )
            if step is None:
                break
            if step in self.found:
                self._add_seed(target, step)
            else:
                self._search(target, step)
        if view is None:
            self._confirm(target)
        sure = view is not None and view.regret() <= self.tolerance
        self.stopped = _SURE.format(percent=units.percent(self.tolerance)) if sure else _ALL_DONE

    def _confirm(self, target: Target) -> None:
        """All seeds of the sizes that arrived, where too few did to tell when fewer seeds are enough."""
        for size in [size for size in self.found if math.isfinite(self.found[size].steps)]:
            while self.seeds.get(size, 0) < self.settings.seeds:
                self._add_seed(target, size)

    def _complete(self, target: Target) -> None:
        """The other batch sizes, for the table, while that costs no more than the answer did."""
        allowance = max(self._cost(), _SHARE_TO_COMPLETE * self.budget)
        for size in outwards(self.settings.batch_sizes, self._middle()):
            if size not in self.found and self._expected_cost(size) <= allowance - self._cost():
                self._search(target, size)
        for number in range(self.settings.seeds):
            for size in outwards(list(self.found), self._middle()):
                few = self.seeds.get(size, 0) <= number and math.isfinite(self.found[size].steps)
                if few and self._expected_cost(size) <= allowance - self._cost():
                    self._add_seed(target, size)

    def _cost(self) -> float:
        """Seconds that the runs so far would take one after the other: the same in every session."""
        seconds = self._seconds()
        return sum(run.steps * seconds[run.batch_size] for run in self.runs)

    def _expected_cost(self, size: int) -> float:
        """Seconds that a sweep at the size would take likewise."""
        view = self._view()
        if view is None:
            return math.inf
        typical = float(np.median(view.seconds[:, self.settings.batch_sizes.index(size)]))
        return _SWEEP_COSTS * typical

    def _view(self) -> Outlook | None:
        table = pool(self.runs, self.settings.batch_sizes)
        found = choices(table)
        rounds = rounds_of(self.store.timings(), self.settings.batch_sizes)
        missed = [size for size in self.found if size not in found]
        memory = memory_of(self.store)
        limit = math.inf if self.memory_limit is None else self.memory_limit
        heavy = [size for size in self.settings.batch_sizes if memory.get(size, 0) > limit]
        return outlook(table, found, rounds, barred=[*missed, *heavy], seed=self.settings.seed)

    def _seconds(self) -> dict[int, float]:
        rounds = rounds_of(self.store.timings(), self.settings.batch_sizes)
        return dict(zip(self.settings.batch_sizes, np.median(rounds, axis=0).tolist(), strict=True))

    def _spent(self) -> float:
        return self.before + time.perf_counter() - self.started

    def _deadline(self) -> float:
        return self.started + self.budget - self.before

    def _check_budget(self) -> None:
        if time.perf_counter() > self._deadline():
            raise DeadlineError

    def _tell(self, stage: str, detail: str) -> None:
        self.done += 1
        total = max(self._total(), self.done)
        spent = self._spent()
        left = spent / self.done * (total - self.done) if self.done > ROUNDS else None
        self.progress(Progress(stage, detail, self.done, total, self._best(), spent, left))

    def _total(self) -> int:
        """Pieces of work at most, grids that must be extended apart."""
        return ROUNDS + len(self.settings.batch_sizes) * (1 + self.settings.seeds)

    def _best(self) -> str:
        found = choices(pool(self.runs, self.settings.batch_sizes))
        if not found:
            return ""
        seconds = self._seconds()
        size = min(found, key=lambda b: found[b].steps * seconds[b])
        lr, needed = lr_at(found[size].point), found[size].steps * seconds[size]
        return f"batch size {size}, learning rate {units.plain(lr)}: {units.seconds(needed)} to target"

    def _measure_memory(self) -> None:
        known = memory_of(self.store)
        for size in self.settings.batch_sizes:
            if size not in known:
                self.worked = True
                known[size] = peak_bytes(self.problem.learner, self.problem.loader, size)
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

    def _search(self, target: Target, size: int) -> None:
        """The best learning rate of a batch size on the coarse grid, from the first seed."""
        points = {known: self.found[known].point for known in self.found}
        wanted = around(guess(points, size), below=2, above=2) if points else self._wide()
        most_steps = self._most_steps(size, self.found)
        tried: set[int] = set()
        scores: dict[int, float] = {}
        while wanted:
            self._sweep(target, size, self.settings.seed, wanted, most_steps)
            tried.update(wanted)
            runs = [run for run in self._runs_of(size, self.settings.seed) if run.point in tried]
            scores = scores_of(runs, target.value)
            wanted = next_points(scores)
        best = best_point(scores)
        steps = math.exp(scores[best]) if scores[best] < NOT_REACHED else math.inf
        self.found[size] = Found(best, steps)
        self._tell("learning rates", f"batch size {size}: {units.plain(lr_at(best))}")

    def _most_steps(self, size: int, found: Mapping[int, Found]) -> int:
        """Steps that a run may take: from the sizes done, or so many epochs while there is none."""
        epochs = max(_EPOCHS * len(self.problem.loader(size)), _LEAST_STEPS)
        smaller = [found[known].steps for known in found if known <= size]
        larger = [found[known].steps * known / size for known in found if known >= size]
        least = min([*smaller, *larger], default=math.inf)
        return min(epochs, math.ceil(_SLACK * least) + 10) if math.isfinite(least) else epochs

    def _add_seed(self, target: Target, size: int) -> None:
        """One more seed of a batch size, with the best learning rate and its neighbours on the fine grid."""
        number = self.seeds.get(size, 0)
        points = self.fine.setdefault(size, set(around(self.found[size].point, below=2, above=2, step=1)))
        self._fine(target, size, self.settings.seed + number, sorted(points))
        self.seeds[size] = number + 1
        while more := self._beyond_edge(size):
            for seed in range(self.settings.seed, self.settings.seed + number + 1):
                self._fine(target, size, seed, more)
            points.update(more)
        self._tell("seeds", f"batch size {size}, seed {number + 1} of {self.settings.seeds}")

    def _fine(self, target: Target, size: int, seed: int, points: Sequence[int]) -> None:
        self._sweep(target, size, seed, points, self._most_steps(size, {size: self.found[size]}))

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

    def _sweep(self, target: Target, size: int, seed: int, points: Sequence[int], most_steps: int) -> None:
        done = {run.point for run in self._runs_of(size, seed)}
        stored = [
            self.stored[size, seed, p] for p in points if p not in done and (size, seed, p) in self.stored
        ]
        missing = [p for p in points if p not in done and (size, seed, p) not in self.stored]
        self.runs.extend(stored)
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


def memory_of(store: Store) -> dict[int, int]:
    """Bytes needed at every batch size, as far as they are known."""
    return {int(size): used for size, used in (store.fact("memory") or {}).items()}
