"""What a step costs at every batch size: memory once, seconds in rounds, and again if the machine changed."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from rightbatch.measure.clock import Timing
from rightbatch.records import Array
from rightbatch.stats.drift import drift
from rightbatch.study.outlook import filled, rounds_of
from rightbatch.study.session import Session
from rightbatch.study.store import Store
from rightbatch.study.subject import Subject

ROUNDS = 20
"""Rounds of timing; their median has a quarter of the scatter of one."""

AGAIN = 5
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

    def measure_memory(self) -> None:
        """Peak bytes of every size, once."""
        known = dict(self.store.fact("memory") or {})
        for size in self.batch_sizes:
            if str(size) not in known:
                self.session.worked = True
                known[str(size)] = self.subject.peak_bytes(size)
        self.store.put(memory=known)

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
        found = drift(rounds)
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
        return len(self.store.timings()) // len(self.batch_sizes)

    def _time(self, first: int, last: int, total: int) -> None:
        if not self.subject.timed_apart:
            return
        for number, timings in enumerate(
            self.subject.time_steps(self.batch_sizes, rounds=last, first_round=first), start=first + 1
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


def memory_of(store: Store) -> dict[int, int]:
    """Bytes needed at every batch size, as far as they are known."""
    return {int(size): used for size, used in (store.fact("memory") or {}).items() if used is not None}
