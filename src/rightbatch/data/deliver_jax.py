"""Batches as JAX arrays, on JAX's default device."""

from collections.abc import Iterable
from typing import Any

import jax.numpy as jnp

from rightbatch.data.deliver import Convert
from rightbatch.data.ragged import Padded, RaggedBlock
from rightbatch.errors import DataError
from rightbatch.records import Array


def converter(device: str | None) -> Convert:
    """From a field of a block to its arrays."""
    del device
    return _batches


def _batches(field: Any) -> Iterable[Any]:
    if isinstance(field, RaggedBlock):
        return (Padded(*map(_array, padded)) for padded in field)
    return map(_array, field)


def _array(array: Array) -> Any:
    try:
        return jnp.array(array)
    except TypeError as error:
        raise DataError(
            f'A field of dtype {array.dtype} cannot be a JAX array; write output="numpy", or numbers instead.'
        ) from error
