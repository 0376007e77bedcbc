"""What a step costs at every batch size: memory once, seconds in rounds, and again if the machine changed."""

import math
import statistics
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import psutil

from rightbatch.errors import SettingError
from rightbatch.measure.clock import Timing
from rightbatch.records import Array
from rightbatch.stats.drift import CHANCE, drift
from rightbatch.stats.pace import Paced, paced
from rightbatch.study.rounds import foretold, rounds_of
from rightbatch.study.session import Session
from rightbatch.study.store import Store
from rightbatch.study.subject import Run, Subject

ROUNDS = 8
"""Rounds of timing, before the runs and each time that contenders are timed again."""

_MUCH = 0.5
"""Share of the memory that is left beyond which a size is tried out before it is run."""

_LEAST = 64e6
"""Bytes; a process cannot be held to fewer, and so few do no harm."""

AGAIN = 4
"""Rounds after the runs, which show whether the machine is still as fast as before them."""


@dataclass(slots=True, kw_only=True)
class Costs:
    """The timings and memory of a study, in its store.

    Of what earlier sessions timed, rounds count when their turn comes, so that what is decided by them is
    decided as it was then.

    Args:
        subject: what is trained.
        store: where they go.
        session: the clock.
        batch_sizes: sizes to measure.
    """

    subject: Subject
    store: Store
    session: Session
    batch_sizes: Sequence[int]
    asked: int = field(init=False, default=0)
    """Rounds asked for so far."""
    _known: tuple[tuple[Timing, ...], tuple[float, int], Array, dict[int, float]] | None = field(
        init=False, default=None
    )
    """All timings as of the last look, which of them counted, their rounds and the seconds of each size."""

    def measure_memory(self, limit: float) -> None:
        """Peak bytes of every size, once; a size that may need more than there is is tried out first.

        What a size needs is foretold by the one before it. Where that is much of the limit or of the
        memory that is free, a process of its own runs the size: if it dies, this one does not. Sizes
        beyond one that did not fit are not run at all.

        Args:
            limit: bytes that training may take; infinite: what the machine has.
        """
        known = dict(self.store.fact("memory") or {})
        failed = str(self.store.fact("too_large") or "")
        for size in self.batch_sizes:
            if str(size) in known or failed:
                continue
            self.session.worked = True
            failed = self._fails(size, known, min(limit, psutil.virtual_memory().available))
            if failed:
                self.store.put(too_large=failed)
            else:
                known[str(size)] = self.subject.peak_bytes(size)
        self.store.put(memory=known)

    def sizes(self) -> tuple[int, ...]:
        """The sizes that fit in memory, as far as is known."""
        beyond = too_large(self.store, self.batch_sizes)
        return tuple(size for size in self.batch_sizes if size not in beyond)

    def fitting(self, limit: float) -> tuple[int, ...]:
        """The sizes that take at most so many bytes, as far as is known."""
        known = memory_of(self.store)
        return tuple(size for size in self.sizes() if known.get(size, 0) <= limit)

    def check_fitting(self, limit: float) -> None:
        """There is a size that can be recommended.

        Args:
            limit: bytes that training may take; infinite: what the machine has.

        Raises:
            SettingError: there is none.
        """
        if not self.sizes():
            instead = "write smaller ones, or a larger memory limit"
            raise SettingError("batch_sizes", "do not fit in memory", self.batch_sizes[0], instead)
        if not self.fitting(limit):
            size, least = min(memory_of(self.store).items(), key=lambda known: known[1])
            said = f"is less than any batch size takes ({least:,} bytes at {size})"
            raise SettingError("memory_limit", said, f"{limit:,.0f} bytes", "write more")

    def _fails(self, size: int, known: Mapping[str, int | None], limit: float) -> str:
        """Why a size cannot be run; empty: it can."""
        measured = {int(other): used for other, used in known.items() if used is not None}
        last = max(measured, default=None)
        needed = 0.0 if last is None else measured[last] * size / last
        if needed <= _MUCH * limit or limit < _LEAST:
            return ""
        return self.subject.try_out(size, limit)

    def time_steps(self, *, total: int) -> None:
        """The first rounds; `total` pieces of work are foreseen in all."""
        if not self.subject.timed_apart:
            return
        anew = self.store.fact("timed_anew")
        self.asked = ROUNDS if anew is None else int(anew["until"])
        done = self._rounds_done()
        self.session.done += min(done, self.asked)
        self._time(done, self.asked, total, self.sizes())

    def time_more(self, batch_sizes: Sequence[int], *, total: int) -> None:
        """More rounds, of some sizes."""
        self.asked += ROUNDS
        self._time(self._rounds_done(), self.asked, total, batch_sizes)

    def time_again(self, batch_sizes: Sequence[int], *, total: int) -> None:
        """A few rounds more of some sizes; if one changed beside the others, all rounds of all sizes anew.

        What was timed before such a change does not count then; a change of pace, which all sizes share,
        is noted. All rounds that there are count from now on; a session that had nothing to do makes no
        more.
        """
        if not self.subject.timed_apart:
            return
        worked = self.session.worked
        if worked:
            self._time(self._rounds_done(), self.asked + AGAIN, total, batch_sizes)
        self.asked = self._rounds_done()
        if worked:
            self._follow_drift(batch_sizes, total)

    def _follow_drift(self, batch_sizes: Sequence[int], total: int) -> None:
        """Note a change of pace; all sizes anew, if one of these changed beside the others."""
        since = timed_since(self.store)
        rounds = rounds_of(self.store.timings(), self.batch_sizes)[since:]
        found = paced(rounds)
        if (changed := drift(found.pace)) is not None:
            self.store.put(drift={"round": since + changed.round, "factor": changed.factor})
        if (first := _changed(rounds, found, [self.batch_sizes.index(size) for size in batch_sizes])) is None:
            return
        done, fits = self.asked, ~np.isnan(rounds).all(axis=0)
        whole = ~np.isnan(rounds[first:, fits]).any(axis=1)
        self.asked = done + ROUNDS - int(whole.sum())
        self.store.put(timed_anew={"round": since + first, "until": self.asked})
        self._time(done, self.asked, total, self.sizes())

    def rounds(self) -> Array:
        """Seconds per step, `(rounds, sizes)`; NaN: not timed in this round."""
        return self._counted()[0]

    def foretold(self) -> Array:
        """The same; a size that was never timed has what the others foretell."""
        return foretold(self.rounds(), self.batch_sizes)

    def counted(self) -> int | None:
        """How many rounds; `None`: steps are timed as they are trained."""
        return len(self.rounds()) if self.subject.timed_apart else None

    def seconds(self) -> dict[int, float]:
        """Seconds per step of every size, at the usual pace."""
        return self._counted()[1]

    def of(self, runs: Iterable[Run]) -> float:
        """Seconds that runs take one after the other: the same in every session, however many processes."""
        seconds = self.seconds()
        return sum(run.steps * seconds[run.batch_size] for run in runs)

    def _counted(self) -> tuple[Array, dict[int, float]]:
        made = self.store.timings()
        most = self.asked if self.subject.timed_apart else math.inf
        which = most, timed_since(self.store)
        if self._known is None or self._known[0] is not made or self._known[1] != which:
            counted = [timing for timing in recent(self.store) if timing.round < most]
            rounds = rounds_of(counted, self.batch_sizes)
            whole = foretold(rounds, self.batch_sizes)
            usual = dict(zip(self.batch_sizes, paced(whole).seconds.tolist(), strict=True))
            self._known = made, which, rounds, usual
        return self._known[2:]

    def _rounds_done(self) -> int:
        return max((timing.round + 1 for timing in self.store.timings()), default=0)

    def _time(self, first: int, last: int, total: int, batch_sizes: Sequence[int]) -> None:
        for number, timings in enumerate(
            self.subject.time_steps(batch_sizes, rounds=last, first_round=first), start=first + 1
        ):
            self.session.worked = True
            self.store.add_timings(timings, seconds=self.session.spent)
            self.session.tell("timing", f"round {number} of {last}", total=total)
            self.session.check()


