"""How an epoch is cut."""

import json
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rightbatch.data.batches import LAST, Batches, Cut, GivenBatches, Run, count
from rightbatch.errors import SettingError


def cut_by_hand(length: int, batch_size: int, last: str, start: int) -> list[list[int]]:
    """The positions of each batch, by slicing a list, or by NumPy for ``"spread"``."""
    positions = list(range(start, length))
    batches = [positions[i : i + batch_size] for i in range(0, len(positions), batch_size)]
    if last == "spread" and batches:
        return [part.tolist() for part in np.array_split(positions, len(batches))]
    return [batch for batch in batches if last != "drop" or len(batch) == batch_size]


def cut(batches: Cut, start: int = 0) -> list[list[int]]:
    """The positions of each batch."""
    return [
        list(range(run.start + i * run.size, run.start + (i + 1) * run.size))
        for run in batches.runs(start)
        for i in range(run.batches)
    ]


@given(st.data(), st.integers(1, 60), st.sampled_from(LAST))
def test_runs_are_the_slices_of_a_list(data: st.DataObject, length: int, last: str) -> None:
    """The batches of all runs together are those cut by hand, from any start."""
    batch_size = data.draw(st.integers(1, length))
    start = data.draw(st.integers(0, length))
    batches = Batches(length, batch_size, last)
    assert cut(batches, start) == cut_by_hand(length, batch_size, last, start)
    assert count(batches, start) == len(cut_by_hand(length, batch_size, last, start))


@pytest.mark.parametrize("last", LAST)
def test_every_length_and_batch_size(last: str) -> None:
    """For all lengths up to 200 and all batch sizes: no position twice, and none lost but those dropped."""
    for length in range(1, 201):
        for batch_size in range(1, length + 1):
            runs = list(Batches(length, batch_size, last).runs())
            sizes = [size for run in runs for size in [run.size] * run.batches]
            full, left = divmod(length, batch_size)
            assert len(runs) <= 2
            assert len(sizes) == full + (left > 0 and last != "drop")
            assert sum(sizes) == length - left * (last == "drop")
            assert [run.start for run in runs] == [0, runs[0].size * runs[0].batches][: len(runs)]
            if last == "spread":
                assert max(sizes) - min(sizes) <= 1
            else:
                assert sizes[:full] == [batch_size] * full
            filled = {run.filled for run in runs}
            assert filled == ({batch_size} if last == "pad" else set(sizes))


@pytest.mark.parametrize("last", LAST)
def test_a_cut_does_not_depend_on_the_batches_before(last: str) -> None:
    """From the end of any batch on, the batches are those of the whole epoch: a state needs no history."""
    for length in range(1, 70):
        for batch_size in range(1, length + 1):
            batches = Batches(length, batch_size, last)
            whole = cut(batches)
            for number, batch in enumerate(whole):
                assert cut(batches, batch[-1] + 1) == whole[number + 1 :]


def test_the_whole_is_there_when_rows_are_dropped() -> None:
    """An order is told of the rows that nobody sees too."""
    assert Batches(10, 4, "drop").whole() == Batches(10, 4).whole() == (Run(0, 4, 2, 4), Run(8, 2, 1, 2))
    assert Batches(10, 4, "spread").whole() == (Run(0, 4, 1, 4), Run(4, 3, 2, 3))


def test_batches_of_one_size_are_one_run() -> None:
    """However many batches there are, the runs are one or two."""
    assert len(list(Batches(10**15, 3).runs())) == 2
    assert len(list(Batches(3 * 10**15, 3).runs())) == 1
    assert len(list(Batches(10**15, 3, "spread").runs())) == 2


def test_given_sizes_are_the_batches() -> None:
    """From any start, also inside a batch, of which the rest is left."""
    given_sizes = GivenBatches(np.array([3, 1, 2]))
    assert (given_sizes.length, given_sizes.batch_size, given_sizes.last, count(given_sizes)) == (
        6,
        3,
        "keep",
        3,
    )
    whole = [[0, 1, 2], [3], [4, 5]]
    assert cut(given_sizes) == whole
    for start in range(7):
        rest = [[position for position in batch if position >= start] for batch in whole]
        assert cut(given_sizes, start) == [batch for batch in rest if batch]


def test_a_batch_size_of_numpy_is_made_an_int() -> None:
    """What is counted with it can be written as JSON."""
    four: Any = np.int32(4)
    assert json.dumps(Batches(10, four).batch_size) == "4"


@pytest.mark.parametrize(
    ("settings", "text"),
    [
        ((10, 0), "batch_size must be at least 1, got 0; write a whole number such as 32."),
        ((10, -3), "batch_size must be at least 1, got -3; write a whole number such as 32."),
        ((10, 2.0), "batch_size must be a whole number, got 2.0; write a whole number such as 32."),
        ((10, True), "batch_size must be a whole number, got True; write a whole number such as 32."),
        (
            (10, 64),
            "batch_size must be at most 10, the rows of an epoch, got 64; write a whole number from 1 to 10.",
        ),
        ((10, 5, "dorp"), "last is not known, got 'dorp'; write one of drop, pad, keep, spread."),
        ((10, 5, "kept"), "last is not known, got 'kept'; write one of keep, pad, drop, spread."),
        ((10, 5, None), "last is not known, got None; write one of keep, drop, spread, pad."),
    ],
)
def test_settings_that_cannot_be_used_are_refused(settings: Any, text: str) -> None:
    """The sentence names the setting, what was got and what to write."""
    with pytest.raises(SettingError) as caught:
        Batches(*settings)
    assert str(caught.value) == text
