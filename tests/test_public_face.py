"""What `import rightbatch` offers, and what it costs."""

import ast
import importlib.metadata
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import rightbatch

HEAVY = {
    *("numpy", "scipy", "sklearn", "pyarrow", "pandas", "polars"),
    *("plotly", "rich", "click", "psutil", "threadpoolctl", "torch"),
}


def printed_by(code: str) -> Any:
    """The last line, as JSON, that a fresh interpreter prints when it runs the code."""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


def imported_by(code: str) -> set[str]:
    """The heavy packages that a fresh interpreter has imported after running the code."""
    found = f"[name for name in {sorted(HEAVY)} if sys.modules.get(name)]"
    return set(printed_by(f"{code}\nimport json, sys\nprint(json.dumps({found}))"))


def test_names_are_few_and_sorted() -> None:
    """The public face is about 30 names, in alphabetical order, none private."""
    assert list(rightbatch.__all__) == sorted(rightbatch.__all__)
    assert 15 <= len(rightbatch.__all__) <= 35
    assert not [name for name in rightbatch.__all__ if name.startswith("_")]


@pytest.mark.parametrize("step", [1, -1], ids=["forwards", "backwards"])
def test_every_name_is_there_and_documented(step: int) -> None:
    """Each name resolves, in whatever order, to something of ours with a docstring of its own.

    The order matters where a name is also that of a stage: importing `rightbatch.study.store` puts the
    package `study` where the function `study` is looked for.
    """
    values = "{name: getattr(rightbatch, name) for name in " + repr(rightbatch.__all__[::step]) + "}"
    facts = "{name: [value.__module__, inspect.getdoc(value)] for name, value in " + values + ".items()}"
    for name, (module, text) in printed_by(
        f"import inspect, json, rightbatch\nprint(json.dumps({facts}))"
    ).items():
        assert module.startswith("rightbatch."), name
        assert text, f"{name} has no docstring"
        assert not text.startswith(f"{name}("), f"the docstring of {name} is made by the machine"


def test_type_checkers_see_every_name() -> None:
    """What they read instead of the table of names says the same: each name, and where it lives."""
    parsed = ast.parse(Path(rightbatch.__file__).read_text(encoding="utf-8"))
    seen = {
        name.asname: f"{line.module}.{name.name}"
        for block in parsed.body
        if isinstance(block, ast.If) and ast.unparse(block.test) == "TYPE_CHECKING"
        for line in block.body
        if isinstance(line, ast.ImportFrom)
        for name in line.names
    }
    assert seen == {name: f"{module}.{name}" for name, module in rightbatch._WHERE.items()}


def test_names_are_listed() -> None:
    """`dir` shows the public names and the version, and nothing else of ours."""
    assert set(rightbatch.__all__) | {"__version__"} == set(dir(rightbatch))


def test_an_unknown_name_is_refused() -> None:
    """A name that is not there is an AttributeError in Python's usual words."""
    with pytest.raises(AttributeError, match=r"^module 'rightbatch' has no attribute 'Lauder'$"):
        _ = rightbatch.Lauder


def test_the_version_is_the_installed_one() -> None:
    """The version in the package is that of its distribution."""
    assert rightbatch.__version__ == importlib.metadata.version("rightbatch")


def test_the_package_says_that_it_is_typed() -> None:
    """py.typed lies in the package, so that type checkers read its annotations."""
    assert (Path(rightbatch.__file__).parent / "py.typed").is_file()


def test_importing_costs_nothing() -> None:
    """`import rightbatch` imports none of the packages it depends on."""
    assert imported_by("import rightbatch") == set()


def test_the_loader_costs_numpy() -> None:
    """The loader needs NumPy alone."""
    assert imported_by("import rightbatch; rightbatch.Loader") == {"numpy"}


def test_a_batch_costs_numpy() -> None:
    """Running the loader over arrays imports nothing more than naming it does."""
    code = "import numpy, rightbatch\nlist(rightbatch.Loader(numpy.zeros((10, 2)), 4, shuffle=True, seed=0))"
    assert imported_by(code) == {"numpy"}


def test_training_works_without_torch() -> None:
    """Where PyTorch cannot be imported, a model trains all the same."""
    code = """
import importlib.abc, sys

class NoTorch(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path, target=None):
        if name.partition(".")[0] == "torch":
            raise ImportError("there is no torch here")

sys.meta_path.insert(0, NoTorch())
import numpy, rightbatch
x = numpy.linspace(0, 1, 64, dtype="float32")[:, None]
result = rightbatch.fit(rightbatch.LinearRegression(), (x, 3 * x[:, 0]), batch_size=8, epochs=3, lr=0.1)
assert result.predict(x).shape[0] == 64
"""
    assert "torch" not in imported_by(code)
