"""What to run next: pure decisions from what is known so far."""

import math
from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import NamedTuple

import numpy as np

from rightbatch.study.grid import outwards
from rightbatch.study.outlook import Outlook
from rightbatch.study.pool import RACE

STRIDE = 8
"""Ratio of the first three batch sizes: far enough apart to see the curve bend between them."""

LEAST_SEEDS = 3
"""Seeds of a batch size that is recommended, or might be."""

MORE = 5
"""Times the seeds asked for: what a batch size that contends gets, where fewer do not settle the answer."""

TRIFLE = 0.5
"""Seconds of runs that nobody waits for."""

MANY = 40
"""Times the seeds asked for, while all runs took less than that: tiny data scatter most, and cost least."""

MOST_ROUNDS = 96
"""Of timing; their mean has a tenth of the scatter of one. More seeds do not mend what doubt they leave."""

BESIDE = 3
"""Sizes that are timed after the runs at least."""

LONGEST = 2.0
"""Times the steps of the best run after which others are mostly given up."""

SWEEP_COSTS = 5 * LONGEST
"""Seconds of a sweep of five learning rates over the seconds of its best run."""

_SHARE_OF_AN_END = 1 / 3
"""Of the seconds left for B_crit, what the search of the smallest or the largest size may take."""

_BEFORE_LOOKING = 0.1
"""Of the seconds left for B_crit, what is run before looking again, which takes as long as short runs."""

_SHARE_IN_FLIGHT = 0.1
"""Share of the budget that seeds trained together may take: what is not done when it is spent is lost."""

_MOSTLY_OVERHEAD = 3.0
"""Seconds of a step over those of the cheapest up to which seeds gain by sharing what any step costs."""

CONTENDS = 0.05
"""A batch size contends when it is the fastest with at least this probability."""


def skeleton(batch_sizes: Sequence[int], middle: int, expected: float | None = None) -> list[int]:
    """The first sizes to run: the middle, and one far from the expected answer on either side.

    Args:
        batch_sizes: all sizes.
        middle: where the study began.
        expected: the size that the noise scale foretells; `None`: the middle.

    Example:
        >>> skeleton([1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024, 1257], 32)
        [32, 4, 256]
        >>> skeleton([1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024, 1257], 32, 128)
        [32, 16, 1024]
    """
    centre = middle if expected is None else expected
    wanted = [middle, centre / STRIDE, centre * STRIDE]
    nearest = [min(batch_sizes, key=lambda size: abs(size - want)) for want in wanted]
    return list(dict.fromkeys(nearest))


def contenders(view: Outlook) -> dict[int, float]:
    """The batch sizes that may be the fastest, each with its probability; the best in any case."""
    best, chance = view.batch_sizes[view.best], view.chance_of_best.tolist()
    known = zip(view.batch_sizes, chance, strict=True)
    return {size: share for size, share in known if share >= CONTENDS or size == best}


def most_seeds(asked: int, spent: float) -> int:
    """Seeds that a batch size that contends gets at most.

    Args:
        asked: seeds that were asked for.
        spent: seconds that all runs so far take one after the other.
    """
    return asked * (MANY if spent < TRIFLE else MORE)


def at_a_time(seeds: int) -> int:
    """How many seeds more are run before looking again, where there are so many: a few per cent of the doubt.

    Example:
        >>> [at_a_time(seeds) for seeds in (0, 3, 8, 40)]
        [1, 1, 2, 6]
    """
    return 1 + seeds // 8


def side_by_side(size: int, seconds: Mapping[int, float], *, steps: float, budget: float) -> bool:
    """Whether seeds of a size are trained together: its steps cost little more than any, and few are at risk.

    Args:
        size: the batch size.
        seconds: of a step, of every size.
        steps: of a run.
        budget: seconds of the whole study.

    Example:
        >>> cost = {8: 1e-4, 32: 2e-4, 512: 9e-4}
        >>> [side_by_side(size, cost, steps=100, budget=60) for size in cost]
        [True, True, False]
        >>> side_by_side(8, cost, steps=100_000, budget=60)
        False
    """
    cheap = seconds[size] <= _MOSTLY_OVERHEAD * min(seconds.values())
    return cheap and RACE * SWEEP_COSTS * steps * seconds[size] <= _SHARE_IN_FLIGHT * budget


