"""A folder of checkpoints: the newest that can be used, the last that are kept, and the best."""

import errno
import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from rightbatch.errors import SettingError, StoreError
from rightbatch.records import Outcome
from rightbatch.train import checkpoint as files
from rightbatch.train import folder as folders
from rightbatch.train import keeper
from rightbatch.train.checkpoint import Checkpoint
from rightbatch.train.folder import Folder
from train.checkpoint_cases import rows, trained, weights

HERE = {"model": "MLP", "lr": "0.1"}
THERE = {"model": "MLP", "lr": "0.2"}


def checkpoint(step: int, belongs: dict[str, str] | None = None) -> Checkpoint:
    """A checkpoint of a step."""
    return Checkpoint(belongs=belongs or HERE, step=step, watched=None, tree={"at": np.array(step)})


def filled(path: Path, *steps: int, keep: int = 9, belongs: dict[str, str] | None = None) -> Folder:
    """A folder with checkpoints of these steps."""
    folder = Folder(path, keep)
    for step in steps:
        folder.add(checkpoint(step, belongs))
    return folder


def steps_in(path: Path, kind: str = "step") -> list[int]:
    """Steps whose checkpoints are there."""
    return sorted(int(file.name[5:14]) for file in path.glob(f"{kind}*"))


def test_the_last_are_kept(tmp_path: Path) -> None:
    """The oldest goes when one too many is there, and only then."""
    folder = filled(tmp_path, 1, 2, 3, keep=3)
    assert steps_in(tmp_path) == [1, 2, 3]
    folder.add(checkpoint(10))
    assert steps_in(tmp_path) == [2, 3, 10]


def test_the_best_is_kept_beside_them(tmp_path: Path) -> None:
    """One best alone, however old."""
    folder = filled(tmp_path, 1, keep=2)
    folder.add(checkpoint(1), best=True)
    folder.add(checkpoint(2), best=True)
    for step in range(2, 8):
        folder.add(checkpoint(step))
    assert (steps_in(tmp_path), steps_in(tmp_path, "best")) == ([6, 7], [2])


def test_the_newest_is_found(tmp_path: Path) -> None:
    """By its step, whatever the clock says of the file."""
    filled(tmp_path, 20, 100, 3)
    found = Folder(tmp_path, 3).newest(HERE)
    assert found.checkpoint is not None
    assert (found.checkpoint.step, found.said) == (100, ())


def test_a_damaged_one_is_named_and_the_one_before_it_used(tmp_path: Path) -> None:
    """Cut, empty: each is refused by name, and what is used instead is said."""
    filled(tmp_path, 1, 2, 3)
    _, second, third = sorted(tmp_path.iterdir())
    third.write_bytes(third.read_bytes()[:-30])
    second.write_bytes(b"")
    found = Folder(tmp_path, 3).newest(HERE)
    assert found.checkpoint is not None
    assert found.checkpoint.step == 1
    first = f"It went on from step-000000001-{third.name[15:]} instead."
    assert found.said == (
        f"{third} is damaged (File is not a zip file). {first}",
        f"{second} is damaged (File is not a zip file). {first}",
    )


def test_where_all_are_damaged_it_starts_from_the_beginning(tmp_path: Path) -> None:
    """Which is said, with the name of each."""
    filled(tmp_path, 1)
    (path,) = tmp_path.iterdir()
    path.write_bytes(b"PK")
    found = Folder(tmp_path, 3).newest(HERE)
    assert found.checkpoint is None
    assert found.said == (
        f"{path} is damaged (File is not a zip file).",
        f"No checkpoint can be used in {tmp_path}: it started from the beginning.",
    )


