"""What to run next."""

import numpy as np
import pytest

from rightbatch.stats.posterior import Steps
from rightbatch.study.outlook import Outlook
from rightbatch.study.plan import next_step, skeleton

SIZES = (8, 16, 32, 64)


def view(seconds: list[list[float]], measured: tuple[bool, ...] = (True,) * 4) -> Outlook:
    """An outlook whose draws are the given seconds, one row a draw."""
    draws = np.array(seconds)
    nothing = Steps(s_min=np.ones(len(draws)), b_crit=np.ones(len(draws)), log_steps=np.log(draws))
    return Outlook(
        batch_sizes=SIZES, measured=np.array(measured), open=np.ones(4, bool), steps=nothing, seconds=draws
    )


def step(
    outlook: Outlook | None, searched: set[int], seeds: dict[int, int], most_seeds: int = 5
) -> int | None:
    """The next step with the middle at 32 and a tolerance of 5 %."""
    return next_step(
        outlook, SIZES, middle=32, searched=searched, seeds=seeds, most_seeds=most_seeds, tolerance=0.05
    )


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


def test_when_all_seeds_are_run_the_study_ends_unsure() -> None:
    """Two sizes that cannot be told apart do not keep the study going for ever."""
    outlook = view([[9, 1, 2, 9], [9, 2, 1, 9]])
    assert step(outlook, set(SIZES), {16: 5, 32: 5}) is None
