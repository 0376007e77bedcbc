"""Files of text, Parquet files and data frames."""

import datetime
import decimal
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.parquet
import pytest

from rightbatch.data.arrow import read_frame, read_parquet, read_text
from rightbatch.data.table import Column, Kind, Table
from rightbatch.errors import DataError


def written(folder: Path, text: str | bytes, name: str = "t.csv") -> Path:
    """A file with this text."""
    path = folder / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def column(table: Table, name: str) -> Column:
    """The column of that name."""
    return next(column for column in table.columns if column.name == name)


def same(one: Table, two: Table) -> None:
    """The tables hold the same columns, bit by bit."""
    assert [(c.name, c.kind, c.levels) for c in one.columns] == [
        (c.name, c.kind, c.levels) for c in two.columns
    ]
    for left, right in zip(one.columns, two.columns, strict=True):
        np.testing.assert_array_equal(left.values, right.values)


def test_each_kind_of_value_is_recognised(tmp_path: Path) -> None:
    """Numbers, booleans, dates and text are told apart, and words for nothing are missing."""
    text = "n,b,d,t\n1,true,1970-01-02,red\n2.5,false,1970-01-03,\n?,,NA,blue\n"
    table = read_text(written(tmp_path, text))
    assert [c.kind for c in table.columns] == [Kind.NUMBER, Kind.BOOLEAN, Kind.DATE, Kind.TEXT]
    np.testing.assert_array_equal(column(table, "n").values, [1, 2.5, np.nan])
    np.testing.assert_array_equal(column(table, "b").values, [1, 0, np.nan])
    np.testing.assert_array_equal(column(table, "d").values, [1, 2, np.nan])
    assert column(table, "t").levels == ("blue", "red")
    assert column(table, "t").values.tolist() == [1, -1, 0]


@pytest.mark.parametrize(("name", "mark"), [("t.tsv", "\t"), ("t.csv", ";")])
def test_tabs_and_semicolons_part_columns_too(tmp_path: Path, name: str, mark: str) -> None:
    """The same table with another delimiter is the same table."""
    text = "size,price\n1,2.5\n3,4.5\n"
    same(
        read_text(written(tmp_path, text.replace(",", mark), name)),
        read_text(written(tmp_path, text, "c.csv")),
    )


def test_quoted_line_ends_and_byte_order_marks_are_no_trouble(tmp_path: Path) -> None:
    """A line end inside quotes belongs to the value, the mark at the start to nothing."""
    table = read_text(written(tmp_path, b'\xef\xbb\xbfa,b\r\n"x\ny",1\r\nz,2\r\n'))
    assert [c.name for c in table.columns] == ["a", "b"]
    assert column(table, "a").levels == ("x\ny", "z")


def test_a_late_text_makes_the_whole_column_text(tmp_path: Path) -> None:
    """The kind is recognised from all rows, not from the first block that is read."""
    table = read_text(written(tmp_path, "a,b\n" + "1,2\n" * 400_000 + "x,3\n"))
    assert column(table, "a").levels == ("1", "x")


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("\n\n", "t.csv has no rows; write column names in its first line and rows below."),
        ("a,b", "t.csv has no rows; write column names in its first line and rows below."),
        ("a,b\n", "t.csv has column names but no rows; write one row per sample below them."),
        (
            'a,b\n1,"x\ny"\n\n3\n4,5\n',
            (
                "t.csv names 2 columns in its first line, and line 5 has 1;"
                " write as many values as names, and quotes around text that holds the delimiter."
            ),
        ),
        (
            b"a,b\n1,2\n\xe4,5,6\n",
            (
                "t.csv names 2 columns in its first line, and line 3 has 3;"
                " write as many values as names, and quotes around text that holds the delimiter."
            ),
        ),
        ("a,a\n1,2\n", 't.csv has more than one column named "a"; give every column its own name.'),
        ("a, a\n1,2\n", 't.csv has more than one column named "a"; give every column its own name.'),
        (
            "1,2.5\n3,4\n",
            (
                't.csv has numbers in its first line ("1", "2.5") where column names belong;'
                " write a line of names above them."
            ),
        ),
        (
            "a;b\n3;1\n0,5;0\n1.250,75;1\n",
            (
                't.csv has numbers with a comma in column "a", such as "0,5";'
                " write them with a decimal point, and without marks between thousands."
            ),
        ),
        (
            "gr\xf6\xdfe,b\n1,2\n".encode("latin1"),
            "t.csv is not UTF-8 text; save it as UTF-8.",
        ),
        (
            "a,b\nM\xfcller,2\nx,3\n".encode("latin1"),
            (
                't.csv has values of type binary in column "a", not numbers, dates or text;'
                " write it as UTF-8 text."
            ),
        ),
    ],
)
def test_a_damaged_file_of_text_is_refused(tmp_path: Path, text: str | bytes, sentence: str) -> None:
    """The sentence says what is wrong and in which line."""
    with pytest.raises(DataError) as caught:
        read_text(written(tmp_path, text))
    assert str(caught.value) == sentence


def test_a_damaged_parquet_file_is_refused(tmp_path: Path) -> None:
    """A file of text with the wrong ending is no Parquet file."""
    with pytest.raises(DataError) as caught:
        read_parquet(written(tmp_path, "a,b\n1,2\n3,4\n", "t.parquet"))
    assert str(caught.value) == (
        "t.parquet cannot be read as a Parquet file (Parquet magic bytes not found in footer."
        " Either the file is corrupted or this is not a parquet file); write the file again."
    )


