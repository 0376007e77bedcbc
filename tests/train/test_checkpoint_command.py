"""`rightbatch train --checkpoint --resume --log`: what a user types, and what is said."""

import json
from pathlib import Path
from typing import Any

import pytest

from cli.command import rightbatch

WORDS = ("train", "digits", "--epochs", "2", "--hidden", "8", "--quiet")


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is written elsewhere."""
    monkeypatch.chdir(tmp_path)


def document(*words: str) -> Any:
    """What `--json` says, but for the clock."""
    said = rightbatch(*WORDS, *words, "--json")
    assert said.code == 0
    found = json.loads(said.out)
    for row in found["history"]:
        del row["seconds"]
    return found


def test_a_training_goes_on() -> None:
    """From half of it with the same command and --resume: the same scores as in one go."""
    whole = document()
    kept = ("--checkpoint", "kept", "--checkpoint-every", "5", "--log", "log.jsonl")
    assert document(*kept) == whole
    for path in sorted(Path("kept").iterdir())[-1:]:
        path.unlink()
    resumed = document(*kept, "--resume")
    assert resumed == whole
    lines = [json.loads(line) for line in Path("log.jsonl").read_text("utf-8").splitlines()]
    assert [line.get("epoch") for line in lines] == [1, 2, None]


def test_refusals_are_sentences() -> None:
    """Checkpoints are neither overwritten nor mistaken."""
    assert document("--checkpoint", "kept")
    newest = max(path.name for path in Path("kept").glob("step*"))
    said = rightbatch(*WORDS, "--checkpoint", "kept")
    assert (said.code, said.out) == (2, "")
    assert said.err == (
        "rightbatch: --checkpoint holds checkpoints already, got 'kept'; "
        f"write resume=True (--resume) to go on from {newest}, or another folder.\n"
    )
    said = rightbatch(*WORDS, "--checkpoint", "kept", "--resume", "--lr", "0.3")
    assert (said.code, said.out) == (2, "")
    assert said.err == (
        f"rightbatch: kept/{newest} is of another training: lr is 0.1 there and 0.3 here; "
        "write the same model, data and settings, or another folder.\n"
    )


def test_what_is_found_is_said_on_standard_error() -> None:
    """Also where no progress is wanted, and in the document."""
    said = rightbatch(*WORDS, "--checkpoint", "new", "--resume", "--json")
    sentence = "There is no checkpoint in new: it started from the beginning."
    assert said.err == f"rightbatch: {sentence}\n"
    assert json.loads(said.out)["warnings"] == [sentence]
