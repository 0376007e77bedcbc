"""The runs made so far: what an obvious search through all of them would find."""

from hypothesis import given
from hypothesis import strategies as st

from rightbatch.study.runs import Runs
from study.hand_made import run

KEYS = st.tuples(st.sampled_from([8, 64]), st.sampled_from([-2, 0, 2]), st.integers(0, 2))
"""Batch size, point, seed."""


@given(st.lists(KEYS, unique=True), st.integers(0, 18))
def test_finds_what_a_search_through_all_runs_finds(keys: list[tuple[int, int, int]], first: int) -> None:
    """By size, and by size and seed, whether they were there at first or added, in pieces or at once."""
    runs = [run(*key, 10.0) for key in keys]
    made = Runs(runs[:first])
    made.add(iter(runs[first:]))
    assert list(made) == runs
    assert (len(made), made[1:], made[-1:]) == (len(runs), runs[1:], runs[-1:])
    for size in (8, 64, 512):
        here = [one for one in runs if one.batch_size == size]
        assert list(made.at(size)) == here
        for seed in range(4):
            own = [one for one in here if one.seed == seed]
            assert list(made.of(size, seed)) == own
            assert made.points(size, seed) == {one.point for one in own}
