"""The page in a real browser: nothing fails, every chart is drawn, on a desk and on a phone."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from report.browser import CHROMIUM, Page, opened
from report.example_document import example, nothing_reached
from rightbatch.report import page
from rightbatch.report.embed import resource
from rightbatch.report.write import write_report

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(CHROMIUM is None, reason="there is no chromium to open the page with"),
]

HEADING = "document.getElementById('recommendation').textContent"
CHARTS = "document.querySelectorAll('.plot-container').length"

SKY_BLUE, BLUE = "rgb(86, 180, 233)", "rgb(0, 114, 178)"
BLUES = f"""[...new Set([...document.querySelectorAll("[style]")].map((drawn) => drawn.style.stroke))]
  .filter((colour) => ["{SKY_BLUE}", "{BLUE}"].includes(colour))"""
"""Which of the two blues are drawn with."""

ENDS = """[...document.querySelectorAll(".advice")].map((grid) => {
  const ends = {}, last = grid.getBoundingClientRect().right;
  for (const block of grid.children) {
    const box = block.getBoundingClientRect();
    ends[box.top] = Math.max(ends[box.top] ?? 0, box.right);
  }
  return Object.values(ends).map((end) => Math.round(last - end));
})"""
"""How far from the end of the grid each of its rows ends."""


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Page]:
    """A browser without a page."""
    with opened("about:blank", tmp_path_factory.mktemp("profile")) as shown:
        yield shown


@pytest.fixture(scope="module")
def study(browser: Page, tmp_path_factory: pytest.TempPathFactory) -> str:
    """Where the page of a study is."""
    return write_report(example(), tmp_path_factory.mktemp("study") / "report.html").as_uri()


def load(browser: Page, url: str, scheme: str) -> None:
    """Open a page where this scheme is preferred."""
    browser.open("about:blank")
    browser.emulate(prefers_color_scheme=scheme)
    browser.call("Page.navigate", url=url)
    browser.until(f"document.readyState === 'complete' && location.href === '{url}'")


@pytest.fixture
def complaints(browser: Page) -> list[str]:
    """What the console says from here on."""
    browser.complaints.clear()
    return browser.complaints


def test_the_page_opens_without_an_error(browser: Page, study: str, complaints: list[str]) -> None:
    """Seven charts are drawn, in blue, the recommendation is read, and the console stays empty."""
    load(browser, study, "light")
    assert browser.value(HEADING) == "Train with batch size 32 and learning rate 0.35."
    assert browser.value(CHARTS) == 7
    assert browser.value("document.querySelectorAll('g.trace.scatter').length") > 30
    assert browser.value(BLUES) == [BLUE]
    assert complaints == []


def test_an_error_would_be_seen(browser: Page, complaints: list[str], tmp_path: Path) -> None:
    """The test above can fail: a script that throws, and a file from the network, are both reported."""
    broken = tmp_path / "broken.html"
    policy = "default-src 'none'; script-src 'unsafe-inline'"
    broken.write_text(
        f'<meta http-equiv="Content-Security-Policy" content="{policy}">'
        '<script>missing()</script><img src="https://example.org/x.png">'
    )
    browser.open(broken.as_uri())
    assert len(complaints) == 2


def test_a_page_without_recommendation_opens(browser: Page, complaints: list[str], tmp_path: Path) -> None:
    """The charts that remain are drawn, and the heading says what happened."""
    browser.open(write_report(nothing_reached(), tmp_path / "report.html").as_uri())
    assert (
        browser.value(HEADING).replace("\N{NO-BREAK SPACE}", " ") == "No batch size reached val_loss ≤ 0.3."
    )
    assert browser.value(CHARTS) == 4
    assert complaints == []


def test_charts_take_the_colours_of_the_scheme(browser: Page, study: str) -> None:
    """A dark page draws sky blue, a light one blue, and neither has the other's, even after a change."""
    load(browser, study, "dark")
    assert browser.value(BLUES) == [SKY_BLUE]
    browser.emulate(prefers_color_scheme="light")
    browser.until(f"{BLUES}.join() === '{BLUE}'")


@pytest.mark.parametrize("width", [390, 1280])
def test_the_page_never_scrolls_sideways(browser: Page, study: str, width: int) -> None:
    """What is too wide for a phone scrolls in its own box."""
    if browser.value("location.href") != study:
        browser.open(study)
    browser.emulate(width=width)
    browser.until(f"document.documentElement.clientWidth === {width}")
    browser.until(f"document.documentElement.scrollWidth === {width}")  # charts follow a little later


def test_no_cell_beside_the_reasons_is_empty(browser: Page, tmp_path: Path) -> None:
    """Whatever blocks there are, each row of them ends where the page ends."""
    documents = [document for made in (example, nothing_reached) for document in (made(), made())]
    documents += [example(), example()]
    for document in documents[1::2]:
        document["doubts"] = ["The target is worse than guessing."]
    for document in documents[4:]:
        document["recommendation"]["estimate"] = True
    advice = "".join(map(page._advice, documents))
    drawn = tmp_path / "advice.html"
    drawn.write_text(f"<style>{resource('page.css')}</style><main>{advice}</main>", encoding="utf-8")
    browser.open(drawn.as_uri())
    browser.emulate(width=1280)
    assert browser.value(ENDS) == [[0] * rows for rows in (1, 2, 1, 2, 2, 3)]
