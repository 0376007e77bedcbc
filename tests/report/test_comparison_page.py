"""The page of a comparison as a file."""

import re
from pathlib import Path

import pytest

import compared
from rightbatch.compare import Comparison, compare
from rightbatch.errors import SettingError
from rightbatch.report.comparison_page import comparison_page, parts

MOST_BYTES = 6_000_000


@pytest.mark.parametrize("found", [compared.line, compared.houses, compared.network, compared.many])
def test_the_page_is_small_and_whole(found: object) -> None:
    """Under 6 MB, Plotly's script once, nothing left to fill in, and nothing from the network."""
    page = comparison_page(found().to_dict())  # type: ignore[operator]
    assert len(page.encode()) < MOST_BYTES
    ours = re.sub(r"<script>/\*\*.*?</script>", "", page, flags=re.DOTALL)
    assert page.count("* plotly.js v") == 1
    assert not re.search(r"\$[a-z]", ours.partition("<script>")[0])
    assert not re.search(r'(src|href)="', ours)


def test_words_of_the_data_are_text() -> None:
    """A column named like a script is written as text in every place, and ends none."""
    evil = "</script><img src=x onerror=alert(1)>"
    rows = {evil: [1.0, 2.0, 3.0, 5.0], "y": [2.0, 4.0, 6.0, 10.0]}
    pandas = pytest.importorskip("pandas")
    page = comparison_page(compare(pandas.DataFrame(rows), label="y", epochs=2).to_dict())
    assert evil not in page
    assert "&lt;/script&gt;" in page


def test_a_model_that_does_not_tell_its_parameters_has_no_paths() -> None:
    """The other charts are there, and so is the page."""
    document = {**compared.line().to_dict(), "paths": None}
    assert [part.name for part in parts(document)] == ["loss", "noise"]
    assert 'id="moment"' not in comparison_page(document)


def test_a_file_of_somebody_else_is_left_alone(tmp_path: Path) -> None:
    """Ours is replaced, another's refused."""
    found: Comparison = compared.houses()
    found.to_html(tmp_path / "ours.html")
    assert found.to_html(tmp_path / "ours.html") == tmp_path / "ours.html"
    (tmp_path / "mine.html").write_text("mine")
    with pytest.raises(SettingError, match="is a file that rightbatch did not make"):
        found.to_html(tmp_path / "mine.html")
    assert (tmp_path / "mine.html").read_text() == "mine"
