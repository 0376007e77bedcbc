"""Seconds to target at every batch size, with their doubt."""

from dataclasses import replace

import numpy as np

from rightbatch.stats.posterior import Steps
from rightbatch.study.outlook import Outlook, outlook
from rightbatch.study.pool import choices, pool
from study.hand_made import run

SIZES = (8, 16, 32)


def drawn(seconds: list[list[float]], measured: list[bool], open_: list[bool]) -> Outlook:
    """An outlook with the given draws."""
    draws = np.array(seconds)
    steps = Steps(s_min=np.ones(len(draws)), b_crit=np.ones(len(draws)), log_steps=np.log(draws), scatter=0.1)
    return Outlook(
        batch_sizes=SIZES,
        measured=np.array(measured),
        open=np.array(open_),
        doubted=np.zeros(3, bool),
        steps=steps,
        seconds=draws,
    )


def test_the_best_is_the_size_of_least_expected_regret() -> None:
    """A size that is never far behind beats one that wins narrowly more often and loses badly."""
    view = drawn([[1.0, 1.02, 9], [1.0, 1.02, 9], [2.0, 1.0, 9]], [True] * 3, [True] * 3)
    assert SIZES[view.best] == 16


def test_a_size_that_is_barred_or_not_run_is_not_the_best() -> None:
    """The fastest is out of memory, the second was never run: the third is recommended."""
    view = drawn([[1.0, 2.0, 3.0]], [True, False, True], [False, True, True])
    assert SIZES[view.best] == 32


def test_regret_is_taken_against_open_sizes() -> None:
    """A barred size sets no standard; one that was not run does."""
    barred = drawn([[1.0, 2.0, 3.0]] * 20, [True, True, True], [False, True, True])
    assert barred.regret == 0
    unrun = drawn([[1.0, 2.0, 3.0]] * 20, [False, True, True], [True, True, True])
    assert unrun.regret == 1.0


def test_alike_are_measured_sizes_within_five_per_cent() -> None:
    """1.04 times the best is alike, 1.06 times is not."""
    assert drawn([[1.0, 1.04, 1.06]], [True] * 3, [True] * 3).alike() == (8, 16)


def test_the_span_holds_the_fastest_in_95_of_100_draws() -> None:
    """A size that is fastest in 4 of 100 draws is left out, one that is in 6 is not."""
    for wins, expected in ((4, (8, 8)), (6, (8, 32))):
        draws = [[1.0, 9.0, 2.0]] * (100 - wins) + [[2.0, 9.0, 1.0]] * wins
        assert drawn(draws, [True] * 3, [True] * 3).span() == expected


def doubtful(clock: float, steps: float) -> Outlook:
    """Sizes 8 and 16 alike, 32 far behind; the doubt of steps and of seconds per step as given."""
    random = np.random.default_rng(0)
    log_steps = random.normal([0, 0, 2], steps, (1000, 3))
    seconds = np.exp(log_steps + random.normal(0, clock, (1000, 3)))
    ones = np.ones(1000)
    return Outlook(
        batch_sizes=SIZES,
        measured=np.ones(3, bool),
        open=np.ones(3, bool),
        doubted=np.zeros(3, bool),
        steps=Steps(s_min=ones, b_crit=ones, log_steps=log_steps, scatter=0.1),
        seconds=seconds,
    )


def test_the_clock_leads_where_it_is_more_in_doubt_than_the_runs() -> None:
    """Of the ratio of the best to its rival, whichever of the two is ahead."""
    assert doubtful(0.06, 0.05).clock_leads([8, 16])
    assert not doubtful(0.04, 0.05).clock_leads([8, 16])


def test_doubt_that_both_sizes_share_is_none_of_the_clock() -> None:
    """A slow spell of all sizes alike does not tell them apart."""
    view = doubtful(0.0, 0.05)
    shared = np.exp(np.random.default_rng(1).normal(0, 0.5, (1000, 1)))
    assert not replace(view, seconds=view.seconds * shared).clock_leads([8, 16])


def missing(misses: int, seeds: int) -> Outlook:
    """What so many missed runs at batch size 16 say, where all at 8 and 32 arrive in as many steps."""
    runs = [run(size, 0, seed, steps) for size, steps in ((8, 40.0), (32, 10.0)) for seed in range(seeds)]
    runs += [run(16, 0, seed, None if seed < misses else 20.0) for seed in range(seeds)]
    table = pool(runs, SIZES)
    view = outlook(table, choices(table), np.ones((4, 3)), seed=0)
    assert view is not None
    return view


def test_one_missed_run_does_not_bar_a_size() -> None:
    """One of three, but it asks for more; two of five do, one of five and two of ten are a fifth."""
    cases = {(1, 3): (True, True), (2, 5): (False, True), (1, 5): (True, False), (2, 10): (True, False)}
    for (misses, seeds), (is_open, is_doubted) in cases.items():
        view = missing(misses, seeds)
        assert (view.open.tolist(), view.doubted.tolist()) == (
            [True, is_open, True],
            [False, is_doubted, False],
        )


def test_the_curve_is_open_until_b_crit_is_known_to_a_fifth() -> None:
    """By its 95 % interval, 1.96 standard deviations of ln B_crit to either side: ln 1.2 is 0.182."""
    view = drawn([[1.0, 2.0, 3.0]] * 1000, [True] * 3, [True] * 3)
    scatter = np.random.default_rng(0).normal(size=1000)
    for deviation, expected in ((0.085, False), (0.1, True)):
        steps = replace(view.steps, b_crit=np.exp(deviation * scatter))
        assert replace(view, steps=steps).curve_is_open is expected


def test_the_size_run_for_b_crit_is_the_one_a_regression_explains_it_by() -> None:
    """Least squares explain most of the variance of ln B_crit by ln S of one run of it, simulated."""
    random = np.random.default_rng(0)
    curve = 0.3 * random.normal(size=20_000)
    there = curve[:, None] * [-0.2, 0.1, 0.8] + random.normal(size=(len(curve), 3)) * [0.01, 0.05, 0.4]
    view = drawn([[1.0, 2.0, 3.0]] * len(curve), [True] * 3, [True] * 3)
    chosen = []
    for scatter in (0.02, 1.0):
        steps = Steps(s_min=np.ones(len(curve)), b_crit=np.exp(curve), log_steps=there, scatter=scatter)
        runs = there + scatter * random.normal(size=there.shape)
        explained = [np.corrcoef(curve, run)[0, 1] ** 2 for run in runs.T]
        found = replace(view, steps=steps).telling(np.ones(3), most=np.ones(3, int), within=1.0)
        assert found == [int(np.argmax(explained))]
        chosen.extend(found)
    assert chosen == [0, 2]
