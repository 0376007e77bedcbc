"""Writes checkpoints while a training runs: when they are due, beside it, and the best as well."""

import math
import time
from collections.abc import Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, NamedTuple

from rightbatch.checks import whole_number
from rightbatch.records import Outcome, StepEvent
from rightbatch.train.checkpoint import Checkpoint
from rightbatch.train.copies import Copies
from rightbatch.train.due import Due, Every
from rightbatch.train.folder import Folder
from rightbatch.train.training import Training
from rightbatch.train.watch import Run, Watcher

_COPY_SHARE = 0.002
"""Share of the time that copying the best state may take; beyond it an epoch's state is passed over."""


class _Taken(NamedTuple):
    """A state, and the memory that it is in."""

    checkpoint: Checkpoint
    copies: Copies


class Keeper(Watcher):
    """Keeps checkpoints of a training in a folder.

    The state is copied between two steps; a thread writes the copy. At the end of an epoch whose loss to
    watch is the least so far the state is copied too, and written as the best with the next checkpoint.

    Args:
        folder: where they go.
        training: what is kept.
        belongs: what it may go on with.
        every: how often.
        best: the least loss so far.
    """

    def __init__(
        self,
        folder: Folder,
        training: Training,
        belongs: Mapping[str, Any],
        every: Every,
        best: float = math.inf,
    ) -> None:
        self._folder, self._training, self._belongs, self._due = folder, training, belongs, Due(every)
        self._best, self._pending = best, None
        self._writer = ThreadPoolExecutor(max_workers=1, thread_name_prefix="checkpoint")
        self._writing: Future[None] | None = None
        self._kept_step, self._written_step, self._watched = 0, 0, None
        self._free: list[Copies] = []
        """Memory of states that are written."""
        self._began, self._copying = 0.0, 0.0

    _pending: "_Taken | None"
    _watched: float | None
    """The last loss that was watched."""

    def begin(self, run: Run, state: Any) -> None:
        """Look at the clock."""
        del state
        self._began = time.perf_counter()
        self._written_step = run.step
        self._due.plan(run.step)

    def step(self, run: Run, event: StepEvent) -> None:
        """Copy the state where it is due, but at the end of an epoch, which waits for its evaluation."""
        if self._due.at_step(event.step) and self._ready() and self._training.within_epoch():
            self._keep(run, event)

    def epoch(self, run: Run, row: dict[str, float], event: StepEvent) -> None:
        """Copy the state where it is due, or the best."""
        self._watched = row.get("val_loss", row["loss"])
        due = self._due.at_epoch(event.step) and self._ready()
        if self._watched < self._best:
            self._take_best(event, due=due)
        if due:
            self._keep(run, event)

    def end(self, run: Run, event: StepEvent | None, outcome: Outcome, stopped: str) -> None:
        """Write the last state, and wait until it is on the disk; one that diverged is not kept."""
        del stopped
        if event is not None and outcome is not Outcome.DIVERGED and event.step != self._kept_step:
            self._keep(run, event)
        self._settle(run)

    def close(self) -> None:
        """Wait for what is being written."""
        self._writer.shutdown()
        self._folder.close()

    def _ready(self) -> bool:
        """Whether a state can be taken: where time is counted, not while one is being written."""
        free = self._writing is None or self._writing.done()
        return free or self._due.in_steps

    def _keep(self, run: Run, event: StepEvent) -> None:
        self._settle(run)
        self._due.plan(event.step)
        self._kept_step = event.step
        best, self._pending = self._pending, None
        last = best if best is not None and best.checkpoint.step == event.step else self._taken(event)
        self._writing = self._writer.submit(self._write, best, last)

    def _take_best(self, event: StepEvent, *, due: bool) -> None:
        before = time.perf_counter()
        if not due and self._copying > _COPY_SHARE * (before - self._began):
            return
        self._best = math.inf if self._watched is None else self._watched
        if self._pending is not None:
            self._free.append(self._pending.copies)
        self._pending = self._taken(event)
        self._copying += 0.0 if due else time.perf_counter() - before

    def _taken(self, event: StepEvent) -> "_Taken":
        copies = self._free.pop() if self._free else Copies()
        copies.again()
        tree = {**self._training.taken(event.state, copies.copy), "best": self._best}
        state = Checkpoint(belongs=self._belongs, step=event.step, watched=self._watched, tree=tree)
        return _Taken(state, copies)

    def _write(self, best: "_Taken | None", last: "_Taken") -> None:
        """In the thread."""
        if best is not None and best is not last:
            self._folder.add(best.checkpoint, best=True)
            self._free.append(best.copies)
        self._folder.add(last.checkpoint)
        self._written_step = last.checkpoint.step
        if best is last:
            self._folder.add(last.checkpoint, best=True)
        self._free.append(last.copies)

    def _settle(self, run: Run) -> None:
        """Wait for the one before; where it failed, say so: the training goes on."""
        if self._writing is None:
            return
        try:
            self._writing.result()
        except OSError as error:
            step, where = self._written_step, self._folder.path
            whole = f"the last whole one is of step {step:,}" if step else "there is none yet"
            run.warn(f"A checkpoint could not be written to {where} ({error.strerror or error}); {whole}.")
        self._writing = None


def keep_of(keep: Any) -> int:
    """How many checkpoints to keep."""
    return whole_number("keep", keep, at_least=1, instead="write a number of checkpoints such as 3")
