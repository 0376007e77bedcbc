"""The page: complete, self-contained, and safe with any text in the document."""

import json
from html.parser import HTMLParser
from typing import Any

import pytest
from plotly.offline import get_plotlyjs

from report.example_document import SIZES, bare, example, nothing_reached, with_missed
from rightbatch.report import page, series, tables

HOSTILE = "</script><img src=x onerror=alert(1)> & \"quoted\" 'single'"
CHARTS = [
    *("time-to-target", "steps-to-target", "step-time", "curves", "learning-rates"),
    *("noise-scale", "generalisation"),
]
VOID = {"meta", "br", "img", "link", "hr", "input"}


class Outline(HTMLParser):
    """What a browser would see: elements with their attributes, and the text outside scripts."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.texts: list[str] = []
        self.by_id: dict[str, str] = {}
        self._inside = ""
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        self._inside = dict(attrs).get("id") or self._inside
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag
        self._inside = ""

    def handle_data(self, data: str) -> None:
        self.by_id[self._inside] = self.by_id.get(self._inside, "") + data
        if self.open[-1:] not in (["script"], ["style"]):
            self.texts.append(data)

    def named(self, tag: str) -> list[dict[str, str | None]]:
        """Attributes of every element with the name."""
        return [attributes for name, attributes in self.elements if name == tag]


@pytest.fixture(scope="module")
def outline() -> Outline:
    """The example's page, parsed once."""
    return Outline(page.page(example()))


def test_the_recommendation_comes_first(outline: Outline) -> None:
    """The first heading is the recommendation, and is found by its name."""
    headings = [attributes for name, attributes in outline.elements if name in {"h1", "h2"}]
    assert headings[0] == {"id": "recommendation"}
    assert outline.by_id["recommendation"] == "Train with batch size 32 and learning rate 0.35."
    assert len(outline.named("h1")) == 1


def test_elements_close_in_order(outline: Outline) -> None:
    """The page is well formed (each end tag was checked while parsing)."""
    assert outline.open == []


def test_nothing_is_loaded_from_anywhere(outline: Outline) -> None:
    """No element names another file, and the page forbids the browser to fetch any."""
    assert [attributes for _, attributes in outline.elements if {"src", "href"} & attributes.keys()] == []
    policy = next(meta for meta in outline.named("meta") if meta.get("http-equiv"))
    assert str(policy["content"]).startswith("default-src 'none';")
    styles = page.page(example()).split("<style>")[1].split("</style>")[0]
    assert "url(" not in styles
    assert "@import" not in styles


def test_plotly_is_there_once() -> None:
    """Plotly's script is the page's largest part; twice would double it."""
    html = page.page(example())
    assert html.count(get_plotlyjs()) == 1
    assert len(html) < len(get_plotlyjs()) + 200_000


def test_charts_stand_in_order(outline: Outline) -> None:
    """T(B) first, then its factors, the curves, the learning rates; each with a spoken description."""
    charts = [attributes for attributes in outline.named("div") if attributes.get("class") == "chart"]
    assert [chart["id"] for chart in charts] == CHARTS
    assert all(chart["role"] == "img" and chart["aria-label"] for chart in charts)
    assert list(json.loads(outline.by_id["figures"])) == CHARTS


def test_every_chart_has_its_table(outline: Outline) -> None:
    """One table per chart and the result table; every cell of them is in the page."""
    assert len(outline.named("details")) == len(CHARTS)
    assert len(outline.named("table")) == len(CHARTS) + 1
    found = set(outline.texts)
    for section in page.sections(example()):
        assert {cell for row in section.table.rows for cell in row if cell} <= found


def test_every_number_of_the_result_is_there(outline: Outline) -> None:
    """The result table has a row for each batch size, with every quantity."""
    found = set(outline.texts)
    assert {cell for row in tables.result_rows(example()) for cell in row.cells} <= found
    marked = [attributes.get("class") for attributes in outline.named("tr") if attributes.get("class")]
    assert marked == ["within", "recommended"]


