"""Batches of rows of similar length."""

from itertools import pairwise, product
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from data.every_order import lengths as some_lengths
from rightbatch.data.batches import LAST, Batches, Cut, GivenBatches
from rightbatch.data.bylength import ByLength
from rightbatch.errors import DataError, SettingError
from rightbatch.records import Array


def log_normal(rows: int, sigma: float) -> Array:
    """Lengths of about 60, whole numbers."""
    drawn = np.random.default_rng(rows).lognormal(np.log(60), sigma, rows)
    return np.maximum(1, drawn).astype(np.int64)


def batches_of(order: ByLength, epoch: int, rows: int, cut: Cut) -> list[Array]:
    """The row numbers of each batch."""
    numbers = order.row_numbers(epoch, rows, cut)[0:rows]
    ends = np.cumsum([run.size for run in cut.runs() for _ in range(run.batches)])
    return np.split(numbers[: ends[-1]], ends[:-1])


def padding(lengths: Array, batches: list[Array]) -> float:
    """The share of padding in all padded values."""
    padded = sum(len(batch) * lengths[batch].max() for batch in batches)
    return 1 - sum(lengths[batch].sum() for batch in batches) / padded


@pytest.mark.parametrize(
    ("rows", "sigma", "batch_size"),
    [(10_000, 0.5, 16), (10_000, 0.5, 64), (100_000, 0.5, 128), (100_000, 1.0, 32), (100_000, 1.0, 64)],
)
def test_padding_is_at_most_five_percent(rows: int, sigma: float, batch_size: int) -> None:
    """For log-normal lengths, where random batches are padded to twice or more of what they hold."""
    lengths = log_normal(rows, sigma)
    order, cut = ByLength(lengths), Batches(rows, batch_size)
    for epoch in range(3):
        assert padding(lengths, batches_of(order, epoch, rows, cut)) < 0.05
    random = np.split(np.random.default_rng(0).permutation(rows), range(batch_size, rows, batch_size))
    assert padding(lengths, random) > 0.5


@pytest.mark.parametrize("sigma", [0.5, 1.0])
def test_padding_by_tokens_is_at_most_five_percent(sigma: float) -> None:
    """For 10,000 rows and batches of about 100 rows; the budget is never exceeded and mostly used."""
    lengths = log_normal(10_000, sigma)
    order = ByLength(lengths, tokens=int(100 * lengths.mean()))
    for epoch in range(3):
        batches = batches_of(order, epoch, 10_000, own_batches(order, epoch))
        tokens = np.array([len(batch) * lengths[batch].max() for batch in batches])
        assert tokens.max() <= 100 * lengths.mean()
        assert tokens.mean() > 0.85 * 100 * lengths.mean()
        assert padding(lengths, batches) < 0.05


def own_batches(order: ByLength, epoch: int) -> Cut:
    """The batches that the token budget makes."""
    sizes = order.batch_sizes(epoch)
    assert sizes is not None
    return GivenBatches(sizes)


@given(st.lists(st.integers(0, 60), min_size=1, max_size=60), st.integers(0, 100), st.integers(0, 5))
def test_the_token_budget_is_never_exceeded(lengths: list[int], spare: int, epoch: int) -> None:
    """Whatever the lengths are: each row once, in batches that keep the budget, as many in every epoch."""
    order = ByLength(lengths, tokens=max(1, *lengths, 1) + spare)
    batches = batches_of(order, epoch, len(lengths), own_batches(order, epoch))
    assert sorted(np.concatenate(batches)) == list(range(len(lengths)))
    assert order.tokens is not None
    assert all(len(batch) * np.array(lengths)[batch].max() <= order.tokens for batch in batches)
    assert all(len(batch) for batch in batches)
    assert len(batches) == sum(run.batches for run in own_batches(order, 0).runs())


