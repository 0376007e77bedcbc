"""Options that take a number, and what click refuses: each refusal is one sentence of ours."""

from collections.abc import Callable
from typing import Any, TypeVar

import click

from rightbatch.errors import SettingError

F = TypeVar("F", bound=Callable[..., Any])


def whole(
    option: str, text: str, *, such_as: int | None = None, default: int | None = None, word: str = ""
) -> Callable[[F], F]:
    """An option that takes a whole number.

    Args:
        option: as it is typed.
        text: its help.
        such_as: the number that a refusal proposes; `None`: the default.
        default: where the option is not given.
        word: a word that may stand for the number.
    """
    kind = _Number(int, "a whole number", default if such_as is None else such_as, word)
    return _option(option, text, kind, default, f"N|{word}" if word else "N")


def number(
    option: str, text: str, *, such_as: float, default: float | None = None, metavar: str = "NUMBER"
) -> Callable[[F], F]:
    """An option that takes a number with or without a point; its arguments are those of `whole`."""
    return _option(option, text, _Number(float, "a number", such_as), default, metavar)


def refusal(error: click.ClickException) -> str:
    """What click refuses, and what to write instead.

    Example:
        >>> refusal(click.NoSuchOption("--sed", possibilities=["--seed"]))
        "No such option '--sed'; write --seed."
    """
    problem = (error.message or error.format_message()).rstrip(".")
    return f"{problem}; {_way_out(error)}."


class _Number(click.ParamType):  # type: ignore[type-arg]
    """A number, or a word in its place."""

    name = "number"

    def __init__(
        self, read: Callable[[Any], float], what: str, such_as: float | None, word: str = ""
    ) -> None:
        self._read, self._what, self._such_as, self._word = read, what, such_as, word

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """The number; the word stays as it is."""
        del ctx
        if value == self._word:
            return value
        try:
            return self._read(value)
        except ValueError:
            name = "value" if param is None or param.name is None else param.name
            problem, instead = f"must be {self._what}", f"write {self._what} such as {self._such_as}"
            if self._word:
                problem, instead = f"{problem} or {self._word}", f"{instead}, or {self._word}"
            raise SettingError(name, problem, value, instead) from None


def _option(option: str, text: str, kind: _Number, default: float | None, metavar: str) -> Callable[[F], F]:
    shown = default is not None
    return click.option(option, type=kind, default=default, show_default=shown, metavar=metavar, help=text)


def _way_out(error: click.ClickException) -> str:
    likely = getattr(error, "possibilities", None)
    if likely:
        return f"write {likely[0]}"
    if isinstance(error, click.BadOptionUsage):
        return "leave the value out" if error.message.endswith("a value.") else "write its value after it"
    context = error.ctx if isinstance(error, click.UsageError) else None
    command = "rightbatch" if context is None else context.command_path
    return f"write {command} --help to see what it takes"
