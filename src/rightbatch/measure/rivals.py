"""The ways to make shuffled mini-batches of arrays in memory that are installed here."""

import importlib
import importlib.util
import os
from collections.abc import Callable, Iterable, Sequence
from typing import Any, NamedTuple, TypeAlias

from rightbatch.errors import SettingError
from rightbatch.records import Array

Epoch: TypeAlias = Callable[[], Iterable[Any]]
"""Each call is one more pass: pairs (x, y) of rows, every row once, in a new random order."""

OURS = "rightbatch"

_QUIET = {"TF_CPP_MIN_LOG_LEVEL": "3", "TF_ENABLE_ONEDNN_OPTS": "0", "JAX_PLATFORMS": "cpu"}
"""What keeps these libraries from writing on the terminal, and their batches in main memory."""

_MODULES = {
    "": "rivals_numpy",
    "torch": "rivals_torch",
    "tensorflow": "rivals_tensorflow",
    "grain": "rivals_grain",
    "jax_dataloader": "rivals_jax",
}
"""The file of each package; NumPy and scikit-learn are always there."""


class Rival(NamedTuple):
    """One way to make batches."""

    name: str
    version: str
    """The package that it comes from, with its version."""
    setting: str
    """How it is set up, as its documentation says for arrays in memory."""
    epochs: Callable[[Array, Array, int], Epoch]
    """Passes over x, y in batches of a size."""


def chosen(rivals: Sequence[Rival], only: str | None) -> list[Rival]:
    """The ways named, and this package's, which the others are compared with.

    Args:
        rivals: those that can take part, this package's first.
        only: names with commas between them, in any case; `None`: all.

    Raises:
        SettingError: a name is none of theirs.
    """
    if only is None:
        return list(rivals)
    asked = [name.strip().casefold() for name in only.split(",") if name.strip()]
    names = {rival.name.casefold(): rival for rival in rivals}
    unknown = [name for name in asked if name not in names]
    if unknown or not asked:
        instead = f"write names with commas between them, of {', '.join(rival.name for rival in rivals)}"
        raise SettingError("only", "is none of the loaders here", unknown[0] if unknown else only, instead)
    return [rival for rival in rivals if rival.name == OURS or rival.name.casefold() in asked]


def installed() -> tuple[list[Rival], list[str]]:
    """The ways that are installed, this package's first, and a sentence for each package that is not."""
    os.environ.update({name: value for name, value in _QUIET.items() if name not in os.environ})
    found: list[Rival] = []
    missing = []
    for package, module in _MODULES.items():
        if package and importlib.util.find_spec(package) is None:
            missing.append(f"{package} is not installed and was left out.")
        else:
            found += importlib.import_module(f"rightbatch.measure.{module}").RIVALS
    return found, missing
