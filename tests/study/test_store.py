"""The store: what was written is there, whole, and nobody else's file is touched."""

import os
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from rightbatch.errors import StoreError
from rightbatch.records import Outcome
from rightbatch.study import store as module
from rightbatch.study.store import Store
from study.hand_made import run, timings

RUNS = [
    run(8, -2, 0, 10.5),
    run(8, 0, 0, None, outcome=Outcome.HOPELESS, reason="not there after 2 times the steps"),
    run(64, -2, 0, 4.25, curve=(0.75, 0.123456789)),
]


def columns(path: Path) -> dict[str, list[str]]:
    """The columns of every table."""
    database = sqlite3.connect(path)
    names = [name for (name,) in database.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
    found = {
        name: [row[1] for row in database.execute("SELECT * FROM pragma_table_info(?)", (name,))]
        for name in names
    }
    database.close()
    return found


def test_schema(tmp_path: Path) -> None:
    """Three tables, and two marks that tell the file from others."""
    Store(tmp_path / "s.db").close()
    assert columns(tmp_path / "s.db") == {
        "fact": ["name", "value"],
        "timing": ["batch_size", "round", "steps", "seconds"],
        "run": [
            "batch_size", "point", "seed", "learning_rate", "outcome", "reason",
            "steps_to_target", "curve_steps", "curve",
        ],
    }  # fmt: skip
    database = sqlite3.connect(tmp_path / "s.db")
    assert database.execute("PRAGMA application_id").fetchone() == (int.from_bytes(b"rbat", "big"),)
    assert database.execute("PRAGMA user_version").fetchone() == (1,)
    database.close()


def test_what_was_written_is_read(tmp_path: Path) -> None:
    """Facts, timings and runs come back equal, in order, from a store opened again."""
    path, times = tmp_path / "s.db", timings({64: 0.25, 8: 1e-6}, rounds=2)
    with Store(path) as store:
        store.put(target={"text": "val_loss<=0.2"}, seconds=1.5)
        store.add_timings(times, seconds=2.5)
        store.add_runs(RUNS[::-1])
    with Store(path) as store:
        assert (store.fact("target"), store.fact("seconds")) == ({"text": "val_loss<=0.2"}, 2.5)
        assert [*store.timings()] == sorted(times, key=lambda timing: (timing.round, timing.batch_size))
        assert store.runs() == RUNS
        assert store.fact("never") is None


def test_a_closed_store_is_one_file(tmp_path: Path) -> None:
    """The log beside it is gone, so the study can be copied as it is."""
    with Store(tmp_path / "s.db") as store:
        store.add_runs(RUNS)
    assert [entry.name for entry in tmp_path.iterdir()] == ["s.db"]


def test_a_store_in_memory_leaves_no_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It holds what is put into it while it is open."""
    monkeypatch.chdir(tmp_path)
    with Store() as store:
        store.add_runs(RUNS)
        assert store.runs() == RUNS
    assert list(tmp_path.iterdir()) == []


def test_runs_are_stored_all_or_none(tmp_path: Path) -> None:
    """A sweep of which one run is there already is refused whole, and the store goes on."""
    with Store(tmp_path / "s.db") as store:
        store.add_runs(RUNS[:1], seconds=1.0)
        with pytest.raises(StoreError, match="UNIQUE constraint failed"):
            store.add_runs(RUNS[::-1], seconds=2.0)
        assert (store.runs(), store.fact("seconds")) == (RUNS[:1], 1.0)
        store.add_runs(RUNS[1:], seconds=3.0)
        assert (store.runs(), store.fact("seconds")) == (RUNS, 3.0)


@pytest.mark.parametrize("error", [KeyboardInterrupt, RuntimeError])
def test_an_interrupted_transaction_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: type[BaseException]
) -> None:
    """Ctrl-C between the runs and the facts of one sweep: neither is there, and the store closes."""

    def interrupted(*_: object) -> None:
        raise error

    monkeypatch.setattr(module, "_put", interrupted)
    with pytest.raises(error), Store(tmp_path / "s.db") as store:
        store.add_runs(RUNS, seconds=1.0)
    with Store(tmp_path / "s.db") as store:
        assert (store.runs(), store.fact("seconds")) == ([], None)


def text_file(path: Path) -> None:
    """Somebody's notes."""
    path.write_text("These are my notes, and they are longer than the head of a database. " * 5)


def database_of_another(path: Path) -> None:
    """A database of another program."""
    database = sqlite3.connect(path)
    database.execute("CREATE TABLE customer (name TEXT)")
    database.commit()
    database.close()


@pytest.mark.parametrize("make", [text_file, database_of_another])
def test_foreign_files_are_left_alone(tmp_path: Path, make: Callable[[Path], None]) -> None:
    """A file that is no study is refused by name, and not a byte of it changes."""
    path = tmp_path / "s.db"
    make(path)
    before = path.read_bytes()
    with pytest.raises(StoreError) as caught:
        Store(path)
    assert str(caught.value) == f"{path} is no study of rightbatch; write another store."
    assert path.read_bytes() == before


def test_another_version_is_refused(tmp_path: Path) -> None:
    """The sentence says which schema the file has and which one is written."""
    path = tmp_path / "s.db"
    Store(path).close()
    database = sqlite3.connect(path)
    database.execute("PRAGMA user_version = 7")
    database.close()
    with pytest.raises(StoreError) as caught:
        Store(path)
    assert str(caught.value) == (
        f"{path} holds a study of another version (schema 7, this one writes 1); write another store."
    )


@pytest.mark.parametrize("where", ["nowhere/s.db", "."])
def test_a_place_that_cannot_be_written(tmp_path: Path, where: str) -> None:
    """A folder that is not there, or a folder in place of a file."""
    path = tmp_path / where
    with pytest.raises(StoreError) as caught:
        Store(path)
    assert str(caught.value) == (
        f"{path} cannot be opened; write a store in a folder that exists and that you may write to."
    )


HOLDING = """
import signal, sys
from pathlib import Path
from rightbatch.study.store import Store
store = Store(Path(sys.argv[1]))
store.put(seconds=1.0)
print("open", flush=True)
signal.pause()
"""


def test_one_study_at_a_time_and_kill_9_loses_nothing(tmp_path: Path) -> None:
    """A second process is told that the store is in use; once the first is killed, its facts are there."""
    path = tmp_path / "s.db"
    with subprocess.Popen([sys.executable, "-c", HOLDING, str(path)], stdout=subprocess.PIPE) as holder:
        try:
            assert holder.stdout is not None
            assert holder.stdout.readline() == b"open\n"
            with pytest.raises(StoreError) as caught:
                Store(path)
        finally:
            holder.kill()
    assert str(caught.value) == (
        f"{path} is in use by another study; wait for it to end, or write another store."
    )
    with Store(path) as store:
        assert store.fact("seconds") == 1.0
        store.add_runs(RUNS)
        assert store.runs() == RUNS


def full(path: Path) -> str:
    """What is said of a full disk."""
    return f"{path} cannot grow, the disk is full; make room and give the same command again, it goes on."


def test_a_full_disk_loses_nothing_that_was_stored(tmp_path: Path) -> None:
    """A transaction that does not fit is undone whole; what came before is there, and it goes on."""
    path = tmp_path / "s.db"
    long = run(512, 0, 0, 3.0, curve=tuple(k / 7 for k in range(5000)))
    with Store(path) as store:
        store.add_runs(RUNS)
        store._db.execute("PRAGMA max_page_count = 10")
        with pytest.raises(StoreError) as caught:
            store.add_runs([long], seconds=9.0)
        assert str(caught.value) == full(path)
        assert (store.runs(), store.fact("seconds")) == (RUNS, None)
    with Store(path) as store:
        assert store.runs() == RUNS
        store.add_runs([long])
        assert store.runs() == [*RUNS, long]


ON_A_SMALL_DISK = """
import sys, pathlib
from rightbatch.errors import StoreError
from rightbatch.study.store import Store
path = pathlib.Path(sys.argv[1])
try:
    with Store(path) as store:
        for number in range(1000):
            store.put(**{f"fact{number}": "x" * 4000})
            print(number, flush=True)
except StoreError as error:
    print(error)
"""


@pytest.mark.skipif(not Path("/dev/full").exists() or os.geteuid() != 0, reason="needs to mount a disk")
def test_a_disk_that_is_really_full(tmp_path: Path) -> None:
    """On a disk of 1 MB everything that was confirmed is there after it ran full."""
    disk = tmp_path / "disk"
    disk.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(disk)], check=False, capture_output=True
    )
    if mounted.returncode != 0:
        pytest.skip("mounting is not permitted here")
    try:
        command = [sys.executable, "-c", ON_A_SMALL_DISK, str(disk / "s.db")]
        *confirmed, sentence = subprocess.run(
            command, check=True, capture_output=True, text=True
        ).stdout.splitlines()
        assert sentence == full(disk / "s.db")
        assert len(confirmed) > 50
        more = tmp_path / "s.db"
        for part in ("", "-wal"):
            if (disk / f"s.db{part}").exists():
                more.with_name(f"s.db{part}").write_bytes((disk / f"s.db{part}").read_bytes())
        with Store(more) as store:
            assert all(store.fact(f"fact{number}") == "x" * 4000 for number in range(len(confirmed)))
    finally:
        subprocess.run(["umount", str(disk)], check=True)


def test_a_damaged_store_is_refused(tmp_path: Path) -> None:
    """What SQLite says is handed on in one sentence."""
    path = tmp_path / "s.db"
    with Store(path) as store:
        store.add_runs([run(8, point, 0, 1.0, curve=tuple(range(500))) for point in range(20)])
    damaged = bytearray(path.read_bytes())
    damaged[4096:] = b"\xff" * (len(damaged) - 4096)
    path.write_bytes(damaged)
    with pytest.raises(StoreError) as caught, Store(path) as store:
        store.runs()
    assert str(caught.value) == (
        f"{path} cannot be used (database disk image is malformed); write another store."
    )


def test_a_store_may_be_let_go_by_another_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    """The last that holds it may be a train function's thread; SQLite does not complain there."""
    complaints: list[object] = []
    monkeypatch.setattr(sys, "unraisablehook", complaints.append)
    held = [Store()]
    thread = threading.Thread(target=held.clear)
    thread.start()
    thread.join()
    assert not held
    assert not complaints
