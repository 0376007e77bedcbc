"""Batches by Grain."""

from importlib.metadata import version
from itertools import count
from typing import Any

import grain

from rightbatch.measure.rivals import Epoch, Rival
from rightbatch.records import Array


class _Rows:
    """Rows as Grain wants them: one by one."""

    def __init__(self, x: Array, y: Array) -> None:
        self._x, self._y = x, y

    def __len__(self) -> int:
        return len(self._x)

    def __getitem__(self, row: int) -> tuple[Any, Any]:
        return self._x[row], self._y[row]


def _grain(x: Array, y: Array, batch_size: int) -> Epoch:
    rows, seeds = grain.MapDataset.source(_Rows(x, y)), count()
    # reading in threads is for files: from memory it takes longer
    options = grain.ReadOptions(num_threads=0, prefetch_buffer_size=0)
    return lambda: iter(rows.shuffle(seed=next(seeds)).batch(batch_size).to_iter_dataset(options))


RIVALS = (
    Rival("Grain", f"grain {version('grain')}", "MapDataset.source, shuffle, batch; no threads", _grain),
)
