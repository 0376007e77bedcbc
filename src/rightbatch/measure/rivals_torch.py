"""Batches as tensors: by this package, by PyTorch's DataLoader in three ways, and by two loops."""

from collections.abc import Iterator
from importlib.metadata import version
from typing import Any

import torch
from torch.utils.data import BatchSampler, DataLoader, Dataset, RandomSampler, TensorDataset

from rightbatch.data.loader import Loader
from rightbatch.measure.rivals import OURS, Epoch, Rival
from rightbatch.records import Array


def _tensors(x: Array, y: Array) -> tuple[Any, Any]:
    return torch.from_numpy(x), torch.from_numpy(y)


def _ours(x: Array, y: Array, batch_size: int) -> Epoch:
    loader = Loader((x, y), batch_size, shuffle=True, output="torch")
    return lambda: iter(loader)


class _Rows(Dataset[Any]):
    """Rows that a data loader may take many of at once: `__getitems__` indexes the tensors."""

    def __init__(self, x: Array, y: Array) -> None:
        self._tensors = _tensors(x, y)

    def __len__(self) -> int:
        return len(self._tensors[0])

    def __getitems__(self, rows: Any) -> Any:
        return tuple(tensor[rows] for tensor in self._tensors)


def _getitems(x: Array, y: Array, batch_size: int) -> Epoch:
    loader = DataLoader(_Rows(x, y), batch_size=batch_size, shuffle=True, collate_fn=_as_it_is)
    return lambda: iter(loader)


def _as_it_is(batch: Any) -> Any:
    return batch


def _data_loader(x: Array, y: Array, batch_size: int) -> Epoch:
    loader = DataLoader(TensorDataset(*_tensors(x, y)), batch_size=batch_size, shuffle=True)
    return lambda: iter(loader)


def _batch_sampler(x: Array, y: Array, batch_size: int) -> Epoch:
    data = TensorDataset(*_tensors(x, y))
    sampler = BatchSampler(RandomSampler(data), batch_size, drop_last=False)
    loader: DataLoader[Any] = DataLoader(data, sampler=sampler, batch_size=None)
    return lambda: iter(loader)


def _loop(x: Array, y: Array, batch_size: int) -> Epoch:
    tensor_x, tensor_y = _tensors(x, y)

    def epoch() -> Iterator[Any]:
        order: Any = torch.randperm(len(tensor_x))
        for rows in order.split(batch_size):
            yield tensor_x[rows], tensor_y[rows]

    return epoch


def _copy_and_slice(x: Array, y: Array, batch_size: int) -> Epoch:
    tensor_x, tensor_y = _tensors(x, y)

    def epoch() -> Iterator[Any]:
        rows = torch.randperm(len(tensor_x))
        return zip(tensor_x[rows].split(batch_size), tensor_y[rows].split(batch_size), strict=True)

    return epoch


_VERSION = f"torch {torch.__version__}"
_PLAIN = "DataLoader(TensorDataset(x, y), batch_size, shuffle=True)"
_SAMPLER = "DataLoader(data, sampler=BatchSampler(RandomSampler(data), b), batch_size=None)"
_GETITEMS = "DataLoader of a Dataset with __getitems__ that indexes tensors, no collating"
_OURS = 'Loader((x, y), batch_size, shuffle=True, output="torch")'

RIVALS = (
    Rival(f"{OURS} torch", f"rightbatch {version('rightbatch')}", _OURS, _ours),
    Rival("torch DataLoader", _VERSION, _PLAIN, _data_loader),
    Rival("DataLoader batch sampler", _VERSION, _SAMPLER, _batch_sampler),
    Rival("DataLoader getitems", _VERSION, _GETITEMS, _getitems),
    Rival("torch loop", _VERSION, "x[rows] for rows in randperm(n).split(b)", _loop),
    Rival("torch copy and slice", _VERSION, "x[randperm(n)].split(b): copies all data", _copy_and_slice),
)
