"""Losses of PyTorch: of one replica's batch, of K replicas' at once, and row by row."""

import copy
from collections.abc import Callable
from typing import Any, Protocol, TypeAlias

import torch
from torch import Tensor, nn
from torch.nn import functional

from rightbatch.errors import SettingError
from rightbatch.learners.torch_padded import Inputs
from rightbatch.records import Shape

Module: TypeAlias = Callable[..., Tensor]
"""A module with its weights: from rows to outputs."""


class TorchLoss(Protocol):
    """A loss, averaged over the rows of a batch."""

    stacked: bool
    """Whether `means` takes all replicas at once; otherwise `batch` is taken for each."""

    def batch(self, module: Module, x: Inputs, y: Tensor, share: Tensor | None) -> Tensor:
        """Mean loss of one replica, a scalar; `share` of each row sums to 1, `None`: all the same."""
        ...

    def means(self, outputs: Tensor, y: Tensor, share: Tensor | None) -> Tensor:
        """Mean loss of each replica, `(replicas,)`, from outputs `(replicas, rows, outputs)`.

        A stacked loss takes targets of the rows, or those of each replica, with an axis more in front.
        """
        ...

    def rows(self, outputs: Tensor, y: Tensor) -> Tensor:
        """Loss of every row, `(replicas, rows)`, from outputs `(replicas, rows, outputs)`."""
        ...


class ClassLoss:
    """A loss of class numbers: `(rows, classes)` against int64 `(rows,)`.

    Args:
        each: the loss of every row; takes `(n, classes, rows)` and `(n, rows)`, too.
        mean: its mean, in the loss's own sense.
        plain: whether that is the mean of the rows; class weights give another one.
    """

    def __init__(
        self, each: Callable[..., Tensor], mean: Callable[..., Tensor], *, plain: bool = True
    ) -> None:
        self._each, self._mean, self.stacked = each, mean, plain

    def batch(self, module: Module, x: Inputs, y: Tensor, share: Tensor | None) -> Tensor:
        """Mean loss of one replica."""
        outputs = table(module(x), y.shape[0])  # `len` of a tensor takes 2 µs
        return self._mean(outputs, y) if share is None else self._each(outputs, y) @ share

    def means(self, outputs: Tensor, y: Tensor, share: Tensor | None) -> Tensor:
        """Mean loss of each replica."""
        rows = self.rows(outputs, y)
        return rows.mean(1) if share is None else rows @ share

    def rows(self, outputs: Tensor, y: Tensor) -> Tensor:
        """Loss of every row."""
        # Classes in the middle: a softmax over ten neighbours in memory takes three times as long.
        return self._each(outputs.transpose(1, 2), y.expand(len(outputs), -1))


class ValueLoss:
    """A loss of every output against a value of its own, averaged over the outputs of a row."""

    stacked = True

    def __init__(self, each: Callable[..., Tensor], mean: Callable[..., Tensor]) -> None:
        self._each, self._mean = each, mean

    def batch(self, module: Module, x: Inputs, y: Tensor, share: Tensor | None) -> Tensor:
        """Mean loss of one replica."""
        outputs = table(module(x), y.shape[0])
        target = _values(outputs, y)
        return self._mean(outputs, target) if share is None else self._each(outputs, target).mean(1) @ share

    def means(self, outputs: Tensor, y: Tensor, share: Tensor | None) -> Tensor:
        """Mean loss of each replica."""
        rows = self.rows(outputs, y)
        return rows.mean(1) if share is None else rows @ share

    def rows(self, outputs: Tensor, y: Tensor) -> Tensor:
        """Loss of every row."""
        own = y.numel() == outputs.numel()  # of each replica; for a single one it is all the same
        target = _values(outputs, y) if own else _values(outputs[0], y).expand_as(outputs)
        return self._each(outputs, target).mean(2)


class OwnFunction:
    """A function of outputs and targets that gives one number, or one a row.

    Where it gives the mean of a batch alone, rows cannot be weighted, and `rows` repeats the mean
    for each of them.
    """

    stacked = False

    def __init__(self, function: Callable[..., Any]) -> None:
        self._function = function

    def batch(self, module: Module, x: Inputs, y: Tensor, share: Tensor | None) -> Tensor:
        """Mean loss of one replica."""
        outputs = table(module(x), len(x))
        return _mean(self._function(outputs, _fitted(outputs, y)), len(x), share)

    def means(self, outputs: Tensor, y: Tensor, share: Tensor | None) -> Tensor:
        """Mean loss of each replica."""
        values = [_mean(self._function(one, _fitted(one, y)), len(y), share) for one in outputs]
        return torch.stack(values)

    def rows(self, outputs: Tensor, y: Tensor) -> Tensor:
        """Loss of every row."""
        found = [self._function(one, _fitted(one, y)) for one in outputs]
        return torch.stack([_each(value, len(y)).expand(len(y)) for value in found])


class OwnModule:
    """The loss that the module itself gives when it is called with the targets.

    Args:
        other: the loss that its outputs are evaluated by.
    """

    stacked = False

    def __init__(self, other: TorchLoss) -> None:
        self.means, self.rows = other.means, other.rows

    def batch(self, module: Module, x: Inputs, y: Tensor, share: Tensor | None) -> Tensor:
        """Mean loss of one replica."""
        return _mean(module(x, y), len(x), share)


_CLASS_LOSSES = (nn.CrossEntropyLoss, nn.NLLLoss)
_VALUE_LOSSES = (nn.MSELoss, nn.L1Loss, nn.SmoothL1Loss, nn.HuberLoss, nn.BCELoss, nn.BCEWithLogitsLoss)


