"""Columns of any kind become features, by what the training rows alone tell."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest

from rightbatch.data.columns import Features, prepare
from rightbatch.data.table import Column, Kind, text_column
from rightbatch.errors import DataError
from rightbatch.records import Array

TRAIN = np.arange(60)
ROWS = 100
RAMP = np.arange(float(ROWS))


def numbers(name: str, values: Any) -> Column:
    """A column of numbers."""
    return Column(name=name, kind=Kind.NUMBER, values=np.asarray(values))


def texts(name: str, values: Sequence[str | None]) -> Column:
    """A column of text, `None` where missing."""
    levels = sorted({value for value in values if value is not None})
    codes = [-1 if value is None else levels.index(value) for value in values]
    return text_column(name, np.array(codes), levels)


def own_units(features: Features) -> dict[str, Array]:
    """Every feature before it was standardised, by its name."""
    values = features.scaled.values * features.scaled.scale + features.scaled.mean
    return dict(zip(features.names, values.T, strict=True))


def test_gaps_are_filled_by_the_median_of_the_training_rows_and_marked() -> None:
    """Statistics by hand on the training rows; the other rows are far larger and do not count."""
    values = np.where(np.arange(ROWS) < 60, np.arange(ROWS) ** 1.5, 1e6)
    values[[3, 5, 70]] = np.nan
    features = prepare("t", [numbers("a", values)], TRAIN)
    filled = np.where(np.isnan(values), np.nanmedian(values[:60]), values)
    marked = np.isnan(values).astype(float)
    assert features.names == ("a", "a=(missing)")
    np.testing.assert_allclose(features.scaled.mean, [filled[:60].mean(), marked[:60].mean()], rtol=1e-12)
    np.testing.assert_allclose(features.scaled.scale, [filled[:60].std(), marked[:60].std()], rtol=1e-12)
    np.testing.assert_allclose(own_units(features)["a"], filled, rtol=1e-5, atol=1e-5)
    np.testing.assert_allclose(own_units(features)["a=(missing)"], marked, atol=1e-6)


def test_a_gap_outside_the_training_rows_gets_no_mark() -> None:
    """A mark that is never set in training would teach nothing."""
    values = RAMP.copy()
    values[80] = np.nan
    features = prepare("t", [numbers("a", values)], TRAIN)
    assert features.names == ("a",)
    assert own_units(features)["a"][80] == pytest.approx(29.5)


def test_text_becomes_one_column_per_category() -> None:
    """Sorted categories, missing apart; each row has a 1 in its own column alone."""
    values = ["red", "blue", None, "green", "red"] * 20
    features = prepare("t", [texts("color", values)], TRAIN)
    assert features.names == ("color=blue", "color=green", "color=red", "color=(missing)")
    for name, value in zip(features.names, ("blue", "green", "red", None), strict=True):
        expected = [float(v == value) for v in values]
        np.testing.assert_allclose(own_units(features)[name], expected, atol=1e-6)


def test_a_category_first_seen_after_training_is_in_no_column() -> None:
    """Where there are no rare categories to join, all its columns are 0."""
    values = ["red", "blue"] * 30 + ["green"] * 40
    features = prepare("t", [texts("color", values)], TRAIN)
    assert features.names == ("color=blue", "color=red")
    assert own_units(features)["color=red"][70] == pytest.approx(0, abs=1e-6)


def test_rare_categories_are_put_together() -> None:
    """At most 32 features; the others, and categories never seen in training, are in "(other)"."""
    values = [f"c{i % 40:02}" for i in range(60)] + ["new"] * 40
    features = prepare("t", [texts("c", values)], TRAIN)
    assert len(features.names) == 32
    assert features.names[-1] == "c=(other)"
    np.testing.assert_allclose(own_units(features)["c=(other)"][60:], 1, atol=1e-6)
    frequent = [f"c=c{i:02}" for i in range(20)]  # twice in the training rows, the other twenty once
    assert set(frequent) <= set(features.names)


def test_a_category_on_under_one_percent_of_the_rows_is_rare() -> None:
    """Two rows of 1,000 are too few for a column of their own, and missing is never one of the others."""
    values = ["a", "b"] * 499 + ["c", None]
    features = prepare("t", [texts("t", values)], np.arange(1000))
    assert features.names == ("t=a", "t=b", "t=(other)", "t=(missing)")


def test_columns_that_teach_nothing_are_dropped_and_named() -> None:
    """Empty, constant and name-like columns go, judged on the training rows; the note says which."""
    columns = [
        numbers("ramp", RAMP * 2),
        numbers("void", np.where(RAMP < 60, np.nan, RAMP)),
        numbers("five", np.where(RAMP < 60, 5, RAMP)),
        texts("word", ["same"] * ROWS),
        texts("name", [f"n{i}" for i in range(ROWS)]),
        texts("nothing", [None] * ROWS),
    ]
    features = prepare("t", columns, TRAIN)
    assert features.names == ("ramp",)
    assert features.note == (
        'Columns: 1 of 6 kept and standardised; dropped 2 empty ("void", "nothing"),'
        ' 2 constant ("five", "word"), 1 different in nearly every row ("name").'
    )


@pytest.mark.parametrize(("words", "refused"), [(1, True), (ROWS // 10, True), (ROWS // 5, False)])
def test_a_few_words_among_numbers_are_refused(words: int, refused: bool) -> None:
    """They would cost the whole column; where they are many it is a name like any other."""
    values = [f"{row}.5" if row % (ROWS // words) != 2 else f"bad{row}" for row in range(ROWS)]
    columns = [numbers("ramp", RAMP), texts("size", values)]
    if not refused:
        assert prepare("t", columns, TRAIN).names == ("ramp",)
        return
    with pytest.raises(DataError) as caught:
        prepare("t", columns, TRAIN)
    assert str(caught.value) == (
        't has "bad2" among the numbers of column "size", row 3 (the first row is 1); '
        "write a number there, or nothing where it is missing."
    )


def test_a_constant_with_gaps_keeps_its_mark() -> None:
    """Whether a value is there may teach something even if the value does not."""
    features = prepare("t", [numbers("a", np.where(RAMP % 2 == 0, 5, np.nan))], TRAIN)
    assert features.names == ("a=(missing)",)


def test_the_note_counts_what_was_done() -> None:
    """Gaps filled and text encoded are each counted."""
    columns = [
        numbers("a", np.where(RAMP % 7 == 0, np.nan, RAMP)),
        texts("t", ["x", "y", None, "x"] * 25),
        numbers("b", -RAMP),
    ]
    assert prepare("t", columns, TRAIN).note == (
        "Columns: 3 kept as 6 features and standardised; 1 of text, one-hot;"
        " 1 with missing numbers, filled by the median and marked."
    )


def test_nothing_to_learn_from_is_refused() -> None:
    """The sentence says why each column cannot be used."""
    columns = [numbers("a", np.ones(ROWS)), numbers("b", np.full(ROWS, np.nan))]
    with pytest.raises(DataError) as caught:
        prepare("t.csv", columns, TRAIN)
    assert str(caught.value) == (
        't.csv has no column to learn from (1 constant ("a"), 1 empty ("b")); add one that varies.'
    )


def test_whole_numbers_beyond_float32_stay_apart() -> None:
    """16,777,217 is no float32, so that whole columns are kept in float64 until they are standardised."""
    features = prepare(
        "t", [numbers("a", 16_777_216 + np.arange(ROWS)), numbers("b", RAMP.astype("f4"))], TRAIN
    )
    assert len(np.unique(features.scaled.values[:, 0])) == ROWS


@pytest.mark.parametrize("first", [0, 1])
@pytest.mark.parametrize("kind", [np.int64, np.float64])
def test_a_column_that_counts_the_rows_is_told(first: int, kind: type) -> None:
    """It is kept, as it may mean the time; the note says what to do where it means nothing."""
    count = numbers("id", np.arange(ROWS, dtype=kind) + first)
    features = prepare("made.csv", [count, numbers("a", RAMP % 7)], TRAIN)
    assert features.names == ("id", "a")
    assert features.note == (
        'Columns: 2 kept and standardised. Column "id" only counts the rows, and is kept all the same; '
        "take it out of the data if it means nothing."
    )


def test_a_column_without_a_name_that_counts_the_rows() -> None:
    """As pandas writes its index; of several all are told."""
    index, other = numbers("", RAMP), numbers("a", RAMP % 7)
    assert prepare("made.csv", [index, other], TRAIN).note.partition(". ")[2] == (
        "The column without a name only counts the rows, and is kept all the same; "
        "take it out of the data if it means nothing."
    )
    assert prepare("made.csv", [index, numbers("row", RAMP + 1), other], TRAIN).note.partition(". ")[2] == (
        'Columns "", "row" only count the rows, and are kept all the same; '
        "take them out of the data if they mean nothing."
    )


@pytest.mark.parametrize(
    "values",
    [RAMP + 2, RAMP[::-1], RAMP * 2, np.where(RAMP == 50, 51, RAMP), np.where(RAMP == 50, np.nan, RAMP)],
)
def test_columns_that_do_not_count_the_rows(values: Array) -> None:
    """Another start, the other way round, steps of two, a twin, a gap."""
    assert (
        "only count" not in prepare("made.csv", [numbers("id", values), numbers("a", RAMP % 7)], TRAIN).note
    )


def test_counting_is_told_where_the_others_are_dropped() -> None:
    """A name in every row beside it shows that it is no time."""
    columns = [numbers("id", RAMP), texts("name", [f"n{row}" for row in range(ROWS)])]
    assert prepare("made.csv", columns, TRAIN).note.partition(". ")[2].startswith('Column "id" only counts')


def test_counting_alone_or_in_few_rows_is_meant() -> None:
    """Where there is nothing else to learn from it is the time, and nine rows may count by chance."""
    assert "only count" not in prepare("made.csv", [numbers("t", RAMP)], TRAIN).note
    few = [numbers("t", RAMP[:9]), numbers("a", RAMP[:9] % 7)]
    assert "only count" not in prepare("made.csv", few, np.arange(6)).note
