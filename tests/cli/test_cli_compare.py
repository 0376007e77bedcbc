"""`rightbatch compare`, as a user types it."""

import json
from pathlib import Path

import pytest

from cli.command import Said, in_a_process, rightbatch


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of its own to work in."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_houses_without_anything_else(folder: Path) -> None:
    """The table, the winners, what was learned; the page lies here; progress is on standard error."""
    said = in_a_process("compare", "houses", folder=folder)
    assert said.code == 0
    for word in ("mini-batch 2", "Who wins", "full batch: price = 200 × size", "compare-houses.html"):
        assert word in said.out
    assert "training: " in said.err
    assert (folder / "compare-houses.html").is_file()


def test_json_stands_alone(folder: Path) -> None:
    """One document on standard output; quiet leaves standard error empty."""
    said = rightbatch("compare", "houses", "--json", "--quiet", "--epochs", "2", "--report", "p.html")
    assert (said.code, said.err) == (0, "")
    document = json.loads(said.out)
    assert (document["kind"], document["settings"]["epochs"]) == ("comparison", 2)
    assert (folder / "p.html").is_file()


def test_every_option() -> None:
    """Sizes, update rules, model, rate and seed arrive."""
    words = (
        "compare line --model mlp --hidden 4 --batch-sizes 10,100 --optimizers sgd,adam --lr 0.01 --seed 3"
    )
    said = rightbatch(*words.split(), "--epochs", "2", "--json", "--quiet")
    document = json.loads(said.out)
    assert [method["name"] for method in document["methods"]] == [
        "SGD, mini-batch 10",
        "SGD, full batch",
        "Adam, mini-batch 10",
        "Adam, full batch",
    ]
    assert {method["learning_rate"] for method in document["methods"]} == {0.01}
    assert "MLP(hidden=(4,)" in document["settings"]["model"]


def test_none_converged_is_exit_code_3() -> None:
    """At a learning rate that diverges for all, the page is written all the same."""
    said = rightbatch("compare", "line", "--lr", "5", "--quiet", "--epochs", "5")
    assert said.code == 3
    assert "write a smaller learning rate" in " ".join(said.out.split())
    assert Path("compare-line.html").is_file()


MISUSE = {
    "--batch-sizes 10": "--batch-sizes must be at least two to compare, got '10'; "
    "write sizes such as 1, 10 and 100.",
    "--batch-sizes 1,x": "--batch-sizes must be whole numbers with commas between them, got '1,x'; "
    "write sizes such as 1,8,64, or auto.",
    "--optimizers sgd,adm": "--optimizers is not known, got 'adm'; "
    "write one of adam, sgd, momentum, nesterov.",
    "--model linear --hidden 3": "--hidden is for the mlp, got '3'; leave it out with --model linear.",
    "--lr 0": "--lr must be above 0, got 0.0; write a number such as 0.1.",
    "--epochs 0": "--epochs must be at least 1, got 0; write a number of epochs such as 100.",
    "--report nowhere/p.html": "--report cannot be written (no such file or directory), "
    "got 'nowhere/p.html'; write a path in a folder that exists and can be written to, such as report.html.",
    "--report mine.html": "--report is a file that rightbatch did not make, got 'mine.html'; "
    "write another name such as report.html.",
    "--label z": """--label is not a column of line, got 'z'; write one of "x", "y".""",
}


@pytest.mark.parametrize(("words", "sentence"), MISUSE.items(), ids=list(MISUSE))
def test_one_sentence(words: str, sentence: str, folder: Path) -> None:
    """It stands alone on standard error, and no file is made or changed."""
    (folder / "mine.html").write_text("mine")
    said = rightbatch("compare", "line", *words.split())
    assert said == Said(2, "", f"rightbatch: {sentence}\n")
    assert [path.name for path in folder.iterdir()] == ["mine.html"]
    assert (folder / "mine.html").read_text() == "mine"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("x,y\n1,2\n", "one.csv has one row, and one row cannot show a trend; give at least 2 rows."),
        (
            "x,y\n1,2\n1,3\n1,5\n",
            'one.csv has no column to learn from (1 constant ("x")); add one that varies.',
        ),
        ("y\n1\n2\n3\n", 'one.csv has only the column "y"; give at least one column beside the label.'),
    ],
)
def test_data_that_cannot_be_compared(text: str, said: str, folder: Path) -> None:
    """One sample, a constant feature, and a label alone."""
    (folder / "one.csv").write_text(text)
    found = rightbatch("compare", "one.csv")
    assert (found.code, found.out) == (2, "")
    assert found.err == f"rightbatch: {said}\n"
