"""Rows on their way to a module: tensors on its device, of the types that it and its loss take.

On a GPU there are two ways. Rows of a loader with ``output="torch"`` and the device are there already: the
data were copied once, or every batch is, from pinned memory and ahead of time. NumPy rows go through
pinned memory too: from it the copy runs while Python goes on.
"""

from typing import Any

import numpy as np
import torch
from torch import Tensor

from rightbatch.data.ragged import Padded
from rightbatch.errors import SettingError
from rightbatch.learners.torch_check import Rows
from rightbatch.learners.torch_explain import takes_whole
from rightbatch.learners.torch_model import TorchModel
from rightbatch.learners.torch_modules import fresh
from rightbatch.learners.torch_padded import Inputs, PaddedRows
from rightbatch.records import Array, Batch, Shape

_CPU = torch.device("cpu")

_DTYPES = {np.float32: torch.float32, np.int64: torch.int64}


class Feed:
    """Makes tensors of rows, arrays or tensors, for one learner.

    Args:
        model: whose rows.
        shape: of the data.
        device: that they are brought to.
    """

    def __init__(self, model: TorchModel, shape: Shape, device: torch.device) -> None:
        self._model, self._shape, self._device = model, shape, device
        self._cpu, self._classes = device.type == "cpu", shape.task == "classification"
        self._whole: bool | None = None

    def batch(self, batch: Batch) -> Rows:
        """Inputs, targets, and shares in the mean; where no row counts, shares are 0."""
        share = None
        if batch.weight is not None:
            share = self.tensor(batch.weight / (np.add.reduce(batch.weight) or 1))
        return self.rows(batch.data[0]), self.targets(batch.data[1]), share

    def rows(self, x: Any) -> Inputs:
        """Inputs: whole numbers of more than a byte as int64 where the module takes them so, else float32."""
        return self._padded(x) if isinstance(x, Padded) else self._rows(x)

    def _padded(self, x: Padded) -> PaddedRows:
        if self._model.input_shape is not None:
            problem = "must be left out where rows differ in length"
            raise SettingError("input_shape", problem, self._model.input_shape, "leave it out")
        dtype: Any = np.float32
        if _is_whole(x.values):
            if self._whole is None:
                few = PaddedRows(*(_on_cpu(field[:2]) for field in x))
                self._whole = takes_whole(fresh(self._model, self._shape, 0, _CPU), few.whole(), few.real())
            dtype = np.int64 if self._whole else np.float32
        mask: Any = x.mask
        mask = mask if isinstance(mask, Tensor) else torch.from_numpy(mask)
        lengths = self.tensor(x.lengths, np.int64)
        return PaddedRows(self.tensor(x.values, dtype), mask.to(self._device, non_blocking=True), lengths)

    def _rows(self, x: Any) -> Tensor:
        shape = self._model.input_shape
        if shape is not None:
            x = x.reshape(len(x), *shape)
        if not _is_whole(x):
            return self.tensor(x)
        if self._whole is None:
            few = x[:2].cpu().numpy() if isinstance(x, Tensor) else x[:2]
            self._whole = takes_whole_rows(self._model, few, self._shape)
        return self.tensor(x, np.int64 if self._whole else np.float32)

    def targets(self, y: Array | Tensor) -> Tensor:
        """Targets: class numbers as int64, values as float32."""
        return self.tensor(y, np.int64 if self._classes else np.float32)

    def tensor(self, values: Any, dtype: Any = np.float32) -> Tensor:
        """Values on the device; tensors that are there, and of that type, as they are."""
        if isinstance(values, Tensor):
            return values.to(self._device, _DTYPES[dtype], non_blocking=True)
        # PyTorch knows no read-only tensors: what must not be written into is copied.
        if values.dtype != dtype or not values.flags.writeable:
            values = values.astype(dtype)
        here = torch.from_numpy(values)
        if self._cpu:
            return here
        return here.pin_memory().to(self._device, non_blocking=True)


def takes_whole_rows(model: TorchModel, rows: Array, shape: Shape) -> bool:
    """Whether whole numbers, a few rows of them, are to reach the module as they are."""
    module = fresh(model, shape, 0, _CPU)
    row = rows.shape[1:] if model.input_shape is None else model.input_shape
    whole = torch.from_numpy(rows.astype(np.int64)).reshape(len(rows), *row)
    return takes_whole(module, whole, whole.float())


def _is_whole(x: Array | Tensor) -> bool:
    if isinstance(x, Tensor):
        return not x.is_floating_point() and x.element_size() > 1
    return x.dtype.kind in "iu" and x.itemsize > 1


def _on_cpu(field: Array | Tensor) -> Tensor:
    return field.cpu() if isinstance(field, Tensor) else torch.from_numpy(np.array(field))
