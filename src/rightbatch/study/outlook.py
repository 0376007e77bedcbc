"""What the runs so far say of every batch size: seconds to target, run or not, with their doubt."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache

import numpy as np

from rightbatch.records import Array
from rightbatch.stats.posterior import Steps, steps_posterior
from rightbatch.stats.telling import most_telling
from rightbatch.study.pool import Choice, Pool, chosen_log_steps, chosen_missed
from rightbatch.study.rounds import drawn_seconds

DRAWS = 1000
"""Of the posterior: the 2.5 % point of a thousand has an error of half a per cent."""

SURE = 0.95

_LUCKY = 0.975
"""Share of the draws that stands for 95 %: who looks after each round stops at a lucky moment."""

_CURVE_IS_KNOWN = (math.log(1.2) / 1.96) ** 2
"""Variance of ln B_crit where its 95 % interval reaches by a factor of 1.2 to either side."""

ALIKE = 1.05
"""A batch size counts as good as the best when it takes at most this many times its seconds."""


@dataclass(frozen=True, kw_only=True)
class Outlook:
    """Draws of the seconds to target, T(B) = S(B) t(B), at every batch size."""

    batch_sizes: tuple[int, ...]
    measured: Array
    """Whether the size was run and reached the target, bool `(sizes,)`."""
    open: Array
    """Whether the size may be recommended once it is run: it was not found to miss the target, and
    it fits in memory."""
    doubted: Array
    """Whether more runs must tell if too many miss the target at the size."""
    steps: Steps
    seconds: Array
    """float64 `(draws, sizes)`."""

    @cached_property
    def usable(self) -> Array:
        """Whether the size may be recommended now: measured and open."""
        return self.measured & self.open

    @cached_property
    def ratios(self) -> Array:
        """Seconds to target over those of the best open size, in every draw, `(draws, sizes)`."""
        return self.seconds / np.where(self.open, self.seconds, np.inf).min(axis=1, keepdims=True)

    @cached_property
    def best(self) -> int:
        """The measured size of least expected regret, as an index."""
        return int(np.where(self.usable, self.ratios.mean(axis=0), np.inf).argmin())

    @cached_property
    def regret(self) -> float:
        """The regret of the best that is not exceeded with 95 % probability: 0.05 is 5 % more seconds."""
        return float(np.quantile(self.ratios[:, self.best], _LUCKY) - 1)

    @cached_property
    def chance_of_best(self) -> Array:
        """How likely each size is the fastest of the open ones, `(sizes,)`."""
        fastest = np.where(self.open, self.seconds, np.inf).argmin(axis=1)
        return np.bincount(fastest, minlength=len(self.batch_sizes)) / len(fastest)

    @cached_property
    def curve_is_open(self) -> bool:
        """Whether the 95 % interval of B_crit reaches by a fifth or more to either side."""
        return float(np.log(self.steps.b_crit).var()) > _CURVE_IS_KNOWN

    def telling(self, seconds: Array, *, most: Array, within: float) -> list[int]:
        """The sizes to run for B_crit, as indices, each as often as it is named; empty: it is known.

        Args:
            seconds: what a run more takes at each size, `(sizes,)`.
            most: how many more each may get, int `(sizes,)`.
            within: seconds that all may take.
        """
        of_curve = np.cov(np.column_stack([np.log(self.steps.b_crit), self.steps.log_steps]), rowvar=False)
        noise = self.steps.scatter**2
        return most_telling(of_curve, noise, seconds, most=most, within=within, known=_CURVE_IS_KNOWN)

    def alike(self) -> tuple[int, ...]:
        """Measured sizes that are more likely than not within 5 % of the best."""
        near = (self.ratios <= ALIKE).mean(axis=0) >= 0.5
        near[self.best] = True
        return tuple(size for size, yes in zip(self.batch_sizes, near & self.usable, strict=True) if yes)

    def clock_leads(self, contenders: Sequence[int]) -> bool:
        """Whether the doubt between the best and its likeliest rival is more of the clock than of the runs.

        It is the variance of ln of their ratio, of seconds per step and of steps to target.
        """
        best, chance = self.best, self.chance_of_best
        rivals = [i for i, size in enumerate(self.batch_sizes) if size in contenders and i != best]
        rival = max(rivals, key=lambda i: chance[i])
        pair = [best, rival]
        steps = np.diff(self.steps.log_steps[:, pair])
        return float((np.diff(np.log(self.seconds[:, pair])) - steps).var()) > float(steps.var())

    def surely_alike(self) -> tuple[int, ...]:
        """Measured sizes that are within 5 % of the best with 95 % probability; the best in any case."""
        near = (self.ratios <= ALIKE).mean(axis=0) >= SURE
        near[self.best] = True
        return tuple(size for size, yes in zip(self.batch_sizes, near & self.usable, strict=True) if yes)

    def span(self) -> tuple[int, int]:
        """Smallest and largest size of a set that holds the fastest with 95 % probability."""
        chance = self.chance_of_best
        likely = np.argsort(-chance, kind="stable")
        count = int(np.searchsorted(np.cumsum(chance[likely]), 0.95)) + 1
        members = likely[:count]
        return self.batch_sizes[members.min()], self.batch_sizes[members.max()]


def outlook(
    table: Pool, found: dict[int, Choice], rounds: Array, *, barred: Sequence[int] = (), seed: int
) -> Outlook | None:
    """The outlook; `None` while fewer than two batch sizes have reached the target, or none is open.

    Args:
        table: all runs.
        found: the best learning rate of every size that reached the target.
        rounds: seconds per step, `(rounds, sizes)`; NaN: not timed in this round.
        barred: sizes that cannot be recommended: they missed the target, or need too much memory. Nor can
            those at which more than a fifth of the runs missed it, and more than one.
        seed: of the draws.
    """
    out = {*barred, *(size for size, choice in found.items() if choice.fails)}
    if len(found) < 2 or out.issuperset(found):
        return None
    logs, missed = chosen_log_steps(table, found), chosen_missed(table, found)
    steps = _steps(table.batch_sizes, logs.tobytes(), missed.tobytes(), seed)
    return Outlook(
        batch_sizes=table.batch_sizes,
        measured=np.array([size in found for size in table.batch_sizes]),
        open=np.array([size not in out for size in table.batch_sizes]),
        doubted=np.array([size in found and found[size].doubted for size in table.batch_sizes]),
        steps=steps,
        seconds=np.exp(steps.log_steps) * drawn_seconds(rounds, table.batch_sizes, DRAWS, seed),
    )


@lru_cache(maxsize=2)
def _steps(batch_sizes: tuple[int, ...], log_steps: bytes, missed: bytes, seed: int) -> Steps:
    """Draws of S(B), kept: timings are looked at with the same runs."""
    shape = -1, len(batch_sizes)
    return steps_posterior(
        batch_sizes,
        np.frombuffer(log_steps).reshape(shape),
        draws=DRAWS,
        seed=seed,
        missed=np.frombuffer(missed, np.bool_).reshape(shape),
    )
