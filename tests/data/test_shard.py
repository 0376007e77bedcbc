"""Which rows of a batch each process gets."""

from itertools import product
from typing import Any

import numpy as np
import pytest

from rightbatch.data.batches import Run
from rightbatch.data.shard import Part, Shard, shard_of
from rightbatch.errors import SettingError


def places(part: Part, size: int) -> list[int]:
    """Places in the batch, by indexing it."""
    return [int(place) for place in np.arange(size)[part.columns]]


@pytest.mark.parametrize("world", range(1, 9))
def test_processes_share_every_row_once(world: int) -> None:
    """For all sizes and paddings: each row has weight 1 in one process, in sequence, all others weight 0."""
    for size, filled in product(range(1, 60), range(1, 60)):
        if size > filled:
            continue
        run = Run(0, size, 3, filled)
        parts = [Shard(rank, world).part(run) for rank in range(world)]
        seen = []
        for part in parts:
            assert part.rows == len(places(part, size)) == -(-filled // world)
            assert part.weight is not None
            assert part.weight.dtype == np.float32
            assert set(part.weight.tolist()) <= {0, 1}
            seen += [place for place, weight in zip(places(part, size), part.weight, strict=True) if weight]
        assert seen == list(range(size))
        counts = [part.weight.sum() for part in parts if part.weight is not None]
        assert max(counts) - min(counts) <= 1


def test_one_process_has_it_all() -> None:
    """Without padding there are no weights, and the rows are a slice: views stay views."""
    assert Shard().part(Run(0, 5, 2, 5), weighted=False) == Part(5, slice(0, 5), None)


def test_padding_repeats_the_rows_of_the_process() -> None:
    """From its first on, as often as it takes; without any, one row of the batch."""
    part = Shard(1, 2).part(Run(0, 4, 1, 10))
    assert places(part, 4) == [2, 3, 2, 3, 2]
    assert part.weight is not None
    assert part.weight.tolist() == [1, 1, 0, 0, 0]
    alone = [Shard(rank, 3).part(Run(0, 1, 1, 1)) for rank in range(3)]
    assert [places(part, 1) for part in alone] == [[0]] * 3
    assert [part.weight.tolist() for part in alone if part.weight is not None] == [[1], [0], [0]]


def test_weights_cannot_be_written() -> None:
    """Many batches share them."""
    weight = Shard().part(Run(0, 2, 1, 3)).weight
    assert weight is not None
    with pytest.raises(ValueError, match="read-only"):
        weight[0] = 5


def test_a_shard_is_a_pair() -> None:
    """Of whole numbers, NumPy's also; no shard is all there is."""
    pair: Any = [np.int64(1), 4]
    assert shard_of(pair) == Shard(1, 4)
    assert shard_of(None) == Shard(0, 1)


@pytest.mark.parametrize(
    ("shard", "text"),
    [
        (3, "shard must be a pair of whole numbers, got 3"),
        ((1, 2, 3), "shard must be a pair of whole numbers, got (1, 2, 3)"),
        ((0, 0), "shard[1] must be at least 1, got 0"),
        ((-1, 2), "shard[0] must be at least 0, got -1"),
        ((2, 2), "shard[0] must be below 2, the number of processes, got 2"),
        ((0.0, 2), "shard[0] must be a whole number, got 0.0"),
        ((0, None), "shard[1] must be a whole number, got None"),
    ],
)
def test_what_is_no_shard_is_refused(shard: Any, text: str) -> None:
    """The sentence names the part that is wrong and what to write."""
    with pytest.raises(SettingError) as caught:
        shard_of(shard)
    assert str(caught.value) == f"{text}; write shard=(rank, world) such as (0, 2)."
