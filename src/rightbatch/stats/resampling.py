"""Resamples of a bootstrap: which of n things each is made of."""

import numpy as np
from numpy.typing import NDArray

from rightbatch.checks import whole_number
from rightbatch.rng import generator


def resamples(n: int, count: int, seed: int) -> NDArray[np.int64]:
    """Which of n things each bootstrap resample is made of, drawn with replacement.

    Args:
        n: how many there are.
        count: how many resamples to draw.
        seed: the study's seed; the same one gives the same resamples.

    Returns:
        Row numbers in [0, n), shape `(count, n)`.

    Example:
        >>> resamples(5, 1000, seed=0).shape
        (1000, 5)
    """
    whole_number("n", n, at_least=1)
    whole_number("count", count, at_least=1, instead="write a whole number such as 1000")
    return generator("resamples", "seeds", seed).integers(0, n, size=(count, n))
