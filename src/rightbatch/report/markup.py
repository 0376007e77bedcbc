"""HTML from text: every word of the study's document is escaped here, and nowhere else."""

import html
import re
from collections.abc import Iterable

from rightbatch.report.tables import Table

_BEFORE_UNIT = re.compile(r"(?<=\d) (?=(?:%|[nµm]?s|min|h|[kMGT]?B)\b|%)")

LONG = 60
"""Characters from which a cell may break into lines."""


def text(value: object) -> str:
    """Text as HTML.

    Example:
        >>> text("loss<=0.3 & more")
        'loss&lt;=0.3 &amp; more'
    """
    return html.escape(str(value), quote=True)


def element(name: str, inside: str, **attributes: str) -> str:
    """An element around HTML; ``class_`` is written ``class``, ``aria_label`` is ``aria-label``.

    Example:
        >>> element("p", text("a < b"), class_="key")
        '<p class="key">a &lt; b</p>'
    """
    written = "".join(
        f' {key.rstrip("_").replace("_", "-")}="{text(value)}"' for key, value in attributes.items() if value
    )
    return f"<{name}{written}>{inside}</{name}>"


def prose(value: object) -> str:
    """Text of sentences as HTML: a line does not break between a number and its unit.

    Example:
        >>> prose("in 215 µs").replace("\N{NO-BREAK SPACE}", "_")
        'in 215_µs'
    """
    return text(_BEFORE_UNIT.sub("\N{NO-BREAK SPACE}", str(value)))


def paragraph(words: str, class_: str = "") -> str:
    """A paragraph of text; nothing for no words."""
    return element("p", prose(words), class_=class_) if words else ""


def items(lines: Iterable[str]) -> str:
    """A list of sentences."""
    return element("ul", "\n".join(element("li", prose(line)) for line in lines))


def described(pairs: Iterable[tuple[str, str]]) -> str:
    """Names with what they stand for, which is HTML; names that stand for nothing are left out."""
    return element(
        "dl", "\n".join(f"<dt>{text(name)}</dt><dd>{inside}</dd>" for name, inside in pairs if inside)
    )


def table(shown: Table, caption: str, classes: Iterable[str] = ()) -> str:
    """A table in a box that scrolls by itself; `classes`: one per row."""
    head = "".join(element("th", text(name), scope="col") for name in shown.columns)
    marks = list(classes) or [""] * len(shown.rows)
    body = "\n".join(_row(cells, mark) for cells, mark in zip(shown.rows, marks, strict=True))
    inside = (
        element("caption", text(caption), class_="hidden")
        + element("thead", element("tr", head))
        + element("tbody", body)
    )
    return element("table", inside)


def scrolling(table: str, name: str, class_: str = "scroll") -> str:
    """A table in a box that scrolls: it can be reached with the keyboard, and has a name there."""
    return element("div", table, class_=class_, tabindex="0", role="region", aria_label=name)


def _row(cells: tuple[str, ...], mark: str) -> str:
    first, *rest = cells
    head = element("th", text(first), scope="row")
    others = "".join(element("td", text(cell), class_="long" if len(cell) > LONG else "") for cell in rest)
    return element("tr", head + others, class_=mark)
