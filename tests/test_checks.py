"""The argument checks: what they let through, and the exact words when they do not."""

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rightbatch.checks import function_or_none, nearest_first, not_negative, one_of, positive, whole_number
from rightbatch.errors import SettingError


def told(function: Any, *arguments: Any, **settings: Any) -> str:
    """The sentence that a check answers with."""
    with pytest.raises(SettingError) as caught:
        function(*arguments, **settings)
    return str(caught.value)


@given(st.integers(1))
def test_whole_numbers_pass(number: int) -> None:
    """An int of any size at or above the least one comes back as it is."""
    assert whole_number("batch_size", number, at_least=1) == number


@pytest.mark.parametrize("value", [np.int8(7), np.uint64(7), np.array(7)])
def test_numpy_integers_become_ints(value: Any) -> None:
    """NumPy's whole numbers come back as Python's."""
    assert type(whole_number("batch_size", value, at_least=1)) is int


@pytest.mark.parametrize("value", [1.0, 2.5, "8", None, True, np.True_, math.nan, [8]])
def test_not_a_whole_number(value: Any) -> None:
    """Floats (even 1.0), text, booleans and lists are no whole numbers."""
    assert told(whole_number, "batch_size", value, at_least=1) == (
        f"batch_size must be a whole number, got {value!r}; write a whole number such as 32."
    )


@given(st.integers(max_value=1))
def test_too_small_a_number(number: int) -> None:
    """A whole number under the least one is refused with both."""
    assert told(whole_number, "seeds", number, at_least=2, instead="write 3 or more") == (
        f"seeds must be at least 2, got {number}; write 3 or more."
    )


@given(st.floats(min_value=0, exclude_min=True, allow_infinity=False))
def test_positive_numbers_pass(number: float) -> None:
    """Any finite number above zero passes both checks of a real number."""
    assert positive("lr", number) == number
    assert not_negative("l2", number) == number


def test_zero_is_not_positive_but_not_negative() -> None:
    """Zero is where the two checks differ."""
    assert not_negative("l2", 0) == 0
    assert told(positive, "lr", 0) == "lr must be above 0, got 0; write a number such as 0.1."


def test_negative_numbers_are_refused() -> None:
    """A number under zero is told with the value as it was typed."""
    assert told(positive, "lr", -0.1) == "lr must be above 0, got -0.1; write a number such as 0.1."
    assert (
        told(not_negative, "l2", -1) == "l2 must not be negative, got -1; write 0 or a number such as 0.001."
    )


@pytest.mark.parametrize("value", ["fast", None, [1], 1j])
def test_not_a_number(value: Any) -> None:
    """What float() refuses is refused in one sentence."""
    assert told(positive, "lr", value) == (f"lr must be a number, got {value!r}; write a number such as 0.1.")


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_not_finite(value: float) -> None:
    """NaN and infinity are numbers, but not usable ones."""
    assert told(not_negative, "l2", value) == (
        f"l2 must be a finite number, got {value}; write 0 or a number such as 0.001."
    )


def test_functions() -> None:
    """What can be called passes, and so does `None`; anything else is refused."""
    assert function_or_none("progress", print, of="a Progress") is print
    assert function_or_none("progress", None, of="a Progress") is None
    assert told(function_or_none, "progress", True, of="a Progress") == (
        "progress must be a function, got True; write a function of a Progress, or leave it out."
    )


def test_one_of_known_words() -> None:
    """A known word passes; an unknown one gets the list, nearest first."""
    choices = ["sgd", "momentum", "nesterov", "adam"]
    assert one_of("optimizer", "adam", choices) == "adam"
    assert told(one_of, "optimizer", "Adma", choices).startswith(
        "optimizer is not known, got 'Adma'; write one of adam, "
    )


@given(st.lists(st.text(min_size=1), unique=True, min_size=1), st.data())
def test_nearest_first_keeps_every_choice(choices: list[str], data: st.DataObject) -> None:
    """It is a reordering, and a word that is there (in small letters) comes first."""
    word = data.draw(st.sampled_from(choices))
    ordered = nearest_first(word, choices)
    assert sorted(ordered) == sorted(choices)
    assert ordered[0].lower() == word.lower()
