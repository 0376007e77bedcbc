"""The history as JSON lines, while it grows and after a training went on."""

import json
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from rightbatch.errors import SettingError
from rightbatch.records import StepEvent
from rightbatch.train.watch import Run, Watcher
from train.checkpoint_cases import BreakOff, BrokenOffError, rows, trained
from train.fit_data import QUANTITIES, X


def make() -> dict[str, Any]:
    """A training of three epochs of seven steps."""
    return {"model": "mlp"}


def lines(path: Path) -> list[dict[str, Any]]:
    """The file, line by line."""
    return [json.loads(line) for line in path.read_text("utf-8").splitlines()]


def test_a_line_an_epoch(tmp_path: Path) -> None:
    """Each is a row of the history, digit by digit; the last says how it ended; other readers read it."""
    path = tmp_path / "history.jsonl"
    result = trained(make, log=path)
    *epochs, end = lines(path)
    assert epochs == result.history
    assert end == {"step": 21, "outcome": "out of steps", "stopped": "It stopped after 3 epochs, the limit."}
    assert pd.read_json(path, lines=True)["val_loss"].dropna().tolist() == pytest.approx(
        [row["val_loss"] for row in result.history]
    )


def test_lines_are_there_at_once(tmp_path: Path) -> None:
    """While the second epoch is made, the first can be read."""
    path, read = tmp_path / "history.jsonl", []

    class Reads(Watcher):
        def step(self, run: Run, event: StepEvent) -> None:
            read.append(len(lines(path)))

    trained(make, log=path, watchers=[Reads()])
    assert read == [0] * 7 + [1] * 7 + [2] * 7


def test_infinite_numbers_are_null(tmp_path: Path) -> None:
    """JSON has no infinity: R² of a constant validation part, say."""
    path = tmp_path / "history.jsonl"
    result = trained(make, train=(X, QUANTITIES), validation=(X, QUANTITIES * 0), log=path, lr=0.01)
    assert result.history[0]["val_r2"] == -float("inf")
    assert lines(path)[0]["val_r2"] is None


def test_warnings_are_lines_too(tmp_path: Path) -> None:
    """With the step at which they were found."""
    path = tmp_path / "history.jsonl"
    result = trained(make, train=(X, QUANTITIES * 1e30), validation=None, model="linear", log=path)
    *_, warning, end = lines(path)
    assert warning == {"step": 1, "warning": result.warnings[-1]}
    assert (end["outcome"], end["step"]) == ("diverged", 1)


@pytest.mark.parametrize("step", [3, 9, 14, 20])
@pytest.mark.parametrize("tail", ["", '{"epoch": 2, "lo'])
def test_a_resumed_training_has_one_line_an_epoch(step: int, tail: str, tmp_path: Path) -> None:
    """Epochs that are made again replace theirs, and a last line that was cut is dropped."""
    path, kept = tmp_path / "history.jsonl", {"checkpoint": tmp_path / "kept", "checkpoint_every": 6}
    with pytest.raises(BrokenOffError):
        trained(make, log=path, watchers=[BreakOff(step)], **kept)
    with path.open("a") as file:
        file.write(tail)
    result = trained(make, log=path, resume=True, **kept)
    written = [{name: value for name, value in row.items() if name != "seconds"} for row in lines(path)]
    told = [row for row in written if "warning" not in row]
    assert told[:-1] == rows(result) == rows(trained(make))
    assert told[-1]["stopped"] == result.stopped


def test_a_file_that_is_there_is_not_overwritten(tmp_path: Path) -> None:
    """Nor is one made where the training is refused."""
    path = tmp_path / "history.jsonl"
    with pytest.raises(SettingError):
        trained(make, log=path, epochs=0)
    assert not path.exists()
    path.write_text("mine")
    with pytest.raises(SettingError) as caught:
        trained(make, log=path)
    assert str(caught.value) == (
        f"log exists already, got {str(path)!r}; "
        "write resume=True (--resume) to go on with it, or another file."
    )
    assert path.read_text() == "mine"


def test_a_folder_is_no_log(tmp_path: Path) -> None:
    """It is not called a file that exists."""
    with pytest.raises(SettingError) as caught:
        trained(make, log=tmp_path)
    assert str(caught.value) == f"log is a folder, got {str(tmp_path)!r}; write a file such as history.jsonl."


def test_a_file_that_cannot_be_written_is_refused(tmp_path: Path) -> None:
    """In a folder that is not there."""
    path = tmp_path / "none" / "history.jsonl"
    with pytest.raises(SettingError) as caught:
        trained(make, log=path)
    assert str(caught.value) == (
        f"log cannot be written (No such file or directory), got {str(path)!r}; "
        "write a file in a folder that exists, such as history.jsonl."
    )
