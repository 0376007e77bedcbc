"""A folder of checkpoints: which is the newest that is whole and belongs here, and which may go."""

import hashlib
import json
import re
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rightbatch.errors import SettingError, StoreError
from rightbatch.train.checkpoint import Checkpoint, linked, part_of, read, write
from rightbatch.train.training import difference

_NAME = re.compile(r"(step|best)-(\d+)-([0-9a-f]{8})\.npz")

_INSTEAD = "write a folder that exists or can be made, and that can be written to"


@dataclass(frozen=True, slots=True)
class Found:
    """What a folder holds for a training.

    Args:
        checkpoint: the newest that is whole and belongs to it; `None`: there is none.
        said: what else was found, in sentences.
    """

    checkpoint: Checkpoint | None
    said: tuple[str, ...]


class Folder:
    """Checkpoints of one training among those of others, all in files of their own.

    Args:
        path: made where there is none.
        keep: how many of the last are kept; the best is kept beside them.

    Raises:
        SettingError: the folder cannot be made or written to.
    """

    def __init__(self, path: Path, keep: int) -> None:
        self.path, self._keep = path, keep
        self._written: list[Path] = []
        """Ours that are whole, the last at the end."""
        self._spare: Path | None = None
        """One that need not be kept, under another name: the next is written over it."""
        try:
            path.mkdir(parents=True, exist_ok=True)
            trial = part_of(path / "trial")
            trial.write_bytes(b"")
            trial.unlink()
        except OSError as error:
            problem = f"cannot be written to ({error.strerror or error})"
            raise SettingError("checkpoint", problem, str(path), _INSTEAD) from None

    def files(self) -> list[Path]:
        """The checkpoints of any training, the newest first."""
        found = [(path, _NAME.fullmatch(path.name)) for path in self.path.iterdir()]
        named = [(int(match[2]), match[1] == "step", path) for path, match in found if match]
        return [path for *_, path in sorted(named, reverse=True)]

    def check_empty(self) -> None:
        """Refuse a folder that holds checkpoints, so that none is lost.

        Raises:
            SettingError: it holds some.
        """
        files = self.files()
        if files:
            instead = f"write resume=True (--resume) to go on from {files[0].name}, or another folder"
            raise SettingError("checkpoint", "holds checkpoints already", str(self.path), instead)

    def newest(self, belongs: Mapping[str, Any]) -> Found:
        """The newest checkpoint that is whole and of this training; each that is not is named.

        Raises:
            StoreError: there are some, and all that can be read are of other trainings.
        """
        self._sweep()
        said, foreign, files = [], "", self.files()
        for path in files:
            try:
                checkpoint = read(path)
            except StoreError as error:
                said.append(str(error))
                continue
            differs = difference(checkpoint.belongs, belongs)
            if not differs:
                self._go_on_from(path, belongs)
                told = (f"{text} It went on from {path.name} instead." for text in said)
                return Found(checkpoint, tuple(told))
            foreign = foreign or f"{path} is of another training: {differs}"
            said.append(f"{path} is of another training: {differs}.")
        if foreign:
            raise StoreError(f"{foreign}; write the same model, data and settings, or another folder.")
        none = "No checkpoint can be used" if said else "There is no checkpoint"
        return Found(None, (*said, f"{none} in {self.path}: it started from the beginning."))

    def add(self, checkpoint: Checkpoint, *, best: bool = False) -> None:
        """Write a checkpoint, and then let go of those that need not be kept.

        Raises:
            OSError: it cannot be written; those before it are all there.
        """
        end = f"{checkpoint.step:09d}-{_digest(checkpoint.belongs)}.npz"
        path, same = self.path / f"{'best' if best else 'step'}-{end}", self.path / f"step-{end}"
        if not (best and same in self._written and linked(same, path)):
            self._lay_spare(path)
            write(path, checkpoint)
        if best:
            for old in self._ours("best", checkpoint.belongs):
                if old != path:
                    old.unlink(missing_ok=True)
            return
        self._written = [*(old for old in self._written if old != path), path]
        while len(self._written) > self._keep:
            self._let_go(self._written.pop(0))

    def close(self) -> None:
        """Nothing more is written."""
        if self._spare is not None:
            self._spare.unlink(missing_ok=True)

    def _let_go(self, path: Path) -> None:
        """Make it the spare one, if there is none and nothing else is its name."""
        try:
            if self._spare is None and path.stat().st_nlink == 1:
                self._spare = path.replace(part_of(path))
                return
        except OSError:  # it is gone, or in use where files in use keep their names
            pass
        path.unlink(missing_ok=True)

    def _lay_spare(self, path: Path) -> None:
        """Where `write` will write."""
        if self._spare is not None:
            with suppress(OSError):
                self._spare.replace(part_of(path))
            self._spare = None

    def _go_on_from(self, path: Path, belongs: Mapping[str, Any]) -> None:
        """What is written from now on replaces those up to this one, the oldest first."""
        ours = self._ours("step", belongs)
        self._written = [old for old in reversed(ours) if _step(old) <= _step(path)]

    def _sweep(self) -> None:
        """Let go of what a training that was killed had begun to write."""
        for path in self.path.glob(".*.part"):
            if _NAME.fullmatch(path.name[1:].removesuffix(".part")):
                path.unlink(missing_ok=True)

    def _ours(self, kind: str, belongs: Mapping[str, Any]) -> list[Path]:
        end = f"-{_digest(belongs)}.npz"
        return [path for path in self.files() if path.name.startswith(kind) and path.name.endswith(end)]


def _step(path: Path) -> int:
    match = _NAME.fullmatch(path.name)
    return int(match[2]) if match else 0


def _digest(belongs: Mapping[str, Any]) -> str:
    """Eight digits in the name of a file: trainings that differ do not write over each other's files."""
    return hashlib.blake2b(json.dumps(belongs, sort_keys=True).encode(), digest_size=4).hexdigest()
