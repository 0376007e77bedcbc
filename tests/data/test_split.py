"""Training, validation and test rows."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rightbatch.data.label import Target
from rightbatch.data.split import split_rows
from rightbatch.records import Array


def quantities(rows: int) -> Target:
    """A label of so many different numbers."""
    return Target(name="y", task="regression", values=np.arange(rows) * 0.5, classes=(), why="")


def classes(numbers: Array) -> Target:
    """A label of classes."""
    names = tuple(str(number) for number in range(int(numbers.max()) + 1))
    return Target(name="y", task="classification", values=numbers, classes=names, why="")


@given(st.integers(20, 500), st.integers(0, 2**70))
def test_every_row_is_in_one_part(rows: int, seed: int) -> None:
    """The parts are disjoint, cover all rows and hold 70, 15 and 15 %."""
    split = split_rows(quantities(rows), seed=seed, teaching=False)
    together = np.concatenate([split.train, split.validation, split.test])
    assert sorted(together.tolist()) == list(range(rows))
    assert len(split.validation) == len(split.test) == round(0.15 * rows)


@given(st.lists(st.integers(1, 60), min_size=2, max_size=30).filter(lambda sizes: sum(sizes) >= 20))
def test_classes_of_any_sizes_can_be_split(sizes: list[int]) -> None:
    """Every class with enough rows has its share in each part, within two rows; rare ones do no harm."""
    numbers = np.repeat(np.arange(len(sizes)), sizes)
    split = split_rows(classes(numbers), seed=0, teaching=False)
    assert len(split.train) + len(split.validation) + len(split.test) == len(numbers)
    for number, size in enumerate(sizes):
        if size >= 12 and size < max(sizes):
            for part in (split.validation, split.test):
                assert abs(np.sum(numbers[part] == number) - 0.15 * size) <= 2


def test_a_split_depends_on_the_seed_alone() -> None:
    """The same seed draws the same rows, another one others."""
    one, two, other = (split_rows(quantities(100), seed=seed, teaching=False) for seed in (0, 0, 1))
    assert one.test.tolist() == two.test.tolist() != other.test.tolist()


def test_large_data_hold_out_ten_thousand_rows() -> None:
    """More would cost time and tell nothing new."""
    split = split_rows(classes(np.arange(200_000) % 3), seed=0, teaching=False)
    assert split.note == "Split: 180,000 train, 10,000 validation, 10,000 test (stratified by class, seed 0)."


@pytest.mark.parametrize(
    ("target", "teaching", "note"),
    [
        (quantities(100), False, "Split: 70 train, 15 validation, 15 test (at random, seed 7)."),
        (
            classes(np.array([0] * 60 + [1] * 37 + [2] * 2 + [3])),
            False,
            "Split: 70 train, 15 validation, 15 test (stratified by class but 2 with too few rows, seed 7).",
        ),
        (
            quantities(19),
            False,
            (
                "Split: none, as 19 rows are too few to hold any out;"
                " validation and test are the 19 training rows."
            ),
        ),
        (
            quantities(100),
            True,
            "Split: none, as this is a teaching problem; validation and test are the 100 training rows.",
        ),
    ],
)
def test_the_note_says_how_it_was_split(target: Target, teaching: bool, note: str) -> None:
    """Sizes, manner and seed; or why nothing is held out."""
    assert split_rows(target, seed=7, teaching=teaching).note == note


def test_without_a_hold_out_all_rows_are_everywhere() -> None:
    """Training, validation and test are all rows, in their order."""
    split = split_rows(quantities(5), seed=0, teaching=False)
    assert split.train.tolist() == split.validation.tolist() == split.test.tolist() == [0, 1, 2, 3, 4]
