"""Random numbers that belong to a row: the same whatever batch it comes in, and wherever training resumes."""

import numpy as np

from rightbatch.checks import whole_number
from rightbatch.errors import DataError
from rightbatch.records import Array
from rightbatch.rng import key

_STRIDE = np.uint64(0x9E3779B97F4A7C15)
"""2^64 over the golden ratio: how far apart the states of a row's numbers lie."""

_MIX = ((30, 0xBF58476D1CE4E5B9), (27, 0x94D049BB133111EB))


def row_uniforms(index: Array, count: int, *, seed: int, epoch: int, purpose: str = "augment") -> Array:
    r"""Uniform random numbers for every row, a pure function of (purpose, seed, epoch, row, place).

    $u_{ij} = \mathrm{mix}(\mathrm{mix}(r_i + k) + (j + 1) g) / 2^{64}$, cut to 53 bits, with the row
    number r, a key k hashed of purpose, seed and epoch, and g = 2^64 / golden ratio: each row has a
    SplitMix64 generator of its own, and all rows are computed in one go. So what an augmentation does to
    a row does not depend on batch size, order, prefetching, sharding, or on where a training is resumed.

    A row that an order repeats in an epoch gets the same numbers each time.

    Args:
        index: row numbers, whole numbers, shape `(rows,)`, such as `Batch.index`.
        count: numbers for each row, at least 1.
        seed: whole number, at least 0.
        epoch: whole number, at least 0, such as `Batch.epoch`.
        purpose: what the numbers are for; those of different purposes are independent.

    Returns:
        Numbers in [0, 1), float64, shape `(rows, count)`.

    Raises:
        DataError: the index holds no row numbers.
        SettingError: a count, seed or epoch is no whole number or too small.

    Example:
        >>> row_uniforms(np.array([7, 2]), 3, seed=0, epoch=0).round(3)
        array([[0.532, 0.142, 0.306],
               [0.559, 0.655, 0.227]])

    Source:
        G. Steele, D. Lea, C. Flood, Fast splittable pseudorandom number generators, OOPSLA 2014: the
        stride and the finaliser (variant 13).
    """
    rows = _row_numbers(index)
    places = np.arange(1, whole_number("count", count, at_least=1) + 1, dtype=np.uint64)
    instead = "write a whole number such as 0"
    when = (whole_number(n, v, at_least=0, instead=instead) for n, v in (("seed", seed), ("epoch", epoch)))
    start = np.uint64(key("row uniforms", purpose, *when) % 2**64)
    states = _mixed(rows + start)[:, np.newaxis] + places * _STRIDE
    uniforms: Array = (_mixed(states) >> np.uint64(11)) * 2.0**-53
    return uniforms


def _row_numbers(index: Array) -> Array:
    array = np.asarray(index)
    if array.ndim != 1 or array.dtype.kind not in "iu":
        raise DataError(
            f"index must be whole numbers of shape (rows,), got {array.dtype} of shape {array.shape}; "
            "write Batch.index."
        )
    return array.astype(np.uint64)


def _mixed(bits: Array) -> Array:
    """The finaliser of SplitMix64: a permutation of the 64-bit numbers that mixes them well."""
    for shift, factor in _MIX:
        bits = (bits ^ (bits >> np.uint64(shift))) * np.uint64(factor)
    mixed: Array = bits ^ (bits >> np.uint64(31))
    return mixed
