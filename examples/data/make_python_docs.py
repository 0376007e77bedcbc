"""Collect the sentences of python_docs.txt from the Python that runs this: its help topics and docstrings.

Modules that carry a notice of their own are left out, so that all of it is under Python's own licence
(PSF-LICENSE.txt). What was changed: text was cut into sentences, and white space made one blank.
"""

import ast
import pydoc_data.topics
import re
import sys
from collections.abc import Iterator
from pathlib import Path

LIBRARY = Path(ast.__file__).parent
NOT_TAKEN = {
    *("test", "tests", "idle_test", "site-packages", "pydoc_data", "lib2to3", "ensurepip", "encodings"),
    *("idlelib", "distutils", "tkinter", "msilib", "turtledemo"),
}
NOTICE = re.compile("copyright|licen[cs]e|permission to use", re.IGNORECASE)
NO_PROSE = re.compile(r">>>|::=|[*=~\-^]{4,}")
HEADER = """\
# Sentences from the documentation of Python {version}: module, tab, sentence. Made by make_python_docs.py.
# Copyright (c) 2001-2023 Python Software Foundation; All Rights Reserved. Licence PSF-2.0: PSF-LICENSE.txt
"""


def sentences(text: str) -> Iterator[str]:
    """Sentences of 8 to 30 words, nearly all of them letters."""
    for paragraph in re.split(r"\n\s*\n", text):
        if NO_PROSE.search(paragraph):
            continue
        for sentence in re.split(r"(?<=[.!?])\s+(?=[A-Z])", " ".join(paragraph.split())):
            letters = sum(character.isalpha() or character == " " for character in sentence)
            prose = re.fullmatch(r"[A-Z][ -~]*\.", sentence) and letters > 0.9 * len(sentence)
            if prose and 8 <= len(sentence.split()) <= 30:
                yield sentence


def documents() -> Iterator[tuple[str, str]]:
    """Module names, and a text in each of them."""
    for topic, text in pydoc_data.topics.topics.items():
        yield f"help.{topic}", text
    for path in sorted(LIBRARY.rglob("*.py")):
        source = path.read_text("utf-8", errors="ignore")
        if NOT_TAKEN & set(path.parts) or NOTICE.search(source):
            continue
        module = ".".join(path.relative_to(LIBRARY).with_suffix("").parts).removesuffix(".__init__")
        for node in ast.walk(ast.parse(source)):
            if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
                yield module, ast.get_docstring(node) or ""


def main() -> None:
    """Write the file: each sentence once, where it comes first."""
    found: dict[str, str] = {}
    for module, text in documents():
        for sentence in sentences(text):
            found.setdefault(sentence, module)
    version = sys.version.partition(" ")[0]
    lines = [f"{module}\t{sentence}\n" for sentence, module in found.items()]
    Path(__file__).with_name("python_docs.txt").write_text(HEADER.format(version=version) + "".join(lines))
    print(f"{len(lines)} sentences of {len(set(found.values()))} modules")


if __name__ == "__main__":
    main()
