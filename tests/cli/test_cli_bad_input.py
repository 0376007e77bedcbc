"""Every bad input of the command line: exit code 2, one sentence, word for word, and nothing lost."""

import os
import sqlite3
import subprocess
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from cli.command import ENVIRONMENT, WORDS, rightbatch
from rightbatch.cli import main

CLASSES = "\n".join(["a,b,c", *(f"{i % 7},{i * 3 % 11},{i % 3}" for i in range(60))])


def constant() -> str:
    """Two columns that never change."""
    return "\n".join(["a,b,c", *(f"1,2,{i % 2}" for i in range(30))])


FILES = {
    "ok.csv": CLASSES,
    "empty.csv": "",
    "header.csv": "a,b\n",
    "one.csv": "a,b\n1,2\n",
    "oneclass.csv": "\n".join(["a,b", *(f"{i},x" for i in range(30))]),
    "constant.csv": constant(),
    "missing.csv": "\n".join(["a,c", *(f",{i % 2}" for i in range(30))]),
    "text.csv": "\n".join(["a,c", *(f"{i % 5},t{i % 3}" for i in range(30))]),
    "ragged.csv": "a,b\n1,2\n3\n4,5\n",
    "twice.csv": "a,a,b\n1,2,3\n4,5,6\n",
    "mine.html": "<p>my notes</p>",
    "mine.db": "my notes, longer than the head of a database; " * 5,
    "there.npz": "my model",
}


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with every kind of bad file, to work in."""
    for name, text in FILES.items():
        (tmp_path / name).write_text(text)
    np.save(tmp_path / "nan.npy", np.array([[1, 2], [np.nan, 3], [4, 5.0]]))
    np.save(tmp_path / "inf.npy", np.array([[1, 2], [2, 3], [np.inf, 5.0]]))
    with sqlite3.connect(tmp_path / "other.db") as database:
        database.execute("CREATE TABLE customer (name TEXT)")
    database.close()
    (tmp_path / "folder").mkdir()
    monkeypatch.chdir(tmp_path)
    return tmp_path


def contents(folder: Path) -> dict[str, bytes]:
    """Every file and its bytes."""
    return {entry.name: entry.read_bytes() for entry in folder.iterdir() if entry.is_file()}


DATA = {
    "nowhere.csv": 'There is no file "nowhere.csv" and no built-in data set of that name; '
    "write the path of a file, or one of line, houses, digits.",
    "empty.csv": "empty.csv is empty; write at least two rows of data into it.",
    "header.csv": "header.csv has column names but no rows; write one row per sample below them.",
    "one.csv": "one.csv has one row, and one row cannot show a trend; give at least 2 rows.",
    "oneclass.csv": 'oneclass.csv has "x" as the label "b" in every row, so there is nothing to learn; '
    "choose another label.",
    "constant.csv": 'constant.csv has no column to learn from (2 constant ("a", "b")); add one that varies.',
    "missing.csv": 'missing.csv has no column to learn from (1 empty ("a")); add one that varies.',
    "ok.csv --label d": '--label is not a column of ok.csv, got \'d\'; write one of "a", "b", "c".',
    "text.csv --task regression": 'text.csv has text such as "t0" as the label "c", and regression takes '
    "numbers; choose another label, or classification.",
    "nan.npy": "the array in nan.npy has nan at row 1, column 0 (the first is 0); "
    "take the row out or write a number there.",
    "inf.npy": "the array in inf.npy has inf at row 2, column 0 (the first is 0); "
    "take the row out or write a number there.",
    "ragged.csv": "ragged.csv names 2 columns in its first line, and line 3 has 1; "
    "write as many values as names, and quotes around text that holds the delimiter.",
    "twice.csv": 'twice.csv has more than one column named "a"; give every column its own name.',
    "folder": "folder is a folder; write the path of one file in it.",
}

TARGET = "write a target such as val_loss=0.2 or val_accuracy>=0.95."
UNITS = "write the units of each layer such as 64 or 64,32."

MODEL = {
    "--model mlpp": "--model is not known, got 'mlpp'; write one of mlp, linear, logistic.",
    "--model linear": "--model 'linear' is for regression, got 'classification'; write 'logistic' or 'mlp', "
    "or make it regression by task 'regression' or y.astype(float).",
    "--task clustering": "--task is not known, got 'clustering'; write one of classification, regression.",
    "--optimizer adm": "--optimizer is not known, got 'adm'; write one of adam, sgd, momentum, nesterov.",
    "--target val_f1=1": "--target names no metric of classification, got 'val_f1=1'; "
    "write one of val_loss, val_accuracy.",
    "--target val_loss": f"--target must have the form METRIC=VALUE, got 'val_loss'; {TARGET}",
    "--target val_loss=low": f"--target must end in a finite number, got 'val_loss=low'; {TARGET}",
    "--target val_accuracy<=0.9": "--target points away: larger accuracy is better, "
    "got 'val_accuracy<=0.9'; write val_accuracy>=0.9.",
    "--hidden 0": f"--hidden must be at least 1, got 0; {UNITS}",
    "--hidden 64,-1": f"--hidden must be at least 1, got -1; {UNITS}",
    "--hidden many": f"--hidden must be whole numbers with commas between them, got 'many'; {UNITS}",
    "--l2 -1": "--l2 must not be negative, got -1.0; write 0 or a number such as 0.001.",
    "--threads 0": "--threads must be at least 1, got 0; write a number of threads such as 1.",
    "--seed -1": "--seed must be at least 0, got -1; write a whole number such as 0.",
}

TRAIN = {
    "--batch-size 0": "--batch-size must be at least 1, got 0; write a whole number such as 32.",
    "--batch-size -3": "--batch-size must be at least 1, got -3; write a whole number such as 32.",
    "--batch-size 100": "--batch-size must be at most 42, the rows of an epoch, got 100; "
    "write a whole number from 1 to 42.",
    "--schedule cosin": "--schedule is not known, got 'cosin'; "
    "write one of cosine, constant, exponential, inverse-time, step, warm-up.",
    "--model logistic --hidden 9": "--hidden is for the mlp, got '9'; leave it out with --model logistic.",
    "--accumulate 0": "--accumulate must be at least 1, got 0; write a number of micro-batches such as 4.",
    "--clip-norm 0": "--clip-norm must be above 0, got 0.0; write a number such as 1.0.",
    "--weight-decay -1": "--weight-decay must not be negative, got -1.0; write 0 or a number such as 0.01.",
    "--precision float16": "--precision of the built-in models is float32, got 'float16'; "
    "write float32, or train a PyTorch module.",
    "--lr -1": "--lr must be above 0, got -1.0; write a number such as 0.1.",
    "--lr nan": "--lr must be a finite number, got nan; write a number such as 0.1.",
    "--epochs 0": "--epochs must be at least 1, got 0; write a number of epochs such as 100.",
    "--save there.npz": "--save exists already, got 'there.npz'; "
    "write a new file such as model.npz in a folder that exists.",
    "--save model.txt": "--save must end in .npz, got 'model.txt'; "
    "write a new file such as model.npz in a folder that exists.",
    "--save nowhere/m.npz": "--save is in no folder, got 'nowhere/m.npz'; "
    "write a new file such as model.npz in a folder that exists.",
}

SIZES = "write sizes such as 1,8,64, or auto."
TIME = "write a time such as 60s, 5m or 1h."
MEMORY = "write a size such as 500MB or 4GB."
PLACE = "write a path in a folder that exists and can be written to, such as report.html."
STORE = "write a file such as study.db."

STUDY = {
    "--batch-sizes 0,8": f"--batch-sizes must be at least 1, got 0; {SIZES}",
    "--batch-sizes -3": f"--batch-sizes must be at least 1, got -3; {SIZES}",
    "--batch-sizes 8,1000": "--batch-sizes must not be above the 42 training rows, got 1000; "
    "write at most 42.",
    "--batch-sizes 8,x": f"--batch-sizes must be whole numbers with commas between them, got '8,x'; {SIZES}",
    "--prefer fast": "--prefer is not known, got 'fast'; write one of fastest, cheapest, smallest.",
    "--budget soon": f"--budget must be a number with a unit, got 'soon'; {TIME}",
    "--budget 5x": f"--budget must be a number with a unit, got '5x'; {TIME}",
    "--budget 0": f"--budget must be above 0, got '0'; {TIME}",
    "--budget -5s": f"--budget must be above 0, got '-5s'; {TIME}",
    "--memory-limit lots": f"--memory-limit must be a number with a unit, got 'lots'; {MEMORY}",
    "--memory-limit 4": f"--memory-limit must have a unit, got '4'; {MEMORY}",
    "--memory-limit 0GB": f"--memory-limit must be above 0, got '0GB'; {MEMORY}",
    "--seeds 1": "--seeds must be at least 2, got 1; write a number such as 5.",
    "--report nowhere/r.html": "--report cannot be written (no such file or directory), "
    f"got 'nowhere/r.html'; {PLACE}",
    "--report folder": f"--report cannot be written (is a directory), got 'folder'; {PLACE}",
    "--report mine.html": "--report is a file that rightbatch did not make, got 'mine.html'; "
    "write another name such as report.html.",
    "--store mine.db --report r.html": "mine.db is no study of rightbatch; write another store.",
    "--store other.db": "other.db is no study of rightbatch; write another store.",
    "--store mine.html": "--report is a file that rightbatch did not make, got 'mine.html'; "
    "write another name such as report.html.",
    "--store new.html": f"--store is the file of the report, got 'new.html'; {STORE}",
    "--store folder": f"--store is a folder, got 'folder'; {STORE}",
    "--store nowhere/s.db": "--store cannot be written (no such file or directory), got 'nowhere/s.db'; "
    "write a file in a folder that exists and that you may write to.",
    "--store nowhere/s.db --report r.html": "nowhere/s.db cannot be opened; "
    "write a store in a folder that exists and that you may write to.",
}

REPORT = {
    "nowhere.db": 'There is no file "nowhere.db"; write the file that a study was stored in.',
    "folder": 'There is no file "folder"; write the file that a study was stored in.',
    "mine.db": "mine.db is no study of rightbatch; write another store.",
    "nowhere.db --prefer fast": "--prefer is not known, got 'fast'; "
    "write one of fastest, cheapest, smallest.",
    "nowhere.db --memory-limit lots": f"--memory-limit must be a number with a unit, got 'lots'; {MEMORY}",
}

CASES = [
    *(
        (f"{command} {words}", said)
        for command in ("train", "study", "probe")
        for words, said in DATA.items()
    ),
    *((f"{command} ok.csv {words}", said) for command in ("train", "study") for words, said in MODEL.items()),
    *((f"train ok.csv {words}", said) for words, said in TRAIN.items()),
    *((f"study ok.csv {words}", said) for words, said in STUDY.items()),
    *((f"report {words}", said) for words, said in REPORT.items()),
]


@pytest.mark.parametrize(("line", "sentence"), CASES, ids=[line for line, _ in CASES])
def test_one_sentence(folder: Path, line: str, sentence: str) -> None:
    """It stands alone on standard error; no file is made, and none is changed."""
    before = contents(folder)
    said = rightbatch(*line.split())
    assert said.err == f"rightbatch: {sentence}\n"
    assert (said.code, said.out) == (2, "")
    assert contents(folder) == before


@pytest.mark.parametrize(
    ("line", "sentence"),
    [
        ("study ok.csv --batchsizes 8", "No such option '--batchsizes'; write --batch-sizes."),
        ("study --zzzz", "No such option '--zzzz'; write rightbatch study --help to see what it takes."),
        ("studdy ok.csv", "No such command 'studdy'; write study."),
        ("xyzzy", "No such command 'xyzzy'; write rightbatch --help to see what it takes."),
        ("report", "Missing argument 'FILE.db'; write rightbatch report --help to see what it takes."),
        (
            "train ok.csv b",
            "Got unexpected extra argument (b); write rightbatch train --help to see what it takes.",
        ),
        ("study --seeds", "Option '--seeds' requires an argument; write its value after it."),
        ("study --quick=3", "Option '--quick' does not take a value; leave the value out."),
    ],
)
def test_usage(line: str, sentence: str) -> None:
    """What click refuses is one sentence of ours with its way out."""
    assert rightbatch(*line.split()) == (2, "", f"rightbatch: {sentence}\n")


def whole(such_as: int) -> tuple[str, str]:
    """What is wrong with text where a whole number belongs, and the way out."""
    return "must be a whole number", f"write a whole number such as {such_as}"


def number(such_as: float) -> tuple[str, str]:
    """What is wrong with text where a number belongs, and the way out."""
    return "must be a number", f"write a number such as {such_as}"


OR_AUTO = ("must be a whole number or auto", "write a whole number such as 32, or auto")

NUMBERS: dict[str, dict[str, tuple[str, str]]] = {
    "study": {"--l2": number(0.001), "--seeds": whole(5), "--tolerance": number(0.05), "--jobs": whole(2)}
    | {"--seed": whole(0), "--threads": whole(1)},
    "train": {"--l2": number(0.001), "--batch-size": OR_AUTO, "--accumulate": whole(4)}
    | {"--epochs": whole(100), "--lr": number(0.1), "--clip-norm": number(1.0), "--patience": whole(5)}
    | {"--weight-decay": number(0.01), "--seed": whole(0), "--threads": whole(1)},
    "probe": {"--l2": number(0.001), "--threads": whole(1)},
    "inspect": {"--batch-size": whole(32), "--seed": whole(0)},
    "bench": {"--rows": whole(100000), "--features": whole(32), "--rounds": whole(5), "--threads": whole(1)},
    "compare": {"--epochs": whole(100), "--lr": number(0.1), "--seed": whole(0), "--threads": whole(1)},
    "report": {},
}


@pytest.mark.parametrize(
    ("command", "option"), [(command, option) for command, options in NUMBERS.items() for option in options]
)
def test_text_where_a_number_belongs(command: str, option: str) -> None:
    """The sentence names the option, the text, and a number that it takes."""
    problem, instead = NUMBERS[command][option]
    sentence = f"{option} {problem}, got 'many'; {instead}."
    assert rightbatch(command, option, "many") == (2, "", f"rightbatch: {sentence}\n")


def test_every_option_that_takes_a_number_is_among_them() -> None:
    """No command leaves text in a number's place to click."""
    for name, command in main.rightbatch.commands.items():
        numbers = [made for made in command.params if made.type.name not in {"text", "boolean"}]
        assert {made.opts[0] for made in numbers} == set(NUMBERS[name])


