"""The figures of docs/learn, each drawn from small runs, and the pages that show them."""

import json
import math
import re
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from scipy import stats

from learn import counting, drawing, figures, generalising, measured, optimizers, plane, seeds, sizes
from learn.fragment import fragment
from rightbatch.measure import feeding
from rightbatch.report.page import Section
from rightbatch.report.tables import Table

PAGES = Path(figures.__file__).parent
SHOWN = re.compile(r"^```\{raw\} html\n:file: \.\./_figures/(.+)\.html\n```$", re.MULTILINE)
LONGEST_PAGE = 120

SMALL: dict[str, dict[str, object]] = {
    "settling": {"epochs": 6, "seeds": 2},
    "noise": {"batches": 20},
    "gap": {"sizes": (32, 256), "seeds": 2, "epochs": 4},
    "unseen": {"sizes": (32, 256), "seeds": 2, "epochs": 4},
    "rules": {"sizes": (32, 256), "seeds": 2},
    "schedules": {"seeds": 2, "epochs": 1},
    "recall": {"seeds": 2, "epochs": 2},
    "waiting": {"batch_sizes": (64,), "rows": 1000},
    "threads": {"rounds": 2},
}
"""What makes the slower figures quick."""


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A small study, and short timings; nothing is kept for other tests."""
    monkeypatch.setattr(measured, "SETTINGS", {"batch_sizes": [8, 32, 256], "seeds": 2, "budget": "5s"})
    monkeypatch.setattr(feeding, "_SECONDS", 0.01)
    kept = (measured.study, counting._curves, generalising._trained)
    yield
    for each in kept:
        each.cache_clear()


def names(page: Path) -> list[str]:
    """The figures that a page shows."""
    return SHOWN.findall(page.read_text(encoding="utf-8"))


@pytest.mark.parametrize("page", figures.FIGURES)
def test_every_figure_has_data_a_caption_and_a_table(page: str) -> None:
    """And the page shows each of them once, and no other."""
    made = [figure(**SMALL.get(figure.__name__, {})) for figure in figures.FIGURES[page]]
    assert sorted(section.name for section in made) == sorted(names(PAGES / f"{page}.md"))
    for section in made:
        assert any(trace.x is not None and len(trace.x) for trace in section.figure.data), section.name
        assert re.search(r"\d", section.sentence), section.name
        assert section.sentence.endswith("."), section.name
        assert not re.search(r"\b(nan|inf|None)\b", section.sentence), section.sentence
        assert section.table.rows, section.name
        assert {len(row) for row in section.table.rows} == {len(section.table.columns)}, section.name


def test_every_page_is_drawn() -> None:
    """The index lists the pages, the pages show figures, and none is left out."""
    pages = {page.stem for page in PAGES.glob("*.md")}
    assert pages == {"index", *figures.FIGURES}
    listed = re.findall(r"\]\((\w+)\.md\)", (PAGES / "index.md").read_text(encoding="utf-8"))
    assert sorted(listed) == sorted(figures.FIGURES)


@pytest.mark.parametrize("page", sorted(PAGES.glob("*.md")), ids=lambda page: page.stem)
def test_pages_are_short(page: Path) -> None:
    """And each of them ends with something to try."""
    lines = page.read_text(encoding="utf-8").splitlines()
    assert len(lines) <= LONGEST_PAGE
    assert page.stem == "index" or "## Try it" in lines[-30:]


def test_a_fragment_holds_the_figure_and_nothing_that_ends_its_script() -> None:
    """Texts are escaped in the HTML, and `<` in the script."""
    figure = drawing.chart({}, {}, [drawing.Line("</script>", [1, 2], [3, 4])])
    table = Table(("a < b",), (("1",),))
    made = fragment(Section("one", "Title & more", "", "It is < 2.", figure, table))
    script = re.search(r'<script type="application/json" class="learn-figure">(.*)</script>', made)
    assert script is not None
    assert "<" not in script[1]
    held = json.loads(script[1])
    assert (held["chart"], held["figure"]["data"][0]["name"]) == ("chart-one", "</script>")
    assert held["dark"]["#ffffff"] != "#ffffff"
    for part in ('id="chart-one"', "Title &amp; more", "It is &lt; 2.", "a &lt; b", 'role="img"'):
        assert part in made, part


def test_figures_are_written_with_plotly_beside_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One fragment a figure, by its name; the script is a copy, so that the pages open offline."""
    monkeypatch.setattr(figures, "FIGURES", {"counting": (counting.one_epoch, counting.steps_per_epoch)})
    said: list[str] = []
    figures.write(tmp_path, said.append)
    assert {path.name for path in tmp_path.glob("*.html")} == {"one-epoch.html", "steps-per-epoch.html"}
    assert "Plotly" in (tmp_path / "static" / "plotly.min.js").read_text(encoding="utf-8")
    assert len(said) == 2


def test_steps_in_an_epoch_are_rows_by_batch_rounded_up() -> None:
    """By the formula that the page gives; the digits have 1,257 rows to train on."""
    rows = counting.steps_per_epoch().table.rows
    assert [int(count.replace(",", "")) for _, count, _ in rows] == [
        math.ceil(1257 / int(size.replace(",", ""))) for size, _, _ in rows
    ]


def test_a_path_is_gradient_descent() -> None:
    """With all rows, the recursion w -= lr 2/N X'(Xw - y) in float64."""
    x = np.array([[1.0], [1.5], [2.5]])
    y = 2 * x + 1
    design = np.hstack([x, np.ones_like(x)])
    place, places = np.zeros(2), [np.zeros(2)]
    for _ in range(20):
        place = place - 0.1 * 2 / 3 * design.T @ (design @ place - y[:, 0])
        places.append(place)
    made = plane.path(plane.points(x, y), 3, 0.1, steps=20)
    np.testing.assert_allclose(made, np.stack(places), atol=1e-4)


def test_the_length_of_a_valley() -> None:
    """The root of the ratio of the eigenvalues of the Hessian."""
    x = optimizers.valley().x[:, 0].astype(np.float64)
    hessian = 2 / len(x) * np.array([[x @ x, x.sum()], [x.sum(), len(x)]])
    low, high = np.linalg.eigvalsh(hessian)
    assert optimizers.valley().length == pytest.approx(math.sqrt(high / low))


def test_the_noise_of_a_batch_falls_as_its_size() -> None:
    """Means of independent rows: the exponent is -1."""
    draw = np.random.default_rng(0)
    found = [
        sizes._Noise(size, draw.chisquare(1, 400) / size, draw.chisquare(1, 400) / size)
        for size in (1, 2, 4, 8, 16, 32, 64)
    ]
    middle, low, high = sizes._slope(found, "loss")
    assert low < -1 < high
    assert low < middle < high


def test_a_mean_has_students_interval() -> None:
    """As SciPy gives it; the geometric mean is that of the logarithms."""
    values = [0.2, 0.5, 0.4, 0.9]
    expected = stats.t.interval(0.95, 3, loc=np.mean(values), scale=stats.sem(values))
    assert seeds.mean(values)[1:] == pytest.approx(expected)
    assert seeds.geometric(values).value == pytest.approx(stats.gmean(values))
