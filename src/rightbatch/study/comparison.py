"""A comparison: the same model from the same start, trained by every method."""

import math
import statistics
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from rightbatch import units
from rightbatch.data.dataset import Dataset
from rightbatch.data.loader import Loader
from rightbatch.learners.protocol import Learner, Model
from rightbatch.measure.clock import Timing, time_steps
from rightbatch.measure.memory import peak_bytes
from rightbatch.records import Progress
from rightbatch.study.comparison_convergence import Convergence, convergence_of
from rightbatch.study.comparison_methods import Method
from rightbatch.study.comparison_track import Course, Track
from rightbatch.study.grid import lr_at, outwards
from rightbatch.study.pool import choices, pool
from rightbatch.study.problem import Problem
from rightbatch.study.rules import first_points
from rightbatch.study.search import Search
from rightbatch.study.session import Session
from rightbatch.study.store import Store
from rightbatch.train.target import Target

ROUNDS = 20
"""How often a step of each method is timed, all in turn."""

ORDERS = 3
"""Orders of the rows in which each method is trained until it has converged."""

METRIC = {"classification": "accuracy", "regression": "rmse"}
"""The metric of each task that people know, beside the loss."""

_HARMLESS_LR = 1e-6
_MIDDLE = 32
_EXAMPLES, _FEWEST_EPOCHS, _MOST_EPOCHS = 80_000, 5, 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Compared:
    """One method, trained."""

    method: Method
    learning_rate: float
    found: bool
    """Whether the learning rate was searched and one reached convergence."""
    track: Track
    updates_per_epoch: int
    seconds_per_update: float
    memory_bytes: int
    orders: list[int | None]
    """Updates until converged in each order of the rows, the first that of the track; `None`: not."""

    @property
    def updates(self) -> int | None:
        """Updates until converged, the median over the orders; `None`: not in most of them."""
        found = statistics.median(math.inf if count is None else count for count in self.orders)
        return int(found) if math.isfinite(found) else None

    @property
    def seconds(self) -> float | None:
        """Seconds until converged: updates by the measured time of one."""
        return None if self.updates is None else self.updates * self.seconds_per_update


