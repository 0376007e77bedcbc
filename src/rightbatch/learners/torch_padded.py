"""Rows that differ in length on their way through a module: padded tensors, a mask and lengths.

A module is called with the padded values, and with `mask` and `lengths` where its `forward` asks for them by
these names. Padding must not change what it makes of a row: otherwise that would depend on the other rows of
a batch.
"""

import inspect
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any, TypeAlias

import numpy as np
import torch
from torch import Tensor, nn

from rightbatch.data.ragged import Padded, Ragged
from rightbatch.errors import SettingError
from rightbatch.learners.torch_modules import name_of
from rightbatch.records import Array

_VALUES_AT_ONCE = 1 << 18
"""Rows are evaluated in pieces of about so many padded places: a few times 10 MB in a layer of 64 units."""

_TOLERANCE = 1e-3
"""Of the largest output: sums in another order differ by 1e-6 of it, a row read with its padding by more."""

_ASK = "write forward(self, x, lengths) or forward(self, x, mask), and use them"

_NAMES = ("mask", "lengths")


class PaddedRows:
    """The rows of a batch as tensors on a device, padded to the longest of them.

    Args:
        values: `(rows, longest, ...)`.
        mask: whether a value is of the row, bool, `(rows, longest)`.
        lengths: of the rows, int64, `(rows,)`.
    """

    def __init__(self, values: Tensor, mask: Tensor, lengths: Tensor) -> None:
        self.values, self.mask, self.lengths = values, mask, lengths
        self.shape, self.device = values.shape, values.device

    def __len__(self) -> int:
        return len(self.values)

    def __getitem__(self, which: slice) -> "PaddedRows":
        """Some of the rows, with all of their padding."""
        return PaddedRows(self.values[which], self.mask[which], self.lengths[which])

    def whole(self) -> "PaddedRows":
        """The rows as int64."""
        return PaddedRows(self.values.long(), self.mask, self.lengths)

    def real(self) -> "PaddedRows":
        """The rows as float32."""
        return PaddedRows(self.values.float(), self.mask, self.lengths)

    def cut(self) -> "PaddedRows":
        """The rows without the places that are padding in all of them."""
        longest = int(self.lengths.max())
        return PaddedRows(self.values[:, :longest], self.mask[:, :longest], self.lengths)


Inputs: TypeAlias = Tensor | PaddedRows
"""Rows that a module is called with."""


def taking(module: Any, x: Inputs) -> Any:
    """The module as a function of such rows.

    Example:
        >>> taking(nn.Identity(), PaddedRows(torch.ones(1, 2), torch.ones(1, 2) > 0, torch.tensor([2])))(
        ...     PaddedRows(torch.ones(1, 2), torch.ones(1, 2) > 0, torch.tensor([2]))
        ... )
        tensor([[1., 1.]])
    """
    return module if isinstance(x, Tensor) else partial(_call, module)


def pieces_of(rows: Ragged, most: int) -> Iterator[Array]:
    """Row numbers, every one once: rows of like length together, so that there is little padding.

    Args:
        rows: the rows.
        most: of them in a piece.
    """
    order = np.argsort(rows.lengths, kind="stable")[::-1]
    start = 0
    while start < len(order):
        longest = max(1, int(rows.lengths[order[start]]))
        stop = start + max(1, min(most, _VALUES_AT_ONCE // longest))
        yield order[start:stop]
        start = stop


def in_pieces(rows: Ragged, most: int, outputs_of: Callable[[Padded], Tensor]) -> Tensor:
    """Outputs `(replicas, rows, outputs)`, made piece by piece, in the order of the rows."""
    numbers = list(pieces_of(rows, most))
    found = torch.cat([outputs_of(rows.take(piece)) for piece in numbers], dim=1)
    back = np.argsort(np.concatenate(numbers), kind="stable")
    return found[:, torch.from_numpy(back).to(found.device)]


def check_padding(module: nn.Module, x: PaddedRows) -> bool:
    """Whether there was padding to check the module with.

    Raises:
        SettingError: what it makes of a row depends on the padding behind it.
    """
    shortest = int(x.lengths.argmin())
    alone = x[shortest : shortest + 1].cut()
    if alone.shape[1] == x.shape[1] or not alone.shape[1]:
        return False
    module.eval()
    try:
        with torch.no_grad():
            beside, by_itself = taking(module, x)(x)[shortest], taking(module, alone)(alone)[0]
    finally:
        module.train()
    if beside.shape == by_itself.shape:
        allowed = _TOLERANCE * float(by_itself.abs().max())
        if torch.allclose(beside, by_itself, rtol=0, atol=allowed, equal_nan=True):
            return True
    problem = "must give the same for a row with and without padding behind it"
    asked = [name for name in _NAMES if name in _parameters(module)]
    instead = f"let it use its {' and '.join(asked)}" if asked else _ASK
    raise SettingError("model", problem, name_of(module), instead)


def _call(module: Any, x: PaddedRows, *more: Tensor) -> Tensor:
    asked = {name: getattr(x, name) for name in _NAMES if name in _parameters(module)}
    found: Tensor = module(x.values, *more, **asked)
    return found


def _parameters(module: Any) -> Any:
    """What its forward asks for by name; of one that exchanges gradients, the one inside."""
    inner = module.module if isinstance(module, nn.parallel.DistributedDataParallel) else module
    return inspect.signature(inner.forward).parameters