def most_for_curve(answered: float) -> float:
    """Seconds that all runs may take when B_crit is settled, after so many for the answer: as many again.

    Example:
        >>> most_for_curve(20.0), most_for_curve(0.1)
        (40.0, 1.0)
    """
    return 2 * max(answered, TRIFLE)


class Wanted(NamedTuple):
    """Batch sizes to run, each as often as it is named."""

    now: list[int]
    """Before looking again."""
    then: list[int]
    """After that, if what is found changes nothing."""


def for_the_curve(
    view: Outlook,
    seconds: Mapping[int, float],
    *,
    searched: Collection[int],
    seeds: Mapping[int, int],
    most_seeds: int,
    left: float,
) -> Wanted:
    """The batch sizes to run for B_crit.

    First the ends of the curve: no real one is quite a hyperbola, so that B_crit hangs on how much of it is
    seen. Then the runs that tell most of it per second.

    Args:
        view: what the runs say so far.
        seconds: what comes next takes, of each size that may be run.
        searched: sizes whose learning rate was searched.
        seeds: seeds run of each size.
        most_seeds: seeds to run at most.
        left: seconds that may be taken.

    Returns:
        None now: B_crit is known, or nothing can be run in the seconds left.
    """
    cheap = [size for size, took in seconds.items() if took <= _SHARE_OF_AN_END * left]
    ends = {max(cheap), min(cheap)} if cheap else set()
    if beyond := [size for size in sorted(ends, reverse=True) if _is_beyond(size, searched)]:
        return Wanted(beyond, [])
    if not view.curve_is_open:
        return Wanted([], [])
    costs = np.array([seconds.get(size, math.inf) for size in view.batch_sizes])
    most = np.array([most_seeds - seeds.get(size, 0) for size in view.batch_sizes])
    told = [view.batch_sizes[i] for i in view.telling(costs, most=most, within=left)]
    at_once = {size: _at_once(seeds.get(size, 0)) if size in searched else 1 for size in told}
    now = _before_looking(told, seconds, at_once, _BEFORE_LOOKING * left)
    return Wanted(told[:now], told[now:])


def _at_once(seeds: int) -> int:
    """How many seeds more of a size are run before looking again: the rest of their race at most."""
    return max(RACE - seeds % RACE, at_a_time(seeds))


def _before_looking(
    sizes: Sequence[int], seconds: Mapping[int, float], at_once: Mapping[int, int], enough: float
) -> int:
    """How many of these runs come first: until they take enough seconds, or a size has had its share."""
    had: Counter[int] = Counter()
    for count, size in enumerate(sizes):
        if had[size] == at_once[size] or sum(seconds[one] * had[one] for one in had) >= enough:
            return count
        had[size] += 1
    return len(sizes)


def affordable(seconds: Mapping[int, float], most: float) -> list[int]:
    """The batch sizes that fit into so many seconds, each with those before it that do.

    Example:
        >>> affordable({64: 1.0, 32: 2.0, 1: 60.0, 128: 1.0}, 4.0)
        [64, 32, 128]
    """
    found: list[int] = []
    for size, took in seconds.items():
        if took <= most:
            found.append(size)
            most -= took
    return found


def _is_beyond(size: int, searched: Collection[int]) -> bool:
    return size > max(searched) or size < min(searched)


def to_time_again(
    view: Outlook | None, *, searched: Collection[int], rounds: int | None, tolerance: float
) -> tuple[int, ...]:
    """The batch sizes to time again before more seeds are run: those that contend, if the clock is in doubt.

    Args:
        view: what the runs say so far.
        searched: sizes whose learning rate was searched.
        rounds: of timing that there were; `None`: steps are timed as they are trained.
        tolerance: regret, as a share, that is small enough.

    Returns:
        Sizes; empty: seeds tell more, or the answer stands.
    """
    if view is None or rounds is None or rounds >= MOST_ROUNDS or view.regret <= tolerance:
        return ()
    chance = contenders(view)
    return tuple(chance) if all(size in searched for size in chance) and _clock_leads(view, chance) else ()


