"""Batches as PyTorch tensors: on the CPU they share the block's memory, on a GPU they are copied there."""

from collections.abc import Callable, Iterable, Iterator
from functools import partial
from typing import Any

import numpy as np
import torch

from rightbatch.data.deliver import Convert
from rightbatch.data.gather import Memory
from rightbatch.data.ragged import Padded, RaggedBlock
from rightbatch.data.source import Source
from rightbatch.data.tree import fields, map_fields
from rightbatch.errors import DataError, SettingError
from rightbatch.records import Array, Tree

_ROOM = 0.5
"""Share of a GPU's free memory that the data may take to be kept there."""


def converter(device: str | None) -> Convert:
    """From a field of a block to its tensors.

    Raises:
        SettingError: there is no such device.
    """
    place = _device(device)
    return partial(_batches, place)


def resident(source: Source, device: str | None) -> Source:
    """The source with its data kept on the device, where that is a GPU with room for them; else itself."""
    place = _device(device)
    whole = [field for _, field in fields(source.tree)] if source.in_memory else []
    plain = bool(whole) and all(isinstance(field, np.ndarray) for field in whole)
    if place.type != "cuda" or not plain:
        return source
    free, _ = torch.cuda.mem_get_info(place)
    return OnDevice(source, place) if sum(field.nbytes for field in whole) < _ROOM * free else source


class OnDevice(Source):
    """Rows that live on a device, and are gathered there.

    Args:
        source: rows in memory, arrays alone; they are copied to the device once.
        device: where to.
    """

    def __init__(self, source: Source, device: torch.device) -> None:
        self._source, self._device = source, device
        self.rows, self.tree, self.row_bytes = source.rows, source.tree, source.row_bytes
        self._tensors = map_fields(lambda field: _tensor(field).to(device), source.tree)

    def take(self, index: Array, memory: Memory | None = None) -> Tree:  # noqa: ARG002 (not of this device)
        """The rows of some batches, tensors `(batches, size, ...)`, by `index_select`."""
        rows = torch.from_numpy(np.ascontiguousarray(index).reshape(-1)).to(self._device)

        def gather(field: torch.Tensor) -> torch.Tensor:
            return field.index_select(0, rows).reshape(*index.shape, *field.shape[1:])

        return _map_tensors(gather, self._tensors)

    def views(self, start: int, batches: int, size: int, columns: slice) -> Tree:
        """Neighbouring rows: a copy, since tensors cannot be read-only."""

        def cut(field: torch.Tensor) -> torch.Tensor:
            rows = field[start : start + batches * size].clone()
            return rows.reshape(batches, size, *field.shape[1:])[:, columns]

        return _map_tensors(cut, self._tensors)

    def fingerprint(self) -> str:
        """Of the rows as they were given."""
        return self._source.fingerprint()


def _batches(place: torch.device, field: Any) -> Iterable[Any]:
    there: Callable[[Array], Any] = partial(_on_gpu, place) if place.type == "cuda" else _tensor
    if isinstance(field, RaggedBlock):
        return (Padded(*map(there, padded)) for padded in field)
    if isinstance(field, Iterator):
        return map(there, field)
    if place.type == "cpu" and isinstance(field, np.ndarray):
        own = field if field.flags.writeable else field.copy()
        _tensor(own)  # whether it can be one is asked once, not for every batch
        return map(torch.from_numpy, own)
    # autograd refuses to change one of several views in place; detached, each is a tensor of its own
    block = field if isinstance(field, torch.Tensor) else there(field)
    return (batch.detach() for batch in block.unbind(0))


def _tensor(array: Array) -> torch.Tensor:
    """A tensor of the array's memory; of a copy where the array is read-only, which a tensor cannot be."""
    try:
        return torch.from_numpy(array if array.flags.writeable else array.copy())
    except TypeError as error:
        raise DataError(
            f'A field of dtype {array.dtype} cannot be a tensor; write output="numpy", or numbers instead.'
        ) from error


def _on_gpu(device: torch.device, array: Array) -> torch.Tensor:
    # from pinned memory the copy goes on while Python does; PyTorch's allocator keeps a pinned block
    # until the copy that reads it is done, so that two or more of them are in use in turn
    return _tensor(array).pin_memory().to(device, non_blocking=True)


def _device(device: str | None) -> torch.device:
    try:
        place = torch.device("cpu" if device is None else device)
    except RuntimeError:
        raise SettingError("device", "is not known", device, "write cpu, cuda or cuda:1") from None
    if place.type == "cuda" and not torch.cuda.is_available():
        raise SettingError("device", "is not there: PyTorch finds no GPU", device, "write cpu")
    return place


def _map_tensors(function: Callable[[torch.Tensor], torch.Tensor], tree: Tree) -> Tree:
    if isinstance(tree, torch.Tensor):
        return function(tree)
    if isinstance(tree, dict):
        return {key: _map_tensors(function, child) for key, child in tree.items()}
    mapped = [_map_tensors(function, child) for child in tree]
    return mapped if isinstance(tree, list) else getattr(tree, "_make", tuple)(mapped)
