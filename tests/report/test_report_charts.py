"""The figures draw exactly the series, in colours that have a twin for a dark page."""

import math
from collections.abc import Iterator
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from report.example_document import SIZES, N, bare, example, quick, with_cliff, with_missed, with_seldom
from rightbatch import units
from rightbatch.report import axes, charts, generalisation, noise, palette, rate_chart, series


def figures(document: dict[str, Any]) -> dict[str, Any]:
    """All figures of a document, as plain data."""
    target = document["target"]
    along, gaps = noise.series(document), generalisation.series(document)
    drawn = {
        "time": charts.time_to_target(series.time_to_target(document)),
        "steps": charts.steps_to_target(series.steps_to_target(document)),
        "step": charts.step_time(series.step_time(document)),
        "curves": charts.curves(series.curves(document), target["metric"], target["value"]),
        "rates": rate_chart.learning_rates(series.learning_rates(document), series.rate_law(document)),
        **({} if along is None else {"noise": noise.figure(along)}),
        **({} if gaps is None else {"gaps": generalisation.figure(gaps)}),
    }
    return {name: figure.to_plotly_json() for name, figure in drawn.items()}


def named(figure: dict[str, Any]) -> dict[str, Any]:
    """The traces of a figure by the name in its legend."""
    return {trace["name"]: trace for trace in figure["data"] if "name" in trace}


