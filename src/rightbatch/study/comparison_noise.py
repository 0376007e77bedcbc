"""The noise of the loss: how far the loss of a batch lies from the loss of all rows."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

QUANTILES = (0.05, 0.25, 0.5, 0.75, 0.95)

_ROUNDING = 1e-6
"""Share of the starting loss below which float32 rounds the losses to be compared."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LossNoise:
    """The loss of each update's batch over that of all rows at the same moment."""

    quantiles: list[float]
    """At 5, 25, 50, 75 and 95 %; a method without noise has 1 everywhere."""
    spread: float
    """Root mean square of (ratio - 1)."""
    updates: int
    """How many of them were compared."""


def loss_noise(
    updates: Sequence[int], losses: Sequence[float], batch_losses: Sequence[float]
) -> LossNoise | None:
    """The ratio of both losses over a run; between marks the loss of all rows is taken to be linear.

    Args:
        updates: marks at which the loss of all rows is known, the start first.
        losses: that loss.
        batch_losses: loss of every update's own batch, before it.

    Returns:
        `None`: the loss of all rows was below float32's rounding, or infinite, all along.

    Example:
        >>> loss_noise([0, 1, 2], [1.0, 1.0, 1.0], [0.5, 1.5]).spread
        0.5
    """
    whole = np.interp(np.arange(len(batch_losses)), updates, losses)
    batches = np.asarray(batch_losses, np.float64)
    known = np.isfinite(whole) & np.isfinite(batches) & (whole > _ROUNDING * losses[0])
    if not known.any():
        return None
    ratio = batches[known] / whole[known]
    return LossNoise(
        quantiles=[float(value) for value in np.quantile(ratio, QUANTILES)],
        spread=float(np.sqrt(np.mean((ratio - 1) ** 2))),
        updates=int(known.sum()),
    )
