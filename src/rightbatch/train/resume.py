"""What a training is asked to keep and to tell, checked at once; and where it goes on from."""

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from rightbatch.errors import SettingError
from rightbatch.learners.torch_model import said
from rightbatch.train.due import Every
from rightbatch.train.folder import Folder
from rightbatch.train.follow import Follower
from rightbatch.train.history import HistoryLog
from rightbatch.train.keeper import Keeper, keep_of
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
        cls,
        checkpoint: str | Path | None,
        *,
        resume: bool,
        checkpoint_every: int | str,
        keep: int,
        first: bool = True,
    ) -> Self:
        """What `fit` was given, checked; the folder is made where there is none.

        Of several processes that train together the first alone reads and writes.

        Raises:
            SettingError: a setting cannot be used, the folder cannot be written to, or it holds checkpoints
                that would be lost.
        """
        every, count = Every.of(checkpoint_every), keep_of(keep)
        if resume and checkpoint is None:
            instead = "name the folder that it goes on from, too: checkpoint=FOLDER (--checkpoint FOLDER)"
            raise SettingError("resume", "needs a folder of checkpoints", resume, instead)
        folder = None if checkpoint is None or not first else Folder(Path(checkpoint), count)
        if folder is not None and not resume:
            folder.check_empty()
        return cls(folder=folder, resume=resume, every=every)

    def keeper(self, training: Training, run: Run, state: Any, agreed: Callable[[Any], Any]) -> Keeper | None:
        """Who keeps the checkpoints of a training, which goes on from its newest where it is to.

        Args:
            training: it.
            run: what watchers see of it.
            state: of its learner.
            agreed: from a value to that of the first process.

        Raises:
            SettingError: the learner cannot store its state.
            StoreError: all checkpoints are of other trainings.
        """
        folder, belongs, found = self.folder, {}, None
        if folder is not None:
            belongs = {**run.settings, **training.data(), **training.anatomy(state)}
            found = folder.newest(belongs) if self.resume else None
        run.warnings += () if found is None else found.said
        start = agreed(None if found is None else found.checkpoint)
        if start is not None:
            training.put_back(state, start.tree)
            run.step = start.step
        best = math.inf if start is None else start.tree["best"]
        return None if folder is None else Keeper(folder, training, belongs, self.every, best=best)


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """Who watches one training.

    Args:
        keeping: its checkpoints.
        watchers: all but their keeper.
    """

    keeping: Keeping
    watchers: tuple[Watcher, ...]

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
        own = _own(watchers)
        monitors = [Monitor()] if monitor else []
        logs = [HistoryLog(Path(log), resume=keeping.resume)] if log is not None and first else []
        return cls(keeping=keeping, watchers=(*monitors, *logs, *own) if first else ())

    def attach(
        self,
        follower: Follower,
        state: Any,
        loader: Any,
        others: Mapping[str, Any],
        settings: Mapping[str, str],
        *,
        classes: tuple[str, ...] = (),
        agreed: Callable[[Any], Any] = lambda value: value,
    ) -> None:
        """Let a training be watched, and go on from its newest checkpoint where it is to.

        Args:
            follower: of the training.
            state: before the first step; it goes on where the checkpoint is.
            loader: where the batches come from.
            others: what else remembers something, by name.
            settings: in words; a checkpoint of other settings is refused.
            classes: name of each class number; empty: not known.
            agreed: from a value to that of the first process, of several that train together.

        Raises:
            SettingError: the learner cannot store its state.
            StoreError: all checkpoints are of other trainings.
        """
        run = follower.watching.run
        run.loader, run.settings, run.classes = loader, settings, classes
        training = Training(follower.learner, loader, follower, others)
        keeper = self.keeping.keeper(training, run, state, agreed)
        # It is told last: what the others say of an epoch is known when it is kept.
        told = self.watchers if keeper is None else (*self.watchers, keeper)
        follower.watching = Watching(run, told)


def _own(watchers: Any) -> tuple[Watcher, ...]:
    if isinstance(watchers, Watcher) or not isinstance(watchers, Iterable):
        instead = "write a list of them, such as [rb.tensorboard(FOLDER)]"
        raise SettingError("watchers", "must be several", said(watchers), instead)
    return tuple(_watcher(watcher) for watcher in watchers)


def _watcher(watcher: Any) -> Watcher:
    if not isinstance(watcher, Watcher):
        instead = "write an object of a class that is derived from rb.Watcher"
        raise SettingError("watchers", "must be watchers", said(watcher), instead)
    return watcher
