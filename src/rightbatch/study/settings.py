"""What a study was asked: settings that make its runs what they are, checked in one place."""

import math
import re
from collections.abc import Iterable
from dataclasses import asdict, dataclass

from rightbatch.checks import whole_number
from rightbatch.errors import SettingError


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What decides the runs of a study; a store holds one set of them.

    Budget, preference and memory limit are not among them: they decide how long the study goes
    on and what is made of its runs, and may change from one call to the next.
    """

    model: str
    """Such as ``"MLP(hidden=(64,), activation='relu', l2=0.0)"``."""
    optimizer: str
    target: str
    """As given, such as ``"val_loss<=0.2"``; ``"auto"``: set by the study."""
    batch_sizes: tuple[int, ...]
    seeds: int
    """Runs of every batch size and learning rate, each from its own start and in its own order."""
    seed: int
    """The first of the seeds."""
    data: str
    """Fingerprint of the data."""
    threads: int
    """Threads of the linear algebra library."""
    learning_rates: tuple[float, float] | None = None
    """Lowest and highest of the first search; none: by the update rule."""

    def to_dict(self) -> dict[str, object]:
        """The settings by name, as JSON can hold them; what is left to us is left out."""
        given = {} if self.learning_rates is None else {"learning_rates": list(self.learning_rates)}
        usual = {name: value for name, value in asdict(self).items() if name != "learning_rates"}
        return {**usual, "batch_sizes": list(self.batch_sizes), **given}


def batch_sizes_for(rows: int, wanted: object = "auto", *, least: int = 1) -> tuple[int, ...]:
    """The batch sizes to study: powers of two below the number of rows, and all rows.

    Args:
        rows: rows of the training part.
        wanted: ``"auto"``, or whole numbers.
        least: rows that ``"auto"`` begins with.

    Raises:
        SettingError: not whole numbers between 1 and the number of rows.

    Example:
        >>> batch_sizes_for(20)
        (1, 2, 4, 8, 16, 20)
        >>> batch_sizes_for(20, [10, 5])
        (5, 10)
    """
    if wanted is None or wanted == "auto":
        powers = [2**k for k in range(rows.bit_length()) if least <= 2**k < rows]
        return (*powers, rows)
    instead = 'write sizes such as [1, 8, 64], or "auto"'
    if isinstance(wanted, str):
        said = 'must be "auto" or a list of whole numbers'
        raise SettingError("batch_sizes", said, wanted, instead)
    sizes = list(wanted) if isinstance(wanted, Iterable) else [wanted]
    checked = sorted({whole_number("batch_sizes", size, at_least=1, instead=instead) for size in sizes})
    if not checked:
        raise SettingError("batch_sizes", "must name at least one size", wanted, instead)
    if checked[-1] > rows:
        raise SettingError(
            "batch_sizes",
            f"must not be above the {rows:,} training rows",
            checked[-1],
            f"write at most {rows}",
        )
    return tuple(checked)


def method_of(batch_size: int, rows: int) -> str:
    """The name of gradient descent at this batch size: stochastic, mini-batch or full batch."""
    if batch_size == rows:
        return "full batch"
    return "stochastic" if batch_size == 1 else "mini-batch"


def seconds_of(value: object) -> float:
    """A budget in seconds, from a number or a word such as ``"60s"``, ``"5m"``, ``"1.5h"``.

    Raises:
        SettingError: no such form, or not above zero.

    Example:
        >>> [seconds_of(budget) for budget in (60, "60s", "5m", "1.5h")]
        [60.0, 60.0, 300.0, 5400.0]
    """
    units = {"": 1.0, "ms": 1e-3, "s": 1.0, "m": 60.0, "min": 60.0, "h": 3600.0}
    return _quantity("budget", value, units, "write a time such as 60s, 5m or 1h")


def time_word(seconds: float) -> str:
    """A time as a budget is written, rounded up: not below a minute.

    Example:
        >>> time_word(3.0), time_word(61.0), time_word(5000.0)
        ('60s', '2m', '2h')
    """
    if seconds <= 60:
        return "60s"
    return f"{math.ceil(seconds / 60)}m" if seconds <= 3600 else f"{math.ceil(seconds / 3600)}h"


def bytes_of(value: object) -> int:
    """A memory limit in bytes, from their number or a text such as ``"500MB"`` or ``"4GB"`` (powers of ten).

    Raises:
        SettingError: no such form, not above zero, or a text without a unit: bytes are not what it means.

    Example:
        >>> bytes_of("4GB")
        4000000000
    """
    units = {"": 1.0, "b": 1.0, "kb": 1e3, "mb": 1e6, "gb": 1e9, "tb": 1e12, "mib": 2.0**20, "gib": 2.0**30}
    instead = "write a size such as 500MB or 4GB"
    number = int(_quantity("memory_limit", value, units, instead))
    if isinstance(value, str) and not value.strip()[-1].isalpha():
        raise SettingError("memory_limit", "must have a unit", value, instead)
    return number


def _quantity(name: str, value: object, units: dict[str, float], instead: str) -> float:
    match = re.fullmatch(r"\s*([0-9.eE+-]*[0-9.])\s*([a-zA-Z]*)\s*", str(value))
    unit = units.get(match[2].lower()) if match else None
    number = _number(match[1]) if match else math.nan
    if unit is None or not math.isfinite(number * unit):
        raise SettingError(name, "must be a number with a unit", value, instead)
    if number <= 0:
        raise SettingError(name, "must be above 0", value, instead)
    return number * unit


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return math.nan
