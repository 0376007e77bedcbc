"""How Sphinx builds the documentation."""

import importlib.metadata
import sys
from pathlib import Path
from typing import Any

from docutils.nodes import SkipNode, math, math_block
from docutils.utils.math.latex2mathml import tex2mathml
from sphinx.application import Sphinx
from sphinx.util import logging
from sphinx.writers.html5 import HTML5Translator

DOCS = Path(__file__).parent
FIGURES = DOCS / "_figures"
"""What the runs of a build draw; made anew by each."""

sys.path.insert(0, str(DOCS))
from learn import figures  # noqa: E402 (it lies beside this file, which Sphinx does not put on the path)

project = "rightbatch"
author = "The rightbatch founders"
copyright = "The rightbatch founders"
release = importlib.metadata.version("rightbatch")

extensions = ["myst_parser"]
exclude_patterns = ["_build", "_figures"]
myst_enable_extensions = ["dollarmath"]
myst_heading_anchors = 3

html_theme = "furo"
html_title = "rightbatch"
html_math_renderer = "mathml"
html_static_path = ["static", "learn/static", "_figures/static"]
html_css_files = ["tables.css"]
(FIGURES / "static").mkdir(parents=True, exist_ok=True)  # Sphinx looks for it before anything is built


def draw(app: Sphinx) -> None:
    """Make the runs of docs/learn, and draw them."""
    del app
    figures.write(FIGURES, logging.getLogger(__name__).info)


def load(app: Sphinx, page: str, template: str, context: dict[str, Any], doctree: object) -> None:
    """Plotly is large: only the pages that draw load it, once, from the copy beside them."""
    del template, context, doctree
    if page.startswith("learn/"):
        app.add_css_file("learn.css")
        app.add_js_file("plotly.min.js", loading_method="defer")
        app.add_js_file("learn.js", loading_method="defer")


def inline_math(writer: HTML5Translator, node: math) -> None:
    """Formulas as MathML, which browsers draw by themselves: the pages open offline."""
    writer.body.append(tex2mathml(node.astext()))
    raise SkipNode


def block_math(writer: HTML5Translator, node: math_block) -> None:
    """A formula on its own line."""
    writer.body.append(
        f'<div class="math" style="padding-block: 0.5rem">{tex2mathml(node.astext(), as_block=True)}</div>'
    )
    raise SkipNode


def setup(app: Sphinx) -> None:
    """Tell Sphinx when to call what is above."""
    app.add_html_math_renderer("mathml", (inline_math, None), (block_math, None))
    app.connect("builder-inited", draw)
    app.connect("html-page-context", load)
