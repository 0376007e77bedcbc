"""From what the user typed to arrays ready for training."""

import datetime
import re
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sklearn.datasets import load_digits

from rightbatch.data.dataset import Dataset, load_data
from rightbatch.errors import RightbatchError, SettingError
from rightbatch.records import Shape


def people() -> dict[str, list[Any]]:
    """300 rows of every kind of column, some values missing."""
    random = np.random.default_rng(0)
    return {
        "age": [None if i % 11 == 0 else int(value) for i, value in enumerate(random.integers(18, 90, 300))],
        "income": random.lognormal(10, 1, 300).round(2).tolist(),
        "color": [
            None if i % 13 == 0 else str(value) for i, value in enumerate(random.choice(["red", "blue"], 300))
        ],
        "since": [datetime.datetime(2020, 1, 1) + datetime.timedelta(days=i % 50) for i in range(300)],
        "member": random.choice([True, False], 300).tolist(),
        "bought": random.choice(["yes", "no", "maybe"], 300).tolist(),
    }


def equal(one: Dataset, two: Dataset) -> None:
    """The data sets hold the same, bit by bit."""
    assert one.fingerprint == two.fingerprint
    assert (one.feature_names, one.classes, one.label) == (two.feature_names, two.classes, two.label)
    for left, right in zip(
        (*one.train, *one.validation, *one.test), (*two.train, *two.validation, *two.test), strict=True
    ):
        np.testing.assert_array_equal(left, right)
    np.testing.assert_array_equal(one.x_mean, two.x_mean)


def test_digits_are_ready_for_training() -> None:
    """Sizes, types, classes and shape of the default data set."""
    data = load_data("digits")
    (x, y), (x_val, _), (x_test, _) = data.train, data.validation, data.test
    assert [len(part) for part in (x, x_val, x_test)] == [1257, 270, 270]
    assert x.dtype == np.float32
    assert y.dtype == np.int64
    assert y.shape == (1257,)
    assert x.flags.c_contiguous
    assert data.classes == tuple("0123456789")
    assert data.shape == Shape(features=x.shape[1], outputs=10, task="classification")
    assert (data.y_mean.tolist(), data.y_scale.tolist()) == ([0], [1])
    assert x.mean(dtype=np.float64) == pytest.approx(0, abs=1e-6)
    assert x.std(dtype=np.float64) == pytest.approx(1, abs=1e-6)


def test_pixels_keep_their_relative_brightness() -> None:
    """All 64 pixels, the always dark ones too, are the raw brightness minus one mean over one deviation."""
    data = load_data("digits")
    assert len(data.feature_names) == 64
    assert len(set(data.x_mean.tolist())) == len(set(data.x_scale.tolist())) == 1


def test_the_parts_of_digits_are_its_images() -> None:
    """Every image comes back from its standardised row, with its own digit, exactly once."""
    data = load_data("digits")
    images, numbers = load_digits(return_X_y=True)
    kept = [load_digits().feature_names.index(name) for name in data.feature_names]
    expected = sorted((*image[kept], number) for image, number in zip(images, numbers, strict=True))
    x = np.concatenate([data.train[0], data.validation[0], data.test[0]]) * data.x_scale + data.x_mean
    y = np.concatenate([data.train[1], data.validation[1], data.test[1]])
    found = sorted((*row, number) for row, number in zip(x.round(), y, strict=True))
    np.testing.assert_array_equal(found, expected)


def test_every_class_has_its_share() -> None:
    """Ten digits, each with 15 % of its rows in the test, within one row."""
    data = load_data("digits")
    counts = np.bincount(load_digits().target)
    np.testing.assert_allclose(np.bincount(data.test[1]), 0.15 * counts, atol=1)


def test_nothing_leaks_from_the_rows_held_out() -> None:
    """Other values in validation and test rows change neither means, scales, names nor the training rows."""
    random = np.random.default_rng(1)
    x, y = random.normal(size=(200, 3)), random.normal(size=200)
    one = load_data((x, y))
    held_out = np.concatenate([one.validation[0], one.test[0]]) * one.x_scale + one.x_mean
    rows = [int(np.abs(x - row).sum(axis=1).argmin()) for row in held_out]
    x[rows], y[rows] = x[rows] * 100 + 5, y[rows] * 100 + 5
    two = load_data((x, y))
    np.testing.assert_array_equal(one.train[0], two.train[0])
    np.testing.assert_array_equal(one.train[1], two.train[1])
    for field in ("x_mean", "x_scale", "y_mean", "y_scale"):
        np.testing.assert_array_equal(getattr(one, field), getattr(two, field))
    train = np.setdiff1d(np.arange(200), rows)
    np.testing.assert_allclose(one.x_mean, x[train].mean(axis=0), rtol=1e-9)
    np.testing.assert_allclose(one.y_scale, y[train].std(), rtol=1e-9)


