"""Every kind of data finds its reader."""

import os
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet
import pytest

from rightbatch.data import read as module
from rightbatch.data.read import read
from rightbatch.errors import DataError, SettingError


def test_each_file_ending_has_its_reader(tmp_path: Path) -> None:
    """The same numbers come out of every kind of file, upper-case endings included."""
    values = np.array([[1.5, 2.0], [2.5, 3.0], [4.5, 5.0]])
    frame = pd.DataFrame(values, columns=["x0", "y"])
    frame.to_csv(tmp_path / "t.CSV", index=False)
    frame.to_csv(tmp_path / "t.tsv", index=False, sep="\t")
    pyarrow.parquet.write_table(pa.table(frame), tmp_path / "t.parquet")
    np.save(tmp_path / "t.npy", values)
    np.savez(tmp_path / "t.npz", x=values[:, :1], y=values[:, 1])
    for data in (*sorted(tmp_path.iterdir()), frame, (values[:, :1], values[:, 1])):
        table = read(data)
        np.testing.assert_array_equal(np.stack([column.values for column in table.columns], axis=1), values)


def test_a_name_stands_for_a_built_in_data_set() -> None:
    """A path of the same name is written with a folder."""
    assert read("line").rows == 100


@pytest.mark.parametrize(
    ("data", "sentence"),
    [
        (
            "digit",
            (
                'There is no file "digit" and no built-in data set of that name;'
                " write the path of a file, or one of digits, line, houses."
            ),
        ),
        (
            "nowhere/house.csv",
            (
                'There is no file "nowhere/house.csv" and no built-in data set of that name;'
                " write the path of a file, or one of houses, line, digits."
            ),
        ),
        (
            Path("digits"),
            (
                'There is no file "digits" and no built-in data set of that name;'
                " write the path of a file, or one of digits, line, houses."
            ),
        ),
        ("folder", "folder is a folder; write the path of one file in it."),
        (
            "x.xlsx",
            "x.xlsx has the unknown ending .xlsx; write the data as one of .csv, .tsv, .parquet, .npy, .npz.",
        ),
        ("bare", "bare has no ending; write the data as one of .csv, .tsv, .parquet, .npy, .npz."),
        ("empty.csv", "empty.csv is empty; write at least two rows of data into it."),
        ("empty.npz", "empty.npz is empty; write at least two rows of data into it."),
    ],
)
def test_a_path_that_leads_nowhere_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, data: Any, sentence: str
) -> None:
    """The sentence names the path as it was typed and what can be written instead."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "folder").mkdir()
    for name, text in {"x.xlsx": "abc", "bare": "abc", "empty.csv": "", "empty.npz": ""}.items():
        (tmp_path / name).write_text(text)
    with pytest.raises(DataError) as caught:
        read(data)
    assert str(caught.value) == sentence


@pytest.mark.parametrize("data", [3, [1, 2], {"x": 1}, (1, 2, 3), np.zeros((3, 3))])
def test_other_things_are_no_data(data: Any) -> None:
    """The sentence names the type got and the types that can be given."""
    with pytest.raises(SettingError) as caught:
        read(data)
    assert str(caught.value) == (
        "data must be a built-in name, a file, a data frame or a tuple (X, y),"
        f' got {type(data).__name__!r}; write data such as "digits", "houses.csv" or (X, y).'
    )


def test_a_file_that_may_not_be_read_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What the operating system says is handed on in one sentence."""

    def denied(path: Path) -> None:
        raise PermissionError(13, os.strerror(13), str(path))

    (tmp_path / "t.csv").write_text("a,b\n1,2\n")
    monkeypatch.setitem(module.READERS, ".csv", denied)
    with pytest.raises(DataError) as caught:
        read(tmp_path / "t.csv")
    typed = str(tmp_path / "t.csv")
    assert (
        str(caught.value)
        == f"{typed} cannot be read (Permission denied); check the path and its permissions."
    )
    with pytest.raises(DataError, match=r"cannot be read \(File name too long\)"):
        read("x" * 5000)
