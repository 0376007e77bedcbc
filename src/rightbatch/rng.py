"""Random numbers as a function of what they are for, never of what was drawn before."""

import hashlib

import numpy as np


def key(*parts: int | str) -> int:
    """A 128-bit key for a purpose, such as ``key("order", seed, epoch)``.

    The parts are hashed together, so ``key(0, 1)`` and ``key(1, 0)`` have nothing in common;
    adding seed and epoch would make them the same key.

    Args:
        *parts: whole numbers of any size and words, in a fixed order.

    Returns:
        A whole number in [0, 2**128).

    Example:
        >>> key("order", 0, 1) == key("order", 1, 0)
        False
    """
    text = "\x1f".join(f"{type(part).__name__}:{part}" for part in parts)
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=16).digest(), "little")


def generator(*parts: int | str) -> np.random.Generator:
    """A NumPy generator (PCG64) that depends on the parts alone.

    Example:
        >>> float(generator("start", 0).random()) == float(generator("start", 0).random())
        True
    """
    return np.random.Generator(np.random.PCG64(key(*parts)))
