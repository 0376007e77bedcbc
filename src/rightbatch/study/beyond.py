"""What is run beyond the answer: for B_crit, then for the table."""

from collections import Counter
from collections.abc import Callable, Collection, Sequence
from itertools import takewhile

from rightbatch.study import plan
from rightbatch.study.runner import Runner
from rightbatch.study.search import Search


def settle_curve(runner: Runner, most: float, then: Callable[[], Sequence[int]]) -> None:
    """Runs where they tell most of B_crit, until it is known or all runs took so many seconds.

    Args:
        runner: makes them.
        most: seconds that all runs of the study may take.
        then: sizes that will be searched after.
    """
    search = runner.search
    while (wanted := _for_the_curve(runner, most - runner.standing.cost())).now:
        new = [size for size in wanted.now if size not in search.found]
        # a search changes what is wanted after it
        likely = [] if new else takewhile(search.found.__contains__, wanted.then)
        search.expect(_next_seeds(search, [*wanted.now, *likely]), new or then())
        for size, number in _next_seeds(search, wanted.now):
            if search.seeds.get(size, 0) <= number:  # else it was trained together with the one before
                runner.add(size)
        runner.find(*new)
        runner.bring_all_to(1)


def complete_table(runner: Runner, most: float) -> None:
    """The sizes that the answer did not need, then the other seeds, within so many seconds of all runs."""
    while new := new_in_table(runner, most):
        runner.find(*new)
    runner.bring_all_to(1, most)
    runner.repeat_best(most)


def new_in_table(runner: Runner, most: float) -> list[int]:
    """Sizes to search that leave all runs within so many seconds."""
    standing, found = runner.standing, runner.search.found
    new = [size for size in runner.outwards(standing.costs.sizes()) if size not in found]
    seconds = {size: plan.SWEEP_COSTS * standing.cost_of(size) for size in new}
    return plan.affordable(seconds, most - standing.cost())


def new_for_curve(runner: Runner, most: float) -> list[int]:
    """Sizes to search for B_crit, within so many seconds of all runs, if what is found changes nothing."""
    wanted = _for_the_curve(runner, most - runner.standing.cost())
    return [size for size in dict.fromkeys([*wanted.now, *wanted.then]) if size not in runner.search.found]


def _for_the_curve(runner: Runner, left: float) -> plan.Wanted:
    """What to run for B_crit in so many seconds."""
    search, standing = runner.search, runner.standing
    if (view := standing.view()) is None:
        return plan.Wanted([], [])
    sizes = [size for size, may_be_run in zip(view.batch_sizes, view.open, strict=True) if may_be_run]
    return plan.for_the_curve(
        view,
        {size: plan.LONGEST * search.next_runs(size) * standing.cost_of(size) for size in sizes},
        searched=search.found,
        seeds=search.seeds,
        most_seeds=plan.most_seeds(runner.seeds, 0),
        left=left,
    )


def _next_seeds(search: Search, sizes: Collection[int]) -> list[tuple[int, int]]:
    """The seeds, by number, if each of these sizes that was searched gets one as often as it is named."""
    after, wanted = Counter(search.seeds), []
    for size in sizes:
        if size in search.found:
            wanted.append((size, after[size]))
            after[size] += 1
    return wanted
