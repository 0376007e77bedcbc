"""The `rightbatch` command, run in this process or as one of its own."""

import contextlib
import io
import os
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple
from unittest import mock

from rightbatch.cli import main

WORDS = [sys.executable, "-m", "rightbatch"]
ENVIRONMENT = {**os.environ, "OMP_NUM_THREADS": "1"}


class Said(NamedTuple):
    """What a command left behind."""

    code: int
    out: str
    err: str


def rightbatch(*words: str) -> Said:
    """Run it here: what is tested is everything between the words and the exit code."""
    out, err = io.StringIO(), io.StringIO()
    with (
        mock.patch.object(sys, "argv", ["rightbatch", *words]),
        mock.patch.object(sys.modules["__main__"], "__package__", None),  # or click names pytest
        contextlib.redirect_stdout(out),
        contextlib.redirect_stderr(err),
    ):
        code = main._code()
    return Said(code, out.getvalue(), err.getvalue())


def in_a_process(*words: str, folder: Path) -> Said:
    """Run it as a user does, in a folder."""
    done = subprocess.run(
        [*WORDS, *words], check=False, capture_output=True, text=True, cwd=folder, env=ENVIRONMENT
    )
    return Said(done.returncode, done.stdout, done.stderr)