def test_parquet_gives_back_what_was_written(tmp_path: Path) -> None:
    """A folder name that looks like a partition adds no column."""
    folder = tmp_path / "year=2024"
    folder.mkdir()
    frame = pa.table({"a": [1.5, None, 2.5], "b": ["x", None, "y"]})
    pyarrow.parquet.write_table(frame, folder / "t.parquet")
    same(read_parquet(folder / "t.parquet"), read_frame(frame))


@pytest.mark.parametrize("frame", [pd.DataFrame, pl.DataFrame, pa.table])
def test_any_frame_gives_the_same_table(frame: Any) -> None:
    """pandas, Polars and Arrow frames of the same values are the same table."""
    values = {
        "n": [1.5, None, 2.5],
        "t": ["red", None, "blue"],
        "b": [True, False, True],
        "d": [datetime.datetime(1970, 1, day) for day in (1, 2, 3)],
    }
    table = read_frame(frame(values))
    np.testing.assert_array_equal(column(table, "n").values, [1.5, np.nan, 2.5])
    assert column(table, "t").values.tolist() == [1, -1, 0]
    assert column(table, "b").values.tolist() == [1, 0, 1]
    assert column(table, "d").values.tolist() == [0, 1, 2]


@pytest.mark.parametrize(
    "categories",
    [
        pd.Series(["b", "a", None, "b"], dtype=pd.CategoricalDtype(["b", "c", "a"])),
        pl.Series(["b", "a", None, "b"], dtype=pl.Categorical),
        pl.Series(["b", "a", None, "b"], dtype=pl.Enum(["c", "b", "a"])),
        pa.chunked_array(
            [pa.array(["b", "a"]).dictionary_encode(), pa.array([None, "b"]).dictionary_encode()]
        ),
    ],
)
def test_the_order_of_categories_does_not_matter(categories: Any) -> None:
    """Levels are sorted, and those that no row has are left out."""
    frame = {pd.Series: pd.DataFrame, pl.Series: pl.DataFrame}.get(type(categories), pa.table)
    read = column(read_frame(frame({"c": categories})), "c")
    assert (read.levels, read.values.tolist()) == (("a", "b"), [1, 0, -1, 1])


def test_the_index_of_a_pandas_frame_is_no_column() -> None:
    """Neither a named index nor one that filtering has left gaps in is read."""
    frame = pd.DataFrame({"a": [1, 2, 3], "b": [4, 5, 6]})
    assert [c.name for c in read_frame(frame.rename_axis("key").set_axis([9, 7, 8])).columns] == ["a", "b"]
    assert [c.name for c in read_frame(frame[frame["a"] != 2]).columns] == ["a", "b"]


def test_times_are_counted_in_days() -> None:
    """Durations, times of the day, time zones and decimals become plain numbers."""
    noon = datetime.datetime(1970, 1, 2, 12, tzinfo=datetime.UTC)
    table = read_frame(
        pa.table(
            {
                "duration": [datetime.timedelta(hours=36), None],
                "time": [datetime.time(6), datetime.time(18)],
                "zoned": [noon, noon],
                "decimal": [decimal.Decimal("1.25"), decimal.Decimal("2.50")],
            }
        )
    )
    np.testing.assert_array_equal(column(table, "duration").values, [1.5, np.nan])
    assert column(table, "time").values.tolist() == [0.25, 0.75]
    assert column(table, "zoned").values.tolist() == [1.5, 1.5]
    assert column(table, "decimal").values.tolist() == [1.25, 2.5]


@pytest.mark.parametrize(
    "kind",
    [pa.date32(), pa.date64(), *(pa.timestamp(unit) for unit in ("s", "ms", "us", "ns"))],
    ids=str,
)
def test_days_do_not_depend_on_the_unit(kind: Any) -> None:
    """CSV readers and frame libraries count in different units, and the days come out the same."""
    days = [datetime.date(1960, 2, 29), datetime.date(2024, 12, 31)]
    values = column(read_frame(pa.table({"d": pa.array(days).cast(kind)})), "d").values
    assert values.tolist() == [(day - datetime.date(1970, 1, 1)).days for day in days]


@pytest.mark.parametrize(
    ("frame", "sentence"),
    [
        (
            pd.DataFrame([[1, 2], [3, 4]], columns=["a", "a"]),
            (
                "frame cannot be read as a table (Duplicate column names found: ['a', 'a']);"
                " give every column one type and a name of its own."
            ),
        ),
        (
            pd.DataFrame({"a": [1, "x"]}),
            (
                "frame cannot be read as a table (Could not convert 'x' with type str:"
                " tried to convert to int64 Conversion failed for column a with type object);"
                " give every column one type and a name of its own."
            ),
        ),
        (
            pl.Series([1, 2]),
            (
                "frame cannot be read as a table (Cannot import schema:"
                " ArrowSchema describes non-struct type int64);"
                " give every column one type and a name of its own."
            ),
        ),
        (
            pa.table({"a": [[1], [2]]}),
            (
                'frame has values of type list<item: int64> in column "a", not numbers, dates or text;'
                " leave it out, or write it as several columns."
            ),
        ),
    ],
)
def test_a_frame_that_is_no_table_is_refused(frame: Any, sentence: str) -> None:
    """The sentence hands on what the other library says."""
    with pytest.raises(DataError) as caught:
        read_frame(frame)
    assert str(caught.value).replace("list<element:", "list<item:") == sentence