def usual_epochs(rows: int) -> int:
    """Epochs of each method where none are given: 100, and of many rows fewer.

    Example:
        >>> usual_epochs(100), usual_epochs(1257), usual_epochs(1_000_000)
        (100, 63, 5)
    """
    return max(_FEWEST_EPOCHS, min(_MOST_EPOCHS, _EXAMPLES // rows))


@dataclass(slots=True, kw_only=True)
class Comparing:
    """A comparison on its way.

    Args:
        model: what is trained.
        data: on what.
        methods: how.
        epochs: passes over the data, the same for every method.
        lr: learning rate of all methods; none: the best of each.
        seed: of the start and the first order.
        progress: told of every piece of work done.
    """

    model: Model
    data: Dataset
    methods: Sequence[Method]
    epochs: int
    lr: float | None
    seed: int
    progress: Callable[[Progress], None]
    session: Session = field(init=False)
    problems: dict[str, Problem] = field(init=False)
    """By the update rule's representation, for rules of one name may differ."""

    def run(self) -> tuple[Convergence, list[Compared]]:
        """Train by every method.

        Raises:
            DataError: there is nothing to learn.
        """
        self.session = Session(budget=math.inf, progress=self.progress, settled=1)
        self.problems = {repr(method.rule): self._problem(method.rule) for method in self.methods}
        self._tell("convergence", "what can be reached", pieces=0)
        first = self.methods[0]
        convergence = convergence_of(
            self.problems[repr(first.rule)],
            self.data,
            self.model,
            seed=self.seed,
            points=tuple(first_points(first.optimizer)),
            middle=self._middle(),
        )
        self._tell("convergence", f"training loss {convergence.target.value:.4g}")
        rates = self._rates(convergence.target)
        seconds = self._seconds()
        return convergence, [
            self._compared(method, rates[method.name], seconds[method.name], convergence.target)
            for method in self.methods
        ]

    def learner(self, method: Method) -> Learner[Any]:
        """The learner of a method."""
        return self.problems[repr(method.rule)].learner

    def _problem(self, rule: Any) -> Problem:
        learner = self.model.build(self.data.shape, rule)
        data = self.data
        return Problem(learner=learner, train=data.train, validation=data.validation, task=data.task)

    def _middle(self) -> int:
        sizes = sorted({method.batch_size for method in self.methods})
        return min(sizes, key=lambda size: abs(math.log2(size / _MIDDLE)))

    def _rates(self, target: Target) -> dict[str, tuple[float, bool]]:
        """The learning rate of each method, and whether it was searched with success."""
        if self.lr is not None:
            return {method.name: (self.lr, True) for method in self.methods}
        found: dict[str, tuple[float, bool]] = {}
        for rule, problem in self.problems.items():
            mine = [method for method in self.methods if repr(method.rule) == rule]
            found |= self._searched(problem, mine, target)
        return found

    def _searched(
        self, problem: Problem, methods: Sequence[Method], target: Target
    ) -> dict[str, tuple[float, bool]]:
        """The learning rate of fewest updates on the grid of the study, for methods of one update rule."""
        by_size = {method.batch_size: method for method in methods}
        found = {}
        with Store(None) as store:
            search = Search(
                subject=problem,
                store=store,
                session=self.session,
                seed=self.seed,
                target=target,
                wide=first_points(methods[0].optimizer),
                stored={},
            )
            for size in outwards(list(by_size), self._middle()):
                name, point = by_size[size].name, _best(search, size)
                reached = math.isfinite(search.found[size].steps)
                found[name] = (lr_at(search.found[size].point if point is None else point), reached)
                self._tell("learning rates", f"{name}: {units.plain(found[name][0])}")
        return found

    def _seconds(self) -> dict[str, float]:
        """Seconds of an update, the median of rounds in which all methods take turns."""
        clocks = [
            time_steps(
                self.learner(method), self._loader, [method.batch_size], rounds=ROUNDS, lr=_HARMLESS_LR
            )
            for method in self.methods
        ]
        rounds: list[list[Timing]] = [
            [timing for timings in turn for timing in timings] for turn in zip(*clocks, strict=True)
        ]
        self._tell("timing", f"{ROUNDS} rounds")
        return {
            method.name: statistics.median(turn[place].seconds for turn in rounds)
            for place, method in enumerate(self.methods)
        }

    def _loader(self, batch_size: int) -> Loader:
        return Loader(self.data.train, batch_size, shuffle=True, seed=self.seed)

    def _compared(self, method: Method, rate: tuple[float, bool], seconds: float, target: Target) -> Compared:
        per_epoch = math.ceil(len(self.data.train[0]) / method.batch_size)
        course = Course(
            learner=self.learner(method),
            train=self.data.train,
            validation=self.data.validation,
            batch_size=method.batch_size,
            lr=rate[0],
            start=self.seed,
            updates=per_epoch * self.epochs,
            names=("loss", METRIC[self.data.task]),
        )
        track = course.run(self.seed)
        again = [self.seed + number for number in range(1, ORDERS)]
        # The order of the rows means nothing to a batch of all of them.
        others = [] if per_epoch == 1 else [course.converges(seed, target) for seed in again]
        memory = peak_bytes(course.learner, self._loader, method.batch_size)
        self._tell("training", method.name)
        return Compared(
            method=method,
            learning_rate=rate[0],
            found=rate[1],
            track=track,
            updates_per_epoch=per_epoch,
            seconds_per_update=seconds,
            memory_bytes=memory,
            orders=[_whole(count) for count in (track.converged(target), *others)],
        )

    def _tell(self, stage: str, detail: str, *, pieces: int = 1) -> None:
        searches = 0 if self.lr is not None else len(self.methods)
        self.session.tell(stage, detail, total=2 + searches + len(self.methods), pieces=pieces)


def _best(search: Search, size: int) -> int | None:
    """The learning rate of fewest updates over several seeds, a point of the grid; `None`: none converges."""
    search.find(size)
    if math.isfinite(search.found[size].steps):
        for _ in range(ORDERS):
            search.add_seeds(size)
    best = choices(pool(search.runs, [size])).get(size)
    return None if best is None else best.point


def _whole(updates: float | None) -> int | None:
    return None if updates is None else math.ceil(updates)
