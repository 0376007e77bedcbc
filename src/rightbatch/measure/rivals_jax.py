"""Batches by jax-dataloader."""

from importlib.metadata import version

import jax_dataloader

from rightbatch.measure.rivals import Epoch, Rival
from rightbatch.records import Array


def _jax(x: Array, y: Array, batch_size: int) -> Epoch:
    data = jax_dataloader.ArrayDataset(x, y)
    loader = jax_dataloader.DataLoader(data, backend="jax", batch_size=batch_size, shuffle=True)
    return lambda: iter(loader)


_VERSION = f"jax-dataloader {version('jax-dataloader')}"

RIVALS = (Rival("jax-dataloader", _VERSION, 'DataLoader(ArrayDataset(x, y), backend="jax")', _jax),)
