"""Memory that runs out: how it is told from other errors, and the model that is too large."""

from typing import Any

from rightbatch.errors import SettingError

_SIGNS = (
    "out of memory",
    "can't allocate memory",
    "not enough memory",
    "size calculation overflowed",
    "maximum allowed dimension exceeded",
)
"""What PyTorch's RuntimeError says where it knows no error of its own for it, as on the CPU; the last is
NumPy's ValueError."""


class ModelTooLargeError(SettingError, MemoryError):
    """The parameters of a model need more memory than there is.

    Args:
        model: what to call it.

    Example:
        >>> print(ModelTooLargeError("MLP(hidden=(10000000, 10000000))"))
        model does not fit in memory, got 'MLP(hidden=(10000000, 10000000))'; write a smaller one.
    """

    def __init__(self, model: str) -> None:
        super().__init__("model", "does not fit in memory", model, "write a smaller one")

    def __reduce__(self) -> tuple[Any, ...]:
        return type(self), (self.got,)


def short_of_memory(error: BaseException) -> bool:
    """Whether memory ran out: NumPy's `MemoryError`, or what PyTorch raises.

    Example:
        >>> short_of_memory(MemoryError()), short_of_memory(RuntimeError("CUDA out of memory."))
        (True, True)
    """
    if isinstance(error, MemoryError):
        return True
    said = str(error).lower()
    return isinstance(error, RuntimeError | ValueError) and any(sign in said for sign in _SIGNS)
