"""Run a study: measure what a step costs, set the target, then run where it changes the answer.

Everything found is in the store as soon as it is known, and what to do next is decided from the
store alone: a study that is killed and started again goes the same way.
"""

import math
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import asdict, dataclass, field

import numpy as np

from rightbatch import units
from rightbatch.errors import SettingError
from rightbatch.records import Progress
from rightbatch.study import beyond, costs, plan, rerun
from rightbatch.study.ahead import Ahead
from rightbatch.study.aim import Aim, check_far, whole_steps
from rightbatch.study.costs import Costs, usual_step
from rightbatch.study.grid import outwards
from rightbatch.study.noise import RunNoise, noise_once
from rightbatch.study.outlook import Outlook
from rightbatch.study.pool import choices, pool
from rightbatch.study.problem import Problem
from rightbatch.study.quick import as_fact, estimate
from rightbatch.study.runner import Runner
from rightbatch.study.search import Search
from rightbatch.study.session import ALL_DONE, INTERRUPTED, OVER, QUICK, SURE, Session
from rightbatch.study.settings import Settings
from rightbatch.study.standing import Standing
from rightbatch.study.store import Store
from rightbatch.study.subject import DeadlineError, Subject
from rightbatch.train.target import Target

MIDDLE = 32
"""Where the search starts: small enough for few samples, large enough for few steps."""

_SHARE_TO_COMPLETE = 0.15
"""Share of the budget that the table may take once the answer stands, if the answer took less."""

_SHARE_TO_COMPARE = 0.02
"""Share of the budget that making runs again for their losses may take, if the answer took less."""


