"""What to run next."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rightbatch.stats.posterior import Steps
from rightbatch.study import plan
from rightbatch.study.outlook import Outlook
from rightbatch.study.plan import (
    at_a_time,
    contenders,
    for_the_curve,
    most_seeds,
    next_step,
    skeleton,
    to_time_again,
    to_time_last,
)

SIZES = (8, 16, 32, 64)


def view(seconds: list[list[float]], measured: tuple[bool, ...] = (True,) * 4) -> Outlook:
    """An outlook whose draws are the given seconds, one row a draw."""
    draws = np.array(seconds)
    nothing = Steps(
        s_min=np.ones(len(draws)), b_crit=np.ones(len(draws)), log_steps=np.log(draws), scatter=0.1
    )
    return Outlook(
        batch_sizes=SIZES,
        measured=np.array(measured),
        open=np.ones(4, bool),
        doubted=np.zeros(4, bool),
        steps=nothing,
        seconds=draws,
    )


def step(
    outlook: Outlook | None,
    searched: set[int],
    seeds: dict[int, int],
    most_seeds: int = 5,
    rounds: int | None = 8,
) -> int | None:
    """The next step with the middle at 32 and a tolerance of 5 %."""
    return next_step(
        outlook,
        SIZES,
        middle=32,
        searched=searched,
        seeds=seeds,
        most_seeds=most_seeds,
        rounds=rounds,
        tolerance=0.05,
    )


def telling(deviation: float, scatter: float = 0.1) -> Outlook:
    """An outlook with such a standard deviation of ln B_crit, of which the smallest size tells most."""
    random = np.random.default_rng(0)
    curve = deviation * random.normal(size=1000)
    there = curve[:, None] * [0.8, 0.6, 0.3, 0.1] + 0.05 * random.normal(size=(1000, 4))
    steps = Steps(s_min=np.ones(1000), b_crit=np.exp(curve), log_steps=there, scatter=scatter)
    return replace(view([[1.0] * 4] * 1000), steps=steps)


def to_run(
    deviation: float, seconds: dict[int, float], left: float, searched: tuple[int, ...] = SIZES
) -> list[int]:
    """What is run for such a curve, now and then, every size once at most."""
    view = telling(deviation)
    now, then = for_the_curve(view, seconds, searched=searched, seeds={}, most_seeds=1, left=left)
    return [*now, *then]


ALIKE = dict.fromkeys(SIZES, 1.0)


def test_the_runs_that_tell_most_of_b_crit_per_second_come_first() -> None:
    """The smallest tells most; not where it takes ten times as long, and what takes too long is not run."""
    assert to_run(0.2, ALIKE, 10.0)[:2] == [8, 16]
    assert to_run(0.2, ALIKE | {8: 20.0}, 50.0)[:2] == [16, 32]
    assert to_run(0.2, ALIKE | {8: 10.0}, 9.0) == [16, 32, 64]
    assert to_run(0.2, ALIKE, 0.9) == []


def test_before_looking_again_a_tenth_of_the_seconds_is_spent() -> None:
    """Or one run, if that takes more; what comes then is told, too, until B_crit would be known."""
    noisy = telling(0.5, scatter=1.0)
    for left, expected in ((22.0, 3), (11.0, 2), (1.5, 1)):
        now, then = for_the_curve(
            noisy, ALIKE, searched=SIZES, seeds=dict.fromkeys(SIZES, 6), most_seeds=99, left=left
        )
        assert (len(now), len(now) + len(then)) == (expected, int(left))
    now, then = for_the_curve(
        telling(0.12), ALIKE, searched=SIZES, seeds=dict.fromkeys(SIZES, 6), most_seeds=99, left=300.0
    )
    assert 1 <= len(now) < 9
    assert then == []


@pytest.mark.parametrize(("seeds", "rest"), [(0, 3), (4, 2), (5, 1), (16, 3), (40, 6)])
def test_no_size_gets_more_than_the_rest_of_its_race_before_looking_again(seeds: int, rest: int) -> None:
    """Three seeds are a race; or a few per cent of the seeds it has, where those are many; a new size one."""
    lonely = {8: 1.0}
    found = for_the_curve(
        telling(0.5, scatter=1.0), lonely, searched=SIZES, seeds={8: seeds}, most_seeds=999, left=900.0
    )
    assert found.now == [8] * rest
    new = for_the_curve(
        telling(0.5, scatter=1.0), {16: 1.0}, searched=(8, 64), seeds={}, most_seeds=999, left=900.0
    )
    assert new.now == [16]


def test_nothing_is_run_for_a_curve_that_is_known() -> None:
    """But its ends, once."""
    assert to_run(0.05, ALIKE, 9.0) == []
    assert to_run(0.05, ALIKE, 9.0, (16, 32)) == [64, 8]
    assert to_run(0.05, ALIKE, 9.0, (8, 32, 64)) == []
    assert to_run(0.05, {64: 1.0}, 9.0, (8, 16)) == [64]


def test_an_end_takes_a_third_of_the_seconds_left_at_most() -> None:
    """Else it is the next one that takes less, if that lies beyond those that were run."""
    seconds = {8: 4.0, 16: 2.0, 32: 1.0, 64: 1.0}
    assert to_run(0.2, seconds, 9.0, (32, 64)) == [16]
    assert to_run(0.05, seconds, 9.0, (16, 32, 64)) == []


@pytest.mark.parametrize(
    ("sizes", "expected"),
    [((1, 2, 4, 8, 16, 32, 64, 128, 256, 512), [32, 4, 256]), ((1, 2, 4), [4]), ((7,), [7])],
)
def test_the_skeleton_is_the_middle_and_one_size_far_on_either_side(
    sizes: tuple[int, ...], expected: list[int]
) -> None:
    """Sizes that fall together are run once."""
    middle = min(sizes, key=lambda size: abs(size - 32))
    assert skeleton(sizes, middle)[: len(expected)] == expected


def test_the_skeleton_lies_around_the_size_that_is_expected() -> None:
    """A factor of eight on either side of it, and the middle, where a run was made already."""
    assert skeleton([2**power for power in range(12)], 32, 128) == [32, 16, 1024]
    assert skeleton([2**power for power in range(12)], 32, 2048) == [32, 256, 2048]


def test_without_an_outlook_the_nearest_new_size_is_next() -> None:
    """While fewer than two sizes reached the target, the search goes outwards, and ends."""
    assert step(None, {32}, {}) == 16
    assert step(None, set(SIZES), {}) is None


def test_a_new_size_that_may_be_the_fastest_comes_first() -> None:
    """A size that was never run and is fastest in half of the draws is searched next."""
    outlook = view([[4, 1, 2, 4], [4, 2, 1, 4]], measured=(True, False, True, True))
    assert step(outlook, {8, 32, 64}, {32: 5}) == 16


def test_the_contender_with_the_fewest_seeds_is_next() -> None:
    """Of two sizes that share the first place in the draws, the one run less often."""
    outlook = view([[9, 1, 2, 9], [9, 2, 1, 9]])
    assert step(outlook, set(SIZES), {16: 3, 32: 2}) == 32


def test_a_clear_answer_needs_a_few_seeds_all_the_same() -> None:
    """One size is fastest in every draw: it is run with three seeds, and then the answer stands."""
    outlook = view([[9, 9, 1, 9]] * 4)
    assert step(outlook, set(SIZES), {32: 2}) == 32
    assert step(outlook, set(SIZES), {32: 3}) is None


def test_a_size_of_which_a_run_missed_is_run_until_that_is_settled() -> None:
    """The fastest in every draw, with seeds enough but for that one of them missed."""
    sure = view([[9, 9, 1, 9]] * 4)
    outlook = replace(sure, doubted=np.array([False, False, True, False]))
    assert step(outlook, set(SIZES), {32: 3}) == 32
    assert step(outlook, set(SIZES), {32: 5}) is None


def test_where_runs_take_next_to_nothing_a_contender_gets_many_seeds() -> None:
    """Forty times those asked for while all runs took less than half a second, five times from then on."""
    assert most_seeds(5, 0.49) == 200
    assert most_seeds(5, 0.5) == 25


@given(st.integers(0, 10**4))
def test_looking_less_often_adds_an_eighth_at_most(seeds: int) -> None:
    """And one seed at least."""
    assert max(1, seeds / 8) <= at_a_time(seeds) <= 1 + seeds / 8


def test_when_all_seeds_are_run_the_study_ends_unsure() -> None:
    """Two sizes that cannot be told apart do not keep the study going for ever."""
    outlook = view([[9, 1, 2, 9], [9, 2, 1, 9]])
    assert step(outlook, set(SIZES), {16: 5, 32: 5}) is None


def noisy_clock(spread: float) -> Outlook:
    """Sizes 16 and 32 alike but for the clock, 8 and 64 five times as slow; steps are known."""
    draws = np.exp(np.random.default_rng(0).normal(0, spread, (400, 4))) * [5, 1, 1, 5]
    known = Steps(s_min=np.ones(400), b_crit=np.ones(400), log_steps=np.zeros((400, 4)), scatter=0.1)
    return Outlook(
        batch_sizes=SIZES,
        measured=np.ones(4, bool),
        open=np.ones(4, bool),
        doubted=np.zeros(4, bool),
        steps=known,
        seconds=draws,
    )


def again(outlook: Outlook | None, *, searched: set[int] | None = None, rounds: int = 8) -> tuple[int, ...]:
    """What is timed again at a tolerance of 5 %."""
    return to_time_again(outlook, searched=searched or set(SIZES), rounds=rounds, tolerance=0.05)


def test_contenders_are_the_sizes_that_may_be_the_fastest() -> None:
    """With a probability of 5 % or more; and the one of least expected regret, however seldom it is first."""
    draws = [[1.0, 1.1, 9, 9]] * 94 + [[9.0, 1.0, 9, 0.9]] * 6
    assert contenders(view(draws)) == {8: 0.94, 16: 0.0, 64: 0.06}


def test_sizes_that_the_clock_leaves_in_doubt_are_timed_again() -> None:
    """Those that contend, and no others."""
    assert again(noisy_clock(0.1)) == (16, 32)


def test_nothing_is_timed_again_where_it_would_not_help() -> None:
    """Without an outlook, where the answer is sure enough, or where seeds are what leaves it open."""
    assert again(None) == ()
    assert again(noisy_clock(0.01)) == ()
    assert again(view([[1.0, 2, 3, 4], [2.0, 1, 3, 4]])) == ()


def test_after_the_runs_the_likeliest_sizes_are_timed_once_more() -> None:
    """Three at least, more if more contend, and none that was not searched; all while nothing is known."""
    sure = view([[4.0, 1, 2, 3]] * 8 + [[4.0, 3, 1, 2]])
    assert to_time_last(sure, {8, 16, 32, 64}) == [8, 16, 32]
    assert to_time_last(sure, {16, 32, 64}) == [16, 32, 64]
    assert to_time_last(sure, {16, 32}) == [16, 32]
    second = [[1.0, 1.1, 9, 9]] * 91 + [[9.0, 1.0, 9, 0.9]] * 6 + [[9.0, 1.0, 0.9, 9]] * 3
    assert to_time_last(view(second), {8, 16, 32, 64}) == [8, 16, 64]  # 16 is the best, never the first
    open_ = view([list(np.roll([1.0, 2, 3, 4], shift)) for shift in range(4)])
    assert to_time_last(open_, {8, 16, 32, 64}) == [8, 16, 32, 64]
    assert to_time_last(None, {64, 8}) == [8, 64]


def test_sizes_that_were_not_searched_come_first() -> None:
    """A contender whose learning rate is not known may turn out to be none."""
    assert again(noisy_clock(0.1), searched={8, 16}) == ()


def test_timing_again_ends() -> None:
    """A clock that never agrees with itself is not asked for ever."""
    assert again(noisy_clock(0.1), rounds=plan.MOST_ROUNDS) == ()


def test_seeds_are_not_run_for_the_doubt_of_the_clock() -> None:
    """Once it is timed no more; before, and where steps are timed as they are trained, they are."""
    seeds = dict.fromkeys(SIZES, 4)
    assert step(noisy_clock(0.1), set(SIZES), seeds, rounds=plan.MOST_ROUNDS) is None
    for rounds in (plan.MOST_ROUNDS - 1, None):
        assert step(noisy_clock(0.1), set(SIZES), seeds, rounds=rounds) in {16, 32}
    few = dict.fromkeys(SIZES, 2)
    assert step(noisy_clock(0.1), set(SIZES), few, rounds=plan.MOST_ROUNDS) in {16, 32}
    runs = view([[1.0, 2, 3, 4], [2.0, 1, 3, 4]])
    assert step(runs, set(SIZES), seeds, rounds=plan.MOST_ROUNDS) in {8, 16}