def _changed(rounds: Array, found: Paced, columns: Sequence[int]) -> int | None:
    """The first round since which one of these sizes takes another multiple of what the others take."""
    beside = rounds / found.pace[:, None]
    for column in columns:
        own = np.flatnonzero(~np.isnan(rounds[:, column]))
        changed = drift(beside[own, column], chance=CHANCE / len(columns))
        if changed is not None:
            return int(own[changed.round])
    return None


def timed_since(store: Store) -> int:
    """The first round that counts: those before all sizes were timed anew do not."""
    anew = store.fact("timed_anew")
    return 0 if anew is None else int(anew["round"])


def recent(store: Store) -> list[Timing]:
    """The timings that count."""
    since = timed_since(store)
    return [timing for timing in store.timings() if timing.round >= since]


def usual_step(store: Store, size: int) -> float | None:
    """Median seconds of a step at a batch size; `None`: it was not timed."""
    timed = [timing.seconds for timing in recent(store) if timing.batch_size == size]
    return statistics.median(timed) if timed else None


def too_large(store: Store, batch_sizes: Sequence[int]) -> dict[int, str]:
    """The sizes that do not fit in memory, and why."""
    known, failed = store.fact("memory") or {}, store.fact("too_large")
    return {} if not failed else {size: failed for size in batch_sizes if str(size) not in known}


def memory_of(store: Store) -> dict[int, int]:
    """Bytes needed at every batch size, as far as they are known."""
    return {int(size): used for size, used in (store.fact("memory") or {}).items() if used is not None}
