"""Where a curve crosses the target, against a slow obvious second implementation."""

import math
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rightbatch.measure.crossing import crossing, next_check, smoothed
from rightbatch.train.target import Target

LOSS = Target("loss", "validation", 0.5)
ACCURACY = Target("accuracy", "validation", 0.5)

values = st.lists(
    st.one_of(st.floats(0, 1), st.just(math.nan), st.just(math.inf), st.just(-math.inf)), max_size=30
)


def checks(last: int) -> list[int]:
    """The steps at which a run is evaluated, up to one beyond `last`."""
    steps = [next_check(0)]
    while steps[-1] < last:
        steps.append(next_check(steps[-1]))
    return steps


def slow_crossing(steps: list[int], curve: list[float], target: Target) -> float | None:
    """The same, written down as the definition says: sort three values, take the middle, draw a line."""
    worst = math.inf if target.falls else -math.inf
    clean = [value if math.isfinite(value) else worst for value in curve]
    before = None
    for i in range(len(clean) - 1):
        three = [clean[i - 1] if i else worst, clean[i], clean[i + 1]]
        here = sorted(three)[1]
        there = here <= target.value if target.falls else here >= target.value
        if there and (before is None or not math.isfinite(before)):
            return float(steps[i])
        if there and before is not None:
            share = (before - target.value) / (before - here)
            return (1 - share) * steps[i - 1] + share * steps[i]
        before = here
    return None


def test_every_step_is_evaluated_at_first() -> None:
    """Up to step 17 nothing is skipped, so that a fast run is not rounded."""
    assert checks(17) == list(range(1, 18))


def test_evaluations_are_at_most_six_per_cent_apart() -> None:
    """Each comes after the one before, by a step or by at most 6 %, rounded up to a whole step."""
    for step, following in pairwise(checks(200_000)):
        assert step < following
        assert following == step + 1 or following - 1 < 1.06 * step


def test_evaluations_are_few() -> None:
    """A run of 100,000 steps is evaluated about ln(100,000 / 17) / ln(1.06) + 17 times."""
    assert len(checks(100_000)) == pytest.approx(math.log(100_000 / 17) / math.log(1.06) + 17, rel=0.1)


@given(values)
def test_smoothing_is_the_middle_of_three(curve: list[float]) -> None:
    """Each value is the middle one of itself and its neighbours; the first the worse of two, no last."""
    clean = [value if math.isfinite(value) else math.inf for value in curve]
    middle = [sorted(clean[i - 1 : i + 2])[1] for i in range(1, len(curve) - 1)]
    assert smoothed(curve) == ([max(clean[:2]), *middle] if len(curve) > 1 else [])


def test_one_outlier_is_seen_through() -> None:
    """A single value, however good or bad, does not move the smoothed curve."""
    assert smoothed([3.0, 3.0, -1e9, 3.0, 3.0]) == smoothed([3.0, 3.0, math.nan, 3.0, 3.0]) == [3.0] * 4
    assert smoothed([-1e9, 3.0, 3.0]) == [3.0] * 2


@given(values, st.sampled_from([LOSS, ACCURACY]))
def test_crossing_is_the_slow_one(curve: list[float], target: Target) -> None:
    """Both implementations agree on any curve, in both directions, with NaN and infinity anywhere."""
    steps = checks(100_000)[: len(curve)]
    found, expected = crossing(steps, curve, target), slow_crossing(steps, curve, target)
    assert (found is None) == (expected is None)
    if found is not None:
        assert found == pytest.approx(expected, rel=1e-9)


@given(st.lists(st.floats(0, 1), min_size=3, max_size=40), st.booleans())
def test_a_monotone_curve_crosses_where_it_passes_the_target(curve: list[float], falls: bool) -> None:
    """Smoothing leaves a monotone curve alone: the crossing lies between the two evaluations around it."""
    curve, target = sorted(curve, reverse=falls), LOSS if falls else ACCURACY
    steps = checks(100_000)[: len(curve)]
    found = crossing(steps, curve, target)
    first = next((i for i, value in enumerate(curve) if target.met(value)), len(curve))
    if first >= len(curve) - 1:
        assert found is None  # the last value has no neighbour to confirm it
    elif first == 0:
        assert found == steps[0]
    else:
        assert found is not None
        assert steps[first - 1] <= found <= steps[first] * (1 + 1e-12)


@pytest.mark.parametrize("target", [LOSS, ACCURACY])
@pytest.mark.parametrize("lost", [math.nan, math.inf, -math.inf])
def test_what_is_not_finite_meets_no_target(target: Target, lost: float) -> None:
    """A diverged run does not arrive, whether the metric is to fall or to rise."""
    assert crossing(range(1, 7), [lost] * 6, target) is None


def test_after_a_gap_the_crossing_is_the_evaluation_itself() -> None:
    """Where the curve before was not finite there is no line to draw."""
    assert crossing([1, 2, 3, 4, 5], [math.nan, math.nan, 0.4, 0.3, 0.2], LOSS) == 3.0


def test_between_the_first_two_evaluations_there_is_a_line_too() -> None:
    """So few and far evaluations lose no more than others: from 0.7 at 100 to 0.3 at 200."""
    assert crossing([100, 200, 300], [0.7, 0.3, 0.2], LOSS) == pytest.approx(150)
    assert crossing([100, 200, 300], [0.3, 0.7, 0.2], LOSS) == pytest.approx(150)


def test_an_exact_line_is_crossed_exactly() -> None:
    """On a curve linear in the step the crossing is that of the line: 1 - step / 100 = 0.5 at step 50."""
    steps = checks(100)
    assert crossing(steps, [1 - step / 100 for step in steps], LOSS) == pytest.approx(50, rel=1e-12)


@pytest.mark.parametrize("curve", [[], [0.1], [0.9, 0.1], [0.1, 0.9]])
def test_one_value_at_the_target_tells_nothing(curve: list[float]) -> None:
    """It may be luck; two do tell."""
    assert crossing(range(len(curve)), curve, LOSS) is None
    assert crossing(range(7, 7 + len(curve) + 2), [0.1, 0.1, *curve], LOSS) == 7
