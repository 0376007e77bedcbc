"""The two halves of the gradient noise scale at given parameters: tr(Σ) and |G|², without bias.

B_simple = tr(Σ)/|G|², where G is the gradient of the mean loss and Σ the covariance of the gradients
of single examples. A ratio of averages is what is wanted, so the halves travel separately.

Everything here compares gradients of *different rows at the same parameters*. Gradients of consecutive
steps are no substitute: once training has settled, the expectation of g_t · g_(t+1) is -|G|²
(docs/science-noise.md).
"""

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from rightbatch.checks import whole_number
from rightbatch.data.tree import map_fields
from rightbatch.errors import DataError
from rightbatch.learners.protocol import GivesGradient, GivesRowNorms
from rightbatch.records import Array, Batch

_PIECE = 4096
"""Squares of float32 are summed in float32 over this many numbers, and in float64 from there on: the error
is 1e-6, chance at least 1e-3, and a float64 copy of a gradient would take longer than to make it."""


class Moments(NamedTuple):
    """Unbiased estimates of one replica each, float64, shape `(replicas,)`."""

    trace: NDArray[np.float64]
    """tr(Σ), the variance of one example's gradient summed over parameters; for B_noise tr(HΣ)."""
    square: NDArray[np.float64]
    """|G|², which chance makes negative when it is small; for B_noise GᵀHG."""


def unbiased(square_of_sum: Array, sum_of_squares: Array, units: int | Array, *, rows: int = 1) -> Moments:
    """Both halves from the gradients of units of `rows` rows each, disjoint, at the same parameters.

    With u the gradient of a unit::

        tr(Σ) = rows · (Σ|u|² - |Σu|²/units) / (units - 1)
        |G|²  = (|Σu|² - Σ|u|²) / (units (units - 1)), the mean of u·v over all pairs of units

    Args:
        square_of_sum: |Σu|².
        sum_of_squares: Σ|u|².
        units: how many units there are, at least 2.
        rows: rows of each unit; 1 makes them examples.

    Example:
        >>> first, second = np.array([1.0, 2.0]), np.array([3.0, 1.0])
        >>> together = first + second
        >>> moments = unbiased(together @ together, first @ first + second @ second, 2)
        >>> float(moments.square), float(first @ second)
        (5.0, 5.0)

    Source: S. McCandlish et al., "An Empirical Model of Large-Batch Training" (2018), appendix A.1 with
    B_small the rows of a unit and B_big those of all.
    """
    squares, total = np.asarray(sum_of_squares, np.float64), np.asarray(square_of_sum, np.float64)
    pairs = units * (units - 1)
    return Moments(rows * (units * squares - total) / pairs, (total - squares) / pairs)


def from_examples(learner: GivesRowNorms, state: Any, batch: Batch) -> Moments:
    """Both halves from every example's own gradient: the most that can be known from these rows.

    Args:
        learner: gives the norms of single gradients, as all built-in learners do.
        state: its replicas; the parameters are left as they are.
        batch: at least 2 rows that had no part in making these parameters.

    Raises:
        DataError: the batch has too few rows, or weights.
    """
    rows = row_count(batch, at_least=2)
    gradient, squares = learner.gradient_and_norms(state, batch)
    return unbiased(square_norms(gradient) * rows**2, squares.sum(axis=1, dtype=np.float64), rows)


def from_parts(learner: GivesGradient, state: Any, batch: Batch, parts: int = 2) -> Moments:
    """Both halves from the gradients of equal parts of a batch, for any learner that gives gradients.

    The rows left over when the batch is cut into equal parts are not used. More parts cost a little more
    time and know more: the variance of |G|² falls towards that of `from_examples`.

    Args:
        learner: gives the gradient of a batch.
        state: its replicas; the parameters are left as they are.
        batch: rows that had no part in making these parameters.
        parts: how many micro-batches, at least 2.

    Raises:
        SettingError: `parts` is no whole number from 2 up.
        DataError: the batch has fewer rows than parts, or weights.
    """
    first, *others = cut_into(batch, whole_number("parts", parts, at_least=2, instead="write 2 or 4"))
    total = learner.gradient(state, first)
    squares = square_norms(total)
    for part in others:
        gradient = learner.gradient(state, part)
        squares += square_norms(gradient)
        total += gradient
    return unbiased(square_norms(total), squares, parts, rows=len(first.index))


def cut_into(batch: Batch, parts: int) -> list[Batch]:
    """Equal parts of a batch, first rows first; the rows left over are in none.

    Raises:
        DataError: the batch has fewer rows than parts, or weights.

    Example:
        >>> rows = Batch(np.arange(7), np.arange(7), None, epoch=0, step=0)
        >>> [part.data.tolist() for part in cut_into(rows, 3)]
        [[0, 1], [2, 3], [4, 5]]
    """
    rows = row_count(batch, at_least=parts) // parts
    return [rows_of(batch, slice(start, start + rows)) for start in range(0, parts * rows, rows)]


def rows_of(batch: Batch, which: slice | Array) -> Batch:
    """Some rows of a batch."""
    data = map_fields(lambda field: field[which], batch.data)
    return Batch(data, batch.index[which], None, batch.epoch, batch.step)


def row_count(batch: Batch, *, at_least: int) -> int:
    """The rows of a batch that can be used for the noise scale.

    Raises:
        DataError: it has too few rows, or weights.
    """
    rows = len(batch.index)
    if rows < at_least:
        raise DataError(
            f"The noise scale needs a batch of at least {at_least} rows here, got {rows}; "
            "write a larger batch size for it."
        )
    if batch.weight is not None:
        raise DataError(
            "The noise scale needs rows of equal weight, and this batch has weights; "
            'write last="drop" for the loader of its batches.'
        )
    return rows


def square_norms(gradient: Array) -> NDArray[np.float64]:
    """|g|² of every replica, float64, shape `(replicas,)`."""
    squares = np.zeros(len(gradient))
    for start in range(0, gradient.shape[1], _PIECE):
        piece = gradient[:, start : start + _PIECE]
        squares += np.vecdot(piece, piece)
    return squares
