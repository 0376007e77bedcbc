"""The study's store: one SQLite file, written as runs finish, read when a study goes on."""

import json
import sqlite3
import weakref
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Self

from rightbatch.errors import StoreError
from rightbatch.measure.clock import Timing
from rightbatch.records import Outcome
from rightbatch.study.subject import Run

SCHEMA = 1
"""Version of the tables; a file with another one is refused."""

_APPLICATION = 0x72626174
"""Marks the file as ours: "rbat" in SQLite's application_id."""

_TABLES = """
CREATE TABLE fact (name TEXT PRIMARY KEY, value TEXT NOT NULL);
CREATE TABLE timing (
    batch_size INTEGER, round INTEGER, steps INTEGER, seconds REAL, PRIMARY KEY (batch_size, round)
);
CREATE TABLE run (
    batch_size INTEGER, point INTEGER, seed INTEGER, learning_rate REAL, outcome TEXT, reason TEXT,
    steps_to_target REAL, curve_steps TEXT, curve TEXT, PRIMARY KEY (batch_size, point, seed)
);
"""


_NEXT_ROUND = """
INSERT INTO timing SELECT ?, (SELECT COALESCE(MAX(round) + 1, 0) FROM timing), ?, ?;
"""


class Store:
    """The runs, timings and facts of one study.

    Args:
        path: the file; made when it is not there. `None`: in memory, gone with the process.

    Raises:
        StoreError: the file cannot be opened, is no store, has another schema, or is in use.
    """

    def __init__(self, path: Path | None = None) -> None:
        self.path = path
        self._timings: tuple[Timing, ...] | None = None
        with self._spoken():
            # A store that is let go closes its file; Python 3.13 warns of one that does not. The thread that
            # lets it go may be another, such as the one of a train function.
            self._db = sqlite3.connect(
                ":memory:" if path is None else path,
                timeout=2,
                isolation_level=None,
                check_same_thread=False,
            )
            weakref.finalize(self, self._db.close)
            try:
                self._open()
            except BaseException:
                self._db.close()
                raise

    def _open(self) -> None:
        application = self._pragma("application_id")
        if application == 0 and self._pragma("schema_version") == 0:
            marks = f"PRAGMA application_id={_APPLICATION}; PRAGMA user_version={SCHEMA};"
            self._db.executescript(f"BEGIN; {_TABLES} {marks} COMMIT;")
        elif application != _APPLICATION:
            raise StoreError(f"{self.path} is no study of rightbatch; write another store.")
        elif self._pragma("user_version") != SCHEMA:
            raise StoreError(
                f"{self.path} holds a study of another version (schema {self._pragma('user_version')}, "
                f"this one writes {SCHEMA}); write another store."
            )
        # One writer for the whole session, and commits that need no wait for the disk: a killed
        # process loses nothing that was committed.
        self._db.execute("PRAGMA locking_mode=EXCLUSIVE")
        self._db.execute("PRAGMA journal_mode=WAL")
        self._db.execute("PRAGMA synchronous=NORMAL")
        self._db.execute("BEGIN IMMEDIATE")
        self._db.execute("COMMIT")

    def _pragma(self, name: str) -> int:
        return int(self._db.execute(f"PRAGMA {name}").fetchone()[0])

    @contextmanager
    def _spoken(self) -> Iterator[None]:
        """Errors of SQLite, said in a sentence."""
        try:
            yield
        except sqlite3.Error as error:
            raise StoreError(_sentence(self.path, error)) from error

    @contextmanager
    def _writing(self) -> Iterator[sqlite3.Connection]:
        with self._spoken():
            try:
                self._db.execute("BEGIN IMMEDIATE")
                yield self._db
                self._db.execute("COMMIT")
            except BaseException:
                # A full disk may have rolled back already; Ctrl-C may have come before the beginning.
                if self._db.in_transaction:
                    self._db.execute("ROLLBACK")
                raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the file; what was written is already safe."""
        # On a full disk the log of the last writes stays beside the file, and is read when it is opened.
        with suppress(sqlite3.Error):
            self._db.execute("PRAGMA journal_mode=DELETE")
        self._db.close()

    def fact(self, name: str) -> Any:
        """A stored value, or `None`."""
        with self._spoken():
            row = self._db.execute("SELECT value FROM fact WHERE name = ?", (name,)).fetchone()
        return None if row is None else json.loads(row[0])

    def put(self, **facts: Any) -> None:
        """Store values by name, together; JSON can hold them."""
        with self._writing() as db:
            _put(db, facts)

    def timings(self) -> tuple[Timing, ...]:
        """All timings, by round and batch size; the same tuple until there are more."""
        if self._timings is None:
            with self._spoken():
                rows = self._db.execute("SELECT batch_size, round, steps, seconds FROM timing ORDER BY 2, 1")
                self._timings = tuple(Timing(*row) for row in rows)
        return self._timings

    def add_timings(self, timings: Sequence[Timing], **facts: Any) -> None:
        """Store one round of timings, and facts with it."""
        self._timings = None
        with self._writing() as db:
            db.executemany("INSERT INTO timing VALUES (?, ?, ?, ?)", timings)
            _put(db, facts)

    def runs(self) -> list[Run]:
        """All runs, by batch size, seed and learning rate."""
        with self._spoken():
            rows = self._db.execute(
                "SELECT batch_size, point, seed, outcome, reason, steps_to_target, curve_steps, curve "
                "FROM run ORDER BY batch_size, seed, point"
            )
            return [_run(row) for row in rows]

    def add_runs(self, runs: Sequence[Run], timings: Sequence[Timing] = (), **facts: Any) -> None:
        """Store the runs of one sweep, all or none, with facts and their timings, further rounds each."""
        if timings:
            self._timings = None
        with self._writing() as db:
            for timing in timings:
                db.execute(_NEXT_ROUND, (timing.batch_size, timing.steps, timing.seconds))
            db.executemany("INSERT INTO run VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)", [_row(run) for run in runs])
            _put(db, facts)


def _put(db: sqlite3.Connection, facts: dict[str, Any]) -> None:
    rows = [(name, json.dumps(value)) for name, value in facts.items()]
    db.executemany("INSERT OR REPLACE INTO fact VALUES (?, ?)", rows)


def _row(run: Run) -> tuple[Any, ...]:
    curves = json.dumps(run.curve_steps), json.dumps(run.curve)
    head = run.batch_size, run.point, run.seed, run.lr, run.outcome.value, run.reason
    return (*head, run.steps_to_target, *curves)


def _run(row: tuple[Any, ...]) -> Run:
    batch_size, point, seed, outcome, reason, steps_to_target, curve_steps, curve = row
    return Run(
        batch_size=batch_size,
        point=point,
        seed=seed,
        outcome=Outcome(outcome),
        reason=reason,
        steps_to_target=steps_to_target,
        curve_steps=tuple(json.loads(curve_steps)),
        curve=tuple(json.loads(curve)),
    )


def _sentence(path: Path | None, error: sqlite3.Error) -> str:
    text = str(error)
    if "locked" in text:
        return f"{path} is in use by another study; wait for it to end, or write another store."
    if "not a database" in text:
        return f"{path} is no study of rightbatch; write another store."
    if "full" in text:
        return f"{path} cannot grow, the disk is full; make room and give the same command again, it goes on."
    if "unable to open" in text:
        return f"{path} cannot be opened; write a store in a folder that exists and that you may write to."
    return f"{path} cannot be used ({text}); write another store."
