"""A study that is killed at any moment goes on, and ends as one that nobody disturbed."""

import json
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import pytest

from cli.command import ENVIRONMENT, WORDS, in_a_process
from rightbatch.study import costs

STUDY = ("study", "digits", "--batch-sizes", "8,64,512", "--seeds", "2", "--json")
FACTS_BEFORE_RUNS = ("settings", "about", "memory", "budget", "drift")
MOST_STUDIES = 12


def rows(store: Path, table: str) -> list[Any]:
    """All columns of a table, as SQLite has them; from a copy, so that what was killed stays as it was."""
    with tempfile.TemporaryDirectory() as folder:
        for part in store.parent.glob(f"{store.name}*"):
            shutil.copy(part, folder)
        database = sqlite3.connect(Path(folder) / store.name)
        found = sorted(database.execute(f"SELECT * FROM {table}").fetchall())
        database.close()
    return found


def advice(document: dict[str, Any]) -> dict[str, Any]:
    """What must not depend on who disturbed the study: everything but what it cost."""
    kept = {name: value for name, value in document.items() if name != "cost"}
    return kept | {"noise_scale": kept["noise_scale"] | {"cost": None}}


def machine(store: Path) -> tuple[list[Any], list[Any]]:
    """What a store knows of the machine: its timings, and since when they count."""
    return rows(store, "timing"), [row for row in rows(store, "fact") if row[0] == "drift"]


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, Any]]:
    """The store and the document of a study that nobody disturbed.

    It begins with timings and makes none, as is asked of those that are killed: where the machine becomes
    slower or faster during a study, all is timed again, and that study is but the beginning of the next one.
    """
    folder = tmp_path_factory.mktemp("undisturbed")
    assert in_a_process(*STUDY, "--store", "0.db", folder=folder).code == 0
    for number in range(1, MOST_STUDIES):
        before, store = folder / f"{number - 1}.db", folder / f"{number}.db"
        timed_only(before, store)
        said = in_a_process(*STUDY, "--store", store.name, folder=folder)
        assert said.code == 0
        if machine(store) == machine(before):
            return store, json.loads(said.out)
    pytest.fail(f"the machine changed its speed in each of {MOST_STUDIES} studies")


def timed_only(finished: Path, store: Path) -> None:
    """A copy of a finished study with its timings and without its runs."""
    shutil.copy(finished, store)
    database = sqlite3.connect(store)
    kept = ", ".join("?" * len(FACTS_BEFORE_RUNS))
    database.execute("DELETE FROM run")
    database.execute(f"DELETE FROM fact WHERE name NOT IN ({kept})", FACTS_BEFORE_RUNS)
    database.commit()
    database.execute("VACUUM")
    database.close()


def killed_after(commits: int, store: Path) -> bool:
    """Go on with the study and kill it after so many commits; whether it was still running.

    Each commit makes the log beside the store longer: its size tells how far the study is.
    """
    log = store.with_name(store.name + "-wal")
    seen, growths = 0, 0
    command = [*WORDS, *STUDY, "--quiet", "--store", str(store)]
    with subprocess.Popen(command, cwd=store.parent, stdout=subprocess.PIPE, env=ENVIRONMENT) as study:
        while study.poll() is None and growths < commits:
            size = log.stat().st_size if log.exists() else 0
            growths += size > seen
            seen = size
            time.sleep(0.0005)
        study.kill()
    return study.returncode == -signal.SIGKILL


def test_killed_again_and_again(undisturbed: tuple[Path, dict[str, Any]], tmp_path: Path) -> None:
    """From the same timings on, killed after every sixteen commits: equal runs, equal recommendation."""
    finished, document = undisturbed
    store = tmp_path / "s.db"
    timed_only(finished, store)
    whole, done = rows(finished, "run"), []
    while killed_after(16, store):
        done.append(len(rows(store, "run")))
        assert len(done) < 40
    assert any(0 < count < len(whole) for count in done), done
    assert done == sorted(done)
    said = in_a_process(*STUDY, "--store", "s.db", folder=tmp_path)
    assert rows(store, "run") == whole
    assert rows(store, "timing") == rows(finished, "timing")
    assert advice(json.loads(said.out)) == advice(document)


