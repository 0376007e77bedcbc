"""The words of the errors: their exact texts, and a reading of every message in the source."""

import ast
import pickle
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from rightbatch.errors import DataError, MissingExtraError, RightbatchError, SettingError, StoreError

SOURCE = Path(__file__).parents[1] / "src" / "rightbatch"
FILES = sorted(SOURCE.rglob("*.py"))
OURS = {"RightbatchError", "DataError", "StoreError"}
LOST_SPACE = re.compile(r"""(\S)["']\s*\n\s*[rfRF]*["']([^\s"'])""")


def calls(path: Path) -> Iterator[tuple[str, ast.Call]]:
    """Every error made in a file, with its name."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name | ast.Attribute):
            name = node.func.id if isinstance(node.func, ast.Name) else node.func.attr
            if name.endswith("Error"):
                yield name, node


def words(node: ast.expr) -> str | None:
    """The text of a literal, each value in it as `{}`; `None` for what is no literal."""
    if isinstance(node, ast.Constant):
        return node.value if isinstance(node.value, str) else None
    if isinstance(node, ast.JoinedStr):
        parts = [part.value if isinstance(part, ast.Constant) else "{}" for part in node.values]
        return "".join(str(part) for part in parts)
    return None


def messages() -> Iterator[tuple[str, str, int, ast.expr, str, str]]:
    """Where, which error, which argument, its node, its words, its source: every literal of an error."""
    for path in FILES:
        source = path.read_text(encoding="utf-8")
        for name, call in calls(path):
            for position, argument in enumerate(call.args):
                text = words(argument)
                if text is not None:
                    where = f"{path.relative_to(SOURCE)}:{argument.lineno}"
                    literal = ast.get_source_segment(source, argument) or ""
                    yield where, name, position, argument, text, literal


MESSAGES = list(messages())


def test_there_is_something_to_read() -> None:
    """The reading below finds the messages of the foundation, so it is not empty by mistake."""
    assert any(where.startswith("checks.py") and "whole number" in text for where, *_, text, _ in MESSAGES)
    assert {name for _, name, *_ in MESSAGES} >= {"SettingError", "DataError", "StoreError"}


def test_no_space_is_lost_where_literals_are_joined() -> None:
    """Where a message goes on in the next line, one of the two pieces has the space."""
    assert [where for where, *_, literal in MESSAGES if LOST_SPACE.search(literal)] == []


def test_lost_spaces_would_be_found() -> None:
    """The pattern sees a lost space and does not see a kept one."""
    assert LOST_SPACE.search('"this is"\n    f"lost"')
    assert not LOST_SPACE.search('"this is "\n    f"kept"')
    assert not LOST_SPACE.search('"this is"\n    " kept"')


def test_no_space_is_doubled_or_hangs_over() -> None:
    """No message has two spaces in a row, or one at its ends."""
    assert [where for where, *_, text, _ in MESSAGES if "  " in text or text != text.strip()] == []


def test_no_value_is_missing() -> None:
    """No message has a name in braces without being an f-string."""
    forgotten = [
        where
        for where, _, _, node, text, _ in MESSAGES
        if isinstance(node, ast.Constant) and re.search(r"\{[a-z_.]+(![rs])?\}", text)
    ]
    assert forgotten == []


def test_every_sentence_ends() -> None:
    """A whole message ends with a full stop."""
    open_ends = [
        f"{where} {text!r}"
        for where, name, position, _, text, _ in MESSAGES
        if name in OURS and position == 0 and not text.endswith(".")
    ]
    assert open_ends == []


def test_parts_of_a_sentence_do_not_end_it() -> None:
    """A SettingError's parts go inside its sentence: small first letter, no full stop, a way out."""
    for where, name, position, _, text, _ in MESSAGES:
        if name == "SettingError" and position in {1, 3}:
            assert not text.endswith((".", ";", ",")), where
            assert text[0].islower() or text[0] == "{", where


def test_setting_error() -> None:
    """It names the argument, the problem, the value and the way out; on the command line, the option."""
    error = SettingError("batch_size", "must be at least 1", -3, "write a whole number such as 32")
    assert str(error) == "batch_size must be at least 1, got -3; write a whole number such as 32."
    assert error.sentence() == str(error)
    assert error.sentence(command_line=True) == (
        "--batch-size must be at least 1, got -3; write a whole number such as 32."
    )


def test_setting_error_shows_text_in_quotes() -> None:
    """A value that is text is shown as such, so that '8' and 8 are told apart."""
    error = SettingError("lr", "must be a number", "fast", "write a number such as 0.1")
    assert str(error) == "lr must be a number, got 'fast'; write a number such as 0.1."


def test_missing_extra_error() -> None:
    """It gives the exact command."""
    error = MissingExtraError("Ray", "ray")
    assert str(error) == 'Ray is not installed; write pip install "rightbatch[ray]".'


def test_a_plain_error_is_its_sentence() -> None:
    """The other errors say the same to a Python caller and on the command line."""
    error = StoreError("study.db is not a study.")
    assert error.sentence(command_line=True) == error.sentence() == "study.db is not a study."


@pytest.mark.parametrize(
    ("kind", "builtin"),
    [(SettingError, ValueError), (DataError, ValueError), (MissingExtraError, ImportError)],
)
def test_errors_are_also_pythons_own(kind: type[RightbatchError], builtin: type[Exception]) -> None:
    """A caller may catch all of ours, or Python's own of the same meaning."""
    assert issubclass(kind, RightbatchError)
    assert issubclass(kind, builtin)


@pytest.mark.parametrize(
    "error",
    [
        SettingError("lr", "must be above 0", -1, "write a number such as 0.1"),
        DataError("empty.csv has no rows."),
        StoreError("study.db is not a study."),
        MissingExtraError("Ray", "ray"),
    ],
)
def test_errors_travel_between_processes(error: RightbatchError) -> None:
    """An error that was pickled says and holds the same."""
    copy = pickle.loads(pickle.dumps(error))
    assert type(copy) is type(error)
    assert str(copy) == str(error)
    assert copy.__dict__ == error.__dict__
