"""Orders by their names."""

import numpy as np
import pytest

from rightbatch.data.balanced import Balanced
from rightbatch.data.named import order_named
from rightbatch.data.order import Sequential, Shuffled
from rightbatch.data.stratified import Stratified
from rightbatch.errors import SettingError

LABELS = np.array([0, 1, 1, 0])


def test_each_name_is_an_order() -> None:
    """With its labels and seed."""
    assert order_named("sequential", labels=LABELS, seed=3) == Sequential()
    assert order_named("shuffled", labels=None, seed=3) == Shuffled(3)
    assert repr(order_named("balanced", labels=LABELS, seed=3)) == repr(Balanced(LABELS, 3))
    assert repr(order_named("stratified", labels=LABELS, seed=3)) == repr(Stratified(LABELS, 3))


@pytest.mark.parametrize(
    ("name", "text"),
    [
        (
            "balancd",
            "order is not known, got 'balancd'; write one of balanced, shuffled, sequential, stratified.",
        ),
        ("balanced", "order is by class, and there are none here, got 'balanced'; write shuffled."),
    ],
)
def test_what_cannot_be_is_refused(name: str, text: str) -> None:
    """The sentence says what to write."""
    with pytest.raises(SettingError) as caught:
        order_named(name, labels=None, seed=0)
    assert str(caught.value) == text
