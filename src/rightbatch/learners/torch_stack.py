"""K replicas as one stacked module: tensors with a leading replica axis, and `torch.func.vmap`."""

import copy
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn
from torch.func import vmap

from rightbatch.learners.torch_chain import Chain
from rightbatch.learners.torch_losses import TorchLoss, table
from rightbatch.learners.torch_replica import Replica
from rightbatch.learners.torch_updates import Rule, update
from rightbatch.records import Array


class Places:
    """Where a module keeps its tensors, so that others can take their place for one call.

    `torch.func.functional_call` does the same in 60 µs, half a step of a small model; this takes 3.

    Args:
        module: whose parameters and buffers; it is left as it is.
    """

    def __init__(self, module: nn.Module) -> None:
        self.module = module
        named = [*module.named_parameters(), *module.named_buffers()]
        self.names = [name for name, _ in named]
        self.trained = [isinstance(tensor, nn.Parameter) and tensor.requires_grad for _, tensor in named]
        self.parameters = sum(1 for _ in module.parameters())
        """How many of the tensors are parameters; the others, behind them, are buffers."""
        where: dict[int, list[tuple[dict[str, Any], str]]] = {id(tensor): [] for _, tensor in named}
        for part in module.modules():
            for holder in (part._parameters, part._buffers):
                for name, tensor in holder.items():
                    if tensor is not None:
                        where[id(tensor)].append((holder, name))
        self._where = [where[id(tensor)] for _, tensor in named]
        """Of each tensor; several for one that layers share."""
        self._own = [tensor for _, tensor in named]
        self.chain = Chain.of(module, self._own)

    def call(self, tensors: Sequence[Tensor], *inputs: Tensor) -> Tensor:
        """What the module gives with these tensors, in the order of `names`, in the place of its own."""
        self._put(tensors)
        try:
            result: Tensor = self.module(*inputs)
        finally:
            self._put(self._own)
        return result

    def _put(self, tensors: Sequence[Tensor]) -> None:
        for places, tensor in zip(self._where, tensors, strict=True):
            for holder, name in places:
                holder[name] = tensor


