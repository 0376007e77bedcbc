"""Whether replicas can be stacked: one step of both ways, on copies, compared."""

import re
import warnings
from typing import Any, TypeAlias

import torch
from torch import Tensor

from rightbatch.learners.torch_losses import TorchLoss
from rightbatch.learners.torch_noise import Seeded, drawn
from rightbatch.learners.torch_replica import Replica
from rightbatch.learners.torch_stack import Places, Stack

TOLERANCE = 1e-3
"""Of the largest value. Sums in another order differ by 1e-6 of it, and by 1e-5 through a few layers
of normalisation; two different models differ by all of it."""

_LONGEST = 120
"""Characters of a reason."""

NO_RULE = "There is a performance drop"
"""How PyTorch begins to warn that it will go through the replicas of an operation one by one, slowly."""

Rows: TypeAlias = tuple[Any, Tensor, Tensor | None]
"""Inputs, a tensor or `PaddedRows`; targets; and shares in the mean."""

Step: TypeAlias = tuple[list[Tensor], list[Tensor], list[Tensor], list[Tensor]]
"""What is compared: losses, gradients, buffers, and the outputs of an evaluation."""


def reason_against(pair: list[Replica], places: Places, loss: TorchLoss, rows: Rows) -> tuple[str, bool]:
    """Why such replicas cannot be stacked, empty where they can; and whether they draw numbers.

    Args:
        pair: two of them, of different seeds: equal ones could hide behind each other. They are used up.
        places: of a module of the same kind.
        loss: the loss.
        rows: a batch.
    """
    stack = Stack.of(pair, places)
    first, draws = _alone(pair[0], loss, rows)
    second, _ = _alone(pair[1], loss, rows)
    try:
        with warnings.catch_warnings():
            warnings.filterwarnings("error", message=NO_RULE)
            together = _together(stack, loss, rows)
    except Exception as error:  # a module may do anything that vmap cannot follow
        return _reason(error), draws
    same = all(
        _close(many, [torch.stack(both) for both in zip(one, other, strict=True)])
        for many, one, other in zip(together, first, second, strict=True)
    )
    return "" if same else "a step of stacked replicas comes out differently", draws


def first_sentence(error: Exception) -> str:
    """The first sentence of an error, in one line, cut where it is long."""
    sentence = " ".join(str(error).split()).partition(". ")[0].rstrip(".")
    return sentence if len(sentence) <= _LONGEST else f"{sentence[:_LONGEST]}..."


def _reason(error: Exception) -> str:
    operation = re.search(r"batching rule.*?(aten::\w+)", str(error), re.IGNORECASE | re.DOTALL)
    return first_sentence(error) if operation is None else f"vmap has no batching rule for {operation[1]}"


def _alone(replica: Replica, loss: TorchLoss, rows: Rows) -> tuple[Step, bool]:
    device = replica.parameters[0].device
    with Seeded(device, "check"):
        before = drawn(device)
        value = replica.gradient(loss, *rows)
        draws = drawn(device) != before
    slopes = [torch.zeros_like(p) if p.grad is None else p.grad for p in replica.parameters]
    with torch.no_grad():
        outputs = replica.evaluated(rows[0])
    return ([value], slopes, list(replica.module.buffers()), [outputs]), draws


def _together(stack: Stack, loss: TorchLoss, rows: Rows) -> Step:
    with Seeded(stack.trained[0].device, "check"):
        values = stack.gradient(loss, *rows)
    pairs = zip(stack.trained, stack.slopes, strict=True)
    slopes = [torch.zeros_like(tensor) if slope is None else slope for tensor, slope in pairs]
    with torch.no_grad():
        outputs = stack.evaluated(rows[0])
    return [values], slopes, stack.buffers, [outputs]


def _close(many: list[Tensor], one: list[Tensor]) -> bool:
    """Whether tensors are equal, up to a share of the largest value among them all."""
    largest = [tensor.double().nan_to_num(0, 0, 0).abs().max() for tensor in one if tensor.numel()]
    allowed = TOLERANCE * float(max(largest, default=0.0))
    pairs = [(a.double(), b.double()) for a, b in zip(many, one, strict=True)]
    return all(torch.allclose(a, b, rtol=0, atol=allowed, equal_nan=True) for a, b in pairs)
