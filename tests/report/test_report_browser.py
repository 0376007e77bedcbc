"""The page in a real browser: nothing fails, every chart is drawn, on a desk and on a phone."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from report.example_document import example, nothing_reached
from rightbatch.report.write import write_report

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(CHROMIUM is None, reason="there is no chromium to open the page with"),
]

FRAME = """<body style="margin:0">
<iframe src="report.html" style="border:0;width:{width}px;height:14000px"></iframe>
<script>addEventListener("load", () => {{
  const page = document.querySelector("iframe").contentDocument.documentElement;
  document.title = `${{page.scrollWidth}} of ${{page.clientWidth}}`;
}});</script>"""


def opened(page: Path, *flags: str) -> tuple[str, list[str]]:
    """The document after its scripts have run, and what the console said."""
    assert CHROMIUM is not None
    command = [
        CHROMIUM,
        "--headless",
        "--no-sandbox",
        "--disable-gpu",
        "--enable-logging=stderr",
        "--virtual-time-budget=8000",
        f"--user-data-dir={page.parent / 'profile'}",
        *flags,
        "--dump-dom",
        page.as_uri(),
    ]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)
    return done.stdout, [line for line in done.stderr.splitlines() if "CONSOLE" in line]


def test_the_page_opens_without_an_error(tmp_path: Path) -> None:
    """Seven charts are drawn, the recommendation is read, and the console stays empty."""
    dom, console = opened(write_report(example(), tmp_path / "report.html"))
    assert console == []
    assert re.search(r'<h1 id="recommendation">([^<]*)</h1>', dom)[1] == (  # type: ignore[index]
        "Train with batch size 32 and learning rate 0.35."
    )
    assert len(re.findall(r'class="plot-container', dom)) == 7
    assert len(re.findall(r'<g class="trace scatter', dom)) > 30


def test_an_error_would_be_seen(tmp_path: Path) -> None:
    """The test above can fail: a script that throws, and a file from the network, are both reported."""
    page = tmp_path / "broken.html"
    policy = "default-src 'none'; script-src 'unsafe-inline'"
    page.write_text(
        f'<meta http-equiv="Content-Security-Policy" content="{policy}">'
        '<script>missing()</script><img src="https://example.org/x.png">'
    )
    _, console = opened(page)
    assert len(console) == 2


def test_a_page_without_recommendation_opens(tmp_path: Path) -> None:
    """The charts that remain are drawn, and the heading says what happened."""
    dom, console = opened(write_report(nothing_reached(), tmp_path / "report.html"))
    assert console == []
    assert "No batch size reached val_loss ≤ 0.3." in dom
    assert len(re.findall(r'class="plot-container', dom)) == 4


@pytest.mark.parametrize(("scheme", "blue"), [(0, "rgb(86, 180, 233)"), (1, "rgb(0, 114, 178)")])
def test_charts_take_the_colours_of_the_scheme(tmp_path: Path, scheme: int, blue: str) -> None:
    """Dark (0) draws sky blue, light (1) blue, and neither has the other's."""
    page = write_report(example(), tmp_path / "report.html")
    dom, _ = opened(page, f"--blink-settings=preferredColorScheme={scheme}")
    drawn = set(re.findall(r"stroke: (rgb\(86, 180, 233\)|rgb\(0, 114, 178\))", dom))
    assert drawn == {blue}


@pytest.mark.parametrize("width", [390, 1280])
def test_the_page_never_scrolls_sideways(tmp_path: Path, width: int) -> None:
    """What is too wide for a phone scrolls in its own box."""
    write_report(example(), tmp_path / "report.html")
    frame = tmp_path / "frame.html"
    frame.write_text(FRAME.format(width=width))
    dom, _ = opened(frame, "--allow-file-access-from-files")
    assert re.search(r"<title>([^<]*)</title>", dom)[1] == f"{width} of {width}"  # type: ignore[index]
