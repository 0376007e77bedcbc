"""The page of a comparison in a real browser: played, switched, read, on a desk and on a phone."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

import compared
from report.browser import CHROMIUM, Page, opened
from rightbatch.compare import Comparison

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(CHROMIUM is None, reason="there is no chromium to open the page with"),
]

PIXELS = """((canvas) => {
  // A copy: a canvas that is read often is drawn more slowly, of which the console would complain.
  const copy = new OffscreenCanvas(canvas.width, canvas.height)
    .getContext("2d", { willReadFrequently: true });
  copy.drawImage(canvas, 0, 0);
  return copy.getImageData(0, 0, canvas.width, canvas.height).data;
})"""

MOVED = f"""{PIXELS}(document.getElementById("moving"))
  .filter((value, place) => place % 4 === 3 && value > 0).length"""
"""How many pixels the paths cover."""


def of(found: Comparison, folder: Path) -> str:
    """Where its page is."""
    return found.to_html(folder / "compare.html").as_uri()


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Page]:
    """The page of line, open on a desk."""
    folder = tmp_path_factory.mktemp("compare")
    with opened(of(compared.line(), folder), folder / "profile") as shown:
        yield shown


def cell(page: Page, row: int, column: int) -> str:
    """What the table under the paths says."""
    found = f"document.querySelector('#readout').tBodies[0].rows[{row}].cells[{column}].textContent"
    return str(page.value(found))


def test_the_page_opens_without_an_error(page: Page) -> None:
    """The winner is read, three charts are drawn, the paths lie on theirs."""
    assert page.complaints == []
    assert page.value("document.querySelector('h1').textContent").endswith("fastest.")
    assert page.value("document.querySelectorAll('.js-plotly-plot').length") == 3
    assert page.value("document.querySelectorAll('#paths .contourlevel').length") > 5
    assert page.value(MOVED) > 200


def test_every_chart_has_its_table(page: Page) -> None:
    """Each figure ends with the data it was drawn from."""
    rows = "[...document.querySelectorAll('figure')].map(f => f.querySelectorAll('details tr').length)"
    assert [count > 4 for count in page.value(rows)] == [True, True, True]


def test_the_slider_works_by_keyboard(page: Page) -> None:
    """From the start two steps to the right by updates: every method has made two, and says where it is."""
    page.value("document.querySelector('input[name=clock-paths][value=updates]').click()")
    page.value("document.getElementById('moment').focus()")
    page.press("Home")
    assert page.value("document.getElementById('when').textContent") == "update 0"
    before = [float(cell(page, 3, column)) for column in (5, 6)]
    page.press("ArrowRight")
    page.press("ArrowRight")
    assert page.value("document.getElementById('moment').getAttribute('aria-valuetext')") == "update 2"
    assert [cell(page, row, 2) for row in range(4)] == ["2"] * 4
    path = compared.line().to_dict()["paths"]["methods"][3]
    after = [float(cell(page, 3, column)) for column in (5, 6)]
    assert after == pytest.approx([path["x"][2], path["y"][2]], rel=1e-3)
    assert before != after
    page.press("End")
    assert cell(page, 0, 2) == "2,000"


def test_a_path_is_played(page: Page) -> None:
    """A click plays it, a second one stops it where it is; the picture has moved."""
    page.value("document.getElementById('moment').focus()")
    page.press("Home")
    at_rest = page.value(MOVED)
    page.click("#play")
    assert page.value("document.getElementById('play').textContent") == "Pause"
    page.until("Number(document.getElementById('moment').value) > 5")
    page.click("#play")
    stopped = page.value("document.getElementById('moment').value")
    assert page.value("document.getElementById('play').textContent") == "Play"
    assert page.value("new Promise(done => setTimeout(() => done(moment.value), 200))") == stopped
    assert page.value(MOVED) != at_rest


def test_the_play_button_works_by_keyboard(page: Page) -> None:
    """Space plays, space stops."""
    page.value("document.getElementById('play').focus()")
    page.press("Space")
    assert page.value("document.getElementById('play').textContent") == "Pause"
    page.press("Space")
    assert page.value("document.getElementById('play').textContent") == "Play"


@pytest.mark.parametrize(("clock", "title", "last"), [("seconds", "time", 2), ("updates", "updates", 2000)])
def test_the_axis_of_the_loss_is_switched(page: Page, clock: str, title: str, last: float) -> None:
    """Title and values follow, and so does the other switch: one row an update ends at 2,000 updates."""
    page.click(f"input[name=clock-loss][value={clock}] + span")
    page.until(f"document.querySelector('#loss .xtitle').textContent === '{title}'")
    end = page.value("document.getElementById('loss').data[0].x.at(-1)")
    each = compared.line().table()[0]["seconds_per_update"] if clock == "seconds" else 1
    assert end == pytest.approx(2000 * each)
    assert page.value(f"document.querySelector('input[name=clock-paths][value={clock}]').checked")


def test_a_path_can_be_hidden(page: Page) -> None:
    """Without the others, one path covers less."""
    before = page.value(MOVED)
    for row in (1, 2, 3):
        page.click(f"#readout tr:nth-child({row}) input")
    assert 0 < page.value(MOVED) < before
    for row in (1, 2, 3):
        page.click(f"#readout tr:nth-child({row}) input")
    assert page.value(MOVED) == before


def test_where_motion_is_not_wanted_there_is_little(page: Page) -> None:
    """Played so, the slider jumps far at a time instead of gliding."""
    page.emulate(prefers_reduced_motion="reduce")
    page.value("document.getElementById('moment').focus()")
    page.press("Home")
    page.click("#play")
    page.until("Number(document.getElementById('moment').value) > 0")
    share = page.value("Number(moment.value) / Number(moment.max)")
    page.click("#play")
    page.emulate()
    assert share == pytest.approx(1 / 12, abs=0.01)


@pytest.mark.parametrize(("scheme", "colour"), [("dark", [240, 146, 76]), ("light", [213, 94, 0])])
def test_paths_take_the_colours_of_the_scheme(page: Page, scheme: str, colour: list[int]) -> None:
    """The mark of the first method in its table: vermillion, lighter on a dark page."""
    page.emulate(prefers_color_scheme=scheme)
    middle = (16 * 72 + 36) * 4
    drawn = f"{PIXELS}(document.querySelector('.swatch')).slice({middle}, {middle + 3}).join()"
    page.until(f"{drawn} === '{','.join(map(str, colour))}'")
    page.emulate()


@pytest.mark.parametrize("width", [390, 1280])
def test_the_page_never_scrolls_sideways(page: Page, width: int) -> None:
    """What is too wide for a phone scrolls in its own box."""
    page.emulate(width=width)
    page.until(f"document.documentElement.clientWidth === {width}")
    page.until(f"document.documentElement.scrollWidth === {width}")  # charts follow a little later
    page.emulate(width=1280)


@pytest.mark.parametrize("found", [compared.many, compared.some_diverge, compared.network, compared.houses])
def test_other_comparisons_open(page: Page, found: Callable[[], Comparison], tmp_path: Path) -> None:
    """More methods than colours, some that diverge, a larger model, four rows: all charts, no complaint."""
    page.open(of(found(), tmp_path))
    assert page.value("document.querySelectorAll('.js-plotly-plot').length") == 3
    assert page.value(MOVED) > 50
    page.click("#play")
    page.until("Number(document.getElementById('moment').value) > 0")
    assert page.complaints == []
