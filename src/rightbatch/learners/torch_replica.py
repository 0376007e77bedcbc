"""One replica: a module, what its optimizer remembers, and one step of it."""

import copy
from dataclasses import dataclass, field
from typing import Self

import torch
from torch import Tensor, nn

from rightbatch.learners.torch_losses import TorchLoss, table
from rightbatch.learners.torch_updates import Rule, TorchOptimizer, update


@dataclass(slots=True, eq=False)
class Replica:
    """A module in training.

    Args:
        module: it and its weights.
        slots: what one of our update rules remembers, tensors in the order of the parameters.
        optimizer: PyTorch's, where it is not one of ours.
    """

    module: nn.Module
    slots: list[list[Tensor]]
    optimizer: torch.optim.Optimizer | None
    parameters: list[nn.Parameter] = field(init=False)
    """Those that are trained."""
    shares: list[float] = field(init=False, default_factory=list)
    """Learning rate of each group of the optimizer, as a multiple of that of the first."""

    def __post_init__(self) -> None:
        self.parameters = [parameter for parameter in self.module.parameters() if parameter.requires_grad]
        if self.optimizer is not None:
            rates = [float(group["lr"]) for group in self.optimizer.param_groups]
            self.shares = [rate / rates[0] if rates[0] else 1.0 for rate in rates]

    @classmethod
    def begin(cls, module: nn.Module, rule: Rule | TorchOptimizer) -> Self:
        """A replica that has not made a step."""
        trained = [parameter for parameter in module.parameters() if parameter.requires_grad]
        if isinstance(rule, TorchOptimizer):
            return cls(module, [], rule.of(trained))
        slots = [[torch.zeros_like(p) for p in trained] for _ in range(rule.slots)]
        return cls(module, slots, None)

    def copy(self) -> "Replica":
        """A replica of its own that goes on from here."""
        for parameter in self.parameters:
            parameter.grad = None
        # Together, so that the optimizer's copy holds the parameters of the module's copy.
        return Replica(*copy.deepcopy((self.module, self.slots, self.optimizer)))

    def gradient(self, loss: TorchLoss, x: Tensor, y: Tensor, share: Tensor | None) -> Tensor:
        """The batch's mean loss, a scalar; its gradient is in the parameters then."""
        for parameter in self.parameters:
            parameter.grad = None
        value = loss.batch(self.module, x, y, share)
        value.backward()  # type: ignore[no-untyped-call]
        return value.detach()

    def move(self, rule: Rule | TorchOptimizer, step: int, lr: float) -> None:
        """One update with the gradient that the parameters hold; those without one stay."""
        if not isinstance(rule, TorchOptimizer):
            gradients = [parameter.grad for parameter in self.parameters]
            update(rule, [*self.parameters], gradients, self.slots, step=step, lr=lr)
        elif self.optimizer is not None:
            for group, share in zip(self.optimizer.param_groups, self.shares, strict=True):
                group["lr"] = lr * share
            self.optimizer.step()

    def evaluated(self, x: Tensor) -> Tensor:
        """Outputs `(rows, outputs)` in the mode of evaluation."""
        self.module.eval()
        try:
            return table(self.module(x), len(x))
        finally:
            self.module.train()
