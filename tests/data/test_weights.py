"""Padding, weights, and a last batch of one row."""

import warnings
from itertools import product
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rightbatch.data.batches import LAST
from rightbatch.data.bylength import ByLength
from rightbatch.data.loader import Loader
from rightbatch.data.order import Shuffled
from rightbatch.data.ragged import Padded, Ragged
from rightbatch.data.stratified import Stratified
from rightbatch.records import Array

MESSAGE = (
    "the last batch of this epoch will have one row, of which batch normalisation can make nothing; "
    "write last='spread', 'drop' or 'pad', or another batch_size."
)


@given(st.integers(1, 97), st.integers(1, 97), st.sampled_from(LAST), st.integers(1, 5))
def test_the_weighted_mean_of_an_epoch_is_that_of_the_data(
    rows: int, batch_size: int, last: str, shards: int
) -> None:
    """To 1e-12, where the mean of batch means is far off; and the weights add up to the rows."""
    if batch_size > rows or (last == "drop" and rows % batch_size):
        return
    losses = np.random.default_rng(rows).lognormal(0, 3, rows)
    total = weights = 0.0
    for rank in range(shards):
        for batch in Loader(losses, batch_size, shuffle=True, last=last, shard=(rank, shards)).batches():
            weight: Array = np.ones(len(batch.index)) if batch.weight is None else batch.weight
            total += float((weight * batch.data).sum())
            weights += float(weight.sum(dtype=np.float64))
    assert weights == rows
    assert total / weights == pytest.approx(losses.mean(), rel=1e-12)


def test_padding_repeats_rows_of_the_batch() -> None:
    """All batches have one shape; what is added has weight 0 and is written like any row."""
    x = np.arange(14.0).reshape(7, 2)
    batches = list(Loader({"x": x}, 4, order=Shuffled(1), last="pad").batches())
    assert [batch.data["x"].shape for batch in batches] == [(4, 2)] * 2
    assert [batch.weight.tolist() for batch in batches if batch.weight is not None] == [[1] * 4, [1, 1, 1, 0]]
    last = batches[1]
    assert last.index[3] == last.index[0]
    assert (last.data["x"] == x[last.index]).all()
    last.data["x"][:] = 0
    assert x.sum() == 91


def test_padding_of_views_is_a_copy() -> None:
    """In sequential order full batches stay views, and only the padded one is copied."""
    x = np.arange(7)
    full, padded = Loader(x, 4, last="pad")
    assert np.shares_memory(full, x)
    assert not np.shares_memory(padded, x)
    assert padded.tolist() == [4, 5, 6, 4]


def test_shards_of_views_are_views() -> None:
    """Where no row is added."""
    x = np.arange(12)
    assert [batch.tolist() for batch in Loader(x, 4, shard=(1, 2))] == [[2, 3], [6, 7], [10, 11]]
    assert all(np.shares_memory(batch, x) for batch in Loader(x, 4, shard=(1, 2)))


def test_weights_are_given_where_there_can_be_padding() -> None:
    """On all batches then, so that a loop need not ask twice; nowhere else."""
    for last, shards in product(LAST, (1, 2)):
        weights = [batch.weight for batch in Loader(np.arange(8), 4, last=last, shard=(0, shards)).batches()]
        given_weights = [weight is not None for weight in weights]
        assert given_weights == [last == "pad" or shards > 1] * 2


@pytest.mark.parametrize("ways", [iter, lambda loader: loader.batches()], ids=["plain", "told"])
def test_ragged_fields_come_padded(ways: Any) -> None:
    """With mask and lengths, beside arrays of one length, in batches by a token budget."""
    rows = [[1], [2, 2], [3, 3, 3], [4], [5, 5]]
    words, labels = Ragged(rows), np.arange(5)
    loader = Loader({"words": words, "label": labels}, order=ByLength(words.lengths, tokens=4))
    seen = []
    for batch in ways(loader):
        data = batch if isinstance(batch, dict) else batch.data
        padded = data["words"]
        assert isinstance(padded, Padded)
        assert padded.values.size <= 4
        for label, values, mask, length in zip(data["label"], *padded, strict=True):
            assert values[mask].tolist() == rows[label]
            assert length == len(rows[label])
            seen.append(int(label))
    assert sorted(seen) == [0, 1, 2, 3, 4]


def test_ragged_fields_are_shared_and_filled_up() -> None:
    """Shards and padding take whole rows, in sequential order too."""
    words = Ragged([[1], [2, 2], [3, 3, 3]])
    one, other = (list(Loader(words, 2, last="pad", shard=(rank, 2)).batches()) for rank in (0, 1))
    assert [batch.data.values.tolist() for batch in one] == [[[1]], [[3, 3, 3]]]
    assert [batch.data.values.tolist() for batch in other] == [[[2, 2]], [[3, 3, 3]]]
    assert [batch.weight.tolist() for batch in other if batch.weight is not None] == [[1], [0]]


def test_stratified_batches_are_stratified_under_every_last() -> None:
    """Classes of 60, 30 and 10 in batches of 32 and in the last one, all through the loader."""
    labels = np.repeat([0, 1, 2], [60, 30, 10])
    for last in LAST:
        for batch in Loader(labels, 32, order=Stratified(labels), last=last).batches():
            kept = batch.data if batch.weight is None else batch.data[batch.weight > 0]
            share = len(kept) * np.array([0.6, 0.3, 0.1])
            assert (np.abs(np.bincount(kept, minlength=3) - share) < 1).all()


# a last batch of one row ------------------------------------------------------------


def said_by(loader: Loader, passes: int = 1, *, told: bool = False) -> list[str]:
    """The warnings of some passes."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        for _ in range(passes):
            list(loader.batches() if told else loader)
    assert all(warning.filename == __file__ for warning in caught)
    return [str(warning.message) for warning in caught]


def test_a_last_batch_of_one_row_is_reported_once() -> None:
    """When the first epoch with one begins, at the line of the loop, and never again by this loader."""
    assert said_by(Loader(np.arange(9), 4), passes=3) == [MESSAGE]
    assert said_by(Loader(np.arange(3), 2, last="spread")) == [MESSAGE]
    assert said_by(Loader(np.arange(18), 8, shard=(1, 2))) == [MESSAGE]


@pytest.mark.parametrize(
    "settings", [{"last": "drop"}, {"last": "pad"}, {"last": "spread"}, {"batch_size": 1}]
)
def test_no_other_batches_are_reported(settings: dict[str, Any]) -> None:
    """Where there is none, or every batch is one row, as asked for."""
    assert said_by(Loader(np.arange(9), **{"batch_size": 4, **settings})) == []
    assert said_by(Loader(np.arange(8), 4)) == []


def test_who_asks_for_batches_is_told_their_size() -> None:
    """`batches()` serves loops that look at index and weight, as `fit` does: they hear nothing."""
    assert said_by(Loader(np.arange(9), 4), told=True) == []
