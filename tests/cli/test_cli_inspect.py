"""`rightbatch inspect`: what it shows, and that it is what the data are."""

import json
import re
from pathlib import Path

import numpy as np
import pytest

from cli.command import rightbatch
from rightbatch.data.dataset import load_data
from rightbatch.data.loader import Loader

IMBALANCED = "\n".join(["a,b,c", *(f"{i % 7},{i * 3 % 11},{'no' if i % 10 else 'yes'}" for i in range(200))])


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is written elsewhere, and there is a file of two classes, 180 to 20."""
    (tmp_path / "rare.csv").write_text(IMBALANCED)
    (tmp_path / "gap.csv").write_text("a,b,c\n" + "\n".join(f"{i},,{i % 2}" for i in range(30)))
    (tmp_path / "wide.csv").write_text(
        ",".join([*(f"a_very_long_name_{i}" for i in range(25)), "c"])
        + "\n"
        + "\n".join(",".join([*(str((i * j) % 13) for j in range(25)), str(i % 2)]) for i in range(40))
    )
    monkeypatch.chdir(tmp_path)


def test_the_digits() -> None:
    """The summary, the steps of an epoch and the account of one."""
    said = rightbatch("inspect")
    assert (said.code, said.err) == (0, "")
    assert said.out.startswith("digits: 1,797 rows, 64 numeric columns, label ")
    lines = said.out.splitlines()
    assert "missing   nothing" in lines
    assert 'classes   10: from 174 rows of "8" to 183 rows of "3", 1.1 times as many' in lines
    assert "and 45 columns more: 44 numeric, 1 text; --json has them all" in lines
    assert re.search(r"^ +64 +20 +41 +16\.9 kB$", said.out, re.MULTILINE)
    assert "epoch 0 of Loader(1257 rows, batch_size=64, order=Shuffled(seed=0), last='keep')" in lines
    assert "rows      1,257 of 1,257 seen, each once" in lines
    assert "batches   20: 19 of 64 rows, 1 of 41" in lines


def test_pictures_are_looked_at_value_by_value(tmp_path: Path) -> None:
    """Rows of several axes, which a model of the user's may be studied on, are no error here."""
    pictures = np.random.default_rng(0).random((60, 1, 8, 8), np.float32)
    np.savez(tmp_path / "pictures.npz", X=pictures, y=np.arange(60) % 3)
    said = rightbatch("inspect", "pictures.npz")
    assert (said.code, said.err) == (0, "")
    assert said.out.startswith("pictures.npz: 60 rows, 64 numeric columns, label ")
    assert "classes   3 of 20 rows each" in said.out.splitlines()


def test_a_column_that_counts_the_rows(tmp_path: Path) -> None:
    """Is told among the notes."""
    rows = "".join(f"{row + 1},{row * 3 % 11},{row % 2}\n" for row in range(40))
    (tmp_path / "counted.csv").write_text(f"id,a,c\n{rows}")
    assert rightbatch("inspect", "counted.csv").out.splitlines()[1] == (
        'Columns: 2 kept and standardised. Column "id" only counts the rows, and is kept all the same; '
        "take it out of the data if it means nothing."
    )


@pytest.mark.parametrize("data", ["digits", "rare.csv", "wide.csv"])
def test_no_line_ends_with_blanks(data: str) -> None:
    """Of what is piped."""
    assert [line for line in rightbatch("inspect", data).out.splitlines() if line != line.rstrip()] == []


