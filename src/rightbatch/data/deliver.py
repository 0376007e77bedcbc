"""In which library's arrays batches are handed out."""

import importlib
from collections.abc import Callable, Iterable
from typing import Any

from rightbatch.checks import one_of
from rightbatch.errors import MissingExtraError, SettingError

OUTPUTS = ("numpy", "torch", "jax")

Convert = Callable[[Any], Iterable[Any]]
"""From a field of a block, `(batches, rows, ...)` or ragged, to its batches one by one."""

_TITLES = {"torch": "PyTorch", "jax": "JAX", "keras": "Keras"}


def converter(output: str, device: str | None) -> Convert | None:
    """What makes batches of the library's arrays; `None`: they stay NumPy's.

    Raises:
        SettingError: no such output, or a device where there is none.
        MissingExtraError: the library is not installed.
    """
    one_of("output", output, OUTPUTS)
    if device is not None and output != "torch":
        instead = 'write output="torch" with it, or leave it out'
        raise SettingError("device", "is for tensors", device, instead)
    if output == "numpy":
        return None
    made: Convert = adapter(output).converter(device)
    return made


def adapter(library: str) -> Any:
    """Our module that imports the library, which is optional, imported when it is asked for.

    Raises:
        MissingExtraError: it is not installed.
    """
    try:
        return importlib.import_module(f"rightbatch.data.deliver_{library}")
    except ModuleNotFoundError as error:
        if error.name is None or error.name.partition(".")[0] != library:
            raise
        raise MissingExtraError(_TITLES[library], library) from error
