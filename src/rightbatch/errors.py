"""Every error rightbatch raises on purpose.

RightbatchError
├── SettingError (also ValueError)      an argument has a value that cannot be used
├── DataError (also ValueError)         the data cannot be used
├── StoreError                          the study's store cannot be used
├── ProcessError                        several processes cannot do this together
└── MissingExtraError (also ImportError) an optional package is not installed

An expected failure of a *run* (diverged, never reached the target) is no error but an
`Outcome`; see `rightbatch.records`.
"""

from typing import Any


class RightbatchError(Exception):
    """The root: one sentence that says what is wrong, what was got and what to write instead."""

    def sentence(self, *, command_line: bool = False) -> str:
        """The message, in the words of a Python caller or of the command line."""
        del command_line
        return str(self)


class SettingError(RightbatchError, ValueError):
    """An argument has a value that cannot be used.

    Args:
        argument: its name as a Python caller types it, such as ``batch_size``.
        problem: what is wrong with it, following the name: ``must be at least 1``.
        got: the value got.
        instead: what to write instead, as an imperative: ``write a whole number such as 32``.

    Example:
        >>> error = SettingError("batch_size", "must be at least 1", 0, "write a whole number such as 32")
        >>> str(error)
        'batch_size must be at least 1, got 0; write a whole number such as 32.'
        >>> error.sentence(command_line=True)
        '--batch-size must be at least 1, got 0; write a whole number such as 32.'
    """

    def __init__(self, argument: str, problem: str, got: Any, instead: str) -> None:
        self.argument, self.problem, self.got, self.instead = argument, problem, got, instead
        super().__init__(self._text(argument, got))

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.argument, self.problem, self.got, self.instead)

    def _text(self, name: str, got: Any) -> str:
        return f"{name} {self.problem}, got {got!r}; {self.instead}."

    def sentence(self, *, command_line: bool = False) -> str:
        """The message; on the command line the argument is written as its option, a list as it was typed."""
        if not command_line:
            return str(self)
        typed = ",".join(map(str, self.got)) if isinstance(self.got, list | tuple) else self.got
        return self._text("--" + self.argument.replace("_", "-"), typed)


class DataError(RightbatchError, ValueError):
    """The data cannot be used: the sentence names the file, column or field, and the way out."""


class StoreError(RightbatchError):
    """The study's store cannot be read, written, or belongs to another study."""


class ProcessError(RightbatchError):
    """Several processes cannot do this together, or one of them has ended before the others."""


class MissingExtraError(RightbatchError, ImportError):
    """An optional package is not installed.

    Example:
        >>> str(MissingExtraError("PyTorch", "torch"))
        'PyTorch is not installed; write pip install "rightbatch[torch]".'
    """

    def __init__(self, package: str, extra: str) -> None:
        self.package, self.extra = package, extra
        super().__init__(f'{package} is not installed; write pip install "rightbatch[{extra}]".')

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.package, self.extra)