def strings(value: Any) -> Iterator[str]:
    """Every text in a figure."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for inner in value.values():
            yield from strings(inner)
    elif isinstance(value, list | tuple):
        for inner in value:
            yield from strings(inner)


def test_time_to_target_marks_the_recommended_size() -> None:
    """The recommended size is one point of its own, with its interval as whiskers from the value."""
    point = named(figures(example())["time"])["recommended"]
    assert (point["x"], point["y"]) == ([32], [0.001573])
    assert point["error_y"]["array"] == [pytest.approx(0.00173 - 0.001573)]
    assert point["error_y"]["arrayminus"] == [pytest.approx(0.001573 - 0.001431)]
    assert point["text"] == ["batch size 32: 1.57 ms (1.43 ms to 1.73 ms)"]


def test_standings_differ_in_shape_not_only_in_colour() -> None:
    """Someone who sees no colour tells recommended, within 5 %, slower and missed too often apart."""
    traces = named(figures(with_seldom())["time"])
    names = ("recommended", "within 5 %", "slower", "missed too often")
    symbols = [traces[name]["marker"]["symbol"] for name in names]
    assert len(set(symbols)) == 4
    assert traces["missed too often"]["x"] == [64]


def test_what_is_foretold_is_hollow_and_has_no_whiskers() -> None:
    """A quick answer draws every size: one measured, eleven hollow, the recommended among them."""
    traces = named(figures(quick())["time"])
    best, others = traces["recommended, foretold"], traces["foretold, not run"]
    assert (best["x"], others["x"]) == ([64], [size for size in SIZES if size not in (32, 64)])
    assert best["marker"]["symbol"] == "diamond-open"
    assert others["marker"]["symbol"] == "circle-open"
    assert {"error_y"} & (best.keys() | others.keys()) == set()
    assert best["y"] == [pytest.approx(32.4 * 5.62e-5, rel=0.01)]
    assert best["text"] == ["batch size 64: 1.82 ms, foretold"]
    assert sorted(named(figures(quick())["steps"])) == [
        "foretold, not run",
        "measured",
        "recommended, foretold",
    ]


@pytest.mark.parametrize("chart", ["time", "steps"])
def test_the_cliff_is_a_line(chart: str) -> None:
    """At 700, where most runs begin to miss; none where there is no cliff."""
    lines = [shape for shape in figures(with_cliff())[chart]["layout"]["shapes"] if shape.get("x0") == 700.0]
    assert len(lines) == 1
    assert not [shape for shape in figures(with_missed())[chart]["layout"]["shapes"] if shape["x0"] == 700.0]


def test_the_law_of_the_learning_rates_is_drawn_with_its_band() -> None:
    """The line at every size, the band there and back; neither where there is no law."""
    traces = named(figures(example())["rates"])
    assert traces["law across sizes, 95 %"]["x"] == SIZES
    assert len(traces["95 % of the law"]["y"]) == 2 * len(SIZES)
    assert "law across sizes, 95 %" not in named(figures(bare())["rates"])


def test_the_noise_scale_has_a_point_a_quarter_that_could_be_told() -> None:
    """The third was too noisy; an open end goes on beyond the edge; the mean and B_crit are lines."""
    figure = figures(example())["noise"]
    traces = named(figure)
    points = traces["measured"]
    assert points["y"] == [17.4, 30.2, 52.7]
    *closed, opened = points["error_y"]["array"]
    assert closed == [pytest.approx(1.6), pytest.approx(3.2)]
    assert math.log10(52.7 + opened) > figure["layout"]["yaxis"]["range"][1] > math.log10(52.7)
    assert set(traces) == {"measured", "mean of the run, 37.4", "B<sub>crit</sub> of the fit, 27"}


def test_generalisation_draws_paired_intervals_beside_each_other() -> None:
    """Both moments at every size but the recommended one, 5 % of the size to either side."""
    figure = figures(example())["gaps"]
    target, examples = (named(figure)[f"at equal {moment}"] for moment in ("target", "examples"))
    assert target["x"] == [pytest.approx(0.95 * size) for size in (1, 16, N)]
    assert examples["x"] == [pytest.approx(1.05 * size) for size in (1, 16, N)]
    assert target["y"] == [0.02, 0.001, 0.0]
    assert target["error_y"]["array"] == [pytest.approx(0.008)] * 3
    assert target["text"][1] == "batch size 16, at equal target: 0.001 (-0.007 to 0.009), same within margin"
    assert [(shape["y0"], shape["y1"]) for shape in figure["layout"]["shapes"]] == [(-0.015, 0.015), (0, 0)]


def test_within_5_percent_is_shaded() -> None:
    """One rectangle over the sizes 16 and 32."""
    (shade,) = figures(example())["time"]["layout"]["shapes"]
    assert (shade["x0"], shade["x1"]) == (pytest.approx(128**0.5), pytest.approx(2048**0.5))


def test_missed_sizes_are_crosses_at_the_top() -> None:
    """A size that never reached the target stands at its place on the axis."""
    crosses = figures(with_missed())["time"]["layout"]["annotations"]
    assert [cross["x"] for cross in crosses] == [
        pytest.approx(3.0103, abs=1e-4),
        pytest.approx(math.log10(N)),
    ]
    assert crosses[0]["hovertext"] == "batch size 1024 never reached the target"


def test_steps_to_target_has_law_and_band() -> None:
    """Points, fit and band; the band goes out along its upper and back along its lower edge."""
    traces = named(figures(example())["steps"])
    assert traces["measured"]["x"] == SIZES
    band = traces["doubt of the fit"]
    assert band["y"][0] == pytest.approx(24.0 * 32)
    assert band["y"][-1] == pytest.approx(20.1 * 25)


def test_steps_to_target_without_a_fit_has_points_alone() -> None:
    """No fit, no line and no B_crit."""
    figure = figures(bare())["steps"]
    assert list(named(figure)) == ["measured"]
    assert "annotations" not in figure["layout"]


def test_step_time_draws_every_round() -> None:
    """Three rounds for each of 12 sizes are 36 points."""
    traces = named(figures(example())["step"])
    assert len(traces["measured, one per round"]["x"]) == 36
    assert traces["a + bB"]["y"][0] == pytest.approx(2.155e-05)


def test_step_time_draws_the_curve_that_foretells_best() -> None:
    """Solid, with the line a + bB dotted beside it, which alone is solid where it is the best."""
    document = example()
    assert named(figures(document)["step"])["a + bB"]["line"]["dash"] == "solid"
    for form, name in (("saturating", "curve that begins flat"), ("broken line", "broken line")):
        document["step_time"].update(form=form, curve={"batch_size": [1, 2], "seconds": [1e-5, 1.5e-5]})
        traces = named(figures(document)["step"])
        assert traces[name]["y"] == [1e-5, 1.5e-5]
        assert [traces[each]["line"]["dash"] for each in (name, "a + bB")] == ["solid", "dot"]


def test_step_time_without_a_line_has_points_alone() -> None:
    """Where no line was fitted none is drawn."""
    assert list(named(figures(bare())["step"])) == ["measured, one per round"]


def test_curves_have_a_line_and_a_marked_end_each() -> None:
    """Twelve lines, and twelve ends that the legend shows; neighbours differ in shape."""
    figure = figures(example())["curves"]
    ends = [trace for trace in figure["data"] if trace.get("showlegend") is not False]
    assert [trace["name"] for trace in ends] == [str(size) for size in SIZES]
    shapes = [trace["marker"]["symbol"] for trace in ends]
    assert all(one != other for one, other in pairwise(shapes))
    assert len(figure["data"]) == 2 * len(SIZES)


def test_a_metric_below_zero_gets_a_linear_axis() -> None:
    """A logarithm of a negative metric does not exist."""
    document = example()
    document["curves"][0]["metric"][-1] = -0.5
    assert "type" not in figures(document)["curves"]["layout"]["yaxis"]


def test_unknown_metrics_leave_a_gap() -> None:
    """A diverged evaluation is a hole in the line, not a zero."""
    document = example()
    document["curves"][0]["metric"][3] = None
    assert figures(document)["curves"]["data"][0]["y"][3] is None


def test_learning_rates_draw_failures_by_kind() -> None:
    """Each of the three ways to fail has its own marks, one per batch size here."""
    traces = named(figures(example())["rates"])
    for outcome in ("diverged", "hopeless", "out of steps"):
        assert traces[outcome]["x"] == SIZES
    assert traces["best"]["y"][5] == 0.35


@pytest.mark.parametrize("name", ["time", "steps", "step", "curves", "rates", "noise", "gaps"])
def test_every_colour_has_a_dark_twin(name: str) -> None:
    """What looks like a colour in a figure is in the table that the page swaps by."""
    colours = {text for text in strings(figures(with_missed())[name]) if text.startswith(("#", "rgba"))}
    assert colours - {"rgba(0,0,0,0)"} <= palette.DARK.keys()
    assert len(colours) > 3


@pytest.mark.parametrize("name", ["time", "steps", "step", "curves", "rates", "noise", "gaps"])
def test_every_axis_has_a_title(name: str) -> None:
    """No chart leaves its reader to guess what an axis is."""
    layout = figures(example())[name]["layout"]
    assert layout["xaxis"]["title"]["text"]
    assert layout["yaxis"]["title"]["text"]


@pytest.mark.parametrize(("page", "place"), [("#ffffff", 0), ("#171d21", 1)])
def test_text_colours_read_on_their_page(page: str, place: int) -> None:
    """Ink, muted, blue, vermillion marks and green text contrast with the page by 4.5 (marks: 3) to 1."""
    for colour, least in (
        (palette.INK, 4.5),
        (palette.MUTED, 4.5),
        (palette.BLUE, 4.5),
        (palette.GREEN, 4.5),
    ):
        assert contrast((colour, palette.DARK[colour])[place], page) >= least
    assert contrast((palette.VERMILLION, palette.DARK[palette.VERMILLION])[place], page) >= 3


def contrast(one: str, other: str) -> float:
    """Contrast ratio of WCAG 2.1, written from its definition."""
    light, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def luminance(colour: str) -> float:
    """Relative luminance of WCAG 2.1."""
    parts = [int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5)]
    red, green, blue = (
        part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


@given(st.integers(1, 40))
def test_ramp_has_a_colour_for_each(shades: int) -> None:
    """Any number of curves gets as many colours, distinct up to twelve."""
    colours = palette.ramp(shades)
    assert len(colours) == shades
    assert len(set(colours)) == min(shades, 12)


@given(st.floats(1e-6, 1e6), st.floats(1.0, 1e6))
def test_ticks_lie_inside_and_are_few(low: float, ratio: float) -> None:
    """Ticks are round numbers of the range, in order; never so many that they touch."""
    found = axes.ticks(low, low * ratio)
    assert found == sorted(found)
    assert all(low <= tick <= low * ratio for tick in found)
    assert len(found) <= 13
    assert ratio < 1000 or len(found) >= 3


def test_a_narrow_range_keeps_plotlys_ticks() -> None:
    """Where round numbers miss the range, the axis is left to Plotly rather than bare."""
    assert "tickvals" not in axes.log("loss", [0.31, 0.34], units.plain)


def test_batch_sizes_that_would_touch_lose_their_label() -> None:
    """1024 is too near to 1257 for a label of its own; the full batch keeps its own."""
    assert axes.batch_size(SIZES)["tickvals"] == [*SIZES[:-2], N]


def test_a_rate_that_too_few_seeds_reached_is_drawn_too() -> None:
    """No pair that was tried is missing: reached by some seeds, but without a number of steps."""
    document = example()
    document["batch_sizes"][0]["learning_rates"][1].update(steps_to_target=None, reached=1)
    figure = figures(document)["rates"]
    assert named(figure)["reached by too few seeds"]["x"] == [1]
    tried = sum(len(trace["x"]) for trace in figure["data"] if trace["mode"] == "markers")
    assert tried == 7 * len(SIZES)