@pytest.mark.parametrize("width", [80, 120])
@pytest.mark.parametrize("data", ["digits", "houses", "rare.csv", "wide.csv"])
def test_tables_fit_the_terminal(data: str, width: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """No table is wider; names that are too long are cut."""
    monkeypatch.setenv("COLUMNS", str(width))
    said = rightbatch("inspect", data, "--quiet")
    assert max(map(len, said.out.splitlines())) <= max(width, 85)
    assert "…" in said.out or data != "wide.csv"


def test_values_are_cut_before_the_heads_of_their_columns(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Long texts leave room for what kind a column is and how much of it is missing."""
    monkeypatch.setenv("COLUMNS", "80")
    rows = [f"{'long text ' * 2}{i},{i % 2},{'yes' if i % 3 else 'no'}" for i in range(30)]
    (tmp_path / "notes.csv").write_text("\n".join(["a note,attendance,came", *rows]))
    lines = rightbatch("inspect", "notes.csv", "--quiet").out.splitlines()
    assert any(line.split()[:4] == ["column", "type", "missing", "distinct"] for line in lines)
    assert any(line.split()[:4] == ["attendance", "numeric", "0", "2"] for line in lines)


def test_classes_of_as_many_rows_are_told_in_short(tmp_path: Path) -> None:
    """Nothing is from a least to a most."""
    (tmp_path / "even.csv").write_text("a,y\n" + "\n".join(f"{i},{i % 2}" for i in range(50)))
    assert "classes   2 of 25 rows each" in rightbatch("inspect", "even.csv").out.splitlines()


def test_classes_that_are_rare_have_a_way_out() -> None:
    """It is named, and it does what it says."""
    said = rightbatch("inspect", "rare.csv", "--batch-size", "20")
    lines = said.out.splitlines()
    assert 'classes   2: from 20 rows of "yes" to 180 rows of "no", 9 times as many' in lines
    assert "          --order balanced shows batches in which all classes are equally frequent" in lines
    account = json.loads(
        rightbatch("inspect", "rare.csv", "--batch-size", "20", "--order", "balanced", "--json").out
    )["audit"]
    assert [(count["name"], count["least"], count["most"]) for count in account["classes"][:1]] == [
        ("no", account["classes"][0]["least"], 10)
    ]


def test_missing_values_are_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    """In all columns together, and in each."""
    said = rightbatch("inspect", "gap.csv")
    assert "missing   30 of 90 (33 %)" in said.out.splitlines()
    assert re.search(r"^b +numeric +30 +0 *$", said.out, re.MULTILINE)


def test_the_document() -> None:
    """One JSON document with the summary and the account, which are those of the library."""
    said = rightbatch(
        "inspect", "digits", "--json", "--batch-size", "100", "--last", "pad", "--order", "sequential"
    )
    document = json.loads(said.out)
    assert (said.code, said.err) == (0, "")
    assert len(document["data"]["columns"]) == 65
    expected = Loader(load_data("digits").train, 100, last="pad").audit().to_dict()
    audit = document["audit"]
    assert (audit["padding"], audit["batches"], audit["sizes"]) == (43, 13, [{"rows": 100, "batches": 13}])
    times = ("waiting", "computing")
    assert {name: value for name, value in audit.items() if name not in times} == json.loads(
        json.dumps({name: value for name, value in expected.items() if name not in times})
    )


def test_quiet_leaves_the_notes_out() -> None:
    """How the data were read is told unless one does not want to hear it."""
    assert "Split:" in rightbatch("inspect", "digits").out
    assert "Split:" not in rightbatch("inspect", "digits", "--quiet").out


BAD = {
    "nowhere.csv": 'There is no file "nowhere.csv" and no built-in data set of that name; '
    "write the path of a file, or one of line, houses, digits.",
    "rare.csv --label d": '--label is not a column of rare.csv, got \'d\'; write one of "a", "b", "c".',
    "rare.csv --batch-size 0": "--batch-size must be at least 1, got 0; write a whole number such as 32.",
    "rare.csv --batch-size 1000": "--batch-size must be at most 140, the rows of an epoch, got 1000; "
    "write a whole number from 1 to 140.",
    "rare.csv --order balancd": "--order is not known, got 'balancd'; "
    "write one of balanced, shuffled, sequential, stratified.",
    "line --order balanced": "--order is by class, and there are none here, got 'balanced'; write shuffled.",
    "rare.csv --last dorp": "--last is not known, got 'dorp'; write one of drop, pad, keep, spread.",
    "rare.csv --seed -1": "--seed must be at least 0, got -1; write a whole number such as 0.",
}


@pytest.mark.parametrize(("line", "sentence"), BAD.items(), ids=BAD)
def test_bad_input(line: str, sentence: str) -> None:
    """One sentence, exit code 2."""
    said = rightbatch("inspect", *line.split())
    assert (said.code, said.out, said.err) == (2, "", f"rightbatch: {sentence}\n")


def test_the_clock_of_the_account_is_the_machines() -> None:
    """The first epoch of the digits takes some time, and less than a minute."""
    audit = json.loads(rightbatch("inspect", "digits", "--json").out)["audit"]
    assert 0 < audit["waiting"] < 60
    assert np.isfinite(audit["computing"])
