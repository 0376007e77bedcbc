"""What is in the data, at a glance."""

import json
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.csv as pa_csv
import pyarrow.parquet as pq

from rightbatch.data.dataset import load_data
from rightbatch.data.read import read
from rightbatch.data.summary import ColumnSummary, Summary, summarise
from rightbatch.data.table import Column, Kind, Table, text_column

CSV = """size,sold,when,color,price
1.5,true,2024-01-02,red,10
2.5,false,2024-01-04,red,20
,true,2024-01-06,blue,30
4.0,true,2024-01-08,,40
"""


def summary_of(data: object, label: str | None = None, task: str | None = None) -> Summary:
    """The summary of any kind of data."""
    table = read(data)
    return summarise(table, load_data(table, label=label, task=task))


def test_columns(tmp_path: Path) -> None:
    """Types, missing values and ends, by reading the file."""
    file = tmp_path / "sales.csv"
    rows = CSV.splitlines()
    file.write_text("\n".join([rows[0], *rows[1:] * 5]))
    summary = summary_of(str(file), label="price", task="regression")
    assert summary.columns[:4] == (
        ColumnSummary(
            name="size", kind="numeric", missing=5, distinct=3, least="1.5", mean="2.66667", most="4"
        ),
        ColumnSummary(name="sold", kind="boolean", missing=0, distinct=2, least="0", mean="0.75", most="1"),
        ColumnSummary(
            name="when",
            kind="date",
            missing=0,
            distinct=4,
            least="2024-01-02",
            mean="2024-01-05",
            most="2024-01-08",
        ),
        ColumnSummary(name="color", kind="text", missing=5, distinct=2, least="blue", mean="red", most="red"),
    )
    assert (summary.name, summary.rows, summary.missing) == ("sales.csv", 20, 10)
    assert (summary.label, summary.task) == ("price", "regression")
    assert (summary.classes, summary.imbalance) == ((), None)


def test_a_column_without_values(tmp_path: Path) -> None:
    """Its ends are empty."""
    table = pa.table({"a": pa.array([None] * 20, pa.float64()), "b": np.arange(20.0), "c": [0, 1] * 10})
    pq.write_table(table, tmp_path / "gap.parquet")
    column = summary_of(str(tmp_path / "gap.parquet")).columns[0]
    assert (column.missing, column.distinct, column.least, column.mean, column.most) == (20, 0, "", "", "")


def test_classes_are_of_all_rows() -> None:
    """Counted by NumPy; the imbalance is that of the largest and the smallest."""
    y = np.repeat(["cat", "dog", "owl"], [60, 30, 10])
    summary = summary_of((np.arange(100.0).reshape(100, 1), y))
    assert [tuple(count) for count in summary.classes] == [("cat", 60), ("dog", 30), ("owl", 10)]
    assert summary.imbalance == 6
    assert summary.task == "classification"


def test_a_teaching_problem_is_counted_once() -> None:
    """Though its rows train, validate and test."""
    numbers = Column(name="a", kind=Kind.NUMBER, values=np.arange(4.0))
    label = text_column("b", np.array([0, 1, 0, 0]), ["x", "y"])
    summary = summary_of(Table(name="four", columns=(numbers, label), teaching=True))
    assert summary.train_rows == 4
    assert [tuple(count) for count in summary.classes] == [("x", 3), ("y", 1)]


def test_memory_and_steps_are_of_the_training_rows() -> None:
    """ceil(rows / B) steps, what is left in the last, and the bytes of the arrays that are trained on."""
    data = load_data("digits")
    summary = summary_of("digits")
    x, y = data.train
    assert (summary.train_rows, summary.features, summary.train_bytes) == (1257, 64, x.nbytes + y.nbytes)
    for size, steps, last, taken in summary.steps:
        starts = range(0, len(x), size)
        assert (steps, last) == (len(starts), len(x[starts[-1] :]))
        assert taken == x[:size].nbytes + y[:size].nbytes
    assert [step.batch_size for step in summary.steps] == [1, 8, 16, 32, 64, 128, 256, 512, 1024, 1257]
    table = read("digits")
    assert summary.table_bytes == sum(column.values.nbytes for column in table.columns)


def test_small_data_have_few_sizes() -> None:
    """Those below the rows, and all rows."""
    assert [step.batch_size for step in summary_of("houses").steps] == [1, 4]


def test_as_json(tmp_path: Path) -> None:
    """Everything, and what follows from it."""
    pa_csv.write_csv(pa.table({"a": np.arange(40.0), "b": [0, 1] * 20}), tmp_path / "x.csv")
    document = json.loads(json.dumps(summary_of(str(tmp_path / "x.csv")).to_dict()))
    assert (document["missing"], document["imbalance"], document["rows"]) == (0, 1, 40)
    assert document["classes"] == [{"name": "0", "rows": 20}, {"name": "1", "rows": 20}]
    assert document["steps"][0]["batch_size"] == 1
    assert document["columns"][0]["name"] == "a"


def test_a_table_may_be_read_again() -> None:
    """It is what `read` makes of anything else."""
    table = read("digits")
    assert read(table) is table
    assert load_data(table).fingerprint == load_data("digits").fingerprint
