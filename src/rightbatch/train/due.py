"""When a checkpoint is due: after so many steps, or so much time."""

import math
import re
import time
from dataclasses import dataclass
from typing import Any, Self

from rightbatch.checks import whole_number
from rightbatch.errors import SettingError

_UNITS = {"s": 1.0, "m": 60.0, "min": 60.0, "h": 3600.0}

_SLACK = 0.2
"""Share of the time from one checkpoint to the next by which one may be early or late, to be at the end of
an epoch: if that is the best one, a single file is written instead of two."""


@dataclass(frozen=True, slots=True)
class Every:
    """How often: after so many steps, or so many seconds."""

    steps: float = math.inf
    seconds: float = math.inf

    @classmethod
    def of(cls, every: Any) -> Self:
        """From a number of steps, or a time such as ``"60s"``.

        Raises:
            SettingError: it is neither.

        Example:
            >>> Every.of(100), Every.of("1.5m")
            (Every(steps=100, seconds=inf), Every(steps=inf, seconds=90.0))
        """
        instead = "write a number of steps such as 1000, or a time such as 60s, 5m or 1h"
        match = re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*([a-z]*)\s*", every) if isinstance(every, str) else None
        if match is None or (match[2] and match[2] not in _UNITS):
            if isinstance(every, str):
                raise SettingError("checkpoint_every", "is no number of steps and no time", every, instead)
            return cls(steps=whole_number("checkpoint_every", every, at_least=1, instead=instead))
        if not match[2]:
            steps = int(match[1]) if match[1].isdigit() else float(match[1])
            return cls(steps=whole_number("checkpoint_every", steps, at_least=1, instead=instead))
        seconds = float(match[1]) * _UNITS[match[2]]
        if not seconds:
            raise SettingError("checkpoint_every", "must be above 0", every, instead)
        return cls(seconds=seconds)


class Due:
    """Tells after every step, and after every epoch, whether a checkpoint is due.

    Counted in steps it is due to the step. Counted in time, and where epochs are short, it is due at the end
    of one.
    """

    def __init__(self, every: Every) -> None:
        self._every = every
        self._step, self._time = math.inf, math.inf
        self._epoch = math.inf
        """Seconds of the last whole epoch."""
        self._epoch_began = math.nan
        """`NaN`: not at its beginning."""

    @property
    def in_steps(self) -> bool:
        """Whether steps are counted."""
        return math.isfinite(self._every.steps)

    def plan(self, step: int) -> None:
        """Count from here."""
        self._step = step + self._every.steps
        self._time = time.perf_counter() + self._every.seconds

    def at_step(self, step: int) -> bool:
        """Whether it is due within an epoch."""
        if step >= self._step:
            return True
        now = time.perf_counter()
        return now >= self._time and (self._epoch > 2 * self._slack or now >= self._time + self._slack)

    def at_epoch(self, step: int) -> bool:
        """Whether it is due at the end of an epoch."""
        now = time.perf_counter()
        if not math.isnan(self._epoch_began):
            self._epoch = now - self._epoch_began
        self._epoch_began = now
        short = self._epoch <= 2 * self._slack
        return step >= self._step or now >= self._time - (self._slack if short else 0.0)

    @property
    def _slack(self) -> float:
        return _SLACK * self._every.seconds if math.isfinite(self._every.seconds) else 0.0
