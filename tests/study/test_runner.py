"""The runs that the phases of a study ask for."""

import math

from rightbatch.records import Progress
from rightbatch.study.runner import Runner


def seeds_of(runner: Runner, size: int) -> dict[int, int]:
    """Learning rates that each seed of a size was run with."""
    runs = [run for run in runner.search.runs if run.batch_size == size]
    return {seed: sum(run.seed == seed for run in runs) for seed in sorted({run.seed for run in runs})}


def test_each_piece_of_work_is_told(runner: Runner, told: list[Progress]) -> None:
    """A search with what it found, then every seed, with the best size so far."""
    runner.standing.view()
    runner.add(16, 2)
    assert [progress.stage for progress in told] == ["learning rates"] * 3 + ["seeds"] * 2
    assert [progress.done for progress in told] == [1, 2, 3, 4, 5]
    assert told[-1].detail == "batch size 16, seed 2"
    assert "to target" in told[-1].best


def test_all_sizes_that_have_fewer_seeds_get_one(runner: Runner) -> None:
    """The nearest to where the study began first; those that have as many are left alone."""
    runner.add(8)
    made = len(runner.search.runs)
    runner.bring_all_to(1)
    assert runner.search.seeds == {16: 1, 8: 1, 32: 1}
    assert list(dict.fromkeys(run.batch_size for run in runner.search.runs[made:])) == [16, 32]
    made = len(runner.search.runs)
    runner.bring_all_to(1)
    assert len(runner.search.runs) == made


def test_no_seed_is_made_that_takes_more_than_the_seconds_of_all_runs(runner: Runner) -> None:
    """Nothing where they are spent; the best learning rate alone where a sweep would be too much."""
    runner.bring_all_to(1)
    spent = runner.standing.cost()
    least = min(runner.standing.cost_of(size) for size in (8, 16, 32))
    runner.bring_all_to(2, spent + 9 * least)
    runner.repeat_best(spent + 1.9 * least)
    assert runner.search.seeds == {8: 1, 16: 1, 32: 1}
    runner.repeat_best(math.inf)
    assert [seeds_of(runner, size)[seed] for size in (8, 16, 32) for seed in (1, 2)] == [1] * 6
    runner.bring_all_to(2, math.inf)
    assert all(seeds_of(runner, size)[1] >= 5 for size in (8, 16, 32))