@dataclass(slots=True, eq=False)
class Stack:
    """Replicas of one module, stacked.

    Args:
        places: of a module of the same kind; its own weights do not matter.
        tensors: all parameters and buffers, `(replicas, ...)`, in the order of `places.names`.
        slots: what the update rule remembers, in the order of the trained parameters.
        replicas: how many there are.
    """

    places: Places
    tensors: list[Tensor]
    slots: list[list[Tensor]]
    replicas: int
    trained: list[Tensor] = field(init=False)
    slopes: list[Tensor | None] = field(init=False, default_factory=list)
    """The gradient of each trained parameter; `None`: it was not used."""
    rates: tuple[bytes, list[Tensor]] | None = field(init=False, default=None)
    """The last learning rates, and a tensor of them for each trained parameter."""

    def __post_init__(self) -> None:
        pairs = zip(self.tensors, self.places.trained, strict=True)
        self.trained = [tensor.requires_grad_() for tensor, trained in pairs if trained]

    @classmethod
    def of(cls, replicas: Sequence[Replica], places: Places) -> "Stack":
        """The replicas, copied into a stack."""
        tensors = [_tensors(replica.module) for replica in replicas]
        stacked = [_side_by_side(same) for same in zip(*tensors, strict=True)]
        slots = [
            [_side_by_side(same) for same in zip(*lists, strict=True)]
            for lists in zip(*(replica.slots for replica in replicas), strict=True)
        ]
        return cls(places, stacked, slots, len(replicas))

    def chosen(self, keep: Sequence[int]) -> "Stack":
        """A copy that holds the named replicas, in the order given."""
        tensors = [_chosen(tensor, keep) for tensor in self.tensors]
        slots = [[_chosen(slot, keep) for slot in part] for part in self.slots]
        return Stack(self.places, tensors, slots, len(keep))

    def replica(self, number: int) -> Replica:
        """A copy of one replica, as a module of its own."""
        module = copy.deepcopy(self.places.module)
        with torch.no_grad():
            for tensor, stacked in zip(_tensors(module), self.tensors, strict=True):
                tensor.copy_(stacked[number])
        return Replica(module, [[slot[number].clone() for slot in part] for part in self.slots], None)

    def gradient(
        self,
        loss: TorchLoss,
        x: Tensor,
        y: Tensor,
        share: Tensor | None,
        *,
        times: float = 1.0,
        add: bool = False,
    ) -> Tensor:
        """The batch's mean loss of every replica; `times` its gradient is in `slopes` then."""
        values = self._losses(loss, x, y, share)
        # Replicas share nothing, so the gradient of each is that of its own loss alone.
        found = torch.autograd.grad(values, self.trained, torch.full_like(values, times), allow_unused=True)
        self.slopes = _sums(self.slopes, found) if add else list(found)
        return values.detach()

    def gradient_apart(
        self, loss: TorchLoss, batches: Sequence[tuple[Tensor, Tensor]], counts: Sequence[int]
    ) -> Tensor:
        """The mean loss of every replica of a chain, so many with each batch; its gradient is in `slopes`."""
        chain = self.places.chain
        if chain is None:
            raise AssertionError("replicas take several batches where their layers are a chain")
        x = _for_each([chain.rows(x) for x, _ in batches], counts)
        values = loss.means(chain.outputs(self.tensors, x), _for_each([y for _, y in batches], counts), None)
        self.slopes = list(
            torch.autograd.grad(values, self.trained, torch.ones_like(values), allow_unused=True)
        )
        return values.detach()

    def gradients(self) -> list[Tensor]:
        """Those that lie here; unused parameters have none."""
        return [slope for slope in self.slopes if slope is not None]

    def move(self, rule: Rule, step: int, lr: Array) -> None:
        """One update with the gradients, each replica with its own learning rate."""
        if self.rates is None or self.rates[0] != lr.tobytes():
            rates = torch.tensor(lr, device=self.trained[0].device)
            views = [rates.view(-1, *[1] * (tensor.ndim - 1)) for tensor in self.trained]
            self.rates = lr.tobytes(), views
        update(rule, self.trained, self.slopes, self.slots, step=step, lr=self.rates[1])

    def outputs(self, x: Tensor) -> Tensor:
        """Outputs `(replicas, rows, outputs)`, in the mode that the module is in."""
        chain = self.places.chain
        rows = None if chain is None else chain.rows(x)
        if chain is not None and rows is not None:
            return chain.outputs(self.tensors, rows.expand(self.replicas, *rows.shape))

        def outputs_of(tensors: list[Tensor]) -> Tensor:
            return table(self.places.call(tensors, x), len(x))

        return vmap(outputs_of, randomness="same")(self.tensors)

    def evaluated(self, x: Tensor) -> Tensor:
        """Outputs `(replicas, rows, outputs)` in the mode of evaluation."""
        self.places.module.eval()
        try:
            return self.outputs(x)
        finally:
            self.places.module.train()

    @property
    def buffers(self) -> list[Tensor]:
        """What the replicas carry beside their parameters, such as running means, `(replicas, ...)`."""
        return self.tensors[self.places.parameters :]

    def _losses(self, loss: TorchLoss, x: Tensor, y: Tensor, share: Tensor | None) -> Tensor:
        if loss.stacked:
            return loss.means(self.outputs(x), y, share)

        def loss_of(tensors: list[Tensor]) -> Tensor:
            return loss.batch(lambda *inputs: self.places.call(tensors, *inputs), x, y, share)

        return vmap(loss_of, randomness="same")(self.tensors)


def _for_each(batches: Sequence[Tensor | None], counts: Sequence[int]) -> Tensor:
    """One batch after the other, each for so many replicas, `(replicas, rows, ...)`."""
    pairs = zip(batches, counts, strict=True)
    return torch.cat([each.expand(count, *each.shape) for each, count in pairs if each is not None])


def _sums(before: Sequence[Tensor | None], found: Sequence[Tensor | None]) -> list[Tensor | None]:
    pairs = zip(before, found, strict=True)
    return [new if old is None else old if new is None else old + new for old, new in pairs]


def _tensors(module: nn.Module) -> list[Tensor]:
    return [*module.parameters(), *module.buffers()]


def _side_by_side(same: Sequence[Tensor]) -> Tensor:
    return _laid_out(torch.stack([tensor.detach() for tensor in same]))


def _chosen(tensor: Tensor, keep: Sequence[int]) -> Tensor:
    return _laid_out(tensor.detach()[list(keep)])


def _laid_out(stacked: Tensor) -> Tensor:
    """Matrices turned in memory, as the gradients of linear layers are: an update runs straight through."""
    if stacked.ndim != 3:
        return stacked
    return stacked.transpose(1, 2).contiguous().transpose(1, 2)
