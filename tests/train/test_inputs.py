"""From what `fit` is given to arrays."""

from typing import Any

import numpy as np
import pandas as pd
import pytest

from rightbatch.data.dataset import load_data
from rightbatch.data.loader import Loader
from rightbatch.errors import DataError
from rightbatch.records import Array, Shape
from rightbatch.train.inputs import arrays_of, inputs_of, pair_in, parts_of

X = np.arange(12.0).reshape(4, 3)
LABELS = np.array([0, 1, 2, 1])
THREE_CLASSES = Shape(features=3, outputs=3, task="classification")
ONE_QUANTITY = Shape(features=3, outputs=1, task="regression")


@pytest.mark.parametrize(
    ("y", "shape"),
    [
        ([0, 1, 2, 1], THREE_CLASSES),
        ([0, 1, 1, 0], Shape(features=3, outputs=1, task="classification")),
        ([True, False, True, True], Shape(features=3, outputs=1, task="classification")),
        ([0.0, 1.0, 1.0, 0.0], ONE_QUANTITY),
        (np.ones((4, 1)), ONE_QUANTITY),
        (np.ones((4, 2)), Shape(features=3, outputs=2, task="regression")),
        (np.ones((4, 2, 3), np.float16), Shape(features=3, outputs=6, task="regression")),
    ],
)
def test_the_task_is_in_the_labels_type(y: Any, shape: Shape) -> None:
    """Whole numbers and booleans are classes, two of them share a logit; other numbers are quantities."""
    assert parts_of((X, y), None)[2] == shape


@pytest.mark.parametrize(
    "data",
    [
        (X, LABELS),
        [X.tolist(), LABELS.tolist()],
        (X.astype(np.uint8), LABELS.astype(np.uint8)),
        (np.asfortranarray(X.reshape(4, 3, 1)), LABELS.reshape(4, 1)),
        (pd.DataFrame(X), pd.Series(LABELS)),
    ],
    ids=["arrays", "lists", "bytes", "images", "frame"],
)
def test_every_form_gives_the_same_arrays(data: Any) -> None:
    """Inputs become float32 in row order, images in their shape, class numbers int64."""
    x, y = arrays_of(data, "train")
    assert x.shape == np.shape(data[0])
    assert x.reshape(4, 3).tolist() == X.tolist()
    assert y.tolist() == LABELS.tolist()
    assert x.dtype == np.float32
    assert y.dtype == np.int64
    assert x.flags.c_contiguous


def test_quantities_become_columns() -> None:
    """A target of numbers is float32 `(rows, outputs)`, whatever its shape was."""
    for y in (np.arange(4.0), np.arange(4.0).reshape(4, 1)):
        found = arrays_of((X, y), "train")[1]
        assert found.tolist() == [[0], [1], [2], [3]]
        assert found.dtype == np.float32


def test_validation_is_read_as_the_training_part() -> None:
    """Whole numbers are quantities where the training part has quantities; fewer classes are fine."""
    _, held, _ = parts_of((X, np.arange(4.0)), (X[:2], [3, 7]))
    assert held is not None
    assert held[1].tolist() == [[3.0], [7.0]]
    assert held[1].dtype == np.float32
    _, held, _ = parts_of((X, LABELS), (X[:2], [1, 1]))
    assert held is not None
    assert held[1].tolist() == [1, 1]


def test_a_data_set_brings_its_parts() -> None:
    """Training and validation are those of the data set, unless another validation part is given."""
    data = load_data("digits")
    train, held, shape = parts_of(data, None)
    assert train is data.train
    assert held is data.validation
    assert shape == data.shape
    train, held, _ = parts_of("digits", None)
    assert train[0].tolist() == data.train[0].tolist()
    assert held is not None
    assert held[0].tolist() == data.validation[0].tolist()
    _, held, _ = parts_of(data, data.test)
    assert held is not None
    assert held[1].tolist() == data.test[1].tolist()


