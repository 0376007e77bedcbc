"""Arrays, and the files NumPy writes."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from rightbatch.data.arrays import from_arrays, read_npy, read_npz
from rightbatch.data.table import Kind
from rightbatch.errors import DataError

X = np.arange(8.0).reshape(4, 2)
Y = np.array([0, 1, 0, 1])


def test_features_are_named_by_their_place_and_the_label_comes_last() -> None:
    """A pair of arrays becomes the columns x0, x1 and y, values and dtypes as they were."""
    table = from_arrays(X, Y)
    assert [column.name for column in table.columns] == ["x0", "x1", "y"]
    np.testing.assert_array_equal(np.stack([column.values for column in table.columns[:2]], axis=1), X)
    assert table.columns[2].values.dtype == np.int64


def test_a_label_of_one_column_is_flat() -> None:
    """Shapes (rows,) and (rows, 1) are the same label; lists are arrays."""
    table = from_arrays(X.tolist(), Y.reshape(-1, 1).tolist())
    assert table.columns[2].values.tolist() == Y.tolist()


def test_text_booleans_and_dates_are_told_apart() -> None:
    """Each NumPy dtype has its kind of column."""
    assert from_arrays(X, np.array(["b", "a", "b", "b"])).columns[2].levels == ("a", "b")
    assert from_arrays(X, Y == 1).columns[2].kind is Kind.BOOLEAN
    days = from_arrays(np.array([["1970-01-02T12"]] * 4, dtype="datetime64[h]"), Y).columns[0]
    assert (days.kind, days.values.tolist()) == (Kind.DATE, [1.5] * 4)


@pytest.mark.parametrize(
    ("x", "y", "sentence"),
    [
        (
            X,
            Y[:3],
            "X and y must have the same number of rows, got shapes (4, 2) and (3,); give one label per row.",
        ),
        (X[:, 0], Y, "X must be 2-d, one row per sample, got shape (4,); write x.reshape(-1, 1)."),
        (
            X.reshape(2, 2, 2),
            Y[:2],
            "X must be 2-d, one row per sample, got shape (2, 2, 2); write x.reshape(len(x), -1).",
        ),
        (X, X, "y must be 1-d, one label per row, got shape (4, 2); give one column of it."),
        (
            np.where(X == 5, np.nan, X),
            Y,
            "X has nan at row 2, column 1 (the first is 0); take the row out or write a number there.",
        ),
        (
            X,
            np.array([0, 1, np.inf, 1]),
            "y has inf at row 2 (the first is 0); take the row out or write a number there.",
        ),
        (X.astype(object), Y, "X is an array of Python objects (dtype object); write x.astype(float) first."),
        (X * 1j, Y, "X has dtype complex128, not numbers, text or dates; write x.astype(float) first."),
        ([[1, 2], [3]], Y, "X is not an array: its rows differ in length; give every row the same."),
        (X[:0], Y[:0], "arrays has column names but no rows; write one row per sample below them."),
    ],
)
def test_arrays_that_cannot_be_used_are_refused(x: Any, y: Any, sentence: str) -> None:
    """The sentence gives the shapes, or the place of the first value that is wrong."""
    with pytest.raises(DataError) as caught:
        from_arrays(x, y)
    assert str(caught.value) == sentence


def test_the_last_column_of_an_npy_file_comes_last(tmp_path: Path) -> None:
    """An .npy file becomes the columns x0, x1, ..."""
    np.save(tmp_path / "a.npy", X)
    table = read_npy(tmp_path / "a.npy")
    assert [column.name for column in table.columns] == ["x0", "x1"]
    np.testing.assert_array_equal(table.columns[1].values, X[:, 1])


@pytest.mark.parametrize(
    ("x", "y"), [("x", "y"), ("X", "target"), ("features", "labels"), ("pixels", "digit")]
)
def test_an_npz_file_holds_features_and_labels(tmp_path: Path, x: str, y: str) -> None:
    """The usual names are known; under others, shapes decide. Arrays beside them do not matter."""
    arrays: dict[str, Any] = {y: Y, x: X}
    np.savez(tmp_path / "a.npz", other=np.zeros(9), **arrays)
    table = read_npz(tmp_path / "a.npz")
    assert [column.name for column in table.columns] == ["x0", "x1", y]
    assert table.columns[2].values.tolist() == Y.tolist()


def test_an_npz_file_without_a_pair_is_refused(tmp_path: Path) -> None:
    """The sentence lists what the file holds."""
    np.savez(tmp_path / "a.npz", x_train=np.zeros((3, 2, 2)), y_train=np.zeros(3))
    with pytest.raises(DataError) as caught:
        read_npz(tmp_path / "a.npz")
    assert str(caught.value) == (
        "a.npz holds x_train (3, 2, 2), y_train (3,), and it takes a 2-d array of features and a 1-d array of"
        " labels; write numpy.savez(file, x=..., y=...)."
    )


def test_pickled_objects_are_never_loaded(tmp_path: Path) -> None:
    """Arrays of objects would run code from the file; they are refused."""
    np.save(tmp_path / "a.npy", X.astype(object))
    np.savez(tmp_path / "a.npz", x=X, y=Y.astype(object))
    for path, reader in ((tmp_path / "a.npy", read_npy), (tmp_path / "a.npz", read_npz)):
        with pytest.raises(DataError) as caught:
            reader(path)
        sentence = "holds an array of Python objects (dtype object); write x.astype(float) before saving it."
        assert str(caught.value) == f"{path.name} {sentence}"


def test_values_that_are_no_numbers_are_found_in_files(tmp_path: Path) -> None:
    """The file, and in an .npz the array, is named."""
    np.save(tmp_path / "a.npy", np.where(X == 2, -np.inf, X))
    np.savez(tmp_path / "a.npz", x=np.where(X == 7, np.nan, X), y=Y)
    with pytest.raises(DataError) as caught:
        read_npy(tmp_path / "a.npy")
    place = "at row 1, column 0 (the first is 0); take the row out or write a number there."
    assert str(caught.value) == f"the array in a.npy has -inf {place}"
    with pytest.raises(DataError) as caught:
        read_npz(tmp_path / "a.npz")
    place = "at row 3, column 1 (the first is 0); take the row out or write a number there."
    assert str(caught.value) == f"x in a.npz has nan {place}"


@pytest.mark.parametrize("kept", [3, 20, 90, 130, 200])
@pytest.mark.parametrize("name", ["a.npy", "a.npz"])
def test_a_file_cut_short_is_refused(tmp_path: Path, name: str, kept: int) -> None:
    """Wherever the file ends too early, the sentence is the same."""
    path = tmp_path / name
    with path.open("wb") as file:
        np.save(file, np.ones((9, 9))) if name == "a.npy" else np.savez(file, x=X, y=Y)
    path.write_bytes(path.read_bytes()[:kept])
    with pytest.raises(DataError) as caught:
        (read_npy if name == "a.npy" else read_npz)(path)
    assert str(caught.value) == (
        f"{name} is no array file of NumPy, or damaged; write it with numpy.save or numpy.savez."
    )
