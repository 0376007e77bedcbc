"""What a training is asked to keep and to tell, checked at once; and where it goes on from."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from rightbatch.errors import SettingError
from rightbatch.learners.torch_model import said
from rightbatch.train.folder import Folder
from rightbatch.train.follow import Follower
from rightbatch.train.history import HistoryLog
from rightbatch.train.keeper import Every, Keeper, keep_of
from rightbatch.train.monitor import Monitor
from rightbatch.train.training import Training
from rightbatch.train.watch import Run, Watcher, Watching


@dataclass(frozen=True, slots=True, kw_only=True)
class Keeping:
    """The checkpoints of one training.

    Args:
        folder: where they are; `None`: none are kept.
        resume: whether it goes on from the newest.
        every: how often one is written.
    """

    folder: Folder | None
    resume: bool
    every: Every

    @classmethod
    def of(
        cls, checkpoint: str | Path | None, *, resume: bool, checkpoint_every: int | str, keep: int
    ) -> Self:
        """What `fit` was given, checked; the folder is made where there is none.

        Raises:
            SettingError: a setting cannot be used, the folder cannot be written to, or it holds checkpoints
                that would be lost.
        """
        every, count = Every.of(checkpoint_every), keep_of(keep)
        if resume and checkpoint is None:
            instead = "write checkpoint=FOLDER too, the folder that it goes on from"
            raise SettingError("resume", "needs a folder of checkpoints", resume, instead)
        folder = None if checkpoint is None else Folder(Path(checkpoint), count)
        if folder is not None and not resume:
            folder.check_empty()
        return cls(folder=folder, resume=resume, every=every)

    def keeper(self, training: Training, run: Run, state: Any) -> Keeper | None:
        """Who keeps the checkpoints of a training, which goes on from its newest where it is to.

        Raises:
            SettingError: the learner cannot store its state.
            StoreError: all checkpoints are of other trainings.
        """
        if self.folder is None:
            return None
        belongs = {**run.settings, **training.data(), **training.anatomy(state)}
        found = self.folder.newest(belongs) if self.resume else None
        run.warnings += () if found is None else found.said
        if found is None or found.checkpoint is None:
            return Keeper(self.folder, training, belongs, self.every)
        training.put_back(state, found.checkpoint.tree)
        run.step = found.checkpoint.step
        return Keeper(self.folder, training, belongs, self.every, best=found.checkpoint.tree["best"])


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """Who watches one training.

    Args:
        keeping: its checkpoints.
        watchers: all but their keeper.
        first: whether this process writes, of several that train together.
    """

    keeping: Keeping
    watchers: tuple[Watcher, ...]
    first: bool

    @classmethod
    def of(
        cls,
        keeping: Keeping,
        *,
        log: str | Path | None,
        watchers: Sequence[Watcher],
        monitor: bool,
        first: bool = True,
    ) -> Self:
        """What `fit` was given, checked before anything is trained.

        Raises:
            SettingError: a setting cannot be used, or the log cannot be written or would be lost.
        """
        own = tuple(_watcher(watcher) for watcher in watchers)
        monitors = [Monitor()] if monitor else []
        logs = [HistoryLog(Path(log), resume=keeping.resume)] if log is not None and first else []
        return cls(keeping=keeping, watchers=(*monitors, *logs, *own) if first else (), first=first)

    def attach(
        self,
        follower: Follower,
        state: Any,
        loader: Any,
        others: Mapping[str, Any],
        settings: Mapping[str, str],
    ) -> None:
        """Let a training be watched, and go on from its newest checkpoint where it is to.

        Args:
            follower: of the training.
            state: before the first step; it goes on where the checkpoint is.
            loader: where the batches come from.
            others: what else remembers something, by name.
            settings: in words; a checkpoint of other settings is refused.

        Raises:
            SettingError: the learner cannot store its state.
            StoreError: all checkpoints are of other trainings.
        """
        run = follower.watching.run
        run.loader, run.settings = loader, settings
        training = Training(follower.learner, loader, follower, others)
        keeper = self.keeping.keeper(training, run, state)
        # It is told last: what the others say of an epoch is known when it is kept.
        told = (*self.watchers, keeper) if keeper is not None and self.first else self.watchers
        follower.watching = Watching(run, told)


def _watcher(watcher: Any) -> Watcher:
    if not isinstance(watcher, Watcher):
        instead = "write an object of a class that is derived from rb.Watcher"
        raise SettingError("watchers", "must be watchers", said(watcher), instead)
    return watcher
