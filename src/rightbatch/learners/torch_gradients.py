"""Gradients of PyTorch modules as numbers: what lies in replicas, and that of every row alone."""

import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import numpy as np
import torch
from torch import Tensor, nn
from torch.func import functional_call, grad_and_value, vmap
from torch.nn.modules.batchnorm import _BatchNorm

from rightbatch.errors import SettingError
from rightbatch.learners.torch_check import NO_RULE
from rightbatch.learners.torch_losses import TorchLoss
from rightbatch.learners.torch_modules import name_of
from rightbatch.learners.torch_padded import Inputs, PaddedRows
from rightbatch.learners.torch_replica import Replica
from rightbatch.learners.torch_stack import Stack
from rightbatch.records import Array

_NUMBERS_AT_ONCE = 1 << 24
"""Gradients of rows are made for so many rows at a time that they take about 64 MB."""


def norms_of(body: "list[Replica] | Stack") -> Array:
    """Euclidean norm of the gradient of each replica, float64 `(replicas,)`."""
    if isinstance(body, Stack):
        squares = [slope.flatten(1).square().sum(1) for slope in body.gradients()]
        return torch.stack(squares).sum(0).sqrt().double().cpu().numpy()
    found = [torch.stack(torch._foreach_norm(replica.gradients())).norm() for replica in body]
    return torch.stack(found).double().cpu().numpy()


def shrink(body: "list[Replica] | Stack", factor: Array) -> None:
    """Multiply the gradient of every replica by its factor."""
    if isinstance(body, Stack):
        times = torch.tensor(factor, dtype=torch.float32, device=body.trained[0].device)
        slopes = body.gradients()
        torch._foreach_mul_(slopes, [times.view(-1, *[1] * (slope.ndim - 1)) for slope in slopes])
        return
    for replica, number in zip(body, factor.tolist(), strict=True):
        if number != 1:
            torch._foreach_mul_(replica.gradients(), number)


def decay(body: "list[Replica] | Stack", rate: float) -> None:
    """Add rate times the parameters to the gradient of those that have one."""
    for one in [body] if isinstance(body, Stack) else body:
        gradients = one.gradients()  # first: it makes them unscaled
        if isinstance(one, Stack):
            pairs = zip(one.trained, one.slopes, strict=True)
        else:
            pairs = zip(one.parameters, (parameter.grad for parameter in one.parameters), strict=True)
        used = [tensor.detach() for tensor, slope in pairs if slope is not None]
        torch._foreach_add_(gradients, used, alpha=rate)


def flat(slopes: "Iterator[Tensor | None]", parameters: list[Tensor]) -> Tensor:
    """One vector of all gradients, 0 where there is none."""
    pairs = zip(slopes, parameters, strict=True)
    return torch.cat([torch.zeros_like(p).reshape(-1) if g is None else g.reshape(-1) for g, p in pairs])


@contextmanager
def buffers_kept(module: nn.Module) -> Iterator[None]:
    """What a module counts while it is trained, such as running means, is put back afterwards."""
    # The tables too: a module may put another tensor in the place of a buffer.
    tables = [(part, dict(part._buffers)) for part in module.modules()]
    before = [(buffer, buffer.detach().clone()) for buffer in module.buffers()]
    try:
        yield
    finally:
        for part, table in tables:
            part._buffers.update(table)
        with torch.no_grad():
            for buffer, value in before:
                buffer.copy_(value)


def mean_gradient(replica: Replica, loss: TorchLoss, x: Inputs, y: Tensor, share: Tensor | None) -> Tensor:
    """Gradient of the mean loss, `(parameters,)`; the replica is left as it is, but for its gradient."""
    with buffers_kept(replica.module):
        replica.gradient(loss, x, y, share)
    replica.gradients()
    found = flat((parameter.grad for parameter in replica.parameters), replica.parameters)
    replica.forget()
    return found


def row_gradients(replica: Replica, loss: TorchLoss, x: Inputs, y: Tensor) -> tuple[Tensor, Tensor]:
    """The mean of the rows' own gradients, `(parameters,)`, and their squared norms, `(rows,)`.

    All rows of a piece together where the module can be mapped, otherwise one after the other.

    Raises:
        SettingError: the module looks at several rows at once, so that none has a gradient of its own.
    """
    for part in replica.module.modules():
        if isinstance(part, _BatchNorm):
            problem = "must not normalise over the batch where every row's own gradient is wanted"
            instead = "measure from micro-batches, or write a model with nn.GroupNorm or nn.LayerNorm"
            raise SettingError("model", problem, name_of(part), instead)
    with buffers_kept(replica.module):
        if isinstance(x, PaddedRows):
            return _one_by_one(replica, loss, x, y)
        try:
            with warnings.catch_warnings():
                warnings.filterwarnings("error", message=NO_RULE)
                return _mapped(replica, loss, x, y)
        except (RuntimeError, UserWarning):  # a module may do what vmap cannot follow
            return _one_by_one(replica, loss, x, y)


def _mapped(replica: Replica, loss: TorchLoss, x: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
    names = {id(tensor): name for name, tensor in replica.module.named_parameters()}
    trained = {names[id(p)]: p.detach() for p in replica.parameters}
    fixed = {
        name: tensor.detach()
        for name, tensor in (*replica.module.named_parameters(), *replica.module.named_buffers())
        if name not in trained
    }

    def value(tensors: dict[str, Tensor], row: Tensor, target: Tensor) -> Tensor:
        def module(*inputs: Tensor) -> Tensor:
            found: Tensor = functional_call(replica.module, {**fixed, **tensors}, inputs)
            return found

        return loss.batch(module, row[None], target[None], None)

    each: Callable[..., tuple[dict[str, Tensor], Tensor]]
    each = vmap(grad_and_value(value), in_dims=(None, 0, 0), randomness="different")
    count = sum(tensor.numel() for tensor in trained.values())
    piece = max(1, _NUMBERS_AT_ONCE // count)
    total, squares = torch.zeros(count, device=x.device), []
    for start in range(0, len(x), piece):
        rows = slice(start, start + piece)
        slopes, _ = each(trained, x[rows], y[rows])
        matrices = [slope.flatten(1) for slope in slopes.values()]
        total += torch.cat([matrix.sum(0) for matrix in matrices])
        squares.append(torch.stack([matrix.square().sum(1) for matrix in matrices]).sum(0))
    return total / len(x), torch.cat(squares)


def _one_by_one(replica: Replica, loss: TorchLoss, x: Inputs, y: Tensor) -> tuple[Tensor, Tensor]:
    total, squares = torch.zeros(sum(p.numel() for p in replica.parameters), device=x.device), []
    for number in range(len(x)):
        one = slice(number, number + 1)
        slope = mean_gradient(replica, loss, x[one], y[one], None)
        total += slope
        squares.append(slope.square().sum())
    return total / len(x), torch.stack(squares)


def as_array(found: list[Tensor]) -> Array:
    """One row a replica, float32."""
    return np.stack([tensor.float().cpu().numpy() for tensor in found])
