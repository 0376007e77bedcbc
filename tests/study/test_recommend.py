"""From runs and timings made by hand to a recommendation that can be worked out on paper."""

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest
import scipy.stats

from rightbatch.stats.scaling import fit_scaling
from rightbatch.study.outlook import Outlook, outlook
from rightbatch.study.pool import choices, pool
from rightbatch.study.recommend import Analysis, analyse
from rightbatch.study.rounds import rounds_of
from rightbatch.study.subject import Run
from study.hand_made import run, timings

SECONDS = {1: 1.0, 10: 1.9, 100: 10.9}
"""t(B) = 0.9 + 0.1 B."""

STEPS = {1: 220.0, 10: 40.0, 100: 22.0}
"""S(B) = 20 (1 + 10 / B)."""

MANY = 50
"""Seeds that leave hardly a doubt: with no scatter of its own, the prior's 10 % ends as 0.4 % of a mean."""

SCATTER = (0.8, 0.9, 1.0, 1.1, 1.25)


def runs_of(
    steps: Mapping[int, float | None], *, seeds: int = 3, factors: tuple[float, ...] = (1.0,)
) -> list[Run]:
    """Runs at point 0, and twice as slow ones at point 2; seed i's steps are multiplied by `factors[i]`."""
    return [
        run(size, point, seed, None if value is None else value * slower * factors[seed % len(factors)])
        for size, value in steps.items()
        for seed in range(seeds)
        for point, slower in ((0, 1.0), (2, 2.0))
    ]


def analysed(runs: list[Run], seconds: Mapping[int, float] = SECONDS, **settings: Any) -> Analysis:
    """The analysis of runs at the sizes that were timed."""
    usual: dict[str, Any] = {"prefer": "fastest", "memory_limit": None, "seed": 0}
    memory = settings.pop("memory", {})
    return analyse(pool(runs, list(seconds)), timings(seconds), memory, **{**usual, **settings})


def drawn(runs: list[Run], seconds: Mapping[int, float]) -> Outlook:
    """The draws that the analysis of the same runs rests on."""
    table = pool(runs, list(seconds))
    view = outlook(table, choices(table), rounds_of(timings(seconds), list(seconds)), seed=0)
    assert view is not None
    return view


def test_the_fastest_is_recommended() -> None:
    """T = 220, 76 and 239.8 seconds: batch size 10 is the fastest in every draw, and so has no regret."""
    found = analysed(runs_of(STEPS))
    assert found.recommended is not None
    assert (found.recommended.batch_size, found.recommended.lr) == (10, 1.0)
    assert (found.within, found.interval, found.regret) == ((10,), (10, 10), 0.0)


def test_many_runs_on_the_laws_give_back_the_laws() -> None:
    """The medians over the draws are S(B) = 20 (1 + 10/B) and T(B) = S(B) t(B), to half a per cent."""
    found = analysed(runs_of(STEPS, seeds=MANY))
    assert [size.steps for size in found.sizes] == pytest.approx([220, 40, 22], rel=0.005)
    assert [size.seconds for size in found.sizes] == pytest.approx([220, 76, 239.8], rel=0.005)
    assert [size.examples for size in found.sizes] == pytest.approx([220, 400, 2200], rel=0.005)


def test_the_fits_are_those_of_the_formulas() -> None:
    """Steps and seconds lie on the two laws exactly, and the curve's intervals hold its constants."""
    found = analysed(runs_of(STEPS))
    assert found.fit is not None
    assert found.step_time is not None
    assert (found.fit.s_min, found.fit.b_crit, found.fit.e_min) == pytest.approx((20, 10, 200), rel=1e-6)
    for name, value in (("s_min", 20), ("b_crit", 10)):
        low, high = found.fit.interval[name]
        assert value / 3 < low < value < high < value * 3
    assert found.fit.rms_log_residual < 1e-6
    assert found.fit.lack_of_fit is None
    assert (found.step_time.a, found.step_time.b) == pytest.approx((0.9, 0.1), rel=1e-6)


def test_a_size_with_one_seed_weighs_less_than_those_with_many() -> None:
    """One run at the far end, 40 % too slow, hardly moves B_crit where the other sizes had 20 seeds."""
    sizes, random = (4, 32, 64, 128, 256), np.random.default_rng(0)
    scatter = np.exp(random.normal(scale=0.15, size=(20, 5)))
    curve = {size: 20 * (1 + 60 / size) for size in sizes}

    def b_crit(seeds: int) -> float:
        many = [
            run(size, 0, k, curve[size] * scatter[k, j]) for j, size in enumerate(sizes) for k in range(seeds)
        ]
        far = [made for made in many if made.batch_size < 256] + [run(256, 0, 0, 1.4 * curve[256])]
        found = analysed(far, {size: 1 + 0.1 * size for size in sizes}).fit
        assert found is not None
        return found.b_crit

    assert b_crit(20) == pytest.approx(60, rel=0.15)
    assert b_crit(1) < 0.8 * 60