def loss_for(loss: Any, shape: Shape, outputs: int, device: torch.device) -> TorchLoss:
    """The loss, from what the user gave and what the module gives.

    Args:
        loss: `None`, a loss of `torch.nn`, a function, or ``"own"``.
        shape: of the data.
        outputs: how many the module gives.
        device: where the loss is to be computed.

    Raises:
        SettingError: a loss that sums over the batch.
    """
    if loss is None:
        return _of_task(shape, outputs)
    if isinstance(loss, str):
        return OwnModule(_of_task(shape, outputs))
    if isinstance(loss, nn.Module):
        loss = copy.deepcopy(loss).to(device)
    if getattr(loss, "reduction", "mean") == "sum":
        instead = "write reduction='mean': a sum would let the learning rate grow with the batch"
        raise SettingError("loss", "must be a mean over the rows", "reduction='sum'", instead)
    if not is_of_torch(loss):
        return OwnFunction(loss)
    each, mean = copy.deepcopy(loss), copy.deepcopy(loss)
    each.reduction, mean.reduction = "none", "mean"
    if type(loss) in _VALUE_LOSSES:
        return ValueLoss(each, mean)
    return ClassLoss(each, mean, plain=counts_alike(loss))


def is_of_torch(loss: Any) -> bool:
    """Whether the loss is one of PyTorch's own that is a mean over the rows."""
    return type(loss) in (*_CLASS_LOSSES, *_VALUE_LOSSES)


def counts_alike(loss: Any) -> bool:
    """Whether a loss of PyTorch's own, or none, surely counts all rows of a batch the same.

    Example:
        >>> [counts_alike(loss) for loss in (None, nn.CrossEntropyLoss(), nn.MSELoss())]
        [True, True, True]
        >>> counts_alike(nn.CrossEntropyLoss(weight=torch.ones(3)))
        False
    """
    if type(loss) in _CLASS_LOSSES:
        return loss.weight is None and loss.ignore_index < 0
    return loss is None or is_of_torch(loss)


def weighs(loss: Any) -> bool:
    """Whether the loss may count the rows of some classes more than others."""
    return type(loss) in _CLASS_LOSSES


def mass_of(loss: Any, y: Tensor) -> float:
    """What these targets count in the loss's own mean: their number, or the sum of their classes' weights.

    Example:
        >>> mass_of(nn.CrossEntropyLoss(weight=torch.tensor([1.0, 0.5])), torch.tensor([0, 1, 1]))
        2.0
    """
    if type(loss) not in _CLASS_LOSSES:
        return float(len(y))
    counted = y[y != loss.ignore_index]
    return float(len(counted) if loss.weight is None else loss.weight.to(y.device)[counted].double().sum())


def table(outputs: Any, rows: int) -> Tensor:
    """The outputs as `(rows, outputs)`: a module may leave the second axis out where there is one.

    Raises:
        SettingError: no tensor, or another number of rows.
    """
    if not isinstance(outputs, Tensor):
        problem = "must give a tensor of outputs"
        raise SettingError("model", problem, type(outputs).__name__, "return the outputs alone")
    if outputs.ndim == 2 and outputs.shape[0] == rows:
        return outputs
    if not outputs.ndim or outputs.shape[0] != rows:
        problem = f"must give one row of outputs for each of the {rows} rows of a batch"
        raise SettingError("model", problem, tuple(outputs.shape), "keep the first axis")
    return outputs.reshape(rows, -1)


def _of_task(shape: Shape, outputs: int) -> TorchLoss:
    if shape.task == "regression":
        return ValueLoss(_each_square, functional.mse_loss)
    if outputs == 1:
        return ValueLoss(_each_logit, functional.binary_cross_entropy_with_logits)
    return ClassLoss(_each_class, functional.cross_entropy)


def _each_square(outputs: Tensor, y: Tensor) -> Tensor:
    return functional.mse_loss(outputs, y, reduction="none")


def _each_logit(outputs: Tensor, y: Tensor) -> Tensor:
    return functional.binary_cross_entropy_with_logits(outputs, y, reduction="none")


def _each_class(outputs: Tensor, y: Tensor) -> Tensor:
    return functional.cross_entropy(outputs, y, reduction="none")


def _values(outputs: Tensor, y: Tensor) -> Tensor:
    """Targets as numbers in the shape of the outputs."""
    return y if y.shape == outputs.shape else y.to(outputs.dtype).reshape(outputs.shape)


def _fitted(outputs: Tensor, y: Tensor) -> Tensor:
    """Targets for a function of the user's: class numbers stay as they are."""
    return _values(outputs, y) if y.is_floating_point() else y


def _mean(value: Any, rows: int, share: Tensor | None) -> Tensor:
    each = _each(value, rows)
    if share is None:
        return each.mean() if each.ndim else each
    if not each.ndim:
        problem = "must give one number a row where rows are weighted"
        raise SettingError("loss", problem, "one number", "write a loss without the mean, reduction='none'")
    return each @ share


def _each(value: Any, rows: int) -> Tensor:
    """One number, or one a row, checked."""
    if isinstance(value, Tensor) and value.shape in {(), (rows,)}:
        return value
    got = f"shape {tuple(value.shape)}" if isinstance(value, Tensor) else type(value).__name__
    instead = "take the mean over everything but the rows"
    raise SettingError("loss", f"must give one number, or one for each of the {rows} rows", got, instead)
