"""What a step costs at every batch size: memory once, seconds in rounds, and again if the machine changed."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import psutil

from rightbatch.measure.clock import Timing
from rightbatch.records import Array
from rightbatch.stats.drift import drift
from rightbatch.study.outlook import filled, rounds_of
from rightbatch.study.session import Session
from rightbatch.study.store import Store
from rightbatch.study.subject import Subject

ROUNDS = 12
"""Rounds of timing; their median has a third of the scatter of one."""

_MUCH = 0.5
"""Share of the memory that is left beyond which a size is tried out before it is run."""

_LEAST = 64e6
"""Bytes; a process cannot be held to fewer, and so few do no harm."""

AGAIN = 4
"""Rounds after the runs, which show whether the machine is still as fast as before them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Costs:
    """The timings and memory of a study, in its store.

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
        done = self._rounds_done()
        self.session.done += min(done, ROUNDS)
        self._time(done, ROUNDS, total)

    def time_again(self, *, total: int) -> bool:
        """A few rounds more; if they are of another speed, all of them, and what was before does not count.

        Returns:
            Whether the machine had changed.
        """
        if not self.subject.timed_apart or not self.session.worked:
            return False
        since, done = timed_since(self.store), self._rounds_done()
        self._time(done, since + ROUNDS + AGAIN, total)
        rounds = rounds_of(self.store.timings(), self.batch_sizes)[since:]
        found = drift(rounds[:, ~np.isnan(rounds).all(axis=0)])
        if found is None:
            return False
        since += found.round
        self.store.put(drift={"round": since, "factor": found.factor})
        self._time(self._rounds_done(), since + ROUNDS, total)
        return True

    def rounds(self) -> Array:
        """Seconds per step, `(rounds, sizes)`, without gaps."""
        return filled(rounds_of(recent(self.store), self.batch_sizes), self.batch_sizes)

    def seconds(self) -> dict[int, float]:
        """Typical seconds per step of every size."""
        typical = np.median(self.rounds(), axis=0).tolist()
        return dict(zip(self.batch_sizes, typical, strict=True))

    def _rounds_done(self) -> int:
        return len(self.store.timings()) // max(len(self.sizes()), 1)

    def _time(self, first: int, last: int, total: int) -> None:
        if not self.subject.timed_apart:
            return
        for number, timings in enumerate(
            self.subject.time_steps(self.sizes(), rounds=last, first_round=first), start=first + 1
        ):
            self.session.worked = True
            self.store.add_timings(timings, seconds=self.session.spent)
            self.session.tell("timing", f"round {number} of {last}", total=total)
            self.session.check()


def timed_since(store: Store) -> int:
    """The first round that counts: those before a change of the machine do not."""
    found = store.fact("drift")
    return 0 if found is None else int(found["round"])


def recent(store: Store) -> list[Timing]:
    """The timings that count."""
    since = timed_since(store)
    return [timing for timing in store.timings() if timing.round >= since]


def too_large(store: Store, batch_sizes: Sequence[int]) -> dict[int, str]:
    """The sizes that do not fit in memory, and why."""
    known, failed = store.fact("memory") or {}, store.fact("too_large")
    return {} if not failed else {size: failed for size in batch_sizes if str(size) not in known}


def memory_of(store: Store) -> dict[int, int]:
    """Bytes needed at every batch size, as far as they are known."""
    return {int(size): used for size, used in (store.fact("memory") or {}).items() if used is not None}
