"""The examples run, reach the quality that they state, and end with a study's recommendation."""

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

EXAMPLES = Path(__file__).parents[2] / "examples"
LONGEST = 300
"""Seconds: each takes well under 120 on two quiet cores."""

Figures = dict[str, Any]
QUALITY: dict[str, Callable[[Figures], bool]] = {
    "images_cnn": lambda found: found["accuracy"] >= 0.98,
    "imbalanced": lambda found: found["gain"]["balanced"] > 0.05 > abs(found["gain"]["stratified"]),
    "jax_loop": lambda found: found["accuracy"] >= 0.94,
    "keras_fit": lambda found: found["accuracy"] >= 0.94,
    "manual_mini_batches": lambda found: found["same"] is True and found["accuracy"] >= 0.93,
    "sklearn_partial_fit": lambda found: found["accuracy"] >= 0.94,
    "speech_digits": lambda found: found["accuracy"] >= 0.9,
    "text_lstm": lambda found: found["accuracy"] >= max(0.55, found["bag_of_words"] + 0.1),
    "text_transformer": lambda found: found["accuracy"] >= max(0.52, found["bag_of_words"] + 0.1),
    "your_torch_model": lambda found: found["accuracy"] >= 0.94,
}


def printed_by(name: str) -> list[str]:
    """The lines that an example prints, on one thread, with warnings as errors."""
    command = [sys.executable, "-W", "error", str(EXAMPLES / f"{name}.py"), "--seed", "0"]
    environment = os.environ | {"OMP_NUM_THREADS": "1"}
    done = subprocess.run(
        command, env=environment, capture_output=True, text=True, timeout=LONGEST, check=False
    )
    assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"
    return done.stdout.splitlines()


def test_every_example_is_run() -> None:
    """What lies in the folder is what has a stated quality here, and a line in its README."""
    names = {path.stem for path in EXAMPLES.glob("*.py")}
    assert names == set(QUALITY)
    text = (EXAMPLES / "README.md").read_text(encoding="utf-8")
    assert not [name for name in names if f"`{name}.py`" not in text]


@pytest.mark.parametrize("name", sorted(QUALITY))
def test_an_example_reaches_its_quality(name: str) -> None:
    """It ends with a recommendation and figures as good as it states; or says why it cannot run."""
    if re.search(
        r"^(import|from) torch\b", (EXAMPLES / f"{name}.py").read_text(encoding="utf-8"), re.MULTILINE
    ):
        pytest.importorskip("torch", reason="PyTorch is not installed")
    *_, recommendation, last = ["", *printed_by(name)]
    if last.startswith("Skipped: "):
        pytest.skip(last)
    found = json.loads(last)
    assert QUALITY[name](found), found
    assert recommendation.startswith(f"Train with batch size {found['batch_size']} ")


def test_the_text_names_its_licence() -> None:
    """The shipped text says whose it is and under what licence, and the licence lies beside it."""
    head = (EXAMPLES / "data" / "python_docs.txt").read_text(encoding="utf-8").splitlines()[:2]
    assert "Python Software Foundation; All Rights Reserved" in head[1]
    assert "PSF-LICENSE.txt" in head[1]
    licence = (EXAMPLES / "data" / "PSF-LICENSE.txt").read_text(encoding="utf-8")
    assert "PYTHON SOFTWARE FOUNDATION LICENSE VERSION 2" in licence
