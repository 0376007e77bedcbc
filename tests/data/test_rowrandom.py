"""Random numbers that belong to a row."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as some
from scipy import stats

from rightbatch.data.balanced import Balanced
from rightbatch.data.loader import Loader
from rightbatch.data.rowrandom import row_uniforms
from rightbatch.errors import DataError, SettingError
from rightbatch.records import Array
from rightbatch.rng import key

ROWS = 50


def split_mix(state: int) -> int:
    """One number of a SplitMix64 generator, in Python's own integers."""
    state = (state ^ (state >> 30)) * 0xBF58476D1CE4E5B9 % 2**64
    state = (state ^ (state >> 27)) * 0x94D049BB133111EB % 2**64
    return state ^ (state >> 31)


def by_hand(row: int, place: int, seed: int, epoch: int, purpose: str) -> float:
    """The formula of the docstring for one number."""
    start = split_mix((row + key("row uniforms", purpose, seed, epoch)) % 2**64)
    return (split_mix((start + (place + 1) * 0x9E3779B97F4A7C15) % 2**64) >> 11) / 2**53


def test_the_mixing_is_that_of_splitmix64() -> None:
    """The first numbers of the generator with state 1234567 are the published ones."""
    found = [split_mix((1234567 + (i + 1) * 0x9E3779B97F4A7C15) % 2**64) for i in range(3)]
    assert found == [6457827717110365317, 3203168211198807973, 9817491932198370423]


@given(
    rows=some.lists(some.integers(0, 2**62), min_size=1, max_size=5),
    count=some.integers(1, 4),
    seed=some.integers(0, 2**70),
    epoch=some.integers(0, 1000),
    purpose=some.text(max_size=5),
)
def test_it_is_the_formula(rows: list[int], count: int, seed: int, epoch: int, purpose: str) -> None:
    """Every number is that of the slow second implementation, for any row, seed and epoch."""
    found = row_uniforms(np.array(rows), count, seed=seed, epoch=epoch, purpose=purpose)
    assert found.tolist() == [[by_hand(r, j, seed, epoch, purpose) for j in range(count)] for r in rows]


def seen(loader: Loader, epochs: int, seed: int = 3) -> dict[tuple[int, int], list[float]]:
    """What every row gets in every epoch, each row seen at least once."""
    found: dict[tuple[int, int], list[float]] = {}
    for _ in range(epochs):
        for batch in loader.batches():
            drawn = row_uniforms(batch.index, 2, seed=seed, epoch=batch.epoch)
            for row, numbers in zip(batch.index.tolist(), drawn.tolist(), strict=True):
                assert found.setdefault((batch.epoch, row), numbers) == numbers
    return found


@pytest.mark.parametrize(
    "settings",
    [
        {"batch_size": 1},
        {"batch_size": 7, "shuffle": True, "seed": 1},
        {"batch_size": 50, "shuffle": True, "seed": 2},
        {"batch_size": 8, "last": "pad"},
        {"batch_size": 8, "order": Balanced(np.arange(ROWS) % 7 > 4)},
    ],
    ids=str,
)
def test_a_row_has_its_numbers_in_any_batch(settings: dict[str, Any]) -> None:
    """Batch size, order, padding and repetition change nothing about what a row gets in an epoch."""
    assert seen(Loader(np.arange(ROWS), **settings), 2) == seen(Loader(np.arange(ROWS), 32), 2)


def test_shards_give_what_one_process_gives() -> None:
    """The rows of all ranks together have the numbers that they have without ranks."""
    whole = seen(Loader(np.arange(ROWS), 10, shuffle=True), 1)
    parts: dict[tuple[int, int], list[float]] = {}
    for rank in range(3):
        parts |= seen(Loader(np.arange(ROWS), 10, shuffle=True, shard=(rank, 3)), 1)
    assert parts == whole


def test_a_resumed_epoch_goes_on_with_the_same_numbers() -> None:
    """A loader that goes on in the middle of an epoch gives every row what it would have had."""
    first = Loader(np.arange(ROWS), 8, shuffle=True)
    for batch in first.batches():
        if batch.step == 2:
            break
    later = Loader(np.arange(ROWS), 5, shuffle=True)
    later.load_state_dict(first.state_dict())
    rest = seen(later, 1)
    assert 0 < len(rest) < ROWS
    assert rest.items() <= seen(Loader(np.arange(ROWS), ROWS), 1).items()


def numbers(**changed: Any) -> Array:
    """20,000 numbers of one row each."""
    settings: dict[str, Any] = {"seed": 0, "epoch": 0} | changed
    return row_uniforms(np.arange(20_000), 1, **settings)[:, 0]


def test_they_are_uniform() -> None:
    """Numbers of consecutive rows, and consecutive numbers of one row, are uniform (Kolmogorov-Smirnov)."""
    across, along = numbers(), row_uniforms(np.array([5]), 20_000, seed=0, epoch=0)[0]
    assert stats.kstest(across, "uniform").pvalue > 0.001
    assert stats.kstest(along, "uniform").pvalue > 0.001


@pytest.mark.parametrize("changed", [{"seed": 1}, {"epoch": 1}, {"purpose": "noise"}], ids=str)
def test_another_seed_epoch_or_purpose_is_independent(changed: dict[str, Any]) -> None:
    """The correlation with other numbers of the same rows is within four standard errors of none."""
    assert abs(np.corrcoef(numbers(), numbers(**changed))[0, 1]) < 4 / np.sqrt(20_000)


def test_neighbouring_rows_and_places_are_independent() -> None:
    """Neither the next row's number nor a row's next number is correlated with a number."""
    table = row_uniforms(np.arange(20_000), 2, seed=0, epoch=0)
    pairs = [(table[:-1, 0], table[1:, 0]), (table[:, 0], table[:, 1]), (table[:-1, 1], table[1:, 0])]
    assert all(abs(np.corrcoef(one, other)[0, 1]) < 4 / np.sqrt(20_000) for one, other in pairs)


def test_seed_and_epoch_do_not_add_up() -> None:
    """Seed 0 in epoch 1 is not seed 1 in epoch 0."""
    assert (numbers(seed=0, epoch=1) != numbers(seed=1, epoch=0)).any()


@pytest.mark.parametrize("index", [np.ones(3), np.ones((2, 2), int), [True]], ids=["floats", "2-d", "bools"])
def test_what_is_no_row_numbers_is_refused(index: Any) -> None:
    """The sentence says what was given and what to write."""
    array = np.asarray(index)
    with pytest.raises(DataError) as caught:
        row_uniforms(index, 1, seed=0, epoch=0)
    assert str(caught.value) == (
        f"index must be whole numbers of shape (rows,), got {array.dtype} of shape {array.shape}; "
        "write Batch.index."
    )


@pytest.mark.parametrize("changed", [{"count": 0}, {"seed": -1}, {"epoch": 1.5}], ids=str)
def test_settings_are_checked(changed: dict[str, Any]) -> None:
    """The sentence names the setting."""
    settings: dict[str, Any] = {"count": 1, "seed": 0, "epoch": 0} | changed
    with pytest.raises(SettingError, match=f"^{next(iter(changed))} must be "):
        row_uniforms(np.arange(3), **settings)
