"""The page of a comparison: its document -> one HTML file that needs nothing else and no network."""

import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from string import Template
from typing import Any

import plotly.graph_objects as go
from plotly.offline import get_plotlyjs

from rightbatch import units
from rightbatch.report import comparison_charts as charts
from rightbatch.report import comparison_series as series
from rightbatch.report import comparison_tables as tables
from rightbatch.report import comparison_words as words
from rightbatch.report import markup, palette
from rightbatch.report.document import Document, Standing
from rightbatch.report.embed import embedded, resource
from rightbatch.report.markup import element, paragraph, prose, scrolling, text
from rightbatch.report.page import GENERATOR
from rightbatch.report.tables import Table
from rightbatch.report.write import write_page

_CLASSES = {Standing.RECOMMENDED: "recommended", Standing.MISSED: "missed"}


@dataclass(frozen=True, slots=True)
class Part:
    """A chart with its sentence, its controls and its data."""

    name: str
    title: str
    sentence: str
    figure: go.Figure
    table: Table
    above: str = ""
    """HTML between the sentence and the chart."""
    below: str = ""
    """HTML between the chart and its data."""


def write_comparison(document: Document, path: str | os.PathLike[str]) -> Path:
    """Writes the page of a comparison.

    Args:
        document: as `Comparison.to_dict()` gives it.
        path: the HTML file; an older page of rightbatch there is replaced.

    Returns:
        The path of the file, absolute.

    Raises:
        SettingError: a file is there that rightbatch did not make, or the path cannot be written.
    """
    return write_page(comparison_page(document), path)


def comparison_page(document: Document) -> str:
    """The page of a comparison, as HTML."""
    shown = parts(document)
    values = {
        "generator": f'{GENERATOR}{text(document["version"])}">',
        "title": text(f"{document['data']['name']}: {words.headline(document)}"),
        "kicker": text(words.kicker(document)),
        "headline": text(words.headline(document)),
        "standfirst": prose(words.standfirst(document)),
        "facts": _facts(document),
        "advice": _advice(document),
        "result": _result(document),
        "sections": "\n".join(_section(part) for part in shown),
        "weights": _weights(document),
        "method": _method(document),
        "version": text(document["version"]),
        "figures": embedded({part.name: part.figure.to_plotly_json() for part in shown}),
        "dark": embedded(palette.DARK),
        "player": embedded(_player(document)),
        "css": resource("page.css") + resource("comparison.css"),
        "js": resource("page.js"),
        "own_js": resource("comparison.js"),
        "plotly": get_plotlyjs(),
    }
    return Template(resource("comparison.html")).substitute(values)


def parts(document: Document) -> list[Part]:
    """The charts, in the order of the page; a learner that does not tell its parameters has no paths."""
    noises = series.noises(document)
    shown = [
        Part(
            "loss",
            "The loss",
            words.loss(document),
            charts.loss(document),
            tables.loss(document),
            above=_switch("loss", "Against"),
        ),
        Part(
            "noise",
            "The noise of the loss",
            words.noise(noises, document["data"]["train"]),
            charts.noise(noises, document),
            tables.noise(noises),
        ),
    ]
    if document["paths"] is not None:
        shown.insert(0, _paths(document))
    return [part for part in shown if part.table.rows]


def _paths(document: Document) -> Part:
    two = document["paths"]["kind"] == "parameters"
    return Part(
        "paths",
        "The paths",
        words.paths(document),
        charts.paths(document),
        tables.paths(document),
        above=_switch("paths", "Play by") + _controls(),
        below=_readout(document, document["paths"]["axes"] if two else []),
    )


def _switch(name: str, legend: str) -> str:
    """Epochs, updates or seconds: radio buttons, so that arrow keys and screen readers know them."""
    choices = "".join(
        f'<label><input type="radio" name="clock-{name}" value="{clock}"'
        f"{' checked' if clock == 'epochs' else ''}>{element('span', clock)}</label>"
        for clock in ("epochs", "updates", "seconds")
    )
    return element("fieldset", element("legend", text(legend)) + choices, class_="switch")


def _controls() -> str:
    button = element("button", "Play", type="button", id="play")
    label = element("label", "Moment", for_="moment", class_="hidden")
    slider = '<input type="range" id="moment" min="0" max="1" value="1" step="1">'
    output = element("output", "", id="when", for_="moment")
    return element("div", button + label + slider + output, class_="player")


def _readout(document: Document, axes: list[str]) -> str:
    """Where each method is at the moment of the slider; the page fills it."""
    heads = ["method", "epoch", "update", "time", "training loss", *axes]
    head = "".join(element("th", text(name), scope="col") for name in heads)
    rows = "".join(
        element("tr", _named(method["name"]) + "<td></td>" * (len(heads) - 1))
        for method in document["methods"]
    )
    caption = element("caption", "Where each method is at the chosen moment", class_="hidden")
    inside = caption + element("thead", element("tr", head)) + element("tbody", rows)
    return scrolling(
        element("table", inside, id="readout"), "Where each method is at the chosen moment", "scroll whole"
    )


