"""What lies in a page beside its HTML: styles, scripts and data."""

import json
from importlib.resources import files

_LESS = "\\u003c"
"""The sign "<" in JSON: itself, it would let a text of the study end the script element."""


def embedded(value: object) -> str:
    """A value as JSON that may stand in a script element.

    Example:
        >>> "</script>" in embedded({"name": "</script>"})
        False
    """
    return json.dumps(value, allow_nan=False).replace("<", _LESS)


def resource(name: str) -> str:
    """A style sheet, script or template of ours, by its file name."""
    return (files("rightbatch.report") / name).read_text(encoding="utf-8")
