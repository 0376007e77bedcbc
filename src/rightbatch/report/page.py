"""The report: the study's document -> one HTML file that needs nothing else and no network."""

from collections.abc import Sequence
from dataclasses import dataclass
from string import Template

import plotly.graph_objects as go
from plotly.offline import get_plotlyjs

from rightbatch.report import (
    charts,
    generalisation,
    markup,
    method,
    noise,
    palette,
    rate_chart,
    series,
    tables,
    words,
)
from rightbatch.report.document import Document, Standing, measured
from rightbatch.report.embed import embedded, resource
from rightbatch.report.markup import element, paragraph, prose, scrolling, text

GENERATOR = '<meta name="generator" content="rightbatch '
"""How a report of ours begins its generator line; by it we know our own files."""

_CLASSES = {
    Standing.RECOMMENDED: "recommended",
    Standing.WITHIN: "within",
    Standing.OTHER: "",
    Standing.SELDOM: "",
    Standing.MISSED: "missed",
    Standing.NOT_RUN: "not-run",
}


@dataclass(frozen=True, slots=True)
class Section:
    """A chart with its sentence and its data."""

    name: str
    title: str
    formula: str
    """HTML of our own, beside the title."""
    sentence: str
    figure: go.Figure
    table: tables.Table


def page(document: Document) -> str:
    """The report of a study, as HTML.

    Args:
        document: the study's document, as `Study.to_dict()` gives it.

    Returns:
        A whole page; Plotly's script is in it once.
    """
    shown = sections(document)
    values = {
        "generator": f'{GENERATOR}{text(document["version"])}">',
        "title": text(f"{document['data']['name']}: {words.headline(document)}"),
        "kicker": text(f"Batch size study of {document['data']['name']}, {document['settings']['model']}"),
        "headline": text(words.headline(document)),
        "standfirst": prose(words.standfirst(document)),
        "facts": _facts(document),
        "sizes": _sizes(document),
        "advice": _advice(document),
        "sections": "\n".join(_section(section) for section in shown),
        "result": _result(document),
        "method": method.section(document),
        "version": text(document["version"]),
        "figures": embedded({section.name: section.figure.to_plotly_json() for section in shown}),
        "dark": embedded(palette.DARK),
        "css": resource("page.css"),
        "js": resource("page.js"),
        "plotly": get_plotlyjs(),
    }
    return Template(resource("page.html")).substitute(values)


def sections(document: Document) -> list[Section]:
    """The charts for which the document has numbers, in the order of the page."""
    shown = [_curves(document), _learning_rates(document)]
    if document["step_time"]["points"]:
        shown.insert(0, _step_time(document))
    shown += [section for section in (_noise(document), _generalisation(document)) if section]
    if measured(document, "steps_to_target"):
        shown.insert(0, _steps_to_target(document))
    if measured(document, "seconds_to_target"):
        shown.insert(0, _time_to_target(document))
    return [section for section in shown if section.table.rows]


def _time_to_target(document: Document) -> Section:
    shown = series.time_to_target(document)
    return Section(
        "time-to-target",
        "Time to target",
        "<i>T</i>(<i>B</i>) = <i>S</i>(<i>B</i>) · <i>t</i>(<i>B</i>)",
        words.time_to_target(shown),
        charts.time_to_target(shown),
        tables.time_to_target(shown),
    )


def _steps_to_target(document: Document) -> Section:
    shown = series.steps_to_target(document)
    return Section(
        "steps-to-target",
        "Steps to target",
        "<i>S</i>(<i>B</i>) = <i>S</i><sub>min</sub>(1 + <i>B</i><sub>crit</sub>/<i>B</i>)",
        words.steps_to_target(shown, document["fit"]),
        charts.steps_to_target(shown),
        tables.steps_to_target(shown),
    )


def _step_time(document: Document) -> Section:
    shown = series.step_time(document)
    return Section(
        "step-time",
        "Time per step",
        "<i>t</i>(<i>B</i>) = <i>a</i> + <i>bB</i>",
        words.step_time(shown),
        charts.step_time(shown),
        tables.step_time(shown),
    )


def _curves(document: Document) -> Section:
    shown, target = series.curves(document), document["target"]
    return Section(
        "curves",
        "Learning curves",
        "",
        words.curves(shown, target["metric"]),
        charts.curves(shown, target["metric"], target["value"]),
        tables.curves(shown, target["metric"]),
    )


