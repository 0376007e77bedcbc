"""All runs as one table, and the best learning rate of each batch size."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rightbatch.records import Array, Outcome
from rightbatch.study.pool import (
    NOT_REACHED,
    Pool,
    choices,
    chosen_log_steps,
    pool,
    resampled_log_steps,
    scores_of,
)
from rightbatch.study.subject import Run
from study.hand_made import run

SIZES = [8, 64]

tables = st.integers(1, 4).flatmap(
    lambda seeds: st.lists(
        st.lists(st.sampled_from([None, -1.0, 1.0, 2.0, 5.0, 30.0]), min_size=6, max_size=6),
        min_size=seeds,
        max_size=seeds,
    )
)
"""Steps by seed, then by two sizes of three learning rates; -1: not reached in 20, `None`: not run."""


def made(cells: list[list[float | None]]) -> Pool:
    """The table as it comes from a study, all seeds kept."""
    numbers = [[math.nan if value is None else value for value in row] for row in cells]
    table = np.array(numbers).reshape(len(cells), 2, 3)
    return Pool(
        batch_sizes=(8, 64),
        seeds=tuple(range(len(cells))),
        points=(-2, 0, 2),
        log_steps=np.where(table < 0, np.inf, np.log(np.abs(table))),
        log_made=np.log(np.where(table < 0, 20, table)),
    )


def test_every_run_has_its_cell() -> None:
    """Ln of the steps to target and of those made; infinite: not reached; NaN: not run."""
    runs = [
        run(8, -2, 0, 10.0),
        run(8, 0, 0, None),
        run(64, 0, 0, 4.0),
        run(8, -2, 1, 20.0),
        run(64, 0, 1, 5.0),
    ]
    table = pool(runs, SIZES)
    assert (table.batch_sizes, table.seeds, table.points) == ((8, 64), (0, 1), (-2, 0))
    expected = [
        [[math.log(10), math.inf], [math.nan, math.log(4)]],
        [[math.log(20), math.nan], [math.nan, math.log(5)]],
    ]
    assert np.array_equal(table.log_steps, np.array(expected), equal_nan=True)
    expected[0][0][1] = math.log(100)
    assert np.array_equal(table.log_made, np.array(expected), equal_nan=True)


def test_runs_at_other_sizes_are_left_out() -> None:
    """Sizes that are not asked for have no column, and their points no row."""
    table = pool([run(8, -2, 0, 10.0), run(16, 7, 3, 1.0)], [8])
    assert (table.batch_sizes, table.seeds, table.points) == ((8,), (0,), (-2,))


def test_a_seed_that_one_size_lacks_is_kept() -> None:
    """Seed 1 was run at batch size 8 alone: it counts there, and is not known at 64."""
    table = pool([run(8, 0, 0, 10.0), run(64, 0, 0, 4.0), run(8, 0, 1, 1.0)], SIZES)
    assert table.seeds == (0, 1)
    steps = np.exp(chosen_log_steps(table, choices(table)))
    assert steps == pytest.approx(np.array([[10, 4], [1, math.nan]]), nan_ok=True)


def test_a_size_that_never_arrived_keeps_no_seed_back() -> None:
    """A size that did not reach the target is run with the first seed alone; the others go on."""
    runs = [run(8, 0, 0, 10.0), run(8, 0, 1, 12.0), run(64, 0, 0, None)]
    assert pool(runs, SIZES).seeds == (0, 1)


def test_no_runs_make_an_empty_table() -> None:
    """Nothing run, nothing chosen."""
    table = pool([], SIZES)
    assert table.log_steps.shape == (0, 2, 0)
    assert choices(table) == {}


def test_the_best_rate_is_the_one_of_fewest_steps() -> None:
    """By the geometric mean over the seeds: sqrt(10 · 40) = 20 beats sqrt(15 · 30) = 21.2."""
    runs = [run(8, 0, 0, 10.0), run(8, 0, 1, 40.0), run(8, 2, 0, 15.0), run(8, 2, 1, 30.0)]
    (choice,) = choices(pool(runs, [8])).values()
    assert (choice.point, choice.reached) == (0, 2)
    assert choice.steps == pytest.approx(20)


def test_a_single_seed_is_judged_with_its_neighbours() -> None:
    """A rate of 10 steps beside one that missed loses to 13 beside 14; with two seeds it wins."""
    steps = {-2: None, 0: 10.0, 1: 16.0, 2: 14.0, 3: 13.0}
    once = [run(8, point, 0, taken) for point, taken in steps.items()]
    twice = [*once, *(run(8, point, 1, taken) for point, taken in steps.items())]
    chosen = choices(pool(once, [8]))[8]
    assert chosen.point == 3
    assert chosen.steps == pytest.approx(13)
    assert choices(pool(twice, [8]))[8].point == 0


def test_a_rate_that_fails_once_is_not_the_best() -> None:
    """However fast it is when it arrives: more seeds come first."""
    runs = [run(8, 0, 0, 1.0), run(8, 0, 1, None), run(8, 2, 0, 50.0), run(8, 2, 1, 50.0)]
    assert choices(pool(runs, [8]))[8].point == 2


def test_a_rate_run_once_is_not_the_best() -> None:
    """A coarse search's rate, run with one seed, does not beat one that all seeds confirm."""
    runs = [run(8, 0, 0, 1.0), run(8, 2, 0, 50.0), run(8, 2, 1, 50.0)]
    choice = choices(pool(runs, [8]))[8]
    assert (choice.point, choice.reached, choice.seeds) == (2, 2, 2)