def test_how_it_was_measured_is_told() -> None:
    """Settings, limits, machine, cost, fingerprint and the formulas are there to be read."""
    said = "".join(Outline(page.page(example())).texts).replace("\N{NO-BREAK SPACE}", " ")
    for part in (
        "5f0c2a9be1d34786",
        "3 constant columns were left out; the others are standardised.",
        "MLP(hidden=(64,)), updated by SGD()",
        "Set from a pilot: batch size 32 came to 0.27 in 20 epochs",
        "5 seeds for every batch size, more where the answer needs them; first seed: 0",
        "Budget 60 s; memory not limited.",
        "Smin 22.1 (20.1 to 24), Bcrit 27 (24 to 31). The measured steps lie 3 % from their law.",
        "21.3 s for 512 runs over 4,100,000 examples.",
        "Every planned run is done",
        "Intel(R) Xeon(R) Processor @ 2.60GHz, 2 cores, 2 threads; Linux-6.1-x86_64, Python 3.11.7",
        "S(B) = Smin(1 + Bcrit/B)",
        "T(B) = S(B) · t(B)",
        "t(B) = a + bB",
    ):
        assert part in said


def test_the_strip_shows_interval_and_near_sizes(outline: Outline) -> None:
    """Of the batch sizes 16 to 64 are inside the interval, 16 is near, 32 recommended."""
    chips = [attributes.get("class", "") for attributes in outline.named("li")][: len(SIZES)]
    expected = dict.fromkeys(SIZES, "") | {16: "within inside", 32: "recommended inside", 64: "inside"}
    assert chips == list(expected.values())


def test_the_page_says_who_made_it(outline: Outline) -> None:
    """By this line a later report knows that it may replace the file."""
    assert {"name": "generator", "content": "rightbatch 0.1.0"} in outline.named("meta")


def test_a_number_stays_with_its_unit(outline: Outline) -> None:
    """No line of the sentences ends between the two."""
    said = "".join(outline.texts)
    assert (
        "It reaches val_loss ≤ 0.3 in 1.57\N{NO-BREAK SPACE}ms. With 95\N{NO-BREAK SPACE}% probability"
        in said
    )


def test_a_page_without_recommendation_says_so() -> None:
    """Nothing reached the target: the heading says it, the reason follows, empty charts are left out."""
    outline = Outline(page.page(nothing_reached()))
    assert outline.by_id["recommendation"] == "No batch size reached val_loss ≤ 0.3."
    said = " ".join(outline.texts).replace("\N{NO-BREAK SPACE}", " ")
    assert "the budget of 60 s was spent; write a larger budget such as 120s" in said
    assert "never reached: diverged at every learning rate" in said
    assert list(json.loads(outline.by_id["figures"])) == CHARTS[2:-1]


@pytest.mark.parametrize("document", [example(), nothing_reached()])
def test_what_speaks_against_the_target(document: dict[str, Any]) -> None:
    """It comes before the reasons, or before what happened; and not at all where there is nothing."""
    title = "What speaks against the target"
    assert title not in Outline(page.page(document)).texts
    document["doubts"] = ["The target is worse than guessing."]
    texts = Outline(page.page(document)).texts
    after = "What happened" if document["recommendation"] is None else "Why"
    assert texts.index(title) < texts.index(document["doubts"][0]) < texts.index(after)


def test_a_page_of_unknowns() -> None:
    """No fit, no curves, no intervals: the other charts and the table still stand."""
    outline = Outline(page.page(bare()))
    assert list(json.loads(outline.by_id["figures"])) == [
        "time-to-target",
        "steps-to-target",
        "step-time",
        "learning-rates",
    ]


def test_words_of_the_study_are_never_markup() -> None:
    """A column, file or machine named like HTML is shown as it is written, in text and in charts."""
    outline = Outline(page.page(hostile(example())))
    assert outline.named("img") == []
    assert len(outline.named("script")) == 4
    assert outline.open == []
    assert HOSTILE in "".join(outline.texts)
    # Plotly reads a little HTML in labels, so theirs are escaped once more.
    title = json.loads(outline.by_id["figures"])["curves"]["layout"]["yaxis"]["title"]["text"]
    assert "<" not in title


def hostile(value: Any) -> Any:
    """The document with every free text replaced by markup."""
    if isinstance(value, dict):
        return {key: hostile(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [hostile(inner) for inner in value]
    return HOSTILE if isinstance(value, str) else value


def test_captions_are_those_of_the_words() -> None:
    """What a screen reader says of a chart is what stands above it."""
    html = page.page(with_missed())
    assert html.count("never reached the target (\u00d7).") == 4
    assert series.time_to_target(with_missed()).missed == [1024, 1257]