def _learning_rates(document: Document) -> Section:
    shown, law = series.learning_rates(document), series.rate_law(document)
    return Section(
        "learning-rates",
        "Learning rate against batch size",
        "<i>ε</i>(<i>B</i>) = <i>ε</i>*/(1 + <i>B</i>*/<i>B</i>)<sup><i>&alpha;</i></sup>" if law else "",
        words.learning_rates(shown, law),
        rate_chart.learning_rates(shown, law),
        tables.learning_rates(shown, law),
    )


def _noise(document: Document) -> Section | None:
    shown = noise.series(document)
    if shown is None:
        return None
    return Section(
        "noise-scale",
        "Noise scale along the run",
        "<i>B</i><sub>simple</sub> = tr Σ/|<i>G</i>|²",
        noise.words(shown),
        noise.figure(shown),
        noise.table(shown),
    )


def _generalisation(document: Document) -> Section | None:
    shown = generalisation.series(document)
    if shown is None:
        return None
    return Section(
        "generalisation",
        "Generalisation",
        "validation loss &minus; training loss",
        generalisation.words(document),
        generalisation.figure(shown),
        generalisation.table(shown),
    )


def _section(section: Section) -> str:
    formula = element("span", section.formula, class_="formula") if section.formula else ""
    title = f"{section.title}, data of the chart"
    data = element("summary", text(f"Data: {section.title.lower()}")) + scrolling(
        markup.table(section.table, title), title
    )
    figure = (
        element("figcaption", prose(section.sentence), id=f"{section.name}-caption")
        + element("div", "", id=section.name, class_="chart", role="img", aria_label=section.sentence)
        + element("details", data)
    )
    return element("section", f"<h2>{text(section.title)} {formula}</h2>{element('figure', figure)}")


def _facts(document: Document) -> str:
    cells = "\n".join(
        element(
            "div",
            element("dt", text(fact.name))
            + element("dd", text(fact.value), class_="value")
            + (element("dd", text(fact.doubt), class_="doubt") if fact.doubt else ""),
        )
        for fact in words.facts(document)
    )
    return element("dl", cells, class_="facts") if cells else ""


def _sizes(document: Document) -> str:
    advice = document["recommendation"]
    if advice is None:
        return ""
    low, high = advice["interval"] or (0, 0)
    chips = "\n".join(
        _chip(row.cells[1], row.standing, inside=low <= int(row.cells[1]) <= high)
        for row in tables.result_rows(document)
    )
    return element(
        "div",
        f'<ol aria-label="Batch sizes tried">{chips}</ol>{paragraph(words.sizes_key(document))}',
        class_="sizes",
    )


def _chip(size: str, standing: Standing, *, inside: bool) -> str:
    said = "" if standing is Standing.OTHER else element("span", f", {standing.value}", class_="hidden")
    return element(
        "li", text(size) + said, class_=" ".join([_CLASSES[standing], *["inside"] * inside]).strip()
    )


def _advice(document: Document) -> str:
    advice = document["recommendation"]
    if advice is None:
        blocks = [(words.DOUBTS, document["doubts"]), ("What happened", tables.notes(document))]
    else:
        blocks = [
            (words.DOUBTS, document["doubts"]),
            ("Why", advice["reasons"]),
            ("What would change it", advice["would_change_if"]),
            ("What a full study would add", words.full_study(document)),
        ]
    inside = "\n".join(_block(title, lines) for title, lines in blocks if lines)
    return element("div", inside, class_="advice") if inside else ""


def _block(title: str, lines: Sequence[str]) -> str:
    kind = {"class_": "doubts"} if title == words.DOUBTS else {}
    return element("div", element("h2", title) + markup.items(lines), **kind)


def _result(document: Document) -> str:
    rows = tables.result_rows(document)
    columns = tuple(f"{column.head} {column.under}".strip() for column in tables.result_columns(document))
    title = "Every batch size"
    whole = markup.table(
        tables.Table(columns, tuple(row.cells for row in rows)),
        title,
        [_CLASSES[row.standing] for row in rows],
    )
    below = paragraph(words.table_key(document), "key") + "".join(
        paragraph(note, "key") for note in tables.notes(document)
    )
    return element("section", element("h2", title) + scrolling(whole, title, "scroll whole") + below)
