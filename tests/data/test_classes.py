"""The rows of each class."""

from collections import Counter
from typing import Any

import numpy as np
import pytest
from scipy import stats

from rightbatch.data.classes import Classes
from rightbatch.errors import DataError


@pytest.mark.parametrize(
    "labels",
    [
        [3, 1, 1, 3, 3],
        ["b", "a", "a", "b", "b"],
        [True, False, False, True, True],
        np.array(["b", "a", "a", "b", "b"], dtype=object),
        [1.5, -np.inf, -np.inf, 1.5, 1.5],
    ],
)
def test_classes_are_numbered_by_their_labels(labels: Any) -> None:
    """In sorted sequence, whatever the labels are; the description tells the division alone."""
    classes = Classes(labels)
    assert classes.codes.tolist() == [1, 0, 0, 1, 1]
    assert classes.sizes.tolist() == [2, 3]
    assert classes.described == Classes([7, 2, 2, 7, 7]).described != Classes([7, 2, 2, 7, 2]).described


def test_rows_lie_class_by_class() -> None:
    """Each class is one stretch that holds its rows, for many classes as for few."""
    for count in (1, 2, 300, 70_000):
        labels = np.random.default_rng(0).permutation(np.arange(2 * count) % count)
        rows, sequence = Classes(labels).shuffled("test", count)
        assert sorted(rows) == list(range(2 * count))
        assert labels[rows].tolist() == np.repeat(sequence, 2).tolist()


def test_rows_and_classes_are_shuffled_uniformly() -> None:
    """All 2! x 2! x 3! results are equally likely (chi-squared at 99.9 %), and depend on the key alone."""
    classes = Classes(["a", "b", "b", "a", "b"])
    drawn = [classes.shuffled("test", number)[0] for number in range(6000)]
    counts = Counter(map(tuple, drawn))
    assert len(counts) == 24
    assert stats.chisquare(list(counts.values())).statistic < stats.chi2.ppf(0.999, df=23)
    assert classes.shuffled("test", 17)[0].tolist() == drawn[17].tolist()


def test_labels_that_cannot_be_sorted_are_refused() -> None:
    """Such as numbers among strings."""
    with pytest.raises(DataError) as caught:
        Classes(np.array(["a", 1, None], dtype=object))
    assert str(caught.value).startswith("labels cannot be sorted ('<' not supported between instances of ")
    assert str(caught.value).endswith("); write numbers or strings alone.")


def test_labels_of_other_data_are_refused() -> None:
    """One label for each row."""
    with pytest.raises(DataError, match=r"^labels has 3 entries but the data have 4 rows; "):
        Classes([1, 2, 1]).check(4)
