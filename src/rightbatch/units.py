"""Numbers as people read them: three significant digits, and a unit that fits.

A number that is not known (`None`) is written as a dash.
"""

from collections.abc import Callable
from typing import TypeAlias

Written: TypeAlias = Callable[[float | None], str]
"""How a quantity is written; one of the functions below."""

UNKNOWN = "-"

_SECONDS = ((1.0, "s"), (1e-3, "ms"), (1e-6, "µs"), (1e-9, "ns"))
_BYTES = ((1e12, "TB"), (1e9, "GB"), (1e6, "MB"), (1e3, "kB"), (1.0, "B"))
_RELATIONS = (("<=", " ≤ "), (">=", " ≥ "))


def seconds(value: float | None) -> str:
    """Seconds, with the unit that leaves one to three digits before the point.

    Example:
        >>> seconds(0.0019), seconds(2.15e-05), seconds(90), seconds(600)
        ('1.9 ms', '21.5 µs', '90 s', '10 min')
    """
    if value is None:
        return UNKNOWN
    if value >= 7200:
        return f"{_digits(value / 3600)} h"
    if value >= 120:
        return f"{_digits(value / 60)} min"
    return _with_unit(value, _SECONDS)


def clock(value: float) -> str:
    """Seconds as minutes and seconds, for what is watched while it passes.

    Example:
        >>> clock(9.7), clock(75), clock(3700)
        ('0:09', '1:15', '1:01:40')
    """
    minutes, rest = divmod(int(value), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


def size(value: float | None) -> str:
    """Bytes, in decimal units.

    Example:
        >>> size(1_200_000), size(640)
        ('1.2 MB', '640 B')
    """
    return UNKNOWN if value is None else _with_unit(value, _BYTES)


def count(value: float | None) -> str:
    """How many: steps, examples, runs.

    Example:
        >>> count(40.71), count(610.0), count(4_100_000)
        ('40.7', '610', '4,100,000')
    """
    if value is None:
        return UNKNOWN
    return f"{value:,.0f}" if abs(value) >= 999.5 else _digits(value)


def plain(value: float | None) -> str:
    """A learning rate or a metric: a number without a unit.

    Example:
        >>> plain(0.35), plain(0.00002), plain(0.29312)
        ('0.35', '2e-5', '0.293')
    """
    return UNKNOWN if value is None else _digits(value).replace("e-0", "e-").replace("e+0", "e+")


def times(ratio: float) -> str:
    """How many times as much, to the precision a sentence needs.

    Example:
        >>> times(7.04), times(1.53), times(12.3), times(1234)
        ('7 times', '1.5 times', '12 times', '1,230 times')
    """
    digits = f"{ratio:.2g}" if ratio < 99.5 else f"{float(f'{ratio:.3g}'):,.0f}"
    return f"{digits} times"


def percent(fraction: float) -> str:
    """A fraction as per cent.

    Example:
        >>> percent(0.031), percent(0.25), percent(9.0)
        ('3.1 %', '25 %', '900 %')
    """
    number = fraction * 100
    return f"{number:.2g} %" if abs(number) < 99.5 else f"{number:,.0f} %"


def between(low: float | None, high: float | None, written: Written) -> str:
    """An interval, either end of which may be open (`None`).

    Example:
        >>> between(2, 3, count), between(2, None, count), between(None, 3, count), between(None, None, count)
        ('2 to 3', 'at least 2', 'at most 3', '')
    """
    if low is None:
        return "" if high is None else f"at most {written(high)}"
    return f"at least {written(low)}" if high is None else f"{written(low)} to {written(high)}"


def target(text: str) -> str:
    """A target with its relation as it is written by hand.

    Example:
        >>> target("val_loss<=0.3"), target("val_accuracy>=0.95")
        ('val_loss ≤ 0.3', 'val_accuracy ≥ 0.95')
    """
    for typed, written in _RELATIONS:
        text = text.replace(typed, written)
    return text


def listed(words: list[str]) -> str:
    """Words in a sentence.

    Example:
        >>> listed(["16"]), listed(["16", "32"]), listed(["16", "32", "64"])
        ('16', '16 and 32', '16, 32 and 64')
    """
    return " and ".join(part for part in (", ".join(words[:-1]), *words[-1:]) if part)


def plural(number: float, word: str) -> str:
    """A count with its word.

    Example:
        >>> plural(1, "seed"), plural(5, "seed")
        ('1 seed', '5 seeds')
    """
    return f"{count(number)} {word}" if number == 1 else f"{count(number)} {word}s"


def capital(sentence: str) -> str:
    """The sentence with a capital first letter.

    Example:
        >>> capital("every planned run is done"), capital("")
        ('Every planned run is done', '')
    """
    return sentence[:1].upper() + sentence[1:]


def _with_unit(value: float, units: tuple[tuple[float, str], ...]) -> str:
    # Rounded before the unit is chosen: 0.9999 ms is 1 ms, not 1000 µs.
    rounded = float(f"{value:.3g}")
    scale, unit = next((pair for pair in units if abs(rounded) >= pair[0]), units[-1])
    return f"{_digits(rounded / scale)} {unit}"


def _digits(value: float) -> str:
    return f"{value:.3g}"
