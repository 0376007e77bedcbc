"""`rightbatch study` and `rightbatch report`: the main job, as a user runs it."""

import json
import re
import time
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from cli.command import Said, in_a_process, rightbatch
from rightbatch import units
from rightbatch.study.problem import Problem

FINISHED = {
    "every planned run is done",
    "the recommended batch size is within 5 % of the fastest with 95 % probability",
}
"""Which of them depends on the timings."""

SMALL = ("study", "digits", "--batch-sizes", "8,64,512", "--seeds", "2")


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Nothing is written elsewhere."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture(scope="module")
def digits(tmp_path_factory: pytest.TempPathFactory) -> tuple[Said, Path]:
    """The study of the issue's proof, whole: every batch size, three seeds."""
    folder = tmp_path_factory.mktemp("digits")
    words = ("study", "digits", "--target", "val_loss=0.2", "--seeds", "3", "--json")
    return in_a_process(*words, folder=folder), folder


def test_what_the_answer_does_not_need_may_be_left_out(folder: Path) -> None:
    """With --no-complete nothing is run for the table alone, and sizes that were not run are foretold."""
    words = ("study", "digits", "--target", "val_loss=0.2", "--seeds", "2", "--json")
    said = rightbatch(*words, "--no-complete", "--quiet")
    document = document_of(said)
    assert said.code == 0
    assert document["generalisation"] is None
    left_out = [row for row in document["batch_sizes"] if not row["runs"]]
    assert left_out
    assert all(row["foretold_steps"] is not None for row in left_out)


def document_of(said: Said) -> dict[str, Any]:
    """Standard output, which is one JSON document and nothing else, without NaN."""
    document: dict[str, Any] = json.loads(said.out, parse_constant=pytest.fail)
    return document


def test_the_keys_of_the_contract(digits: tuple[Said, Path]) -> None:
    """Recommendation, fit, target, and one object a batch size."""
    said, _ = digits
    assert said.code == 0
    document = document_of(said)
    advice = document["recommendation"]
    assert {"batch_size", "learning_rate", "interval", "within_5_percent"} <= set(advice)
    assert advice["batch_size"] in advice["within_5_percent"]
    low, high = advice["interval"]
    assert 1 <= low <= advice["batch_size"] <= high <= 1257
    assert document["target"]["text"] == "val_loss<=0.2"
    rows = document["batch_sizes"]
    assert [row["batch_size"] for row in rows] == [*(2**power for power in range(11)), 1257]
    wanted = {"batch_size", "learning_rate", "seconds_per_step", "steps_to_target", "seconds_to_target",
              "memory_bytes", "reached", "runs"}  # fmt: skip
    assert all(wanted <= set(row) for row in rows)
    run = [row for row in rows if row["runs"]]  # how many depends on the machine's speed
    assert len(run) >= 3
    assert all(row["reached"] for row in run)


def test_the_critical_batch_size_of_digits(digits: tuple[Said, Path]) -> None:
    """An independent measurement with 1,100 runs has B_crit 27 and S_min 22 for this problem."""
    fit = document_of(digits[0])["fit"]
    assert 15 < fit["b_crit"] < 55
    assert 12 < fit["s_min"] < 40


def test_the_steps_of_digits(digits: tuple[Said, Path]) -> None:
    """Steps fall as the batch grows, examples rise, and small batches need about E_min = 600 examples."""
    rows = [row for row in document_of(digits[0])["batch_sizes"] if row["reached"]]
    steps = [row["steps_to_target"] for row in rows]
    assert all(after < 1.2 * before for before, after in pairwise(steps))
    for row in rows:
        if row["batch_size"] <= 4:
            assert 300 < row["examples_to_target"] < 2000
        if row["batch_size"] >= 1024:
            assert row["examples_to_target"] > 15_000


def test_progress_goes_to_standard_error(digits: tuple[Said, Path]) -> None:
    """Lines, since it is no terminal: one at least for every stage."""
    stages = [line.split(":")[0] for line in digits[0].err.splitlines()]
    assert list(dict.fromkeys(stages)) == ["timing", "learning rates", "seeds"]


def test_store_and_report_lie_beside_each_other(digits: tuple[Said, Path]) -> None:
    """Under the name of the data, and nothing else is left."""
    store, report = sorted(entry.name for entry in digits[1].iterdir())
    assert store.startswith("study-digits-")
    assert store.endswith(".db")
    assert report == store.replace(".db", ".html")


def test_the_report_is_drawn_again(digits: tuple[Said, Path], folder: Path) -> None:
    """`report` gives the same document, to the last digit, and its page where it is asked for."""
    said, kept = digits
    (store,) = kept.glob("*.db")
    again = rightbatch("report", str(store), "--json", "--report", "again.html")
    assert again.code == 0
    assert document_of(again) == document_of(said)
    assert (folder / "again.html").read_text(encoding="utf-8").startswith("<!doctype html>")
    smallest = document_of(rightbatch("report", str(store), "--json", "--prefer", "smallest"))
    assert smallest["recommendation"]["batch_size"] == min(
        document_of(said)["recommendation"]["within_5_percent"]
    )