def test_killed_while_it_timed(undisturbed: tuple[Path, dict[str, Any]], tmp_path: Path) -> None:
    """What was timed by then is kept, the rest is timed after it; runs that both studies made find the same.

    How many seeds are worth their seconds depends on the timings, which are others. How early a run is looked
    at, and how late it is given up, depends on the runs made before it.
    """
    store = tmp_path / "s.db"
    assert killed_after(1, store)
    assert killed_after(12, store)
    before = rows(store, "timing")
    assert 0 < len(before) < 3 * (costs.ROUNDS + costs.AGAIN)
    said = in_a_process(*STUDY, "--store", "s.db", folder=tmp_path)
    assert said.code == 0
    assert set(before) < set(rows(store, "timing"))
    assert len(rows(store, "timing")) >= 3 * (costs.ROUNDS + costs.AGAIN)  # more if the machine changed
    one, other = ({row[:3]: row for row in rows(file, "run")} for file in (store, undisturbed[0]))
    both = one.keys() & other.keys()
    assert len(both) > min(len(one), len(other)) / 2
    for run in both:
        mine, theirs = (dict(zip(*map(json.loads, which[run][-2:]), strict=True)) for which in (one, other))
        seen = mine.keys() & theirs.keys()
        assert seen
        assert [mine[step] for step in seen] == [theirs[step] for step in seen]
        if one[run][4] == other[run][4] == "reached":
            assert one[run][:-2] == other[run][:-2]


def interrupted(folder: Path, *, times: int) -> tuple[int, str]:
    """Press Ctrl-C, once or more, as soon as the study has found a learning rate."""
    command = [*WORDS, *STUDY, "--store", "s.db"]
    with subprocess.Popen(
        command, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=ENVIRONMENT
    ) as study:
        assert study.stderr is not None
        for line in study.stderr:
            if line.startswith("learning rates:"):
                break
        for _ in range(times):
            study.send_signal(signal.SIGINT)
            time.sleep(0.001)
        _, said = study.communicate(timeout=60)
    return study.returncode, said


def test_ctrl_c(undisturbed: tuple[Path, dict[str, Any]], tmp_path: Path) -> None:
    """A sentence that says how to go on, no traceback; and it does go on to the same runs."""
    timed_only(undisturbed[0], tmp_path / "s.db")
    code, said = interrupted(tmp_path, times=1)
    assert code == 130
    assert "Stopped. What is done is in s.db; the same command goes on from there.\n" in said
    assert said.endswith("\nrightbatch: Interrupted.\n")
    assert "Traceback" not in said
    assert 0 < len(rows(tmp_path / "s.db", "run")) < len(rows(undisturbed[0], "run"))
    assert [entry.name for entry in tmp_path.iterdir()] == ["s.db"]
    assert in_a_process(*STUDY, "--store", "s.db", folder=tmp_path).code == 0
    assert rows(tmp_path / "s.db", "run") == rows(undisturbed[0], "run")


def test_ctrl_c_twice(undisturbed: tuple[Path, dict[str, Any]], tmp_path: Path) -> None:
    """The second one leaves at once: the same exit code, no traceback, and nothing stored is lost."""
    timed_only(undisturbed[0], tmp_path / "s.db")
    code, said = interrupted(tmp_path, times=2)
    assert code == 130
    assert said.endswith("rightbatch: Interrupted.\n")
    assert "Traceback" not in said
    whole = rows(undisturbed[0], "run")
    done = rows(tmp_path / "s.db", "run")
    assert 0 < len(done) < len(whole)
    assert all(row in whole for row in done)


FULL_DISK = """
import sys
from rightbatch.cli.main import main
from rightbatch.study import store
opened = store.Store._open
def small(self):
    opened(self)
    self._db.execute("PRAGMA max_page_count = 12")
store.Store._open = small
sys.argv = ["rightbatch", *sys.argv[1:]]
main()
"""


def test_a_disk_that_fills_up(undisturbed: tuple[Path, dict[str, Any]], tmp_path: Path) -> None:
    """One sentence, exit code 2; with room made, the same command ends with the same runs."""
    timed_only(undisturbed[0], tmp_path / "s.db")
    command = [sys.executable, "-c", FULL_DISK, *STUDY, "--quiet", "--store", "s.db"]
    done = subprocess.run(command, check=False, cwd=tmp_path, capture_output=True, text=True, env=ENVIRONMENT)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == (
        "rightbatch: s.db cannot grow, the disk is full; make room and give the same command again, "
        "it goes on.\n"
    )
    assert rows(tmp_path / "s.db", "run") != []
    assert in_a_process(*STUDY, "--store", "s.db", folder=tmp_path).code == 0
    assert rows(tmp_path / "s.db", "run") == rows(undisturbed[0], "run")