def test_a_loader_is_read_through() -> None:
    """The arrays of a loader are checked as a pair is; its batches are left as they are."""
    loader = Loader((X.astype(np.uint8), LABELS.astype(np.uint8)), 2)
    x, y = pair_in(loader)
    assert x.tolist() == X.tolist()
    assert y.tolist() == LABELS.tolist()


def nan_at(row: int, column: int) -> Array:
    """The inputs with one value missing."""
    x = X.copy()
    x[row, column] = np.nan
    return x


ONES = np.ones(4)
FLOAT32 = "which is no finite number of float32; take the row out or write another number there."


@pytest.mark.parametrize(
    ("data", "text"),
    [
        ((X, LABELS, ONES), "train must be a pair (X, y), got tuple; write (X, y)."),
        (
            (X, LABELS[:3]),
            (
                "X and y of train must have the same number of rows, got shapes (4, 3) and (3,); "
                "give one label per row."
            ),
        ),
        ((X[:0], LABELS[:0]), "X of train is empty, got shape (0, 3); give at least one row and one column."),
        ((X[:, :0], ONES), "X of train is empty, got shape (4, 0); give at least one row and one column."),
        ((3.0, ONES), "X of train must hold rows, got a single float; write an array of rows."),
        ((X, None), "y of train must hold rows, got a single NoneType; write an array of rows."),
        (
            (X.astype(str), ONES),
            "X of train must hold numbers, got <U32; write rb.load_data((X, y)) to encode it.",
        ),
        (
            (X.astype(object), ONES),
            (
                "X of train must hold numbers, got object; "
                "write .astype(float) or .astype(str) to say what these objects are."
            ),
        ),
        ((nan_at(2, 1), ONES), f"X of train has nan at row 2, column 1 (the first is 0), {FLOAT32}"),
        ((X * 1e300, ONES), f"X of train has 1e+300 at row 0, column 1 (the first is 0), {FLOAT32}"),
        ((X, [1, 2, -np.inf, 3]), f"y of train has -inf at row 2, column 0 (the first is 0), {FLOAT32}"),
        (
            (X, ["cat", "dog", "cat", "dog"]),
            (
                "y of train must hold numbers, got <U3; number the classes from 0, "
                "or write rb.load_data((X, y)) to have it done."
            ),
        ),
        (
            (X, np.array(["cat", "dog", "cat", None], dtype=object)),
            (
                "y of train must hold numbers, got object; number the classes from 0, "
                "or write .astype(float) or .astype(str) to say what these objects are."
            ),
        ),
        (
            (X, np.eye(4, 3, dtype=int)),
            (
                "y of train must be one class number a row, got whole numbers of shape (4, 3); "
                "write y.argmax(axis=1) if it is one-hot, or y.astype(float) if these are quantities."
            ),
        ),
        ((X, [5, 5, 5, 5]), "y of train holds one class only, class 5; give rows of at least two."),
        (
            (X, [-1, 1, 1, -1]),
            ("y of train must hold class numbers from 0 on, got -1; number the classes from 0 without gaps."),
        ),
        (
            (X, [200_000, 300_000, 400_000, 500_000]),
            (
                "y of train has class number 500,000 in 4 rows; number the classes from 0 without gaps, "
                "or write y.astype(float) if these are quantities."
            ),
        ),
    ],
)
def test_what_cannot_train(data: Any, text: str) -> None:
    """The sentence says what is wrong, where, and what to write."""
    with pytest.raises(DataError) as caught:
        parts_of(data if isinstance(data, tuple) else [data], None) if data is not X else arrays_of(
            X, "train"
        )
    assert str(caught.value) == text


def test_ragged_rows() -> None:
    """Rows of different length are told with NumPy's reason."""
    with pytest.raises(DataError, match=r"^X of train cannot be read as an array \(.*\); write a NumPy"):
        parts_of(([[1, 2], [3]], [0, 1]), None)