def _clock_leads(view: Outlook, chance: Collection[int]) -> bool:
    return len(chance) > 1 and view.clock_leads([*chance])


def to_time_last(view: Outlook | None, searched: Collection[int]) -> list[int]:
    """The batch sizes to time once more after the runs, to see whether the machine is as it was.

    Those that may be the fastest, and `BESIDE` at least: that one became slower shows beside others.

    Args:
        view: what the runs say; `None`: too little, all are timed.
        searched: sizes whose learning rate was searched.
    """
    if view is None:
        return sorted(searched)
    chance = dict(zip(view.batch_sizes, view.chance_of_best.tolist(), strict=True))
    first = contenders(view).keys() & set(searched)
    likely = sorted(searched, key=lambda size: (size not in first, -chance[size], size))
    return sorted(likely[: max(len(first), BESIDE)])


def next_step(
    view: Outlook | None,
    batch_sizes: Sequence[int],
    *,
    middle: int,
    searched: Collection[int],
    seeds: Mapping[int, int],
    most_seeds: int,
    rounds: int | None,
    tolerance: float,
) -> int | None:
    """The batch size to run next, its learning rate to be searched first if it is new.

    While fewer than two sizes reached the target, the nearest new one. Then, of the sizes that
    contend for the fastest, new ones first and of the others the one with the fewest seeds; until
    each has a few, and the recommendation is sure enough, all seeds are run, or what doubt is left is the
    clock's, which is timed no more.

    Args:
        view: what the runs say so far.
        batch_sizes: all sizes.
        middle: where the study began.
        searched: sizes whose learning rate was searched.
        seeds: seeds run of each size.
        most_seeds: seeds to run at most.
        rounds: of timing that there were; `None`: steps are timed as they are trained.
        tolerance: regret, as a share, that is small enough.

    Returns:
        A size, or `None`: the answer stands.
    """
    if view is None:
        return next((size for size in outwards(batch_sizes, middle) if size not in searched), None)
    chance = contenders(view)
    new = [size for size in chance if size not in searched]
    if new:
        return max(new, key=lambda size: chance[size])
    least = min(seeds.get(size, 0) for size in chance)
    enough = least >= min(LEAST_SEEDS, most_seeds) and not view.doubted[view.best]
    timed_out = rounds is not None and rounds >= MOST_ROUNDS and _clock_leads(view, chance)
    if enough and (timed_out or view.regret <= tolerance):
        return None
    left = [size for size in chance if seeds.get(size, 0) < most_seeds]
    return min(left, key=lambda size: (seeds.get(size, 0), -chance[size]), default=None)


def foreseen(
    step: Callable[[Mapping[int, int]], int | None],
    searched: Sequence[int],
    *,
    seeds: Mapping[int, int],
    planned: int,
    most: int,
) -> list[tuple[int, int]]:
    """The seeds that will probably be asked for: as if the runs to come changed nothing.

    None beyond the race under way of a size, for its end says with which learning rates the next goes on.

    Args:
        step: `next_step` by the seeds run of each size.
        searched: sizes whose learning rate is known and reached the target, in the order of the table.
        seeds: seeds run of each size.
        planned: seeds that each of them gets in any case.
        most: how many to foresee.

    Returns:
        Batch sizes, each with the number of a seed, in the order of their turn.

    Example:
        >>> foreseen(lambda seeds: 8 if seeds[8] < 5 else None, [8, 4], seeds={8: 1}, planned=2, most=9)
        [(8, 1), (8, 2), (4, 0), (4, 1)]
    """
    after = dict.fromkeys(searched, 0) | dict(seeds)
    ends = {size: number - number % RACE + RACE for size, number in after.items()}
    found: list[tuple[int, int]] = []
    while len(found) < most and (size := step(after)) is not None:
        if after.get(size, 0) == ends.get(size, RACE):
            break
        if size in searched:
            found.append((size, after[size]))
        after[size] = after.get(size, 0) + 1
    left = [(size, k) for k in range(planned) for size in searched if after[size] <= k < ends[size]]
    return [*found, *left][:most]