def test_a_foreign_one_is_named_and_the_one_before_it_used(tmp_path: Path) -> None:
    """One of other settings, or a file that is none of ours under such a name; both stay."""
    filled(tmp_path, 1, 2)
    filled(tmp_path, 5, belongs=THERE)
    foreign = tmp_path / "step-000000009-00000000.npz"
    np.savez(foreign, weight=np.ones(2))
    folder = Folder(tmp_path, 1)
    found = folder.newest(HERE)
    assert found.checkpoint is not None
    assert found.checkpoint.step == 2
    ours = next(tmp_path.glob("step-000000002*"))
    other = next(tmp_path.glob("step-000000005*"))
    assert found.said == (
        f"{foreign} is no checkpoint of rightbatch. It went on from {ours.name} instead.",
        f"{other} is of another training: lr is 0.2 there and 0.1 here. It went on from {ours.name} instead.",
    )
    folder.add(checkpoint(9))
    assert steps_in(tmp_path) == [5, 9, 9]


def test_where_all_are_foreign_nothing_is_trained(tmp_path: Path) -> None:
    """Their folder is not for this training."""
    filled(tmp_path, 4, 5, belongs=THERE)
    with pytest.raises(StoreError) as caught:
        Folder(tmp_path, 3).newest(HERE)
    newest = next(tmp_path.glob("step-000000005*"))
    assert str(caught.value) == (
        f"{newest} is of another training: lr is 0.2 there and 0.1 here; "
        "write the same model, data and settings, or another folder."
    )


def test_the_best_is_gone_on_from_where_no_other_is_left(tmp_path: Path) -> None:
    """It holds as much as the others."""
    filled(tmp_path, 3).add(checkpoint(2), best=True)
    next(tmp_path.glob("step*")).unlink()
    found = Folder(tmp_path, 3).newest(HERE)
    assert found.checkpoint is not None
    assert found.checkpoint.step == 2


def test_after_resuming_a_damaged_one_does_not_push_out_whole_ones(tmp_path: Path) -> None:
    """What is kept are the last that are whole, not the largest numbers."""
    filled(tmp_path, 1, 2, 30)
    next(tmp_path.glob("*30-*")).write_bytes(b"")
    folder = Folder(tmp_path, 2)
    folder.newest(HERE)
    folder.add(checkpoint(4))
    assert steps_in(tmp_path) == [2, 4, 30]


def test_a_folder_that_cannot_be_made_is_refused(tmp_path: Path) -> None:
    """Where a file is in its place, or in the place of a folder above."""
    (tmp_path / "file").write_text("x")
    for path, reason in {
        tmp_path / "file": "File exists",
        tmp_path / "file" / "a": "Not a directory",
    }.items():
        with pytest.raises(SettingError) as caught:
            Folder(path, 3)
        assert str(caught.value) == (
            f"checkpoint cannot be written to ({reason}), got {str(path)!r}; "
            "write a folder that exists or can be made, and that can be written to."
        )


def test_a_folder_that_cannot_be_written_to_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is tried before anything is trained."""

    def refuse(path: Path, data: bytes) -> int:
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))

    monkeypatch.setattr(Path, "write_bytes", refuse)
    with pytest.raises(SettingError, match=r"^checkpoint cannot be written to \(Permission denied\), got '"):
        Folder(tmp_path, 3)


def test_a_disk_that_fills_up_does_not_end_a_training(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It goes on, says what could not be written, and which checkpoint is the last whole one."""
    really = files.write

    def full(path: Path, checkpoint: Checkpoint) -> None:
        if checkpoint.step > 10:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        really(path, checkpoint)

    monkeypatch.setattr(folders, "write", full)
    settings: Any = {"model": "mlp", "train": trained_data(), "epochs": 3}
    result = trained(lambda: settings, checkpoint=tmp_path, checkpoint_every=5)
    undisturbed = trained(lambda: settings)
    assert weights(result) == weights(undisturbed)
    assert rows(result) == rows(undisturbed)
    assert result.outcome is Outcome.OUT_OF_STEPS
    assert result.warnings == (
        (
            f"A checkpoint could not be written to {tmp_path} (No space left on device); "
            "the last whole one is of step 10."
        ),
    )
    assert steps_in(tmp_path) == [5, 10]