@dataclass(slots=True, kw_only=True)
class StudyRun:
    """One study on its way.

    Args:
        subject: what is trained.
        settings: what decides the runs.
        store: where they go.
        wide: learning rates of the first search, as points of the grid.
        budget: seconds after which no new run is started; infinite: none.
        tolerance: most seconds above those of the best size, as a share, with 95 % probability.
        memory_limit: bytes; a batch size that needs more is not recommended; `None`: no limit.
        complete: whether to measure, when the answer stands, the batch sizes it did not need.
        progress: told of every piece of work done.
        quick: whether to stop after one tuned run, with an estimate.
        ahead: makes the sweeps, and others before they are asked for.
        law: exponent of the learning rate's law, lr(B) ~ (1 + B_crit/B)^-law.
    """

    subject: Subject
    settings: Settings
    store: Store
    wide: list[int]
    budget: float
    tolerance: float
    memory_limit: int | None
    complete: bool
    progress: Callable[[Progress], None]
    quick: bool = False
    law: float = 1.0
    ahead: Ahead = field(default_factory=lambda: Ahead(None))
    session: Session = field(init=False)
    stopped: str = field(init=False, default="")
    search: Search = field(init=False)
    costs: Costs = field(init=False)
    standing: Standing = field(init=False)
    runner: Runner = field(init=False)

    def run(self) -> None:
        """Do what is still to be done, until the answer stands or the budget is spent."""
        if self.quick and len(choices(pool(self.store.runs(), self.settings.batch_sizes))) > 1:
            return  # the store knows more than an estimate
        if not self.quick and self.store.fact("ended") == self._terms():
            return  # it may have been timed anew at the end, by which it would not go the same way
        before = self.store.fact("seconds") or 0.0
        self.session = Session(self.budget, self.progress, settled=costs.ROUNDS, before=before)
        self.store.put(stopped=INTERRUPTED, quick=None, ended=None)
        ended = None
        self.costs = Costs(
            subject=self.subject,
            store=self.store,
            session=self.session,
            batch_sizes=self.settings.batch_sizes,
        )
        self.session.tell("timing", "getting ready", total=self._total(), pieces=0)
        try:
            self._measure_costs()
            self._begin_search(self._find_target())
            self.runner.find(self._middle())
            if not self.subject.timed_apart:
                check_far(self.search.target, self.search.runs)
            noise = noise_once(self.store, self.subject, lambda: self.search.best_run(self._middle()))
            if self.quick:
                self._estimate(noise)
            else:
                self._study(noise)
                ended = self._terms()
        except DeadlineError:
            self.stopped = OVER.format(budget=units.seconds(self.budget))
        finally:
            self.ahead.close()
        seconds = self.session.spent if self.session.worked else before
        self.store.put(seconds=seconds, stopped=self.stopped, ended=ended)

    def _terms(self) -> dict[str, float | bool | None]:
        """What decides, beside the settings, when a study has ended."""
        return {name: getattr(self, name) for name in ("budget", "tolerance", "memory_limit", "complete")}

    def _measure_costs(self) -> None:
        """Memory of every size, while processes begin; then, while they are at rest, seconds of a step."""
        if not self.store.runs():
            self.ahead.begin()
        self.costs.measure_memory(self._memory())
        self.costs.check_fitting(self._memory())
        self.ahead.settle(deadline=self.session.deadline)
        self.costs.time_steps(total=self._total())

    def _study(self, noise: RunNoise | None) -> None:
        """From the first tuned run to the answer."""
        first = plan.skeleton(self.costs.sizes(), self._middle(), self._expected(noise))
        self._foresee(None)
        self.runner.find(*(size for size in first if size not in self.search.found))
        self._answer()
        self.runner.bring_all_to(1)  # the curve hangs on sizes that do not contend
        answered = self.standing.cost()
        beyond.settle_curve(self.runner, plan.most_for_curve(answered), then=self._new_in_table)
        if self.complete:
            beyond.complete_table(self.runner, self._for_table(answered))
        self._answer()  # what these runs say may have raised new doubt
        self.ahead.settle(deadline=self.session.deadline)
        last = plan.to_time_last(None if self.complete else self.standing.view(), self.search.found)
        self.costs.time_again(last, total=self._total())
        self._answer()  # and so may the last timings
        if self.complete:
            self._compare_generalisation(max(answered, _SHARE_TO_COMPARE * self.budget, 2 * plan.TRIFLE))

    def _compare_generalisation(self, most: float) -> None:
        """Validation against training loss, where a size can be recommended, within about so many seconds."""
        view = self.standing.view()
        if view is None or self.store.fact("generalisation") or not isinstance(self.subject, Problem):
            return
        self.session.worked = True
        steps = np.median(np.exp(view.steps.log_steps[:, view.best]))
        best, tuned = self.settings.batch_sizes[view.best], self.standing.table()[1]
        runs = {size: self.search.tuned_runs(size, tuned[size]) for size in outwards(list(tuned), best)}
        within = plan.affordable({size: self.costs.of(again) for size, again in runs.items()}, most)
        again = [run for size in sorted(within) for run in runs[size]]
        found = rerun.measure(
            self.subject,
            again,
            float(steps) * best,
            together=self._together,
            ahead=self.ahead,
            deadline=self.session.deadline,
        )
        self.store.put(generalisation=[asdict(loss) for loss in found])

    def _expected(self, noise: RunNoise | None) -> float | None:
        """The size of least seconds, if the noise scale is B_crit."""
        run = self.search.best_run(self._middle())
        if noise is None or run.steps_to_target is None:
            return None
        return estimate(self.settings.batch_sizes, self.costs.foretold(), run, noise, law=self.law).batch_size

    def _estimate(self, noise: RunNoise | None) -> None:
        """The quick answer."""
        run = self.search.best_run(self._middle())
        self.stopped = QUICK
        if run.steps_to_target is None:
            return
        if noise is None:
            said = "needs a model that gives gradients"
            raise SettingError("quick", said, True, "leave it out for a full study")
        sizes, rounds = self.settings.batch_sizes, self.costs.foretold()
        found = estimate(sizes, rounds, run, noise, law=self.law, fits=self.costs.fitting(self._memory()))
        self.store.put(quick=as_fact(found, noise))

    def least_seconds(self) -> float:
        """What the first search takes, roughly, by the time of a step; with what was spent without it."""
        size = self._middle()
        seconds = usual_step(self.store, size) or 0.0
        return 2 * (self.session.spent + whole_steps(self.subject, size) * len(self.wide) * seconds)

    def _begin_search(self, target: Target) -> None:
        self.search = Search(
            subject=self.subject,
            store=self.store,
            session=self.session,
            seed=self.settings.seed,
            target=target,
            wide=self.wide,
            stored={(run.batch_size, run.seed, run.point): run for run in self.store.runs()},
            ahead=self.ahead,
            together=self._together,
            stops=[times * self.settings.seeds for times in (1, plan.MORE, plan.MANY)],
        )
        self.standing = Standing(
            settings=self.settings, search=self.search, costs=self.costs, memory_limit=self._memory()
        )
        self.runner = Runner(
            search=self.search,
            standing=self.standing,
            session=self.session,
            seeds=self.settings.seeds,
            middle=self._middle(),
            total=self._total(),
        )

    def _together(self, size: int) -> bool:
        seconds, steps = self.costs.seconds(), self.search.found[size].steps
        return self.subject.stacks and plan.side_by_side(size, seconds, steps=steps, budget=self.budget)

    def _answer(self) -> None:
        """Run what bears on the recommendation until it is sure enough."""
        while True:
            view = self.standing.view()
            if again := self._to_time_again(view):
                self.ahead.settle(deadline=self.session.deadline)
                self.costs.time_more(again, total=self._total())
                continue
            step = self._next_step(view, self.search.found, self.search.seeds)
            if step is None:
                break
            self._foresee(view, self._new_later())
            if step in self.search.found:
                self._add_round(view, step)
            else:
                self.runner.find(step)
        if view is None:  # too few sizes arrived to tell when fewer seeds are enough
            for number in range(self.settings.seeds):
                self.runner.bring_all_to(number + 1)
        sure = view is not None and view.regret <= self.tolerance
        self.stopped = SURE.format(percent=units.percent(self.tolerance)) if sure else ALL_DONE

    def _add_round(self, view: Outlook | None, first: int) -> None:
        """More seeds of each size that contends and has as few as the first, before looking again."""
        size: int | None = first
        number = self.search.seeds.get(first, 0)
        until = number + plan.at_a_time(number)
        while size in self.search.found and self.search.seeds.get(size, 0) < until:
            self.runner.add(size)
            size = self._next_step(view, self.search.found, self.search.seeds)
            self._foresee(view, self._new_later())

    def _next_step(
        self, view: Outlook | None, searched: Collection[int], seeds: Mapping[int, int]
    ) -> int | None:
        return plan.next_step(
            view,
            self.settings.batch_sizes if view is not None else self.costs.sizes(),
            middle=self._middle(),
            searched=searched,
            seeds=seeds,
            most_seeds=plan.most_seeds(self.settings.seeds, self.standing.cost()),
            rounds=self.costs.counted(),
            tolerance=self.tolerance,
        )

    def _to_time_again(self, view: Outlook | None) -> tuple[int, ...]:
        searched, rounds = self.search.found, self.costs.counted()
        return plan.to_time_again(view, searched=searched, rounds=rounds, tolerance=self.tolerance)

    def _foresee(self, view: Outlook | None, new: Sequence[int] = ()) -> None:
        """Let the seeds that come next be made ahead, of the sizes that were searched, then the new sizes."""
        if not self.ahead.room:
            return
        wanted = plan.foreseen(
            lambda seeds: self._next_step(view, self.settings.batch_sizes, seeds),
            outwards(self.search.reached(), self._middle()),
            seeds=self.search.seeds,
            planned=plan.LEAST_SEEDS if view is None else 1,
            most=self.ahead.room,
        )
        self.search.expect(wanted, new)

    def _for_table(self, answered: float) -> float:
        """Seconds of all runs when the table is made, after so many for the answer."""
        return self.standing.cost() + max(answered, _SHARE_TO_COMPLETE * self.budget)

    def _new_later(self) -> list[int]:
        """Sizes that will be searched once the answer stands, if it takes no more runs."""
        if not self.ahead.room:
            return []
        most = plan.most_for_curve(self.standing.cost())
        return list(dict.fromkeys([*beyond.new_for_curve(self.runner, most), *self._new_in_table()]))

    def _new_in_table(self) -> list[int]:
        """Sizes that the table will have to search, if no more runs come before it."""
        if not (self.complete and self.ahead.room):
            return []
        return beyond.new_in_table(self.runner, self._for_table(self.standing.cost()))

    def _total(self) -> int:
        """Pieces of work at most, grids that must be extended apart."""
        rounds = costs.ROUNDS + costs.AGAIN if self.subject.timed_apart else 0
        return rounds + len(self.settings.batch_sizes) * (1 + self.settings.seeds)

    def _memory(self) -> float:
        return math.inf if self.memory_limit is None else self.memory_limit

    def _middle(self) -> int:
        return min(self.costs.sizes(), key=lambda size: abs(math.log2(size / MIDDLE)))

    def _find_target(self) -> Target:
        aim = Aim(
            subject=self.subject,
            settings=self.settings,
            store=self.store,
            session=self.session,
            batch_size=self._middle(),
            points=self.wide,
            ahead=self.ahead,
        )
        return aim.target(total=self._total())
