"""The Python in README and docs runs, and prints what the block of text below it says."""

import ast
import contextlib
import importlib.util
import io
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest

ROOT = Path(__file__).parents[1]
PAGES = [
    ROOT / "README.md",
    *sorted((ROOT / "docs").glob("*.md")),
    *sorted((ROOT / "docs" / "learn").glob("*.md")),
]
OPTIONAL = ("torch", "tensorflow", "keras", "jax", "tensorboard")
BLOCK = re.compile(r"^```python\n(.*?)^```$(?:\s*^```text\n(.*?)^```$)?", re.MULTILINE | re.DOTALL)


class Snippet(NamedTuple):
    """One block of Python."""

    line: int
    """Where it stands on its page."""
    code: str
    prints: str | None
    """What it prints; `None`: that is not told."""

    @property
    def needs(self) -> list[str]:
        """The optional packages that it imports, or names as an output of the loader."""
        nodes = list(ast.walk(ast.parse(self.code)))
        modules = [alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names]
        modules += [node.module or "" for node in nodes if isinstance(node, ast.ImportFrom)]
        names = {module.partition(".")[0] for module in modules}
        names |= {node.attr for node in nodes if isinstance(node, ast.Attribute)}  # rb.tensorboard
        return [name for name in OPTIONAL if name in names]


def snippets(page: str) -> Iterator[Snippet]:
    """The blocks of Python of a page, each with the block of text that follows at once."""
    for block in BLOCK.finditer(page):
        yield Snippet(page.count("\n", 0, block.start()) + 2, block[1], block[2])


def run(page: Path, package: str, folder: Path) -> None:
    """Run the page's blocks that need nothing optional, or this package alone, one after the other."""
    names: dict[str, Any] = {"__name__": page.stem}
    for snippet in snippets(page.read_text(encoding="utf-8")):
        if set(snippet.needs) <= {package}:
            code = compile("\n" * (snippet.line - 1) + snippet.code, page, "exec")
            with contextlib.redirect_stdout(io.StringIO()) as printed:
                exec(code, names)
            assert snippet.prints is None or printed.getvalue() == snippet.prints, f"line {snippet.line}"


WITH_PYTHON = [page for page in PAGES if list(snippets(page.read_text(encoding="utf-8")))]
NEEDED = [
    (page, name)
    for page in WITH_PYTHON
    for name in OPTIONAL
    if any(name in snippet.needs for snippet in snippets(page.read_text(encoding="utf-8")))
]


@pytest.mark.parametrize("page", WITH_PYTHON, ids=lambda page: page.name)
def test_snippets_run(page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In one namespace from top to bottom, in an empty folder, but those that need an optional package."""
    monkeypatch.chdir(tmp_path)
    run(page, "", tmp_path)


@pytest.mark.parametrize(("page", "package"), NEEDED, ids=lambda each: getattr(each, "name", each))
def test_snippets_with_a_package_run(
    page: Path, package: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The same with the blocks that import one optional package, where it is installed."""
    if importlib.util.find_spec(package) is None:
        pytest.skip(f"{package} is not installed")
    monkeypatch.chdir(tmp_path)
    run(page, package, tmp_path)


PAGE = """
```python
a = 1
```

```python
print(a)
```

```text
1
```

```python
import torch.nn
```
and then
```text
no output
```
"""


def test_snippets_are_found() -> None:
    """With their line, what they print where that follows at once, and what they need."""
    found = list(snippets(PAGE))
    assert [(snippet.line, snippet.prints, snippet.needs) for snippet in found] == [
        (3, None, []),
        (7, "1\n", []),
        (15, None, ["torch"]),
    ]


def test_a_snippet_that_prints_something_else_is_found(tmp_path: Path) -> None:
    """The line of the page is told; an exception is one of the page too."""
    page = tmp_path / "page.md"
    page.write_text(PAGE.replace("a = 1", "a = 2"))
    with pytest.raises(AssertionError, match="line 7"):
        run(page, "", tmp_path)
