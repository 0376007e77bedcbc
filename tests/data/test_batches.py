"""How an epoch is cut."""

import json
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rightbatch.data.batches import LAST, Batches
from rightbatch.errors import SettingError


def cut_by_hand(length: int, batch_size: int, last: str, start: int) -> list[list[int]]:
    """The positions of each batch, by slicing a list."""
    positions = list(range(start, length))
    batches = [positions[i : i + batch_size] for i in range(0, len(positions), batch_size)]
    return [batch for batch in batches if last == "keep" or len(batch) == batch_size]


@given(st.data(), st.integers(1, 60), st.sampled_from(LAST))
def test_runs_are_the_slices_of_a_list(data: st.DataObject, length: int, last: str) -> None:
    """The batches of all runs together are those cut by hand, from any start."""
    batch_size = data.draw(st.integers(1, length))
    start = data.draw(st.integers(0, length))
    cut = Batches(length, batch_size, last)
    got = [
        list(range(run.start + i * run.size, run.start + (i + 1) * run.size))
        for run in cut.runs(start)
        for i in range(run.batches)
    ]
    assert got == cut_by_hand(length, batch_size, last, start)
    assert cut.count(start) == len(got)
    assert len(cut) == len(cut_by_hand(length, batch_size, last, 0))


def test_batches_of_one_size_are_one_run() -> None:
    """However many batches there are, the runs are one or two."""
    assert len(list(Batches(10**15, 3).runs())) == 2
    assert len(list(Batches(3 * 10**15, 3).runs())) == 1


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
        ((10, 5, "dorp"), "last is not known, got 'dorp'; write one of drop, keep."),
        ((10, 5, "kept"), "last is not known, got 'kept'; write one of keep, drop."),
        ((10, 5, None), "last is not known, got None; write one of keep, drop."),
    ],
)
def test_settings_that_cannot_be_used_are_refused(settings: Any, text: str) -> None:
    """The sentence names the setting, what was got and what to write."""
    with pytest.raises(SettingError) as caught:
        Batches(*settings)
    assert str(caught.value) == text
