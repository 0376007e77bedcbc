"""The line t(B) = a + b B, and the batch size of least seconds to target."""

import re
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import optimize

from rightbatch.errors import SettingError
from rightbatch.stats.steptime import StepTime, best_batch, fit_step_time

POWERS = 2.0 ** np.arange(12)


def line(a: float, b: float) -> StepTime:
    """A line without doubt."""
    return StepTime(a=a, b=b, rms_log_residual=0.0)


@given(st.floats(1e-7, 10), st.floats(0.01, 1e4))
def test_exact_line_is_recovered(a: float, ratio: float) -> None:
    """From exact points, in microseconds or seconds, both parameters come back."""
    fit = fit_step_time(POWERS, [a + a / ratio * POWERS] * 3)
    assert (fit.a, fit.b) == pytest.approx((a, a / ratio), rel=1e-5)
    assert fit.predict([3, 100]) == pytest.approx([a + 3 * a / ratio, a + 100 * a / ratio], rel=1e-5)
    assert fit.rms_log_residual < 1e-6


def test_small_steps_count_as_much_as_long_ones() -> None:
    """10 % noise at every size leaves a known within 10 %, though the longest step is 60 times a."""
    rng = np.random.default_rng(0)
    errors = []
    for _ in range(50):
        times = (2e-5 + 5.5e-7 * POWERS) * np.exp(0.1 * rng.normal(size=POWERS.size))
        errors.append(fit_step_time(POWERS, [times]).a / 2e-5 - 1)
    assert np.sqrt(np.mean(np.square(errors))) < 0.1


def test_one_bad_size_is_outvoted() -> None:
    """A step twice as long at one size (a cache edge) moves a and b less than plain least squares does."""
    times = 2e-5 + 5.5e-7 * POWERS
    times[6] *= 2

    def plain(parameters: Any) -> Any:
        return np.log((np.exp(parameters[0]) + np.exp(parameters[1]) * POWERS) / times)

    squares = np.exp(optimize.least_squares(plain, np.log([2e-5, 5.5e-7])).x)
    fit = fit_step_time(POWERS, [times])
    assert abs(fit.a / 2e-5 - 1) < abs(squares[0] / 2e-5 - 1) / 2
    assert abs(fit.b / 5.5e-7 - 1) < 0.05


def test_spikes_in_one_round_do_next_to_nothing() -> None:
    """A step of 10 ms among steps of 23 µs moves the line by less than a part in a million."""
    rounds = np.tile(2e-5 + 5.5e-7 * POWERS, (5, 1))
    rounds[1, 3], rounds[4, 0] = 9.7e-3, np.nan
    fit = fit_step_time(POWERS, rounds)
    assert (fit.a, fit.b) == pytest.approx((2e-5, 5.5e-7), rel=1e-6)


@pytest.mark.parametrize(
    ("times", "a", "b"),
    [([1, 1, 1], 1, 0), ([1, 10, 100], 0, 1), ([4, 2, 1], 2, 0)],
    ids=["flat", "proportional", "falling"],
)
def test_never_negative(times: list[float], a: float, b: float) -> None:
    """Where the best line would have a negative part, that part is zero."""
    fit = fit_step_time([1, 10, 100], [times])
    assert fit.a >= 0
    assert fit.b >= 0
    assert (fit.a, fit.b) == pytest.approx((a, b), abs=1e-6)


def test_best_batch_of_a_known_case() -> None:
    """With a = 2 ms, b = 10 µs and B_crit = 300 it is the root of 60,000."""
    assert best_batch(line(2e-3, 1e-5), 300) == pytest.approx(np.sqrt(60_000))


@given(st.floats(1e-6, 1), st.floats(1e-8, 1e-2), st.floats(0.1, 1e4), st.floats(0.05, 20))
def test_no_other_batch_is_faster(a: float, b: float, b_crit: float, factor: float) -> None:
    """(1 + B_crit/B) (a + b B) is nowhere less than at B*."""

    def seconds(size: float) -> float:
        return (1 + b_crit / size) * (a + b * size)

    best = best_batch(line(a, b), b_crit)
    assert seconds(factor * best) >= seconds(best) * (1 - 1e-9)


def test_where_samples_are_free_the_largest_batch_is_best() -> None:
    """B* is infinite where a larger batch costs nothing more."""
    assert best_batch(line(1.0, 0.0), 300) == np.inf


def test_one_size_makes_no_line() -> None:
    """A single batch size is told in one sentence."""
    with pytest.raises(SettingError, match=r"^batch_sizes must be at least 2 numbers above 0, all "):
        fit_step_time([8], [[1.0]])


@pytest.mark.parametrize(
    ("seconds", "problem", "instead"),
    [
        (
            [1, 2],
            "must be one row per round with 2 columns, one per batch size, got (2,)",
            "pass a table of that shape",
        ),
        (
            [[1, np.nan]],
            "must be above 0, with each batch size measured at least once, got [[1.0, nan]]",
            "write NaN for what was not measured in a round",
        ),
        (
            [[1, 0]],
            "must be above 0, with each batch size measured at least once, got [[1.0, 0.0]]",
            "write NaN for what was not measured in a round",
        ),
    ],
)
def test_unusable_seconds(seconds: Any, problem: str, instead: str) -> None:
    """Seconds of another shape, or that are none, are told in one sentence."""
    with pytest.raises(SettingError, match=f"^{re.escape(f'seconds {problem}; {instead}.')}$"):
        fit_step_time([4, 8], seconds)
