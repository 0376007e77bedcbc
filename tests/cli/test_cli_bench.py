"""`rightbatch bench`: who takes part, what is shown and written, and what is refused."""

import importlib
import json
from pathlib import Path

import pytest

from cli.command import rightbatch
from rightbatch.measure.rivals import OURS
from rightbatch.report.race import MARK

SMALL = ("--rows", "200", "--features", "3", "--batch-sizes", "16,64", "--rounds", "2", "--quiet")


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Nothing is written elsewhere, nothing is trained for long, and only NumPy's ways take part."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("rightbatch.measure.feeding._SECONDS", 0.002)
    numpy_ways = list(importlib.import_module("rightbatch.measure.rivals_numpy").RIVALS)
    left_out = ["grain is not installed and was left out."]
    importlib.import_module("rightbatch.cli.bench")
    monkeypatch.setattr("rightbatch.cli.bench.installed", lambda: (numpy_ways, [*left_out]))
    return tmp_path


def test_what_is_shown() -> None:
    """A table a batch size, who waits how long, what took part, and who did not."""
    said = rightbatch("bench", *SMALL)
    assert (said.code, said.err) == (0, "")
    text = " ".join(said.out.split())
    assert text.startswith("200 rows of 3 float32 and one int64 in main memory")
    for words in (
        "Batches of 16:",
        "Batches of 64:",
        "NumPy loop",
        "scikit-learn",
        "waiting share",
        "larger 512",
    ):
        assert words in text
    assert "grain is not installed and was left out." in said.out.splitlines()


@pytest.mark.parametrize("width", [80, 120])
def test_it_fits_the_terminal(width: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Tables are folded, not cut."""
    monkeypatch.setenv("COLUMNS", str(width))
    assert max(map(len, rightbatch("bench", *SMALL).out.splitlines())) <= width


def test_the_document() -> None:
    """One JSON document: each way at each batch size, ours at ratio 1."""
    said = rightbatch("bench", *SMALL, "--json", "--dtype", "uint8")
    document = json.loads(said.out)
    assert (document["rows"], document["features"], document["dtype"]) == (200, 3, "uint8")
    assert [(place["name"], place["batch_size"]) for place in document["epochs"]] == [
        (name, size)
        for size in (16, 64)
        for name in (OURS, f"{OURS} threads=2", "NumPy loop", "scikit-learn")
    ]
    assert {place["ratio"] for place in document["epochs"] if place["name"] == OURS} == {1}
    assert document["machine"]["threads"] == 1
    assert len(document["training"]) == 4


def test_only_some_are_timed() -> None:
    """Those named and ours, in the tables and in the training."""
    said = rightbatch("bench", *SMALL, "--only", "scikit-learn", "--json")
    document = json.loads(said.out)
    assert {place["name"] for place in document["epochs"]} == {OURS, "scikit-learn"}
    assert [loader["name"] for loader in document["loaders"]] == [OURS, "scikit-learn"]
    assert document["left_out"] == []
    alone = rightbatch("bench", *SMALL, "--only", OURS)
    assert (alone.code, alone.err) == (0, "")
    assert "what it takes with" not in alone.out


def test_markdown_is_written_and_written_again(folder: Path) -> None:
    """The same tables; a file of ours is replaced."""
    for _ in range(2):
        said = rightbatch("bench", *SMALL, "--markdown", "b.md")
        assert said.out.splitlines()[-1] == "Written to b.md."
    page = (folder / "b.md").read_text(encoding="utf-8")
    assert page.startswith(MARK)
    assert "| loader | per batch | rows/s | ratio | in the rounds |" in page


def test_somebodys_file_is_left_alone(folder: Path) -> None:
    """It is refused before anything is timed."""
    (folder / "notes.md").write_text("mine")
    said = rightbatch("bench", "--markdown", "notes.md")
    assert (said.code, said.out) == (2, "")
    assert said.err == (
        "rightbatch: --markdown is a file that rightbatch did not make, got 'notes.md'; "
        "write a new file such as loaders.md in a folder that exists.\n"
    )
    assert (folder / "notes.md").read_text() == "mine"


SIZES = "write sizes such as 32,256."
NAMES = "write names with commas between them, of rightbatch, rightbatch threads=2, NumPy loop, scikit-learn."
DTYPES = "write a dtype of numbers such as float32, float64 or uint8."


@pytest.mark.parametrize(
    ("line", "sentence"),
    [
        ("--rows 1", "--rows must be at least 2, got 1; write a whole number such as 100000."),
        ("--features -1", "--features must be at least 0, got -1; write a whole number such as 32."),
        ("--rounds 0", "--rounds must be at least 1, got 0; write a whole number such as 5."),
        ("--threads 0", "--threads must be at least 1, got 0; write a number of threads such as 1."),
        (
            "--dtype float33",
            f"--dtype is not known to NumPy, got 'float33'; {DTYPES}",
        ),
        (
            "--dtype U3",
            f"--dtype is not one of numbers, got 'U3'; {DTYPES}",
        ),
        (
            "--batch-sizes 8,x",
            f"--batch-sizes must be whole numbers with commas between them, got '8,x'; {SIZES}",
        ),
        (
            "--rows 10 --batch-sizes 32",
            "--batch-sizes must not be above the 10 rows, got 32; write at most 10.",
        ),
        (
            "--only numpy",
            f"--only is none of the loaders here, got 'numpy'; {NAMES}",
        ),
        ("--batch-sizes 0", f"--batch-sizes must be at least 1, got 0; {SIZES}"),
    ],
)
def test_bad_input(line: str, sentence: str) -> None:
    """One sentence, exit code 2."""
    said = rightbatch("bench", *line.split())
    assert (said.code, said.out, said.err) == (2, "", f"rightbatch: {sentence}\n")