def test_every_frame_library_gives_the_data_set_of_the_file(tmp_path: Path) -> None:
    """pandas, Polars and Arrow frames, categories in any order, and the CSV file are one data set."""
    pd.DataFrame(people()).to_csv(tmp_path / "people.csv", index=False)
    data = load_data(tmp_path / "people.csv")
    assert data.feature_names == (
        "age", "income", "since", "member", "age=(missing)", "color=blue", "color=red", "color=(missing)",
    )  # fmt: skip
    assert data.name == "people.csv"
    frames = (
        pd.DataFrame(people()),
        pd.DataFrame(people()).convert_dtypes(),
        pd.DataFrame(people()).astype({"color": pd.CategoricalDtype(["red", "blue"]), "bought": "category"}),
        pl.DataFrame(people()),
        pl.DataFrame(people()).cast({"color": pl.Enum(["red", "blue", "none"]), "bought": pl.Categorical}),
        pl.read_csv(tmp_path / "people.csv", try_parse_dates=True),
        pa.table(people()),
    )
    for frame in frames:
        equal(data, load_data(frame))


def test_the_notes_are_three_lines_that_say_what_was_done() -> None:
    """Kinds of columns, what became of them, and the split."""
    assert load_data(pa.table(people())).notes == (
        (
            'frame: 300 rows, 5 columns (2 numeric, 1 text, 1 date, 1 boolean), label "bought" with 3 classes'
            " (classification)."
        ),
        (
            "Columns: 5 kept as 8 features and standardised; 1 of text, one-hot;"
            " 1 with missing numbers, filled by the median and marked."
        ),
        "Split: 210 train, 45 validation, 45 test (stratified by class, seed 0).",
    )
    assert load_data("houses").notes == (
        'houses: 4 rows, 1 numeric column, label "price" (regression: many whole numbers).',
        "Columns: 1 kept and standardised.",
        "Split: none, as this is a teaching problem; validation and test are the 4 training rows.",
    )


@pytest.mark.parametrize(("name", "slope", "intercept"), [("line", 2.770, 4.215), ("houses", 200, 0)])
def test_a_model_comes_back_in_its_own_units(name: str, slope: float, intercept: float) -> None:
    """Least squares on standardised data, in own units, is least squares on the data."""
    data = load_data(name)
    x, y = (part.astype(np.float64) for part in data.train)
    solution = np.linalg.lstsq(np.column_stack([x, np.ones(len(x))]), y, rcond=None)[0]
    weights, bias = data.in_own_units(solution[:-1], solution[-1])
    assert (weights.shape, bias.shape) == ((1, 1), (1,))
    assert (round(weights.item(), 3), round(bias.item(), 3)) == pytest.approx((slope, intercept), abs=1e-3)
    np.testing.assert_array_equal(data.validation[0], x)
    np.testing.assert_array_equal(data.test[1], y)
    assert (x.shape, y.shape) == ((len(x), 1), (len(x), 1))


def test_own_units_give_the_same_predictions() -> None:
    """A classifier's x w + b with several outputs is the same in both units."""
    data = load_data("digits")
    random = np.random.default_rng(0)
    w, b = random.normal(size=(data.shape.features, 10)), random.normal(size=10)
    own_w, own_b = data.in_own_units(w, b)
    x = data.test[0].astype(np.float64)
    np.testing.assert_allclose(
        (x * data.x_scale + data.x_mean) @ own_w + own_b, x @ w + b, rtol=1e-9, atol=1e-9
    )


def test_two_classes_have_one_output() -> None:
    """A logit tells two classes apart."""
    x = np.arange(40.0).reshape(-1, 1)
    data = load_data((x, x[:, 0] > 20))
    assert data.shape == Shape(features=1, outputs=1, task="classification")
    assert data.classes == ("false", "true")


def test_a_data_set_is_returned_as_it_is() -> None:
    """Loading twice is loading once."""
    data = load_data("houses")
    assert load_data(data) is data