def trained_data() -> Any:
    """40 rows of three classes."""
    rng = np.random.default_rng(0)
    x = rng.normal(size=(40, 3)).astype(np.float32)
    return x, np.argmax(x, axis=1)


@pytest.mark.parametrize("every", [1, 4, "1h"])
def test_a_training_keeps_the_best_epoch(
    every: int | str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The best is the state at the end of the epoch with the least validation loss."""
    monkeypatch.setattr(keeper, "_COPY_SHARE", float("inf"))

    def make() -> dict[str, Any]:
        return {"model": "mlp", "lr": 0.3, "schedule": "constant", "epochs": 8}

    result = trained(make, checkpoint=tmp_path, checkpoint_every=every)
    best = min(result.history, key=lambda row: row["val_loss"])
    assert best is not result.history[-1]
    (path,) = tmp_path.glob("best*")
    kept = files.read(path)
    assert (kept.step, kept.watched) == (best["step"], best["val_loss"])
    then = trained(lambda: {**make(), "epochs": int(best["epoch"])})
    assert {name: values.tobytes() for name, values in kept.tree["learner"]["parameters"].items()} == weights(
        then
    )


def test_copying_the_best_has_a_price_limit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where copies may take no time at all, the first is the best that is kept."""
    monkeypatch.setattr(keeper, "_COPY_SHARE", 0.0)
    trained(lambda: {"model": "mlp"}, checkpoint=tmp_path)
    assert steps_in(tmp_path, "best") == [7]


@pytest.mark.parametrize("links", [True, False])
def test_the_best_that_is_the_last_is_written_once(
    links: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A second name for one file, where the disk knows links; each outlives the other."""
    if not links:
        monkeypatch.setattr(Path, "hardlink_to", _refuse)
    folder = filled(tmp_path, 3, keep=1)
    for _ in range(2):
        folder.add(checkpoint(3), best=True)
    best, last = sorted(tmp_path.iterdir())
    assert best.samefile(last) is links
    folder.add(checkpoint(4))
    folder.close()
    assert [path.name[:14] for path in sorted(tmp_path.iterdir())] == ["best-000000003", "step-000000004"]
    assert files.read(best).step == 3


def test_one_that_is_let_go_is_written_over(tmp_path: Path) -> None:
    """By the next but one, and nothing of a longer one is left in it; the end of the training removes it."""
    folder = Folder(tmp_path, 1)
    for step, length in [(1, 5000), (2, 3), (3, 20)]:
        folder.add(Checkpoint(belongs=HERE, step=step, watched=None, tree={"at": np.full(length, step)}))
        (path,) = tmp_path.glob("step*")
        np.testing.assert_array_equal(files.read(path).tree["at"], np.full(length, step))
        if step == 1:
            first = path.stat().st_ino
    assert path.stat().st_ino == first
    folder.close()
    assert list(tmp_path.iterdir()) == [path]


def test_one_with_another_name_is_never_written_over(tmp_path: Path) -> None:
    """Such as the best, or one that the user linked to."""
    folder = filled(tmp_path, 1, keep=1)
    (path,) = tmp_path.iterdir()
    mine = tmp_path / "mine"
    mine.hardlink_to(path)
    before = mine.read_bytes()
    for step in range(2, 6):
        folder.add(checkpoint(step))
    assert mine.read_bytes() == before


def test_what_is_written_over_is_never_the_last_whole_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where writing fails half-way, as many as are kept are whole."""
    folder = filled(tmp_path, 1, 2, 3, 4, keep=2)

    def half(file: Any, arrays: Any) -> None:
        file.write(b"half")
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(files, "_save", half)
    for _ in range(2):
        with pytest.raises(OSError, match="No space"):
            folder.add(checkpoint(5))
        assert [files.read(path).step for path in sorted(tmp_path.glob("step*"))] == [3, 4]


def _refuse(*_: object) -> None:
    raise OSError(errno.EPERM, os.strerror(errno.EPERM))
