"""SIGKILL at random moments: the resumed training ends with the weights of an undisturbed one."""

import importlib.util
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).with_name("killed_trainings.py")


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no processes can be forked here")
@pytest.mark.parametrize(("kind", "kills"), [("numpy", 20), ("torch", 8)])
def test_killed_at_random_moments(kind: str, kills: int, tmp_path: Path) -> None:
    """28 kills, within steps, evaluations and writing: bit for bit the same."""
    if kind == "torch" and importlib.util.find_spec("torch") is None:
        pytest.skip("PyTorch is not installed")
    words = [sys.executable, str(SCRIPT), kind, str(kills), str(tmp_path)]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    done = subprocess.run(words, capture_output=True, text=True, check=False, env=environment)
    assert done.returncode == 0, done.stderr
    said = json.loads(done.stdout)
    assert said["same"] is True
    assert said["killed"] >= kills
    assert said["resumed"] >= kills / 4
