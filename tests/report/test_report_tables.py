"""Rows of text, as a person would write them from the example."""

from report.example_document import SIZES, N, bare, example, nothing_reached, quick, with_missed
from rightbatch.report import generalisation, noise, series, tables
from rightbatch.report.document import Standing


def test_result_row_of_the_recommended_size() -> None:
    """The row has the nine quantities in order, each with its unit."""
    row = tables.result_rows(example())[5]
    assert row.cells == (
        "mini-batch",
        "32",
        "0.35",
        "38.6 µs",
        "1.54 ms",
        "1.23 MB",
        "40.8",
        "1.57 ms",
        "0.295",
    )
    assert row.standing is Standing.RECOMMENDED


def test_result_columns_name_the_metric() -> None:
    """The last column is the metric of the target where its name is short, else just metric."""
    document = example()
    assert tables.result_columns(document)[-1] == tables.Column("final", "val_loss", 2)
    document["target"]["metric"] = "val_accuracy"
    assert tables.result_columns(document)[-1] == tables.Column("final", "metric", 2)


def test_a_size_that_failed_says_never() -> None:
    """Steps and time of a size that never reached the target are words, not blanks or zeros."""
    row = tables.result_rows(with_missed())[-1]
    assert row.cells[6:8] == ("never", "never")
    assert row.note == "never reached: out of steps at every learning rate"


def test_notes_join_sizes_with_the_same_reason() -> None:
    """One sentence for the two sizes that failed alike; none where nothing failed."""
    assert tables.notes(with_missed()) == [
        "Batch sizes 1024 and 1257: never reached: out of steps at every learning rate"
    ]
    assert tables.notes(example()) == []


def test_unknown_quantities_are_dashes() -> None:
    """Memory and epoch time that were not measured are dashes."""
    cells = tables.result_rows(bare())[0].cells
    assert (cells[4], cells[5], cells[8]) == ("-", "-", "-")


def test_table_of_time_to_target() -> None:
    """Each row compares with the fastest; failed sizes stand in their place of the order."""
    shown = tables.time_to_target(series.time_to_target(with_missed()))
    assert shown.rows[0] == ("1", "13.6 ms", "12.4 ms", "15 ms", "8.65", "slower")
    assert shown.rows[5] == ("32", "1.57 ms", "1.43 ms", "1.73 ms", "1", "recommended")
    assert shown.rows[-1] == (str(N), "never", "", "", "", "")


def test_table_of_steps_to_target() -> None:
    """The fit at B = 1 is S_min(1 + B_crit) = 22.1 * 28 = 618.8."""
    shown = tables.steps_to_target(series.steps_to_target(example()))
    assert shown.rows[0] == ("1", "631", "581", "682", "619")


def test_table_of_steps_without_a_fit() -> None:
    """Without a fit its column is dashes."""
    assert tables.steps_to_target(series.steps_to_target(bare())).rows[0][-1] == "-"


def test_table_of_step_time() -> None:
    """That of the size; the line's; every round."""
    shown = tables.step_time(series.step_time(example()))
    assert shown.rows[1] == ("2", "22.1 µs", "22.1 µs", "21.7 µs, 22.1 µs, 24.1 µs")


def test_table_of_curves_has_every_evaluation() -> None:
    """20 evaluations of each of 12 curves."""
    shown = tables.curves(series.curves(example()), "val_loss")
    assert len(shown.rows) == 20 * len(SIZES)
    assert shown.rows[-1] == ("1257", "0.7", "28,911", "0.29")


def test_table_of_learning_rates() -> None:
    """Every pair, with its outcome; the best of each size is marked."""
    shown = tables.learning_rates(series.learning_rates(example()))
    assert len(shown.rows) == 7 * len(SIZES)
    assert shown.rows[3] == ("1", "0.02", "631", "5 of 5", "reached", "best", "")
    assert shown.rows[6] == ("1", "0.16", "-", "0 of 5", "diverged", "", "")


def test_the_best_learning_rates_have_their_law_beside_them() -> None:
    """0.75 / (1 + 25 / 1)^0.9 = 0.04, and its interval a factor of 1.5 to either side; of the others not."""
    shown = tables.learning_rates(series.learning_rates(example()), series.rate_law(example()))
    assert [row[-1] for row in shown.rows[2:5]] == ["", "0.04 (0.0266 to 0.0599)", ""]


def test_what_is_foretold_is_marked() -> None:
    """By the sign before its number, and in words."""
    shown = tables.time_to_target(series.time_to_target(quick()))
    assert shown.rows[4][:3] == ("16", "~1.64 ms", "-")
    assert [row[-1] for row in shown.rows[4:7]] == ["foretold", "within 5 %", "foretold, recommended"]
    assert tables.steps_to_target(series.steps_to_target(quick())).rows[0][1] == "~631"


def test_table_of_the_noise_scale() -> None:
    """A row a quarter; a dash where it could not be told."""
    along = noise.series(example())
    assert along is not None
    assert noise.table(along).rows[2:] == (
        ("third", "to 30", "-", "-", "-"),
        ("last", "to 41", "52.7", "41.3", "-"),
    )


def test_table_of_generalisation() -> None:
    """Two rows a size, at both moments; the recommended one is what the others are compared with."""
    gaps = generalisation.series(example())
    assert gaps is not None
    shown = generalisation.table(gaps)
    assert shown.rows[2] == (
        *("16", "at equal target", "0.051", "0.001", "-0.007", "0.009"),
        "same within margin",
    )
    assert [row[-1] for row in shown.rows[4:6]] == ["compared with"] * 2
    assert len(shown.rows) == 8


def test_nothing_reached_gives_rows_of_never() -> None:
    """The chart's table still lists every size."""
    shown = tables.time_to_target(series.time_to_target(nothing_reached()))
    assert [row[:2] for row in shown.rows] == [(str(size), "never") for size in SIZES]
