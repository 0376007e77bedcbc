"""One replica: a module, what its optimizer remembers, and one step of it."""

import copy
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import Any, Self

import torch
from torch import Tensor, nn

from rightbatch.learners.torch_losses import TorchLoss, table
from rightbatch.learners.torch_padded import Inputs, taking
from rightbatch.learners.torch_precision import Scaling, autocast, scaling_for, unscale
from rightbatch.learners.torch_updates import Rule, TorchOptimizer, update


@dataclass(slots=True, eq=False)
class Replica:
    """A module in training.

    Args:
        module: it and its weights.
        slots: what one of our update rules remembers, tensors in the order of the parameters.
        optimizer: PyTorch's, where it is not one of ours.
        precision: of the forward pass in training; weights are float32.
        scaling: of the loss, where the precision needs it.
    """

    module: nn.Module
    slots: list[list[Tensor]]
    optimizer: torch.optim.Optimizer | None
    precision: str = "float32"
    scaling: Scaling | None = None
    runs: nn.Module = field(init=False)
    """What is called in training: the module, or what exchanges its gradients with other processes."""
    parameters: list[Tensor] = field(init=False)
    """Those that are trained."""
    shares: list[float] = field(init=False, default_factory=list)
    """Learning rate of each group of the optimizer, as a multiple of that of the first."""
    scaled: bool = field(init=False, default=False)
    """Whether the gradient that lies in the parameters is that of the scaled loss."""
    finite: bool = field(init=False, default=True)
    """Whether the last gradient was, once it is no longer scaled."""

    def __post_init__(self) -> None:
        self.runs = self.module
        self.parameters = [parameter for parameter in self.module.parameters() if parameter.requires_grad]
        if self.optimizer is not None:
            rates = [float(group["lr"]) for group in self.optimizer.param_groups]
            self.shares = [rate / rates[0] if rates[0] else 1.0 for rate in rates]

    @classmethod
    def begin(cls, module: nn.Module, rule: Rule | TorchOptimizer, precision: str = "float32") -> Self:
        """A replica that has not made a step."""
        trained = [parameter for parameter in module.parameters() if parameter.requires_grad]
        scaling = scaling_for(precision)
        if isinstance(rule, TorchOptimizer):
            return cls(module, [], rule.of(trained), precision, scaling)
        slots = [[torch.zeros_like(p) for p in trained] for _ in range(rule.slots)]
        return cls(module, slots, None, precision, scaling)

    def copy(self) -> "Replica":
        """A replica of its own that goes on from here."""
        self.forget()
        # Together, so that the optimizer's copy holds the parameters of the module's copy.
        parts = copy.deepcopy((self.module, self.slots, self.optimizer))
        return Replica(*parts, self.precision, None if self.scaling is None else replace(self.scaling))

    def forget(self) -> None:
        """Let go of the gradient."""
        for parameter in self.parameters:
            parameter.grad = None

    def gradient(
        self,
        loss: TorchLoss,
        x: Inputs,
        y: Tensor,
        share: Tensor | None,
        *,
        times: float = 1.0,
        add: bool = False,
    ) -> Tensor:
        """The batch's mean loss, a scalar; `times` its gradient is in the parameters then, or added there."""
        if not add:
            self.forget()
        runs = taking(self.runs, x)
        if self.precision == "float32":
            value = loss.batch(runs, x, y, share)
        else:
            with autocast(self.precision, x.device):
                value = loss.batch(runs, x, y, share)
        if self.scaling is not None:
            times, self.scaled = times * self.scaling.scale, True
        _backward(value, times)
        return value.detach()

    def gradients(self) -> list[Tensor]:
        """Those that lie in the parameters, in the scale of the loss; unused parameters have none."""
        found = [parameter.grad for parameter in self.parameters if parameter.grad is not None]
        if self.scaled and self.scaling is not None:
            self.finite, self.scaled = unscale(found, self.scaling.scale), False
        return found

    def move(self, rule: Rule | TorchOptimizer, step: int, lr: float) -> None:
        """One update with the gradient that the parameters hold; those without one stay."""
        if self.scaling is not None:
            self.gradients()
            self.scaling.update(finite=self.finite)
            if not self.finite:
                return
            step -= self.scaling.skipped
        if not isinstance(rule, TorchOptimizer):
            gradients = [parameter.grad for parameter in self.parameters]
            update(rule, self.parameters, gradients, self.slots, step=step, lr=lr)
        elif self.optimizer is not None:
            for group, share in zip(self.optimizer.param_groups, self.shares, strict=True):
                group["lr"] = lr * share
            self.optimizer.step()

    def evaluated(self, x: Inputs) -> Tensor:
        """Outputs `(rows, outputs)` in the mode of evaluation, in float32."""
        self.module.eval()
        try:
            return table(taking(self.module, x)(x), len(x))
        finally:
            self.module.train()


_ENGINE: Any = torch.autograd.Variable._execution_engine


def _backward(value: Tensor, times: float) -> None:
    """As ``(times * value).backward()`` of a scalar; what that looks at first takes 20 µs of every step."""
    root = _constant(times, value.dtype, value.device)
    _ENGINE.run_backward((value,), (root,), False, False, (), allow_unreachable=True, accumulate_grad=True)


@lru_cache(maxsize=16)
def _constant(value: float, dtype: torch.dtype, device: torch.device) -> Tensor:
    return torch.tensor(value, dtype=dtype, device=device)