def dump(store: Path) -> list[str]:
    """Everything in a store, as SQL."""
    database = sqlite3.connect(store)
    lines = list(database.iterdump())
    database.close()
    return lines


def test_a_store_of_another_study(folder: Path) -> None:
    """The settings that differ are named, and what is stored stays as it is."""
    line = "study line --model linear --target val_loss=0.25 --store s.db --quiet --batch-sizes"
    assert rightbatch(*line.split(), "4,16").code == 0
    before = dump(folder / "s.db")
    said = rightbatch(*line.split(), "4")
    assert (said.code, said.out) == (2, "")
    assert said.err == (
        "rightbatch: s.db belongs to another study, of 'line': batch_sizes [4, 16] there and [4] now; "
        "write another store.\n"
    )
    assert dump(folder / "s.db") == before


def test_a_report_that_somebody_put_where_ours_goes(folder: Path) -> None:
    """The page beside the store is somebody's: it is refused before the study, not after it."""
    (folder / "s.html").write_text("my notes")
    said = rightbatch("study", "line", "--store", "s.db")
    assert said.err == (
        "rightbatch: --report is a file that rightbatch did not make, got 's.html'; "
        "write another name such as report.html.\n"
    )
    assert not (folder / "s.db").exists()


@pytest.fixture
def broken(monkeypatch: pytest.MonkeyPatch) -> Callable[[BaseException], None]:
    """Make the command's module fail in a way nobody foresaw."""

    def fail(error: BaseException) -> None:
        def raising(*_: object, **__: object) -> None:
            raise error

        monkeypatch.setattr("rightbatch.cli.train.run", raising)

    return fail


