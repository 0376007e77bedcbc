"""The benchmark of loaders as tables and as Markdown."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from rightbatch.errors import SettingError
from rightbatch.measure.feeding import Feeding
from rightbatch.measure.race import Place
from rightbatch.measure.rivals import OURS, Rival
from rightbatch.report.race import (
    MARK,
    Benchmark,
    feeding_table,
    markdown,
    markdown_path,
    parts,
    race_table,
)
from rightbatch.report.tables import Table

MADE = Benchmark(
    rows=1000,
    features=2,
    dtype="float32",
    rounds=3,
    places=[
        Place(OURS, 10, 1e-3, 1e-5, 1e6, 1.0, 1.0, 1.0, whole=True),
        Place("loop", 10, 0.0123, 1.23e-4, 81_301, 12.3456, 11.0, 13.0, whole=False),
        Place(OURS, 100, 1e-3, 1e-4, 1e6, 1.0, 1.0, 1.0, whole=True),
    ],
    feedings=[
        Feeding(OURS, "small", 10, 1e-6, 9e-6),
        Feeding("loop", "small", 10, 1e-5, 1e-5),
        Feeding(OURS, "larger", 10, 1e-6, 99e-6),
        Feeding("loop", "larger", 10, 2e-6, 99e-6),
    ],
    rivals=[Rival(OURS, "rightbatch 1.0", "a | b", lambda x, y, size: list)],
    left_out=["grain is not installed and was left out."],
    machine={"cpu": "A CPU", "cores": 2, "threads": 1, "python": "3.12.1"},
)


def test_places() -> None:
    """Times with units, ratios with three digits and their range; ours is 1; a mark where epochs were cut."""
    assert race_table(MADE.places[:2]).rows == (
        (OURS, "10 µs", "1,000,000", "1", ""),
        ("loop", "~123 µs", "81,301", "12.3", "11 to 13"),
    )


def test_feedings() -> None:
    """The model with its layers, and the share of the step."""
    assert feeding_table(MADE.feedings).rows[0] == ("small 32", OURS, "1 µs", "9 µs", "10 %")
    assert feeding_table(MADE.feedings).rows[3] == ("larger 512-512", "loop", "2 µs", "99 µs", "2 %")


SETTING = (
    "1,000 rows of 2 float32 and one int64 in main memory, in a new random order every epoch; medians of "
    "3 rounds in which all take turns; ratio: time over that of rightbatch in the same round. A CPU, "
    "2 cores, 1 thread (tf.data takes as many as it wants), Python 3.12.1."
)
WORTH = (
    "A step of the small model takes 2.00 times with the loop what it takes with rightbatch. "
    "A step of the larger model takes 1.01 times with the loop what it takes with rightbatch."
)


def test_one_round_is_no_median() -> None:
    """It is said as it is."""
    (said, *_) = parts(replace(MADE, rounds=1))
    assert said == SETTING.replace("medians of 3 rounds", "one round")


def test_the_parts() -> None:
    """The setting, a table a batch size, what the loader is worth to each model, and who was left out."""
    shown = list(parts(MADE))
    said = [part for part in shown if isinstance(part, str)]
    assert said == [
        SETTING,
        "Batches of 10:",
        "Batches of 100:",
        "~ marks epochs that were stopped, and of which the rest was reckoned by the rows so far.",
        "What a step of training waits for its batch of 10 (MLPs with SGD):",
        WORTH,
        "What was compared, each set up for arrays in memory:",
        "grain is not installed and was left out.",
    ]
    assert [len(part.rows) for part in shown if isinstance(part, Table)] == [2, 1, 4, 1]


def test_markdown() -> None:
    """The mark first; bars in a cell do not cut it; numbers stand right."""
    lines = markdown("Loaders", parts(MADE)).splitlines()
    assert lines[:2] == [MARK, "# Loaders"]
    assert "| rightbatch | rightbatch 1.0 | a \\| b |" in lines
    assert lines[lines.index("| loader | per batch | rows/s | ratio | in the rounds |") + 1] == (
        "|---|---|--:|--:|---|"
    )
    assert all(line.startswith("|") == line.endswith("|") for line in lines)


def test_as_json() -> None:
    """Everything, with the shares."""
    document = json.loads(json.dumps(MADE.to_dict()))
    assert document["training"][0]["share"] == pytest.approx(0.1)
    assert document["epochs"][1]["ratio"] == 12.3456
    assert document["loaders"] == [{"name": OURS, "version": "rightbatch 1.0", "setting": "a | b"}]
    assert document["left_out"] == ["grain is not installed and was left out."]


def test_where_it_may_be_written(tmp_path: Path) -> None:
    """A new file, or one of ours."""
    mine = tmp_path / "mine.md"
    mine.write_text(markdown("Old", []))
    assert markdown_path(mine) == mine
    assert markdown_path(tmp_path / "new.md") == tmp_path / "new.md"


def test_where_it_may_not(tmp_path: Path) -> None:
    """Somebody's file, a folder, or a file in no folder."""
    notes = tmp_path / "notes.md"
    notes.write_text("# My notes")
    instead = "write a new file such as loaders.md in a folder that exists."
    for path, problem in (
        (notes, "is a file that rightbatch did not make"),
        (tmp_path, "is no file in a folder that exists"),
        (tmp_path / "nowhere" / "x.md", "is no file in a folder that exists"),
    ):
        with pytest.raises(SettingError) as caught:
            markdown_path(path)
        assert str(caught.value) == f"markdown {problem}, got {str(path)!r}; {instead}"