def test_the_words(folder: Path) -> None:
    """Three lines on the data and the progress on standard error; the table and the advice on output."""
    said = rightbatch(*SMALL, "--store", "s.db", "--report", "r.html")
    assert said.code == 0
    assert said.err.splitlines()[:4] == [
        'digits: 1,797 rows, 64 numeric columns, label "digit" with 10 classes (classification).',
        "Columns: 64 kept and standardised; the 64 of unit pixel with one mean and deviation.",
        "Split: 1,257 train, 270 validation, 270 test (stratified by class, seed 0).",
        "timing: getting ready; 0 of 21, 0:00 spent",
    ]
    for words in (
        "mini-batch",
        "Train with batch size 64 and learning rate ",
        "val_loss ≤ ",
        "Why",
        "Report: ",
    ):
        assert words in said.out
    assert said.out.splitlines()[-1] == f"Report: {folder / 'r.html'}"
    assert sorted(entry.name for entry in folder.iterdir()) == ["r.html", "s.db"]


def test_a_finished_study_given_again_returns_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """The same document, its cost included, and nothing is run."""
    first = rightbatch(*SMALL, "--json", "--quiet")
    monkeypatch.setattr(Problem, "runs", None)
    again = rightbatch(*SMALL, "--json", "--quiet")
    assert (again.code, again.err) == (0, "")
    assert document_of(again) == document_of(first)


def test_a_larger_budget_goes_on(folder: Path) -> None:
    """A study cut off while it tuned ends with more: its runs are those of one that was never cut off.

    How many there are hangs on what each was timed at; those that both made are equal.
    """
    store = ("--store", "s.db", "--quiet", "--json")
    cut = rightbatch(*SMALL, *store, "--budget", "0.05")
    assert cut.code == 2
    assert cut.err == (
        "rightbatch: --budget was spent before the first run, got '0.05'; write a larger one such as 60s.\n"
    )
    ended = document_of(rightbatch(*SMALL, *store, "--budget", "5m"))
    whole = document_of(rightbatch(*SMALL, "--store", "w.db", "--quiet", "--json"))
    assert {ended["stopped"], whole["stopped"]} <= FINISHED
    both = 0
    for ours, theirs in zip(ended["batch_sizes"], whole["batch_sizes"], strict=True):
        known = {rate["learning_rate"]: rate for rate in ours["learning_rates"]}
        for rate in theirs["learning_rates"]:
            if known.get(rate["learning_rate"], {}).get("runs") == rate["runs"]:
                assert known[rate["learning_rate"]] == rate
                both += 1
    assert both > 5


@pytest.mark.parametrize("budget", [0.01, 0.1, 0.5, 1, 2])
def test_budgets_are_kept(budget: float) -> None:
    """It ends in time, with an answer that says what was left out or one sentence that says to give more."""
    started = time.perf_counter()
    said = rightbatch("study", "digits", "--budget", f"{budget}s", "--json", "--quiet")
    assert time.perf_counter() - started < budget + 10  # reading, drawing, and the step in hand
    if said.code == 2:
        assert said.err == (
            f"rightbatch: --budget was spent before the first run, got '{budget}s'; "
            "write a larger one such as 60s.\n"
        )
        return
    assert said.code in {0, 3}
    document = document_of(said)
    if document["stopped"] not in FINISHED:
        spent = units.seconds(budget)
        assert document["stopped"] == f"the budget of {spent} was spent before every planned run was done"
        assert budget <= document["cost"]["seconds"] < budget + 1


def test_a_target_out_of_reach(folder: Path) -> None:
    """Exit code 3, what to change, and the study stored: the report of it can be drawn."""
    words = ("--target", "val_accuracy>=1", "--model", "logistic", "--store", "s.db", "--quiet")
    said = rightbatch("study", "digits", "--batch-sizes", "256", "--seeds", "2", *words)
    assert (said.code, said.err) == (3, "")
    text = " ".join(said.out.split())
    assert "No batch size reached val_accuracy ≥ 1." in text
    assert "Choose a target that is easier to reach, or give the study a larger budget." in text
    assert re.search(r"256: not there after [\d,]+ steps; the nearest was val_accuracy 0\.\d+ No ", text)
    again = rightbatch("report", "s.db", "--json")
    assert again.code == 3
    assert document_of(again)["recommendation"] is None
    assert (folder / "s.html").exists()


def test_a_file_of_ones_own(folder: Path) -> None:
    """The label is the last column; store and report take the file's name."""
    rows = [f"{i % 7},{(i * 5) % 11},{(i % 7) * 2 + (i * 5) % 11}" for i in range(80)]
    (folder / "my data.csv").write_text("\n".join(["a,b,y", *rows]))
    words = ("--model", "linear", "--batch-sizes", "4,16", "--seeds", "2", "--quiet")
    said = rightbatch("study", "my data.csv", *words)
    assert said.code == 0
    assert len(list(folder.glob("study-my data-*.html"))) == 1


def test_interrupted(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the study is kept, how to go on, and the exit code of an interruption."""

    def interrupt(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(Problem, "runs", interrupt)
    said = rightbatch(*SMALL, "--store", "s.db", "--quiet")
    assert (said.code, said.out) == (130, "")
    assert said.err == (
        "Stopped. What is done is in s.db; the same command goes on from there.\n\nrightbatch: Interrupted.\n"
    )
    half = rightbatch("report", "s.db")
    assert half.code == 2
    assert half.err == (
        "rightbatch: s.db holds no run yet; let its study go on, with the command that began it.\n"
    )
    assert not (folder / "s.html").exists()
