"""Help, for every command, at once."""

import json
import subprocess
import sys

import pytest

from cli.command import ENVIRONMENT, rightbatch
from rightbatch.cli import main

OPTIONS = {
    "study": "label task model hidden l2 optimizer target batch-sizes seeds budget tolerance "
    "quick complete jobs executor memory-limit prefer store report seed threads json quiet",
    "train": "label task model hidden l2 optimizer batch-size accumulate epochs lr schedule "
    "clip-norm weight-decay precision target patience save checkpoint resume "
    "checkpoint-every log seed threads json quiet",
    "probe": "label task model hidden l2 optimizer batch-sizes threads json quiet",
    "compare": "label task model hidden batch-sizes optimizers epochs lr report seed threads json quiet",
    "inspect": "label task batch-size order last seed json quiet",
    "bench": "rows features dtype batch-sizes rounds only markdown threads json quiet",
    "report": "report memory-limit prefer json quiet",
}

HEAVY = {"numpy", "scipy", "sklearn", "pyarrow", "plotly", "rich", "psutil", "threadpoolctl"}

LOADED = """
import json, sys
sys.argv = ["rightbatch", {word!r}]
from rightbatch.cli.main import main
try:
    main()
except SystemExit as end:
    print(json.dumps([end.code, sorted(name for name in sys.modules if "." not in name)]))
"""


@pytest.mark.parametrize("word", ["--help", "-h"])
def test_the_groups_help(word: str) -> None:
    """It shows what to type, each example in its own line, and the exit codes."""
    said = rightbatch(word)
    assert (said.code, said.err) == (0, "")
    lines = [line.strip() for line in said.out.splitlines()]
    assert "rightbatch study                     the built-in digits, in seconds" in lines
    assert "rightbatch study data.csv            your data; the last column is the label" in lines
    assert "\\b" not in said.out
    assert "Exit codes: 0 done; 2 misuse" in said.out
    assert set(OPTIONS) <= {line.split()[0] for line in lines if line}


def test_every_command_has_its_options() -> None:
    """The commands and options of the contract, no more and no fewer."""
    found = {
        name: sorted(
            option.lstrip("-") for made in command.params for option in made.opts if option[:2] == "--"
        )
        for name, command in main.rightbatch.commands.items()
    }
    assert found == {name: sorted(words.split()) for name, words in OPTIONS.items()}


@pytest.mark.parametrize("command", OPTIONS)
def test_each_commands_help(command: str) -> None:
    """Every option is explained."""
    said = rightbatch(command, "--help")
    assert (said.code, said.err) == (0, "")
    assert said.out.startswith("Usage: ")
    for made in main.rightbatch.commands[command].params:
        if made.opts[0].startswith("-"):
            assert made.help, made.name
            assert made.opts[0] in said.out


def test_the_version() -> None:
    """The installed one."""
    said = rightbatch("--version")
    assert said.code == 0
    assert said.out.split()[-1].count(".") >= 1


@pytest.mark.parametrize("word", ["--help", "--version"])
def test_help_comes_at_once(word: str) -> None:
    """Nothing is imported that a command would need: it is there in a tenth of a second."""
    done = subprocess.run(
        [sys.executable, "-c", LOADED.format(word=word)],
        check=True, capture_output=True, text=True, env=ENVIRONMENT,
    )  # fmt: skip
    code, modules = json.loads(done.stdout.splitlines()[-1])
    assert code == 0
    assert HEAVY.isdisjoint(modules)


def test_without_a_command_the_help_is_shown() -> None:
    """And it counts as misuse."""
    said = rightbatch()
    assert said.code == 2
    assert "Commands:" in said.out + said.err