def test_a_size_arrives_where_it_was_confirmed_or_not_at_all() -> None:
    """The rate that two seeds were run with never arrived; one arrival at another does not stand for it."""
    runs = [run(8, 0, 0, 10.0), run(8, 2, 0, None), run(8, 2, 1, None)]
    assert choices(pool(runs, [8])) == {}


def test_where_nothing_arrived_nothing_is_chosen() -> None:
    """A batch size without an arrival has no choice; the others keep theirs."""
    assert set(choices(pool([run(8, 0, 0, None), run(64, 0, 0, 4.0)], SIZES))) == {64}


def slow_choice(cells: Array, points: tuple[int, ...]) -> tuple[int, int, int] | None:
    """The best point of one size, in how many seeds it arrived and was run, by looking at each in turn."""
    ran = [[value for value in column.tolist() if not math.isnan(value)] for column in cells.T]
    most = max(len(values) for values in ran)
    if most == 1:
        return slow_choice_of_one([(p, values[0]) for p, values in zip(points, ran, strict=True) if values])
    compared = [
        (-len(arrived), round(sum(arrived) / len(arrived), 9), point)
        for point, values in zip(points, ran, strict=True)
        if len(values) == most and (arrived := [value for value in values if value < math.inf])
    ]
    if not compared:
        return None
    equals = sorted(known[2] for known in compared if known[:2] == min(compared)[:2])
    return equals[(len(equals) - 1) // 2], -min(compared)[0], most


def slow_choice_of_one(runs: list[tuple[int, float]]) -> tuple[int, int, int] | None:
    """The same of one seed: half a run's ln steps and a quarter of each neighbour's; 40 stand for a miss.

    The longest run made 20 steps, or 30 if one arrived then.
    """
    longest = 2 * max(
        [20 * (value == math.inf) for _, value in runs] + [math.exp(v) for _, v in runs if v < 99]
    )
    logs = [math.log(longest) if value == math.inf else value for _, value in runs]
    scores = [
        logs[i] / 2 + logs[max(i - 1, 0)] / 4 + logs[min(i + 1, len(logs) - 1)] / 4 for i in range(len(logs))
    ]
    arrived = {runs[i][0]: round(scores[i], 9) for i in range(len(runs)) if runs[i][1] < math.inf}
    equals = sorted(point for point in arrived if arrived[point] == min(arrived.values()))
    return (equals[(len(equals) - 1) // 2], 1, 1) if equals else None


@given(tables)
def test_choices_are_the_slow_ones(cells: list[list[float | None]]) -> None:
    """One size and one rate at a time gives the same."""
    table = made(cells)
    found = choices(table)
    for column, size in enumerate(table.batch_sizes):
        expected = slow_choice(table.log_steps[:, column], table.points)
        choice = found.get(size)
        assert (None if choice is None else (choice.point, choice.reached, choice.seeds)) == expected


@given(tables)
def test_the_chosen_steps_are_those_of_the_chosen_rates(cells: list[list[float | None]]) -> None:
    """Seed by seed: the steps to target, or the 20 that were made; nothing where none was run or chosen."""
    table = made(cells)
    found = choices(table)
    steps = np.exp(chosen_log_steps(table, found))
    for seed, row in enumerate(cells):
        for column, size in enumerate(table.batch_sizes):
            value = row[3 * column + table.points.index(found[size].point)] if size in found else None
            expected = math.nan if value is None else 20 if value < 0 else value
            assert steps[seed, column] == pytest.approx(expected, nan_ok=True)


def test_scores() -> None:
    """Arrivals by their steps, then what did not arrive by how far off it ended, then divergence."""
    runs: list[Run] = [
        run(8, 0, 0, 100.0),
        run(8, 2, 0, None, curve=(0.9, 0.5)),
        run(8, 4, 0, None, outcome=Outcome.DIVERGED, curve=(9.0, math.nan)),
    ]
    scores = scores_of(runs, target=0.2)
    assert scores == {0: pytest.approx(math.log(100)), 2: pytest.approx(NOT_REACHED + 0.3), 4: math.inf}
    assert math.log(1e300) < NOT_REACHED


def test_the_learning_rate_is_chosen_again_in_each_resample() -> None:
    """Two rates whose best changes with the seeds drawn: the least mean of each resample, by a slow loop."""
    rng = np.random.default_rng(0)
    logs = rng.normal(3, 0.3, (4, 2, 3))
    table = Pool(batch_sizes=(8, 64), seeds=(0, 1, 2, 3), points=(0, 1, 2), log_steps=logs, log_made=logs)
    rows = rng.integers(0, 4, (50, 4))
    expected = [
        [min(np.mean([logs[seed, size, k] for seed in draw]) for k in range(3)) for size in range(2)]
        for draw in rows
    ]
    np.testing.assert_allclose(resampled_log_steps(table, rows), expected)
