"""The commands under "Try it" on the pages of docs/learn run."""

import re
import shlex
from pathlib import Path

import pytest

from cli.command import rightbatch
from rightbatch.measure import feeding

PAGES = sorted((Path(__file__).parents[2] / "docs" / "learn").glob("*.md"))
BLOCK = re.compile(r"^```console\n(.*?)^```$", re.MULTILINE | re.DOTALL)

COMMANDS = [
    line.removeprefix("$ rightbatch ")
    for page in PAGES
    for block in BLOCK.findall(page.read_text(encoding="utf-8"))
    for line in block.splitlines()
]


@pytest.mark.parametrize("command", COMMANDS)
def test_commands_run(command: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """They end well, say something, and write no warning."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(feeding, "_SECONDS", 0.01)
    said = rightbatch(*shlex.split(command))
    assert said.code == 0, said.err
    assert said.out
