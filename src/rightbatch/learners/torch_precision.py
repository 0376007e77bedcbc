"""Mixed precision: products in half the bits, weights and their sums in float32.

Both halves of float32 are faster where the machine has units for them. ``"bfloat16"`` has float32's range
and needs nothing more; ``"float16"`` has not, and gradients below 6e-8 would be lost, so that the loss is
scaled up before the backward pass and the gradient down after it.
"""

from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

_DTYPES = {"bfloat16": torch.bfloat16, "float16": torch.float16}

_FIRST_SCALE = 2.0**16
_GOOD_STEPS = 2000
"""Steps without an infinite gradient after which the scale is doubled; both as in `torch.amp.GradScaler`."""


@dataclass(slots=True)
class Scaling:
    """The factor on the loss of one replica, as `torch.amp.GradScaler` keeps it.

    The three numbers are all there is to store of it.

    Source: P. Micikevicius et al., "Mixed Precision Training" (2018), section 3.2.
    """

    scale: float = _FIRST_SCALE
    good: int = 0
    """Steps since the scale changed."""
    skipped: int = 0
    """Steps that made no update, as their gradient was infinite."""

    def update(self, *, finite: bool) -> None:
        """Learn from a step: halve the scale where its gradient overflowed, double it after many good ones.

        Example:
            >>> scaling = Scaling()
            >>> scaling.update(finite=False)
            >>> scaling
            Scaling(scale=32768.0, good=0, skipped=1)
        """
        if not finite:
            self.scale, self.good, self.skipped = self.scale / 2, 0, self.skipped + 1
            return
        self.good += 1
        if self.good == _GOOD_STEPS:
            self.scale, self.good = self.scale * 2, 0


def autocast(precision: str, device: torch.device) -> AbstractContextManager[Any]:
    """Where operations are made in the precision, by PyTorch's own list of those that can be."""
    if precision == "float32":
        return nullcontext()
    return torch.autocast(device.type, dtype=_DTYPES[precision])


def scaling_for(precision: str) -> Scaling | None:
    """What scales the loss; `None` where the precision needs it not."""
    return Scaling() if precision == "float16" else None


def unscale(gradients: list[Tensor], scale: float) -> bool:
    """Divide gradients by the scale, in place; whether all are finite.

    Example:
        >>> gradients = [torch.tensor([4.0, 2.0])]
        >>> unscale(gradients, 2.0), gradients
        (True, [tensor([2., 1.])])
    """
    torch._foreach_mul_(gradients, 1 / scale)
    return all(bool(torch.isfinite(gradient).all()) for gradient in gradients)
