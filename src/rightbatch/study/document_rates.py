"""The law of the best learning rates against batch size, for the document."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from rightbatch.records import Array
from rightbatch.stats.lrlaw import LearningRateLaw, fit_lr_law

_NEIGHBOURS = 2**0.5
"""The best learning rate was chosen among neighbours half an octave apart."""

_Z = 1.96
"""Standard deviations to either end of a 95 % interval."""


def rate_law(found: Mapping[int, float | None]) -> dict[str, Any] | None:
    """lr(B) = eps / (1 + B_0 / B)^alpha with its interval; `None`: fewer than two sizes have a best rate.

    Args:
        found: the best learning rate of each batch size; `None`: not known.

    Returns:
        ``exponent`` (alpha), its ``exponent_interval``, and ``batch_sizes``: the rate that the law puts
        at each size, with the interval that holds the best one there with 95 % probability.

    Example:
        >>> law = rate_law({8: 0.0625, 64: 0.25, 512: 0.5, 1024: None})
        >>> [row["batch_size"] for row in law["batch_sizes"]]
        [8, 64, 512, 1024]
    """
    known = {size: rate for size, rate in found.items() if rate is not None}
    if len(known) < 2:
        return None
    law = fit_lr_law(list(known), list(known.values()), step=_NEIGHBOURS)
    return {
        "exponent": float(law.weight @ law.alpha),
        "exponent_interval": [_quantile(law, share) for share in (0.025, 0.975)],
        "batch_sizes": [_at(law, size) for size in found],
    }


def _at(law: LearningRateLaw, size: int) -> dict[str, float]:
    centre, spread = law.predict(size)
    low, middle, high = (2 ** (centre + z * spread) for z in (-_Z, 0.0, _Z))
    return {"batch_size": size, "learning_rate": middle, "low": low, "high": high}


def _quantile(law: LearningRateLaw, share: float) -> float:
    """Of alpha, over the weighted points of the grid."""
    order = np.argsort(law.alpha)
    below: Array = np.cumsum(law.weight[order])
    return float(law.alpha[order][min(int(np.searchsorted(below, share)), len(order) - 1)])
