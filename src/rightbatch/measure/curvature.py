"""The two halves of B_noise = tr(HΣ)/GᵀHG at given parameters, by Hessian-vector products."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from rightbatch.checks import whole_number
from rightbatch.learners.protocol import GivesCurvature
from rightbatch.measure.moments import Moments, cut_into, square_norms
from rightbatch.records import Array, Batch

STEP = 1e-3
"""How far a difference goes either way, as a share of 1 + |parameters|: the gradients' rounding counts more
below, the change of curvature more above (docs/decisions/0018)."""


def curved_from_parts(learner: GivesCurvature, state: Any, batch: Batch, parts: int = 3) -> Moments:
    """tr(HΣ) and GᵀHG from equal parts of a batch: gradients of two parts, the Hessian of a third.

    With g_k and g_l the gradients of parts k and l, and H_m the Hessian of part m, all different::

        GᵀHG   = mean of g_k · H_m g_l
        tr(HΣ) = rows of a part · (mean of g_k · H_m g_k - GᵀHG)

    Both are unbiased, since rows that had a part in one factor have none in another. The cost is that of
    1 + 2 (parts - 1) gradients of the whole batch: 5 with 3 parts.

    Args:
        learner: gives gradients, also at parameters moved a little.
        state: its replicas; the parameters are left as they are.
        batch: rows that had no part in making these parameters.
        parts: how many micro-batches, at least 3.

    Raises:
        SettingError: `parts` is no whole number from 3 up.
        DataError: the batch has fewer rows than parts, or weights.

    Source: S. McCandlish et al., "An Empirical Model of Large-Batch Training" (2018), equation 2.8.
    """
    cut = cut_into(batch, whole_number("parts", parts, at_least=3, instead="write 3"))
    gradients = [learner.gradient(state, part).astype(np.float64) for part in cut]
    same: list[Array] = []
    crossed: list[Array] = []
    for k, gradient in enumerate(gradients):
        others = [m for m in range(parts) if m != k]
        bent = hessian_products(learner, state, [cut[m] for m in others], gradient)
        for m, product in zip(others, bent, strict=True):
            same.append(np.vecdot(product, gradient))
            crossed.extend(np.vecdot(product, gradients[other]) for other in others if other != m)
    square = np.mean(crossed, axis=0)
    return Moments(len(cut[0].index) * (np.mean(same, axis=0) - square), square)


def hessian_products(
    learner: GivesCurvature, state: Any, batches: Sequence[Batch], direction: Array
) -> list[Array]:
    """H v of the mean loss of each batch, by central differences: (g(θ + cv) - g(θ - cv)) / 2c.

    Args:
        learner: gives gradients, also at parameters moved a little.
        state: its replicas; the parameters are left as they are.
        batches: whose Hessians.
        direction: v of every replica, shape `(replicas, parameters)`; its length does not matter.

    Returns:
        One array a batch, float64, shape `(replicas, parameters)`.
    """
    length = np.sqrt(square_norms(direction))
    reach = STEP * (1 + _size(learner, state))
    scale = np.divide(reach, length, out=np.ones_like(length), where=length > 0)[:, None]
    ahead, behind = (learner.shifted(state, sign * scale * direction) for sign in (1, -1))
    return [
        (learner.gradient(ahead, batch).astype(np.float64) - learner.gradient(behind, batch)) / (2 * scale)
        for batch in batches
    ]


def _size(learner: GivesCurvature, state: Any) -> Array:
    """|parameters| of every replica."""
    arrays = learner.parameters(state).values()
    return np.sqrt(np.sum([square_norms(array.reshape(len(array), -1)) for array in arrays], axis=0))
