"""What a training is asked to keep and to tell, checked at once; and where it goes on from."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from rightbatch.errors import SettingError
from rightbatch.train.folder import Folder
from rightbatch.train.history import HistoryLog
from rightbatch.train.keeper import Every, Keeper, folder_of
from rightbatch.train.monitor import Monitor
from rightbatch.train.training import Training
from rightbatch.train.watch import Run, Watcher, Watching


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """Checkpoints, log and watchers of one training.

    Args:
        folder: of the checkpoints; `None`: none are kept.
        resume: whether it goes on from the newest.
        every: how often one is written.
        watchers: the caller's, the log and the monitor.
    """

    folder: Folder | None
    resume: bool
    every: Every
    watchers: tuple[Watcher, ...]

    @classmethod
    def of(
        cls,
        *,
        checkpoint: str | Path | None,
        resume: bool,
        checkpoint_every: int | str,
        keep: int,
        log: str | Path | None,
        watchers: Sequence[Watcher],
        monitor: bool,
    ) -> Self:
        """What `fit` was given, checked before anything is trained.

        Raises:
            SettingError: a setting cannot be used, a folder or file cannot be written, or would be lost.
        """
        every = Every.of(checkpoint_every)
        if resume and checkpoint is None:
            instead = "write checkpoint=FOLDER too, the folder that it goes on from"
            raise SettingError("resume", "needs a folder of checkpoints", resume, instead)
        folder = None if checkpoint is None else folder_of(checkpoint, keep)
        if folder is not None and not resume:
            folder.check_empty()
        logs = [] if log is None else [HistoryLog(Path(log), resume=resume)]
        monitors = [Monitor()] if monitor else []
        # The monitor before the log and the caller's, so that these hear of a step's fault in time.
        own = tuple(_watcher(watcher) for watcher in watchers)
        return cls(folder=folder, resume=resume, every=every, watchers=(*monitors, *logs, *own))

    def watching(self, training: Training, state: Any, run: Run) -> Watching:
        """The watchers of a training, which goes on from its newest checkpoint where it is to.

        Args:
            training: all that may be kept.
            state: of its learner, before the first step; it goes on where the checkpoint is.
            run: what watchers see.

        Raises:
            SettingError: the learner cannot store its state.
            StoreError: all checkpoints are of other trainings.
        """
        if self.folder is None:
            return Watching(run, self.watchers)
        belongs = {**run.settings, **training.data(), **training.anatomy(state)}
        best = math.inf
        if self.resume:
            found = self.folder.newest(belongs)
            run.warnings += found.said
            if found.checkpoint is not None:
                training.put_back(state, found.checkpoint.tree)
                run.step, best = found.checkpoint.step, found.checkpoint.tree["best"]
        keeper = Keeper(self.folder, training, belongs, self.every, best)
        return Watching(run, (*self.watchers, keeper))


def _watcher(watcher: Any) -> Watcher:
    if isinstance(watcher, type) or not isinstance(watcher, Watcher):
        instead = "write objects of classes that are derived from rb.Watcher"
        raise SettingError("watchers", "must be watchers", watcher, instead)
    return watcher