def test_where_slow_runs_missed_the_others_are_not_taken_for_all() -> None:
    """Runs at 4 scatter by 60 % about 80 steps and are given up after 100: B_crit is 60 all the same."""
    curve = {size: 5 * (1 + 60 / size) for size in (4, 32, 64, 128, 256)}
    scatter = np.random.default_rng(0).normal(scale=0.6, size=60)
    lucky = [value for value in scatter if 80 * np.exp(value) < 100]
    near = [run(size, 0, k, steps) for size, steps in curve.items() if size > 4 for k in range(60)]
    far = [run(4, 0, k, 80 * np.exp(z) if z in lucky else None) for k, z in enumerate(scatter)]
    found = analysed([*near, *far], dict.fromkeys(curve, 0.01)).fit
    assert found is not None
    assert found.b_crit == pytest.approx(60, rel=0.15)
    naive = fit_scaling([*curve], [80 * np.exp(np.mean(lucky)), *[*curve.values()][1:]])
    assert naive.b_crit < 0.8 * 60


def test_everything_follows_from_the_draws() -> None:
    """Draw by draw in plain loops: intervals, regret, the sizes alike, and the set that holds the fastest.

    Regret is the 97.5 % point, because the study stops at a moment of its choice.
    """
    seconds = {8: 1.0, 16: 1.1, 32: 1.3, 64: 1.9}
    scatter = np.exp(np.random.default_rng(0).normal(scale=0.1, size=(5, 4)))
    steps = np.array([60.0, 45.0, 37.0, 33.0]) * scatter
    runs = [run(size, 0, seed, steps[seed, k]) for seed in range(5) for k, size in enumerate(seconds)]
    found, draws = analysed(runs, seconds), drawn(runs, seconds).seconds.tolist()
    count = len(draws)
    ratios = [[value / min(row) for value in row] for row in draws]
    expected = [sum(row[k] for row in ratios) / count for k in range(4)]
    best = expected.index(min(expected))
    assert found.recommended == found.sizes[best]
    ranked = sorted(row[best] for row in ratios)
    assert found.regret is not None
    assert found.regret == pytest.approx(ranked[int(0.975 * count)] - 1, abs=0.01)
    assert found.regret > 0.01
    near = [sum(row[k] <= 1.05 for row in ratios) > count / 2 or k == best for k in range(4)]
    assert found.within == tuple(size for size, yes in zip(seconds, near, strict=True) if yes)
    wins = [sum(row[k] == 1 for row in ratios) for k in range(4)]
    held: list[int] = []
    while sum(wins[k] for k in held) < 0.95 * count:
        held.append(max((k for k in range(4) if k not in held), key=lambda k: wins[k]))
    assert len(held) > 1
    assert found.interval == (list(seconds)[min(held)], list(seconds)[max(held)])
    for k, size in enumerate(found.sizes):
        column = sorted(row[k] for row in draws)
        assert size.seconds == pytest.approx(column[count // 2], rel=0.01)
        assert size.seconds_interval == pytest.approx(
            (column[round(0.025 * count)], column[round(0.975 * count)]), rel=0.02
        )


def test_a_size_that_was_not_run_is_foretold() -> None:
    """Between sizes on the curve its interval holds S(10) = 40 steps; it may be fastest, and is not advised.

    The better of the others takes 220 / 76 = 2.9 times its seconds, which is the regret, doubt apart.
    """
    runs = runs_of({1: 220.0, 100: 22.0, 1000: 20.2}, seeds=MANY)
    found = analysed(runs, {**SECONDS, 1000: 100.9})
    size = found.sizes[1]
    assert (size.choice, size.lr, size.steps, size.seconds) == (None, None, math.inf, math.inf)
    assert size.estimate == pytest.approx(40, rel=0.05)
    assert size.steps_interval is not None
    assert size.seconds_interval is not None
    assert size.steps_interval[0] < 40 < size.steps_interval[1]
    assert size.seconds_interval[0] < 76 < size.seconds_interval[1]
    assert found.recommended is not None
    assert (found.recommended.batch_size, found.within, found.interval) == (1, (1,), (10, 10))
    assert found.regret is not None
    assert found.regret > 220 / 76 - 1


@pytest.mark.parametrize(("prefer", "chosen"), [("fastest", 16), ("cheapest", 4), ("smallest", 4)])
def test_preferences_choose_within_five_per_cent(prefer: str, chosen: int) -> None:
    """At sizes 2, 4, 8 and 16 the times are 107, 103, 102 and 100: 2 is outside, 4 has fewest examples."""
    steps = dict.fromkeys([2, 4, 8, 16], 100.0)
    seconds = {2: 1.07, 4: 1.03, 8: 1.02, 16: 1.0}
    found = analysed(runs_of(steps, seeds=MANY), seconds, prefer=prefer)
    assert found.within == (4, 8, 16)
    assert found.recommended is not None
    assert found.recommended.batch_size == chosen


def test_cheapest_counts_examples() -> None:
    """Of two sizes equally fast the larger one may need fewer examples: 8 · 10 < 4 · 21."""
    found = analysed(runs_of({4: 21.0, 8: 10.0}, seeds=MANY), {4: 1.0, 8: 2.1}, prefer="cheapest")
    assert found.within == (4, 8)
    assert found.recommended is not None
    assert found.recommended.batch_size == 8


def test_the_memory_limit_is_kept() -> None:
    """The fastest takes 2,000 bytes; with 1,500 allowed the next one is recommended, with 500 none."""
    memory = {1: 1000, 10: 2000, 100: 3000}
    found = analysed(runs_of(STEPS), memory=memory, memory_limit=1500)
    assert found.recommended is not None
    assert (found.recommended.batch_size, found.within) == (1, (1,))
    assert analysed(runs_of(STEPS), memory=memory, memory_limit=2000).within == (10,)
    nothing = analysed(runs_of(STEPS), memory=memory, memory_limit=500)
    assert (nothing.recommended, nothing.within, nothing.interval) == (None, (), None)
    assert nothing.regret is None


def test_a_size_that_never_arrives_is_not_recommended() -> None:
    """However quick its steps: it has no time to target, and the curve is not asked for one."""
    found = analysed(runs_of({**STEPS, 1: None}), {**SECONDS, 1: 1e-9})
    size = found.sizes[0]
    assert (size.choice, size.lr, size.steps_interval, size.seconds_interval) == (None, None, None, None)
    assert size.steps == size.seconds == math.inf
    assert (found.within, found.interval, found.regret) == ((10,), (10, 10), 0.0)


@pytest.mark.parametrize(("lost", "chosen"), [(1, 10), (2, 1)])
def test_a_size_at_which_runs_fail_is_not_recommended(lost: int, chosen: int) -> None:
    """One failure in five runs is borne; after two another size is recommended, though 2.9 times slower."""
    runs = [made for made in runs_of(STEPS, seeds=5) if made.batch_size != 10]
    runs += [run(10, 0, seed, None if seed < lost else 40.0) for seed in range(5)]
    found = analysed(runs)
    assert found.recommended is not None
    assert found.recommended.batch_size == chosen


def test_where_runs_fail_at_every_size_the_most_reliable_is_recommended() -> None:
    """Four of six arrive at sizes 10 and 100, three at size 1: of the former the faster, with no interval."""
    runs = [
        run(size, 0, seed, steps if seed < (3 if size == 1 else 4) else None)
        for size, steps in STEPS.items()
        for seed in range(6)
    ]
    found = analysed(runs, {1: 1e-6, 10: 5.0, 100: 1.0})
    assert found.recommended is not None
    assert (found.recommended.batch_size, found.within) == (100, (100,))
    assert (found.interval, found.regret) == (None, None)


def test_nothing_reached_nothing_recommended() -> None:
    """No fit, no interval, no recommendation; the timings are still fitted."""
    found = analysed(runs_of(dict.fromkeys(SECONDS)))
    assert (found.recommended, found.within, found.interval, found.fit) == (None, (), None, None)
    assert found.regret is None
    assert found.step_time is not None


def test_one_size_is_enough_to_answer() -> None:
    """Its steps are its runs' own; without a second size there is no fit of either law, and no regret."""
    found = analysed(runs_of({10: 40.0}), {10: 1.9})
    assert found.recommended is not None
    assert (found.recommended.steps, found.recommended.seconds) == pytest.approx((40, 76))
    assert (found.fit, found.step_time, found.within) == (None, None, (10,))
    assert (found.interval, found.regret) == (None, None)


def test_from_one_seed_the_scatter_is_the_usual_one() -> None:
    """What one run says of a size is as wide as Student's t with the prior's 4 runs and 10 %, twice.

    The seed's luck, which no other size can tell, is one of them; what is left, which the curve can
    reduce, is the other.
    """
    usual = scipy.stats.t(4)
    luck = 0.1 * usual.ppf(0.975)
    values = 0.1 * usual.rvs((2, 200_000), random_state=0)
    both = float(np.quantile(values.sum(axis=0), 0.975))
    for size in analysed(runs_of(STEPS, seeds=1)).sizes:
        assert size.steps_interval is not None
        low, high = np.log(size.steps_interval)
        assert 0.95 * luck < (high - low) / 2 < 1.1 * both


def test_the_interval_holds_the_sizes_that_some_seeds_favour() -> None:
    """Seeds disagree by a factor of 2 between two sizes of nearly the same mean: both may be fastest."""
    runs = [
        *(run(10, 0, seed, 40.0 * factor) for seed, factor in enumerate([0.7, 1.4, 0.7, 1.4, 1.0])),
        *(run(20, 0, seed, 41.0 / factor) for seed, factor in enumerate([0.7, 1.4, 0.7, 1.4, 1.0])),
        *(run(100, 0, seed, 400.0) for seed in range(5)),
    ]
    found = analysed(runs, dict.fromkeys([10, 20, 100], 1.0))
    assert found.recommended is not None
    assert found.recommended.batch_size == 10
    assert found.interval == (10, 20)


def test_the_intervals_hold_the_estimate() -> None:
    """With scatter between the seeds every interval has its estimate inside, and a width."""
    found = analysed(runs_of(STEPS, seeds=5, factors=SCATTER))
    for size in found.sizes:
        assert size.steps_interval is not None
        assert size.seconds_interval is not None
        assert size.steps_interval[0] < size.steps < size.steps_interval[1]
        assert size.seconds_interval[0] < size.seconds < size.seconds_interval[1]


def test_restless_timings_widen_the_seconds_alone() -> None:
    """Rounds that differ by a factor of four are resampled, too: the steps' interval does not move."""
    steady = timings({10: 1.0, 20: 2.0}, rounds=4)
    restless = [timing._replace(seconds=timing.seconds * (0.5, 1, 1, 2)[timing.round]) for timing in steady]
    runs = runs_of({10: 40.0, 20: 30.0}, seeds=4, factors=(0.9, 1.0, 1.1, 1.0))
    table = pool(runs, [10, 20])
    quiet, loud = (
        analyse(table, times, {}, prefer="fastest", memory_limit=None, seed=0).sizes[0]
        for times in (steady, restless)
    )
    assert quiet.steps_interval == loud.steps_interval
    assert quiet.seconds_interval is not None
    assert loud.seconds_interval is not None
    assert loud.seconds_interval[1] > 1.3 * quiet.seconds_interval[1]


def test_a_misfit_is_told() -> None:
    """Steps that rise again at the largest batch are no hyperbola, and the seeds' scatter is 1 %."""
    scatter = np.random.default_rng(0).normal(scale=0.01, size=(5, 4))
    steps = np.array([220.0, 40.0, 22.0, 80.0]) * np.exp(scatter)
    sizes = [1, 10, 100, 1000]
    runs = [run(sizes[k], 0, seed, float(steps[seed, k])) for seed in range(5) for k in range(4)]
    found = analysed(runs, {**SECONDS, 1000: 100.9})
    assert found.fit is not None
    assert found.fit.lack_of_fit is not None
    assert found.fit.lack_of_fit.startswith(
        f"The steps lie {found.fit.rms_log_residual * 100:.2g} % off the curve, "
    )
    assert found.fit.lack_of_fit.endswith("; trust the measured sizes, not B_crit.")


def test_a_knee_too_soft_is_told() -> None:
    """With a constant noise scale, S = ln R / ln(1 + B/51), no size is 10 % off, but B_crit means nothing."""
    scatter = np.random.default_rng(0).normal(scale=0.05, size=(5, 5))
    sizes = [4, 16, 64, 256, 1024]
    steps = np.log(1e4) / np.log1p(np.array(sizes) / 51) * np.exp(scatter)
    runs = [run(sizes[k], 0, seed, float(steps[seed, k])) for seed in range(5) for k in range(5)]
    found = analysed(runs, {size: 0.9 + 0.1 * size for size in sizes})
    assert found.fit is not None
    assert found.fit.rms_log_residual < 0.1
    assert found.fit.lack_of_fit is not None


def test_only_the_best_learning_rate_counts() -> None:
    """Without the runs at the rate that is twice as slow the analysis is the same."""
    runs = runs_of(STEPS, seeds=5, factors=SCATTER)
    assert analysed([made for made in runs if made.point == 0]) == analysed(runs)


def test_the_analysis_depends_on_the_seed_alone() -> None:
    """Twice the same, to the last digit."""
    runs = runs_of(STEPS, seeds=5, factors=SCATTER)
    first, again = analysed(runs), analysed(runs)
    assert first == again
    assert np.isfinite([size.seconds for size in first.sizes]).all()
