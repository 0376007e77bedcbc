"""The house rules, read from the source: one direction, no tricks, small pieces."""

import ast
import graphlib
from collections.abc import Iterator
from pathlib import Path

import pytest

SOURCE = Path(__file__).parents[1] / "src" / "rightbatch"
STAGES = [
    *("errors", "records", "rng", "checks", "units"),
    *("data", "learners", "train", "measure", "stats", "study", "report", "answer", "compare", "cli"),
]
LONGEST_FUNCTION, LONGEST_FILE = 40, 400

IMPORTS_INSIDE_FUNCTIONS: set[str] = set()
IMPORTS_BY_NAME = {
    "cli/main.py",  # a command's module is imported when it runs: --help needs none of them
    "measure/feasible.py",  # limits of memory are POSIX: imported in the process that they are set for
    "data/deliver.py",  # the libraries that batches are delivered to are optional, likewise
    "measure/rivals.py",  # the libraries to compare with are optional: each is imported where it is installed
    "learners/torch_model.py",  # PyTorch is optional: what adapts it is imported when a module is given
    "study/ahead.py",  # Ray is optional: what adapts it is imported when it is asked for
    "train/trackers.py",  # TensorBoard and MLflow are optional: each is imported when it is asked for
}
LONG_FUNCTIONS: set[str] = set()
LONG_FILES: set[str] = set()
"""Exceptions, as paths under the package (functions as `path:name`); each needs a reason beside it."""

ROOT = {SOURCE / "__init__.py", SOURCE / "__main__.py"}
FILES = sorted(path for path in SOURCE.rglob("*.py") if path not in ROOT)

each_file = pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(SOURCE)))


def tree(path: Path) -> ast.Module:
    """The file, parsed."""
    return ast.parse(path.read_text(encoding="utf-8"), filename=str(path))


def name_of(path: Path) -> str:
    """The dotted name of a file under the package: `stats.scaling`."""
    return ".".join(path.relative_to(SOURCE).with_suffix("").parts)


MODULES = {name_of(path) for path in FILES}


def imports(path: Path) -> Iterator[str]:
    """Everything of ours that a file imports, as dotted names without the root; the root itself is ''."""
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.Import):
            found = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            found = [f"{node.module}.{alias.name}" for alias in node.names]
        else:
            continue
        for name in found:
            root, _, rest = name.partition(".")
            if root == "rightbatch":
                yield rest if rest in MODULES else rest.rpartition(".")[0]


def stage(module: str) -> str:
    """The stage a module belongs to: `stats` for `stats.scaling`."""
    return module.partition(".")[0]


def test_every_file_belongs_to_a_stage() -> None:
    """Nothing lies in the package but the stages (`answer`, one file, is what Python and cli share)."""
    assert {stage(module) for module in MODULES} <= set(STAGES)


@each_file
def test_imports_only_point_upstream(path: Path) -> None:
    """A module imports its own stage and those to its left, and never the package root."""
    module = name_of(path)
    for name in imports(path):
        assert name in MODULES, f"{module} imports rightbatch.{name}, which is no module of ours"
        assert STAGES.index(stage(name)) <= STAGES.index(stage(module)), (
            f"{module} imports {name}, downstream"
        )


def test_there_are_no_circles_inside_a_stage() -> None:
    """The imports can be put in an order in which each module comes after those it imports."""
    graph = {name_of(path): set(imports(path)) for path in FILES}
    order = list(graphlib.TopologicalSorter(graph).static_order())
    assert set(order) == MODULES


@each_file
def test_imports_stand_at_the_top(path: Path) -> None:
    """No import is hidden in a function or in a branch, and none is relative."""
    parsed = tree(path)
    everywhere = [node for node in ast.walk(parsed) if isinstance(node, ast.Import | ast.ImportFrom)]
    hidden = [f"line {node.lineno}" for node in everywhere if node not in parsed.body]
    assert not hidden or str(path.relative_to(SOURCE)) in IMPORTS_INSIDE_FUNCTIONS, hidden
    assert all(node.level == 0 for node in everywhere if isinstance(node, ast.ImportFrom))


@each_file
def test_there_are_no_import_tricks(path: Path) -> None:
    """TYPE_CHECKING and importlib hide circles: the root has both, a few files name what is optional."""
    words = {node.id for node in ast.walk(tree(path)) if isinstance(node, ast.Name)}
    words |= {node.attr for node in ast.walk(tree(path)) if isinstance(node, ast.Attribute)}
    tricks = words & {"TYPE_CHECKING", "import_module", "__import__"}
    assert not tricks or str(path.relative_to(SOURCE)) in IMPORTS_BY_NAME


@each_file
def test_only_its_adapter_imports_pytorch(path: Path) -> None:
    """PyTorch is optional: the files that adapt it, named after it, are the only ones that import it."""
    nodes = [node for node in ast.walk(tree(path)) if isinstance(node, ast.Import | ast.ImportFrom)]
    modules = {alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names}
    modules |= {node.module or "" for node in nodes if isinstance(node, ast.ImportFrom)}
    theirs = {module for module in modules if module.partition(".")[0] == "torch"}
    assert not theirs or path.match("learners/torch*.py") or path.match("*/*_torch.py")


@each_file
def test_every_module_says_what_it_is(path: Path) -> None:
    """Every file begins with a docstring."""
    assert ast.get_docstring(tree(path))


@each_file
def test_files_are_short(path: Path) -> None:
    """No file is longer than can be read in one sitting."""
    lines = len(path.read_text(encoding="utf-8").splitlines())
    assert lines <= LONGEST_FILE or str(path.relative_to(SOURCE)) in LONG_FILES


@each_file
def test_functions_are_short(path: Path) -> None:
    """No function's body has more lines of code (docstring, comments and blanks apart) than fit a screen.

    The signature is not counted: settings are keyword-only, one to a line, and may be many.
    """
    lines = path.read_text(encoding="utf-8").splitlines()
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            named = f"{path.relative_to(SOURCE)}:{node.name}"
            assert code_lines(node, lines) <= LONGEST_FUNCTION or named in LONG_FUNCTIONS, named


def code_lines(node: ast.FunctionDef | ast.AsyncFunctionDef, lines: list[str]) -> int:
    """How many lines of a function's body are code."""
    body = node.body if ast.get_docstring(node) is None else node.body[1:]
    if not body:
        return 0
    code = (line.strip() for line in lines[body[0].lineno - 1 : node.end_lineno])
    return sum(bool(line) and not line.startswith("#") for line in code)


EXAMPLE = """
def example(
    x,
):
    '''One.

    Two.
    '''
    # why

    y = (
        x
    )
    return y
"""


def test_lines_of_code_are_counted() -> None:
    """Signature, docstring, comment and blank lines are not counted; everything else is."""
    (function,) = ast.parse(EXAMPLE).body
    assert isinstance(function, ast.FunctionDef)
    assert code_lines(function, EXAMPLE.splitlines()) == 4
