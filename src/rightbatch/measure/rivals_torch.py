"""Batches by PyTorch: its DataLoader in two ways, and two loops over tensors."""

from collections.abc import Iterator
from typing import Any

import torch
from torch.utils.data import BatchSampler, DataLoader, RandomSampler, TensorDataset

from rightbatch.measure.rivals import Epoch, Rival
from rightbatch.records import Array


def _tensors(x: Array, y: Array) -> tuple[Any, Any]:
    return torch.from_numpy(x), torch.from_numpy(y)


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

RIVALS = (
    Rival("torch DataLoader", _VERSION, _PLAIN, _data_loader),
    Rival("DataLoader, batch sampler", _VERSION, _SAMPLER, _batch_sampler),
    Rival("torch loop", _VERSION, "x[rows] for rows in randperm(n).split(b)", _loop),
    Rival("torch copy and slice", _VERSION, "x[randperm(n)].split(b): copies all data", _copy_and_slice),
)