def _named(name: str) -> str:
    """The name with its line and its mark, which the page draws, and a box that hides the path."""
    box = '<input type="checkbox" checked>'
    swatch = '<canvas class="swatch" width="72" height="32" aria-hidden="true"></canvas>'
    return element("th", element("label", box + swatch + text(name)), scope="row")


def _player(document: Document) -> dict[str, Any]:
    """What the script of the page needs beside the figures."""
    clocks = series.clocks(document)
    shown = document["paths"] or {"methods": [None] * len(document["methods"])}
    looks = series.looks(len(document["methods"]))
    return {
        "clocks": {clock.name: charts.clock_axis(document, clock) for clock in clocks},
        "methods": [
            _played(method, path) | asdict(look)
            for method, path, look in zip(document["methods"], shown["methods"], looks, strict=True)
        ],
        "two": document["paths"] is not None and document["paths"]["kind"] == "parameters",
        "goal": shown.get("least_squares"),
    }


def _played(method: Mapping[str, Any], path: Mapping[str, Any] | None) -> dict[str, Any]:
    return {
        "name": method["name"],
        "perUpdate": {
            "epochs": 1 / method["updates_per_epoch"],
            "updates": 1,
            "seconds": method["seconds_per_update"],
        },
        "updates": method["curve"]["updates"],
        "loss": method["curve"]["loss"],
        "converged": method["converged"]["orders"][0] if method["converged"] else None,
        "path": path,
    }


def _facts(document: Document) -> str:
    cells = "\n".join(
        element(
            "div",
            element("dt", text(fact.name))
            + element("dd", text(fact.value), class_="value")
            + element("dd", text(fact.doubt), class_="doubt"),
        )
        for fact in words.facts(document)
    )
    return element("dl", cells, class_="facts") if cells else ""


def _advice(document: Document) -> str:
    blocks = [("Who wins", words.sentences(document)), ("How they are compared", words.fairness(document))]
    inside = "\n".join(element("div", element("h2", title) + markup.items(lines)) for title, lines in blocks)
    return element("div", inside, class_="advice")


def _result(document: Document) -> str:
    columns = tuple(f"{column.head} {column.under}".strip() for column in tables.columns(document))
    rows = tables.rows(document)
    title = "Every method"
    whole = markup.table(
        Table(columns, tuple(row.cells for row in rows)),
        title,
        [_CLASSES.get(row.standing, "") for row in rows],
    )
    return element("section", element("h2", title) + scrolling(whole, title, "scroll whole dense"))


def _weights(document: Document) -> str:
    shown = tables.weights(document)
    if shown is None:
        return ""
    title = "The final weights"
    beside = ", beside what least squares gives" if document["least_squares"] else ""
    lines = words.equations(document)
    return element(
        "section",
        element("h2", title)
        + paragraph(f"In the data's own units{beside}.")
        + (markup.items(lines) if lines else "")
        + scrolling(markup.table(shown, title), title, "scroll whole"),
        class_="weights",
    )


def _method(document: Document) -> str:
    data, settings, machine = document["data"], document["settings"], document["machine"]
    rows = f"{units.count(data['train'])} training and {units.count(data['validation'])} validation rows."
    cores, threads = units.plural(machine["cores"], "core"), units.plural(machine["threads"], "thread")
    pairs = [
        ("Data", "".join(paragraph(line) for line in [*data["notes"], rows])),
        ("Model", text(settings["model"])),
        ("Epochs", text(units.count(settings["epochs"]))),
        ("Seed", text(settings["seed"])),
        ("Cost", text(units.seconds(document["seconds"]))),
        (
            "Machine",
            text(
                f"{machine['cpu']}, {cores}, {threads}; {machine['platform']}, Python {machine['python']}, "
                f"NumPy {machine['numpy']}, rightbatch {document['version']}"
            ),
        ),
    ]
    return element(
        "section", element("h2", "What it was measured with") + markup.described(pairs), class_="method"
    )


def _section(part: Part) -> str:
    title = f"{part.title}, data of the chart"
    data = element("summary", text(f"Data: {part.title.lower()}")) + scrolling(
        markup.table(part.table, title), title
    )
    figure = (
        element("figcaption", prose(part.sentence), id=f"{part.name}-caption")
        + part.above
        + element("div", _stage(part), class_="stage")
        + part.below
        + element("details", data)
    )
    return element("section", f"<h2>{text(part.title)}</h2>{element('figure', figure)}")


def _stage(part: Part) -> str:
    """The chart, and over that of the paths the canvas on which they move."""
    chart = element("div", "", id=part.name, class_="chart", role="img", aria_label=part.sentence)
    return chart + ('<canvas id="moving" aria-hidden="true"></canvas>' if part.name == "paths" else "")