@pytest.mark.parametrize("last", LAST)
def test_a_batch_is_a_stretch_of_the_line(last: str) -> None:
    """Without ties to mix, batches do not overlap in length, for all sizes; the short one may be anywhere."""
    lengths = np.array([2**k for k in range(12)])
    for rows, batch_size in product(range(1, 12), range(1, 12)):
        if batch_size > rows:
            continue
        cut = Batches(rows, batch_size, last)
        batches = batches_of(ByLength(lengths[:rows]), 0, rows, cut)
        ranges = sorted((batch.min(), batch.max(), len(batch)) for batch in batches)
        assert all(end - start + 1 == size for start, end, size in ranges) or last == "drop"
        assert all(end < start for (_, end, _), (start, _, _) in pairwise(ranges))


def test_other_rows_meet_and_batches_come_in_another_sequence() -> None:
    """From one epoch to the next, in the middle of 10,000 log-normal lengths."""
    lengths = log_normal(10_000, 0.5)
    order, cut = ByLength(lengths), Batches(10_000, 32)
    one, other = (batches_of(order, epoch, 10_000, cut) for epoch in (0, 1))
    middle = [set(batch) for batch in one if 45 < lengths[batch].mean() < 80]
    met = [max(len(batch & set(again)) for again in other) for batch in middle[:40]]
    assert np.mean(met) < 10
    means = [np.array([lengths[batch].mean() for batch in batches]) for batches in (one, other)]
    assert abs(np.corrcoef(means[0], means[1])[0, 1]) < 0.2
    assert abs(np.corrcoef(means[0], np.arange(len(means[0])))[0, 1]) < 0.2


def test_long_and_short_rows_may_be_dropped() -> None:
    """The rows left over are neighbours in the line, and not always the longest."""
    lengths = np.arange(10)
    order, cut = ByLength(lengths), Batches(10, 4, "drop")
    left = {tuple(order.row_numbers(epoch, 10, cut)[8:10].tolist()) for epoch in range(100)}
    assert left == {(0, 1), (4, 5), (8, 9)}


def test_the_golden_order() -> None:
    """It must never move, for the reason told in test_order.py."""
    plain = ByLength(some_lengths(9), seed=1).row_numbers(2, 9, Batches(9, 4))[0:9]
    assert plain.tolist() == [8, 3, 6, 1, 4, 7, 2, 5, 0]
    order = ByLength(some_lengths(9), tokens=20, seed=1)
    assert order.row_numbers(2, 9)[0:9].tolist() == [1, 4, 7, 2, 5, 0, 8, 3, 6]


@pytest.mark.parametrize(
    ("lengths", "text"),
    [
        ([1.5, 2.0], "lengths has dtype float64; write whole numbers of at least 0."),
        ([3, -1], "lengths[1] is -1; write whole numbers of at least 0."),
        ([], "lengths is empty; write one length for each row."),
    ],
)
def test_lengths_that_are_none_are_refused(lengths: Any, text: str) -> None:
    """The sentence says what to write."""
    with pytest.raises(DataError) as caught:
        ByLength(lengths)
    assert str(caught.value) == text


def test_lengths_of_other_data_are_refused() -> None:
    """One length for each row."""
    with pytest.raises(DataError, match=r"^lengths has 2 entries but the data have 3 rows; "):
        ByLength([1, 2]).length(3)


@pytest.mark.parametrize(
    ("settings", "text"),
    [
        (
            {"tokens": 8},
            "tokens must be at least 9, the longest row, got 8; write a whole number of at least 9.",
        ),
        ({"tokens": 0}, "tokens must be at least 1, got 0; write a whole number such as 32."),
        ({"tokens": 1e4}, "tokens must be a whole number, got 10000.0; write a whole number such as 32."),
        ({"seed": -1}, "seed must be at least 0, got -1; write a whole number such as 0."),
    ],
)
def test_settings_that_cannot_be_used_are_refused(settings: Any, text: str) -> None:
    """The sentence says what to write."""
    with pytest.raises(SettingError) as caught:
        ByLength([9, 4], **settings)
    assert str(caught.value) == text
