"""Where text is printed: a terminal, or a file or a pipe, whose lines end without blanks."""

import re
import sys
from typing import Any, TextIO

from rich.console import Console


def console(*, stderr: bool = False) -> Console:
    """A console on standard output or standard error.

    Rich fills lines with blanks, which nobody sees on a terminal; in a file they are litter.

    Args:
        stderr: whether it is standard error.
    """
    file = sys.stderr if stderr else sys.stdout
    shown: Any = file if file.isatty() else Trimmed(file)
    return Console(file=shown)


class Trimmed:
    r"""A text file that is written to without blanks before the end of a line.

    Args:
        file: what is written to.

    Example:
        >>> Trimmed(sys.stdout).write("batch size   \n  64\n")
        batch size
          64
    """

    def __init__(self, file: TextIO) -> None:
        self._file = file

    def write(self, text: str) -> None:
        """Write what does not stand between a line's last letter and its end."""
        self._file.write(re.sub(r" +(?=\n)", "", text))

    def __getattr__(self, name: str) -> Any:
        return getattr(self._file, name)