def test_the_unforeseen(broken: Callable[[BaseException], None], monkeypatch: pytest.MonkeyPatch) -> None:
    """One line with its name, exit code 1; the variable it names brings the traceback."""
    broken(ZeroDivisionError("division by zero"))
    monkeypatch.delenv("RIGHTBATCH_DEBUG", raising=False)
    said = rightbatch("train", "line")
    assert (said.code, said.out) == (1, "")
    assert said.err == (
        "rightbatch: ZeroDivisionError: division by zero. "
        "Set RIGHTBATCH_DEBUG=1 to see where it comes from.\n"
    )
    monkeypatch.setenv("RIGHTBATCH_DEBUG", "1")
    with pytest.raises(ZeroDivisionError):
        rightbatch("train", "line")


def test_an_interruption(broken: Callable[[BaseException], None]) -> None:
    """Ctrl-C is no failure either: one word, and the exit code that shells give it."""
    broken(KeyboardInterrupt())
    said = rightbatch("train", "line")
    assert (said.code, said.err) == (130, "\nrightbatch: Interrupted.\n")


def test_a_reader_that_went_away(folder: Path) -> None:
    """`rightbatch ... | head` ends quietly when nobody reads on."""
    command = [*WORDS, "train", "line", "--json", "--quiet"]
    reading, writing = os.pipe()
    os.close(reading)
    done = subprocess.run(command, check=False, stdout=writing, stderr=subprocess.PIPE, env=ENVIRONMENT)
    os.close(writing)
    assert (done.returncode, done.stderr) == (0, b"")