@pytest.mark.parametrize(
    ("y", "validation", "text"),
    [
        (
            LABELS,
            (X[:, :2], LABELS),
            "X of validation must have 3 columns as in training, got 2; give the same columns.",
        ),
        (
            LABELS,
            (X, LABELS + 1),
            (
                "y of validation must hold class numbers from 0 to 2, got 3; "
                "number the classes from 0 without gaps, as in y of train."
            ),
        ),
        (
            LABELS > 0,
            (X, LABELS - 1),
            (
                "y of validation must hold class numbers from 0 to 1, got -1; "
                "number the classes from 0 without gaps, as in y of train."
            ),
        ),
        (
            LABELS,
            (X, ONES),
            (
                "y of validation must hold class numbers as y of train does, got quantities; "
                "write y.astype(int) if they are whole."
            ),
        ),
        (
            ONES,
            (X, np.ones((4, 2))),
            ("y of validation must have as many columns as y of train, 1, got 2; give the same columns."),
        ),
        (LABELS, X, "validation must be a pair (X, y), got ndarray; write (X, y)."),
    ],
)
def test_a_validation_part_that_does_not_fit(y: Array, validation: Any, text: str) -> None:
    """Columns, classes and task must be those of the training part."""
    with pytest.raises(DataError) as caught:
        parts_of((X, y), validation)
    assert str(caught.value) == text


@pytest.mark.parametrize(
    ("data", "text"),
    [
        (
            (X, LABELS.reshape(4, 1)),
            "y of a loader must be 1-d, one class number a row, got (4, 1); write y.reshape(-1).",
        ),
        ({"x": X, "y": LABELS}, "train must be a pair (X, y), got dict; write (X, y)."),
        (X, "train must be a pair (X, y), got ndarray; write (X, y)."),
    ],
)
def test_a_loader_that_cannot_train(data: Any, text: str) -> None:
    """Batches that a learner would misread are refused before the first step."""
    with pytest.raises(DataError) as caught:
        pair_in(Loader(data, 2))
    assert str(caught.value) == text


def test_inputs_alone() -> None:
    """What is predicted for is named as such, and its columns are those of training."""
    assert inputs_of([[1, 2, 3]], "predict", ONE_QUANTITY).dtype == np.float32
    with pytest.raises(DataError) as caught:
        inputs_of([1, 2, 3], "predict", ONE_QUANTITY)
    assert (
        str(caught.value) == "X of predict must have 3 columns as in training, got 1; give the same columns."
    )


@pytest.mark.parametrize("dtype", [np.int64, np.int32, np.int16, np.uint16, np.uint64])
def test_whole_numbers_stay_whole_where_they_may(dtype: Any) -> None:
    """As int64, exactly; a float32 would round them."""
    large = np.array([[2, 30_001], [4, 5]]).astype(dtype)
    found = inputs_of(large, "train", whole=True)
    assert found.dtype == np.int64
    assert found.tolist() == large.tolist()
    assert inputs_of(large, "train").dtype == np.float32
    exact = np.array([[2**24 + 1]])
    assert inputs_of(exact, "train", whole=True).tolist() == [[2**24 + 1]]
    assert inputs_of(exact, "train").tolist() == [[2**24]]


@pytest.mark.parametrize(
    "x", [X, X > 3, X.astype(np.uint8), X.astype(np.int8)], ids=["real", "bool", "byte", "int8"]
)
def test_bytes_are_numbers(x: Any) -> None:
    """Pixels and the like, and real numbers, are float32 always."""
    assert inputs_of(x, "train", whole=True).dtype == np.float32


def test_the_axes_of_a_row_are_known() -> None:
    """For modules that want images as they are."""
    assert parts_of((X.reshape(4, 1, 3), LABELS), None)[2].row == (1, 3)
    assert load_data("digits").shape.row == (64,)


def test_whole_numbers_beyond_int64() -> None:
    """There are none in a table of words."""
    with pytest.raises(DataError) as caught:
        inputs_of(np.array([[2**64 - 1]], np.uint64), "train", whole=True)
    assert str(caught.value) == (
        "X of train has 18446744073709551615, which int64 does not hold; write X.astype(float)."
    )
