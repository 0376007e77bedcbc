"""How Sphinx builds the documentation."""

import importlib.metadata

project = "rightbatch"
author = "The rightbatch founders"
copyright = "The rightbatch founders"
release = importlib.metadata.version("rightbatch")

extensions = ["myst_parser"]
exclude_patterns = ["_build"]
myst_enable_extensions = ["dollarmath"]
myst_heading_anchors = 3

html_theme = "furo"
html_title = "rightbatch"
