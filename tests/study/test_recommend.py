"""From runs and timings made by hand to a recommendation that can be worked out on paper."""

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest

from rightbatch.study.pool import pool
from rightbatch.study.recommend import Analysis, analyse
from rightbatch.study.sweep import Run
from study.hand_made import run, timings

SECONDS = {1: 1.0, 10: 1.9, 100: 10.9}
"""t(B) = 0.9 + 0.1 B."""

STEPS = {1: 220.0, 10: 40.0, 100: 22.0}
"""S(B) = 20 (1 + 10 / B)."""


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


def test_the_fastest_is_recommended() -> None:
    """T = 220, 76 and 239.8 seconds: batch size 10, the only one within 5 %, in every resample."""
    found = analysed(runs_of(STEPS))
    assert [size.seconds for size in found.sizes] == pytest.approx([220, 76, 239.8])
    assert [size.examples for size in found.sizes] == pytest.approx([220, 400, 2200])
    assert found.recommended is not None
    assert (found.recommended.batch_size, found.recommended.lr) == (10, 1.0)
    assert (found.within, found.interval) == ((10,), (10, 10))


def test_the_fits_are_those_of_the_formulas() -> None:
    """The steps and seconds lie on the two laws exactly, and the bootstrap finds no scatter."""
    found = analysed(runs_of(STEPS))
    assert found.fit is not None
    assert found.step_time is not None
    assert (found.fit.s_min, found.fit.b_crit, found.fit.e_min) == pytest.approx((20, 10, 200), rel=1e-6)
    assert found.fit.interval["b_crit"] == pytest.approx((10, 10), rel=1e-6)
    assert found.fit.rms_log_residual < 1e-6
    assert found.fit.lack_of_fit is None
    assert (found.step_time.a, found.step_time.b) == pytest.approx((0.9, 0.1), rel=1e-6)


@pytest.mark.parametrize(("prefer", "chosen"), [("fastest", 16), ("cheapest", 4), ("smallest", 4)])
def test_preferences_choose_within_five_per_cent(prefer: str, chosen: int) -> None:
    """At sizes 2, 4, 8 and 16 the times are 106, 104, 102 and 100: 2 is outside, 4 has fewest examples."""
    steps = dict.fromkeys([2, 4, 8, 16], 100.0)
    seconds = {2: 1.06, 4: 1.04, 8: 1.02, 16: 1.0}
    found = analysed(runs_of(steps), seconds, prefer=prefer)
    assert found.within == (4, 8, 16)
    assert found.recommended is not None
    assert found.recommended.batch_size == chosen


def test_cheapest_counts_examples() -> None:
    """Of two sizes equally fast the larger one may need fewer examples: 8 · 10 < 4 · 21."""
    found = analysed(runs_of({4: 21.0, 8: 10.0}), {4: 1.0, 8: 2.1}, prefer="cheapest")
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


def test_a_size_that_never_arrives_is_not_recommended() -> None:
    """However quick its steps: it has no time to target."""
    found = analysed(runs_of({**STEPS, 1: None}), {**SECONDS, 1: 1e-9})
    size = found.sizes[0]
    assert (size.choice, size.lr, size.steps_interval, size.seconds_interval) == (None, None, None, None)
    assert size.steps == size.seconds == math.inf
    assert found.within == (10,)


def test_nothing_reached_nothing_recommended() -> None:
    """No fit, no interval, no recommendation; the timings are still fitted."""
    found = analysed(runs_of(dict.fromkeys(SECONDS)))
    assert (found.recommended, found.within, found.interval, found.fit) == (None, (), None, None)
    assert found.step_time is not None


def test_one_size_is_enough_to_answer() -> None:
    """Without a line through one point there is no fit of either law."""
    found = analysed(runs_of({10: 40.0}), {10: 1.9})
    assert found.recommended is not None
    assert (found.fit, found.step_time, found.within) == (None, None, (10,))


def test_from_one_seed_nothing_is_known_of_the_scatter() -> None:
    """Every interval is open, and any size that arrived may be the fastest."""
    found = analysed(runs_of(STEPS, seeds=1))
    assert found.interval == (1, 100)
    assert found.sizes[1].seconds_interval == (0.0, math.inf)
    assert found.fit is not None
    assert found.fit.interval["b_crit"] == (0.0, math.inf)


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
    found = analysed(runs_of(STEPS, seeds=5, factors=(0.8, 0.9, 1.0, 1.1, 1.25)))
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
    assert found.fit.lack_of_fit.startswith(f"The steps lie {found.fit.rms_log_residual:.0%} off the curve, ")
    assert found.fit.lack_of_fit.endswith("; trust the measured sizes, not B_crit.")


def test_the_learning_rate_is_chosen_again_in_each_resample() -> None:
    """Two rates of equal mean, each best for one seed: the interval reaches below the chosen rate's runs."""
    runs = [run(10, 0, 0, 10.0), run(10, 0, 1, 40.0), run(10, 2, 0, 40.0), run(10, 2, 1, 10.0)]
    (size,) = analysed(runs, {10: 1.0}).sizes
    assert size.steps == pytest.approx(20)
    assert size.steps_interval == pytest.approx((10, 20))


def test_the_analysis_depends_on_the_seed_alone() -> None:
    """Twice the same, to the last digit."""
    runs = runs_of(STEPS, seeds=5, factors=(0.8, 0.9, 1.0, 1.1, 1.25))
    first, again = analysed(runs), analysed(runs)
    assert first == again
    assert np.isfinite([size.seconds for size in first.sizes]).all()
