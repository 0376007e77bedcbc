"""Argument checks: each returns the checked value or raises a `SettingError` that says what to write."""

import difflib
import math
import operator
from collections.abc import Iterable
from typing import Any

from rightbatch.errors import SettingError


def whole_number(
    name: str, value: Any, *, at_least: int, instead: str = "write a whole number such as 32"
) -> int:
    """The value as an `int`, if it is a whole number not under `at_least` (`True` is not one)."""
    try:
        number = operator.index(value)
    except TypeError:
        number = None
    if number is None or isinstance(value, bool):
        raise SettingError(name, "must be a whole number", value, instead)
    if number < at_least:
        raise SettingError(name, f"must be at least {at_least}", value, instead)
    return number


def positive(name: str, value: Any, *, instead: str = "write a number such as 0.1") -> float:
    """The value as a `float`, if it is a finite number above zero."""
    number = _real(name, value, instead)
    if number <= 0:
        raise SettingError(name, "must be above 0", value, instead)
    return number


def not_negative(name: str, value: Any, *, instead: str = "write 0 or a number such as 0.001") -> float:
    """The value as a `float`, if it is a finite number, zero or above."""
    number = _real(name, value, instead)
    if number < 0:
        raise SettingError(name, "must not be negative", value, instead)
    return number


def one_of(name: str, value: Any, choices: Iterable[str]) -> str:
    """The value, if it is one of the choices; otherwise the error lists them, nearest first."""
    known = list(choices)
    if value not in known:
        names = nearest_first(str(value), known)
        raise SettingError(name, "is not known", value, f"write one of {', '.join(names)}")
    return str(value)


def function_or_none(name: str, value: Any, *, of: str) -> Any:
    """The value, if it can be called or is `None`; `of` says what it is called with."""
    if value is not None and not callable(value):
        raise SettingError(name, "must be a function", value, f"write a function of {of}, or leave it out")
    return value


def nearest_first(word: str, choices: Iterable[str]) -> list[str]:
    """The choices, those that look most like the word first.

    Example:
        >>> nearest_first("adm", ["sgd", "momentum", "adam"])
        ['adam', 'sgd', 'momentum']
    """
    likeness = difflib.SequenceMatcher(b=word.lower())

    def distance(choice: str) -> float:
        likeness.set_seq1(choice.lower())
        return -likeness.ratio()

    return sorted(choices, key=distance)


def _real(name: str, value: Any, instead: str) -> float:
    try:
        number = float(value)
    except (TypeError, ValueError):
        raise SettingError(name, "must be a number", value, instead) from None
    if not math.isfinite(number):
        raise SettingError(name, "must be a finite number", value, instead)
    return number
