"""What each chart shows, in numbers that can be read off the example."""

import pytest

from report.example_document import (
    B_CRIT,
    S_MIN,
    SIZES,
    N,
    bare,
    example,
    nothing_reached,
    with_missed,
    with_seldom,
)
from rightbatch.report import series
from rightbatch.report.document import Standing, spans, standing
from rightbatch.report.page import page


def test_standing_of_each_batch_size() -> None:
    """32 is recommended, 16 within 5 %, the sizes that failed say so, all others are slower."""
    document = with_missed()
    found = {row["batch_size"]: standing(document, row) for row in document["batch_sizes"]}
    expected = dict.fromkeys(SIZES, Standing.OTHER)
    expected |= {16: Standing.WITHIN, 32: Standing.RECOMMENDED, 1024: Standing.MISSED, N: Standing.MISSED}
    assert found == expected


def test_a_size_that_too_many_runs_miss_is_not_slower() -> None:
    """Whatever its time; recommended it stays so, where no size does better."""
    document = with_seldom()
    row = document["batch_sizes"][SIZES.index(64)]
    assert standing(document, row) is Standing.SELDOM
    document["recommendation"]["batch_size"] = 64
    assert standing(document, row) is Standing.RECOMMENDED


def test_spans_of_sizes_apart_stay_apart() -> None:
    """Sizes that are no neighbours are shaded one by one, and the ends own half a doubling beyond."""
    (first, middle), second = spans([1, 4, 16, 64], [1, 16])
    assert first == pytest.approx(0.5**0.5)
    assert (middle, second) == (2.0, (8.0, 32.0))


def test_time_to_target() -> None:
    """Each point carries its time and interval; 16 and 32 are one stretch, from sqrt(8*16) to sqrt(32*64)."""
    shown = series.time_to_target(example())
    assert [point.batch_size for point in shown.points] == SIZES
    assert shown.points[5] == series.Point(32, 0.001573, 0.001431, 0.00173, Standing.RECOMMENDED)
    ((low, high),) = shown.shaded
    assert (low, high) == pytest.approx((128**0.5, 2048**0.5))
    assert shown.missed == []


def test_missed_sizes_are_named_not_drawn() -> None:
    """A size that never reached the target has no point, but is listed."""
    shown = series.steps_to_target(with_missed())
    assert [point.batch_size for point in shown.points] == SIZES[:-2]
    assert shown.missed == [1024, N]


def test_law_passes_twice_s_min_at_b_crit() -> None:
    """S(B_crit) = 2 S_min by definition; at both ends of the axis the law is its formula."""
    law = series.steps_to_target(example()).law
    assert law is not None
    assert law.batch_size[0] == 1
    assert law.batch_size[-1] == pytest.approx(N)
    assert law.value[0] == pytest.approx(S_MIN + S_MIN * B_CRIT)
    assert law.value[-1] == pytest.approx(S_MIN + S_MIN * B_CRIT / N)
    near = min(range(len(law.value)), key=lambda place: abs(law.batch_size[place] - B_CRIT))
    assert law.value[near] == pytest.approx(2 * S_MIN, rel=0.05)


def test_law_lies_in_its_doubt() -> None:
    """The band has the ends of both intervals, and the law lies inside it everywhere."""
    law = series.steps_to_target(example()).law
    assert law is not None
    assert law.low[0] == pytest.approx(20.1 * (1 + 24.0))
    assert law.high[0] == pytest.approx(24.0 * (1 + 31.0))
    assert all(low < value < high for low, value, high in zip(law.low, law.value, law.high, strict=True))


@pytest.mark.parametrize(
    ("s_min", "b_crit", "edges"),
    [
        ([20.1, 24.0], [24.0, None], (True, False)),
        ([None, 24.0], [24.0, 31.0], (False, True)),
        (None, None, (False, False)),
    ],
)
def test_open_intervals_leave_edges_of_the_band_out(
    s_min: list[float] | None, b_crit: list[float] | None, edges: tuple[bool, bool]
) -> None:
    """Where an end of the fit is open the band has no edge on that side, and the page is drawn."""
    document = example()
    document["fit"]["interval"] = {"s_min": s_min, "b_crit": b_crit}
    law = series.steps_to_target(document).law
    assert law is not None
    assert (bool(law.low), bool(law.high)) == edges
    assert page(document)


def test_fit_without_interval_has_no_width() -> None:
    """Where the doubt of the fit is not known, the band lies on the law."""
    document = example()
    document["fit"]["interval"] = None
    law = series.steps_to_target(document).law
    assert law is not None
    assert law.low == law.value == law.high


def test_step_time_keeps_every_round() -> None:
    """Three rounds per batch size are three points; the line is the document's."""
    shown = series.step_time(example())
    assert shown.rounds[0] == (1, [2.112e-05, 2.155e-05, 2.349e-05])
    assert shown.line == (2.1e-05, 5.5e-07)


def test_a_target_that_holds_at_the_start_has_no_point() -> None:
    """Zero steps have no place on a logarithmic axis, and no ratio to others."""
    document = example()
    document["batch_sizes"][0].update(steps_to_target=0.0, seconds_to_target=0.0)
    assert series.time_to_target(document).points[0].batch_size == 2


def test_learning_rates_are_compared_with_the_best_of_their_size() -> None:
    """The best learning rate has ratio 1, its double 1.45; what failed has none."""
    rates = [rate for rate in series.learning_rates(example()) if rate.batch_size == 32]
    assert [rate.relative for rate in rates] == [
        None,
        pytest.approx(1.9, rel=1e-3),
        pytest.approx(1.45, rel=1e-3),
        1.0,
        pytest.approx(1.45, rel=1e-3),
        None,
        None,
    ]
    assert [rate.learning_rate for rate in rates if rate.best] == [0.35]


def test_curves_know_the_recommended_one() -> None:
    """One curve per batch size; the one at 32 stands out."""
    shown = series.curves(example())
    assert [curve.batch_size for curve in shown] == SIZES
    assert [curve.batch_size for curve in shown if curve.standing is Standing.RECOMMENDED] == [32]


def test_nothing_reached_leaves_empty_series() -> None:
    """Without any success there is no point, no law and no best learning rate."""
    document = nothing_reached()
    assert series.time_to_target(document).points == []
    assert series.steps_to_target(document).law is None
    assert not any(rate.best for rate in series.learning_rates(document))


def test_unknown_intervals_stay_unknown() -> None:
    """A missing interval is None at both ends, not zero."""
    point = series.time_to_target(bare()).points[0]
    assert (point.low, point.high) == (None, None)