def test_label_task_and_seed_are_followed() -> None:
    """Another label, task or seed gives another data set; the same ones give the same."""
    x = np.random.default_rng(0).normal(size=(60, 2))
    y = np.arange(60) % 2
    plain = load_data((x, y))
    assert load_data((x, y), label="x1").feature_names == ("x0", "y")
    assert load_data((x, y), task="regression").train[1].dtype == np.float32
    prints = [
        load_data((x, y), **kw).fingerprint for kw in ({}, {"seed": 1}, {"task": "regression"}, {"label": 0})
    ]
    assert len(set(prints)) == 4
    assert prints[0] == plain.fingerprint
    assert re.fullmatch("[0-9a-f]{16}", plain.fingerprint)


def test_the_fingerprint_moves_with_one_value() -> None:
    """One changed label or feature is other data."""
    x, y = np.random.default_rng(0).normal(size=(60, 2)), np.arange(60) % 2
    changed = y.copy()
    changed[7] = 1 - changed[7]
    moved = x.copy()
    moved[7, 1] += 0.01
    assert len({load_data(data).fingerprint for data in ((x, y), (x, changed), (moved, y))}) == 3


def test_a_seed_that_is_no_number_is_refused() -> None:
    """The sentence says what to write."""
    with pytest.raises(SettingError) as caught:
        load_data("digits", seed=-1)
    assert str(caught.value) == "seed must be at least 0, got -1; write a whole number such as 0."


CELLS = st.sampled_from(
    [
        st.integers(-(2**63), 2**63 - 1),
        st.integers(0, 3),
        st.floats(),
        st.floats(-10, 10, width=32),
        st.booleans(),
        st.text(max_size=3),
        st.sampled_from(["a", "b", "c"]),
        st.dates(),
        st.datetimes(),
        st.none(),
    ]
)


@st.composite
def frames(draw: st.DrawFn) -> Any:
    """Tables of up to five columns of any kind, values missing here and there."""
    rows = draw(st.integers(0, 40))
    columns = {}
    for name in draw(st.lists(st.text(max_size=3), min_size=1, max_size=5, unique=True)):
        cells = draw(CELLS)
        columns[name] = draw(st.lists(st.none() | cells | cells | cells, min_size=rows, max_size=rows))
    last = draw(st.sampled_from([st.integers(0, 2), st.floats(-5, 5), st.sampled_from(["no", "yes"])]))
    return pa.table({**columns, "the label": draw(st.lists(last, min_size=rows, max_size=rows))})


def ready_or_refused(data: Any, **settings: Any) -> None:
    """What training relies on holds, or there is a sentence."""
    try:
        ready(load_data(data, **settings))
    except RightbatchError as error:
        sentence = str(error)
    else:
        sentence = "Ready."
    assert sentence.endswith(".")


def ready(data: Dataset) -> None:
    """What training relies on."""
    for x, y in (data.train, data.validation, data.test):
        assert x.dtype == np.float32
        assert x.flags.c_contiguous
        assert x.shape == (len(y), len(data.feature_names))
        assert np.isfinite(x).all()
        assert np.isfinite(y).all()
        assert y.dtype == (np.int64 if data.classes else np.float32)
    assert np.ptp(data.train[0], axis=0).min() >= 0
    assert len(data.notes) == 3


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(frames(), st.sampled_from([None, "regression", "classification"]), st.integers(0, 9))
def test_any_table_is_ready_or_refused(frame: Any, task: str | None, seed: int) -> None:
    """Whatever the table, the result is finite float32 or one sentence that ends with a full stop."""
    ready_or_refused(frame, task=task, seed=seed)


PLAIN = st.sampled_from(["", "1", "2.5", "-3", "x", "y", "true", "2024-02-29"])
WILD = st.sampled_from(["1", "x", '"', "a,b", "inf", "\n", "1e400", "\0"])


@settings(max_examples=150, deadline=None)
@given(
    st.lists(st.lists(PLAIN, min_size=3, max_size=3), max_size=25)
    | st.lists(st.lists(WILD, max_size=4), max_size=9)
)
def test_any_text_is_ready_or_refused(lines: list[list[str]]) -> None:
    """Whatever the CSV file holds, nothing but a sentence comes out."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "t.csv"
        path.write_text("a,b,c\n" + "\n".join(",".join(line) for line in lines), newline="")
        ready_or_refused(path)
