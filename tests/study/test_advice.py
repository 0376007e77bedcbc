"""What goes with a recommendation, worked out on paper."""

import pytest

from rightbatch.study.advice import Accumulation, accumulation, break_even, tolerated_rates
from rightbatch.study.pool import choices, pool
from rightbatch.study.subject import Run
from study.hand_made import run


def runs(steps: dict[int, float | None], seeds: int = 2) -> list[Run]:
    """Runs at batch size 8 with each learning rate."""
    return [run(8, point, seed, value) for point, value in steps.items() for seed in range(seeds)]


def rates(made: list[Run]) -> tuple[float, float]:
    """The learning rates that do."""
    table = pool(made, [8])
    return tolerated_rates(table, 8, choices(table)[8])


@pytest.mark.parametrize(
    ("steps", "expected"),
    [
        ({-4: 30.0, -2: 21.0, 0: 20.0, 2: 40.0}, (0.5, 1.0)),
        ({-4: 25.0, -2: 21.0, 0: 20.0, 2: 25.0}, (0.25, 2.0)),  # just 25 % more
        ({-4: 20.5, -2: 40.0, 0: 20.0, 2: None}, (1.0, 1.0)),  # what lies beyond a worse one does not count
        ({0: 20.0}, (1.0, 1.0)),
    ],
)
def test_the_range_around_the_best(steps: dict[int, float | None], expected: tuple[float, float]) -> None:
    """Learning rates next to the best that take at most a quarter more steps."""
    assert rates(runs(steps)) == expected


def test_a_rate_of_one_seed_is_passed_over() -> None:
    """It was run by the coarse search alone; what lies beyond it, with all seeds, still counts."""
    made = [*runs({-2: 22.0, 0: 20.0}), run(8, -1, 0, 90.0)]
    assert rates(made) == (0.5, 1.0)


def test_accumulation_takes_the_cheapest_parts() -> None:
    """64 = 2 x 32 at 3 s, or 4 x 16 at 1 s: the latter; 24 does not divide it."""
    found = accumulation(64, [16, 24, 32], 10, {16: 1.0, 24: 0.1, 32: 3.0})
    assert found == Accumulation(batch_size=64, micro_batch=16, steps=4, seconds_to_target=40.0)


def test_a_batch_that_nothing_divides_has_none() -> None:
    """All 1,257 rows are no multiple of 32."""
    assert accumulation(1257, [32, 64], 10, {32: 1.0, 64: 1.0}) is None


def test_nothing_is_saved_by_the_usual_guess() -> None:
    """Where 32 is the best, or was not run."""
    assert break_even({32: 20.0, 64: 21.0}, 32, 5.0) is None
    assert break_even({64: 21.0}, 64, 5.0) is None


def test_a_rate_that_left_the_race_is_compared_over_the_seeds_it_was_run_with() -> None:
    """Three of five seeds, in which the best was slow too: 22 against 21 steps, not against a mean of 17."""
    best = [run(8, 0, seed, 21.0 if seed < 3 else 12.0) for seed in range(5)]
    assert rates([*best, *(run(8, -2, seed, 22.0) for seed in range(3))]) == (0.5, 1.0)
