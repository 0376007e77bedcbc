"""A section -> a piece of HTML for a page: caption, chart, data."""

from rightbatch.report import markup, palette
from rightbatch.report.embed import embedded
from rightbatch.report.markup import element, text
from rightbatch.report.page import Section


def fragment(section: Section) -> str:
    """The section as a figure; `static/learn.js` draws what lies in its script element.

    Without JavaScript the caption and the table remain.
    """
    chart = f"chart-{section.name}"
    title = f"{section.title}, data of the chart"
    table = element(
        "div",
        markup.table(section.table, title),
        class_="scroll",
        tabindex="0",
        role="region",
        aria_label=title,
    )
    # markup.element escapes attributes; what a script holds must not be escaped
    drawn = embedded({"chart": chart, "figure": section.figure.to_plotly_json(), "dark": palette.DARK})
    inside = "\n".join(
        [
            element(
                "figcaption", element("strong", text(f"{section.title}.")) + " " + text(section.sentence)
            ),
            element("div", "", id=chart, class_="chart", role="img", aria_label=section.sentence),
            element("details", element("summary", text("The numbers of the chart")) + table),
            f'<script type="application/json" class="learn-figure">{drawn}</script>',
        ]
    )
    return element("figure", inside, class_="learn", id=f"figure-{section.name}") + "\n"
