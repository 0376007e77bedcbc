"""PyTorch modules as learners: replicas stacked where the module allows it, otherwise one by one."""

import copy
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from rightbatch.data.ragged import Ragged
from rightbatch.errors import RightbatchError, SettingError
from rightbatch.learners.torch_chain import is_chain
from rightbatch.learners.torch_check import Rows, reason_against
from rightbatch.learners.torch_explain import explained, least_rows, outputs_of
from rightbatch.learners.torch_feed import Feed
from rightbatch.learners.torch_gradients import (
    as_array,
    decay,
    mean_gradient,
    norms_of,
    row_gradients,
    shrink,
)
from rightbatch.learners.torch_losses import TorchLoss, counts_alike, loss_for, mass_of, weighs
from rightbatch.learners.torch_memory import TensorBytes
from rightbatch.learners.torch_model import TorchModel
from rightbatch.learners.torch_modules import fresh
from rightbatch.learners.torch_noise import Seeded
from rightbatch.learners.torch_padded import Inputs, PaddedRows, check_padding, in_pieces
from rightbatch.learners.torch_replica import Replica
from rightbatch.learners.torch_stack import Places, Stack
from rightbatch.learners.torch_still import draws_nothing
from rightbatch.learners.torch_storing import restore, stored, trained
from rightbatch.learners.torch_updates import Rule, TorchOptimizer, rule_for
from rightbatch.records import Array, Batch, Shape, StepResult

_PIECE = 4096
"""Evaluation goes over the rows in pieces of so many rows of all replicas together."""

_UNDECIDED = "not decided: no step of two replicas yet"


@dataclass(slots=True, eq=False)
class TorchState:
    """Replicas of a module in training."""

    body: list[Replica] | Stack
    seeds: tuple[int, ...]
    """Of each replica: what it draws in a step depends on its seed and the step alone."""
    steps: int = 0
    parts: int = 0
    """Micro-batches of the step in the making, after the first."""

    def one(self) -> nn.Module:
        """The module of a replica, or the one that a stack runs through."""
        return self.body.places.module if isinstance(self.body, Stack) else self.body[0].module


_NOTHING = nullcontext()


class TorchLearner:
    """A learner of a PyTorch module.

    Attributes:
        how: how several replicas are trained: ``"stacked"``, or ``"one by one: "`` and the reason.
        least_rows: the smallest batch that the module can be trained on; 2 where it normalises over it.
        device: that it trains on.
        weighs: whether the loss may count some classes more than others.
        own_loss: whether the loss is one of the user's.
        rank: of this process among those that share every batch: each draws other numbers.
        takes_several: whether replicas may have batches of their own, stacked all the same.
    """

    keeps_whole = True
    """Whole numbers may reach it as they are."""

    def __init__(
        self, model: TorchModel, shape: Shape, rule: Rule | TorchOptimizer, device: torch.device
    ) -> None:
        self._model, self._shape, self._rule, self._device = model, shape, rule, device
        self.device, self.weighs, self.own_loss = device, weighs(model.loss), model.loss is not None
        self._loss: TorchLoss | None = None
        self._draws = self._padding_checked = False
        self._feed = Feed(model, shape, device)
        self.rank = 0
        self.how = "one by one: stack=False" if not model.stack else _UNDECIDED
        if model.precision != "float32":
            self.how = f"one by one: precision {model.precision}"
        if isinstance(rule, TorchOptimizer):
            self.how = f"one by one: {rule.name} keeps its memory module by module"
        self._places: Places | None = None
        # A module that cannot be trained is refused here rather than in the first sweep of a study.
        module = fresh(model, shape, 0, torch.device("cpu"))
        self._still = draws_nothing(module, model.loss)
        row = model.input_shape or shape.row or (shape.features,)
        plain = self.how == _UNDECIDED and self._still and counts_alike(model.loss)
        self.takes_several = plain and is_chain(module, row)
        self.least_rows = least_rows(module, row)

    def start(self, seeds: Sequence[int]) -> TorchState:
        """Fresh replicas, one a seed; equal seeds give equal parameters."""
        seeds = tuple(int(seed) for seed in seeds)
        drawn: dict[int, nn.Module] = {}
        modules: list[nn.Module] = []
        for seed in seeds:
            known = drawn.get(seed)
            module = (
                fresh(self._model, self._shape, seed, self._device) if known is None else copy.deepcopy(known)
            )
            drawn[seed] = module
            modules.append(module)
        return TorchState([self._replica_of(module) for module in modules], seeds)

    def step(self, state: TorchState, batch: Batch, lr: Array) -> tuple[TorchState, StepResult]:
        """One update of every replica, each with its own learning rate."""
        loss = self.slope(state, batch)
        self.move(state, lr)
        return state, StepResult(loss)

    def step_apart(
        self, state: TorchState, batches: Sequence[Batch], counts: tuple[int, ...], lr: Array
    ) -> tuple[TorchState, StepResult]:
        """One update of every replica, so many with each batch."""
        rows = [self._feed.batch(batch) for batch in batches]
        with self._explaining(state, rows[0]):
            loss = self._loss or self._loss_for(state, *rows[0][:2])
            self._stack(state, loss, rows[0])
            if isinstance(state.body, Stack):
                values = state.body.gradient_apart(loss, [each[:2] for each in rows], counts).cpu().numpy()
            else:
                own = [each for each, count in zip(rows, counts, strict=True) for _ in range(count)]
                pairs = zip(state.body, own, strict=True)
                values = np.array(
                    [float(replica.gradient(loss, *each)) for replica, each in pairs], np.float32
                )
        self.move(state, lr)
        return state, StepResult(values)

    def mass(self, batch: Batch) -> float:
        """What the batch counts in a mean over more rows: their number, or the sum of their weights.

        Where the loss has weights of its own for the classes, it is these that are summed.
        """
        if batch.weight is not None:
            return float(batch.weight.sum(dtype=np.float64))
        return mass_of(self._model.loss, self._feed.targets(batch.data[1]))

    def slope(self, state: TorchState, batch: Batch, *, share: float = 1.0, add: bool = False) -> Array:
        """Mean loss of the batch, float32 `(replicas,)`; `share` times its gradient is in the state then."""
        rows = self._feed.batch(batch)
        state.parts = state.parts + 1 if add else 0
        first = self._loss is None
        try:  # not `with self._explaining`: to enter that takes 4 µs
            loss = self._loss or self._loss_for(state, *rows[:2])
            if not self._padding_checked and isinstance(rows[0], PaddedRows):
                self._padding_checked = self._check_padding(state, rows[0])
            if len(state.seeds) > 1 and isinstance(state.body, list) and not add:
                self._stack(state, loss, rows)
            return self._slope(state, loss, rows, share, add=add)
        except Exception as error:
            self._explain(error, state, rows, first=first)
            raise

    def norms(self, state: TorchState) -> Array:
        """Euclidean norm of the gradient that lies in the state, float64 `(replicas,)`."""
        return norms_of(state.body)

    def shrink(self, state: TorchState, factor: Array) -> None:
        """Multiply the gradient of every replica by its factor, `(replicas,)`."""
        shrink(state.body, factor)

    def decay(self, state: TorchState, rate: float) -> None:
        """Add rate times the parameters, biases too, to the gradient of those that have one."""
        decay(state.body, rate)

    def move(self, state: TorchState, lr: Array) -> None:
        """Update every replica with the gradient that lies in the state."""
        state.steps += 1
        if isinstance(state.body, Stack):
            if not isinstance(self._rule, TorchOptimizer):
                state.body.move(self._rule, state.steps, lr)
            return
        for replica, rate in zip(state.body, lr.tolist(), strict=True):
            replica.move(self._rule, state.steps, rate)

    def select(self, state: TorchState, keep: Sequence[int]) -> TorchState:
        """A copy that holds the named replicas, in the order given."""
        seeds = tuple(state.seeds[number] for number in keep)
        if isinstance(state.body, Stack) and len(keep) > 1:
            return TorchState(state.body.chosen(keep), seeds, state.steps)
        # A single replica is faster as a module of its own than as a stack of one.
        return TorchState([_replica(state, number) for number in keep], seeds, state.steps)

    def predict(self, state: TorchState, x: Any) -> Array:
        """Raw outputs, float32, shape `(replicas, rows, outputs)`."""
        piece = max(64, _PIECE // len(state.seeds))
        with Seeded(self._device, "predict"), torch.no_grad():
            if isinstance(x, Ragged):
                found = in_pieces(x, piece, lambda rows: self._outputs(state, self._feed.rows(rows)))
                return found.cpu().numpy()
            pieces = [x[start : start + piece] for start in range(0, max(len(x), 1), piece)]
            outputs = [self._outputs(state, self._feed.rows(rows)) for rows in pieces]
        return torch.cat(outputs, dim=1).cpu().numpy()

    def losses(self, outputs: Array, y: Array) -> Array:
        """Loss of every row, shape `(replicas, rows)`."""
        loss = self._loss or loss_for(self._model.loss, self._shape, outputs.shape[2], self._device)
        with torch.no_grad():
            return loss.rows(self._feed.tensor(outputs), self._feed.targets(y)).cpu().numpy()

    def parameters(self, state: TorchState) -> dict[str, Array]:
        """Parameters and buffers by PyTorch's names, copies `(replicas, ...)`."""
        modules = [self.module(state, number) for number in range(len(state.seeds))]
        found = [module.state_dict() for module in modules]
        names = [name for name, value in found[0].items() if isinstance(value, Tensor)]
        return {name: np.stack([values[name].numpy() for values in found]) for name in names}

    def gradient(self, state: TorchState, batch: Batch) -> Array:
        """Gradient of the batch's mean loss, `(replicas, parameters)`; no step is made."""
        rows = self._feed.batch(batch)
        found = []
        with self._explaining(state, rows):
            loss = self._loss or self._loss_for(state, *rows[:2])
            for replica, noise in self._alone(state, batch):
                with noise:
                    found.append(mean_gradient(replica, loss, *rows))
        return as_array(found)

    def gradient_and_norms(self, state: TorchState, batch: Batch) -> tuple[Array, Array]:
        """The gradient, and |g|² of every row alone, `(replicas, rows)`; weights are ignored.

        Raises:
            SettingError: the module normalises over the batch, so that no row has a gradient of its own.
        """
        x, y, _ = self._feed.batch(batch)
        found = []
        with self._explaining(state, (x, y, None)):
            loss = self._loss or self._loss_for(state, x, y)
            for replica, noise in self._alone(state, batch):
                with noise:
                    found.append(row_gradients(replica, loss, x, y))
        return as_array([mean for mean, _ in found]), as_array([norms for _, norms in found])

    def own_lr(self, state: TorchState) -> float | None:
        """The learning rate that the user's optimizer was made with; `None`: the update rule is ours."""
        optimizer = None if isinstance(state.body, Stack) else state.body[0].optimizer
        return None if optimizer is None else float(optimizer.param_groups[0]["lr"])

    def module(self, state: TorchState, replica: int = 0) -> nn.Module:
        """A replica as a module of its own, a copy on the CPU in the mode of evaluation."""
        return _replica(state, replica).module.cpu().eval()

    def state_dict(self, state: TorchState, copy: Callable[[Array], Array] = np.array) -> dict[str, Any]:
        """All that the replicas need to go on, copied; what they draw depends on seed and step alone."""
        body = state.body
        numbers = range(len(state.seeds))
        replicas = [body.replica(n) for n in numbers] if isinstance(body, Stack) else body
        return {"replicas": [stored(replica, copy) for replica in replicas], "steps": state.steps}

    def load_state_dict(self, state: TorchState, kept: Mapping[str, Any]) -> None:
        """Let the state go on from there."""
        if isinstance(state.body, Stack):
            state.body = [state.body.replica(number) for number in range(len(state.seeds))]
        for replica, tree in zip(state.body, kept["replicas"], strict=True):
            restore(replica, tree)
        state.steps = kept["steps"]

    def trained(self, state: TorchState) -> dict[str, Array]:
        """Parameters that steps change, of the first replica, by PyTorch's names."""
        body = state.body
        return trained(body.replica(0) if isinstance(body, Stack) else body[0])

    def tensor_bytes(self) -> TensorBytes:
        """What counts the memory of tensors while it is entered, beside that of arrays."""
        return TensorBytes(self._device)

    @contextmanager
    def _explaining(self, state: TorchState, rows: Rows) -> Iterator[None]:
        """What goes wrong inside is said in a sentence, where one is known."""
        first = self._loss is None
        try:
            yield
        except Exception as error:
            self._explain(error, state, rows, first=first)
            raise

    def _explain(self, error: Exception, state: TorchState, rows: Rows, *, first: bool) -> None:
        """Raise the sentence for it, where one is known and it is none already."""
        if isinstance(error, RightbatchError):
            return
        sentence = explained(error, state.one(), rows[:2], first=first)
        if sentence is not None:
            self._loss = None if first else self._loss
            raise sentence from error

    def _alone(self, state: TorchState, batch: Batch) -> Iterator[tuple[Replica, Seeded]]:
        """Every replica, and what it draws for these rows: nothing that a step or other rows draw."""
        which = zlib.crc32(batch.index.tobytes())
        for number, seed in enumerate(state.seeds):
            replica = state.body.replica(number) if isinstance(state.body, Stack) else state.body[number]
            yield replica, Seeded(self._device, "measure", seed, state.steps, which)

    def _replica_of(self, module: nn.Module) -> Replica:
        return Replica.begin(module, self._rule, self._model.precision)

    def _check_padding(self, state: TorchState, x: PaddedRows) -> bool:
        with Seeded(self._device, "predict"):
            return isinstance(state.body, Stack) or check_padding(state.body[0].module, x)

    def _loss_for(self, state: TorchState, x: Inputs, y: Tensor) -> TorchLoss:
        given = self._model.loss
        body = state.body
        module = body.replica(0).module if isinstance(body, Stack) else body[0].module
        with Seeded(self._device, "predict"):
            outputs = outputs_of(module, x, y, self._shape, own_loss=given is not None)
        self._loss = loss_for(given, self._shape, outputs, self._device)
        return self._loss

    def _stack(self, state: TorchState, loss: TorchLoss, rows: Rows) -> None:
        """Stack the replicas if that is known to give the same."""
        if isinstance(rows[0], PaddedRows):
            self.how = "one by one: rows differ in length"
        if not isinstance(state.body, list) or self.how.startswith("one by one"):
            return
        if self._places is None:
            self._places = Places(fresh(self._model, self._shape, 0, self._device))
            reason, self._draws = reason_against(self._pair(state), self._places, loss, rows)
            self.how = f"one by one: {reason}" if reason else "stacked"
        # A stack draws the same numbers for all, as its learning rates are compared on equal terms;
        # replicas of different seeds would no longer be what each is alone.
        if self.how == "stacked" and not (self._draws and len(set(state.seeds)) > 1):
            state.body = Stack.of(state.body, self._places)

    def _pair(self, state: TorchState) -> list[Replica]:
        """A copy of a replica, and one of a seed that no other has."""
        other = fresh(self._model, self._shape, max(state.seeds) + 1, self._device)
        return [_replica(state, 0), self._replica_of(other)]

    def _slope(self, state: TorchState, loss: TorchLoss, rows: Rows, times: float, *, add: bool) -> Array:
        if isinstance(state.body, Stack):
            with self._noise(state, 0):
                return state.body.gradient(loss, *rows, times=times, add=add).cpu().numpy()
        values = []
        for number, replica in enumerate(state.body):
            with self._noise(state, number):
                values.append(replica.gradient(loss, *rows, times=times, add=add))
        return np.array([float(value) for value in values], np.float32)

    def _noise(self, state: TorchState, number: int) -> AbstractContextManager[None]:
        """What a replica draws in this step; a further micro-batch of it draws other numbers."""
        if self._still:  # to keep the generators as they are takes 10 µs
            return _NOTHING
        part = (state.parts, self.rank) if self.rank else (state.parts,) if state.parts else ()
        return Seeded(self._device, "noise", state.seeds[number], *part, number=state.steps)

    def _outputs(self, state: TorchState, x: Inputs) -> Tensor:
        if isinstance(state.body, Stack) and isinstance(x, Tensor):
            return state.body.evaluated(x)
        return torch.stack([replica.evaluated(x) for replica in _alone(state)])


def learner_of(model: TorchModel, shape: Shape, optimizer: Any) -> TorchLearner:
    """The learner of a model for data of this shape.

    Raises:
        SettingError: the module has nothing to train, or a setting cannot be used.
    """
    rule = rule_for(model.optimizer_named(optimizer))
    return TorchLearner(model, shape, rule, _device(model.device))


def _replica(state: TorchState, number: int) -> Replica:
    """A copy of one replica, as a module of its own."""
    return state.body.replica(number) if isinstance(state.body, Stack) else state.body[number].copy()


def _alone(state: TorchState) -> list[Replica]:
    """The replicas, each as a module of its own."""
    body = state.body
    return [body.replica(n) for n in range(len(state.seeds))] if isinstance(body, Stack) else body


def _device(name: str) -> torch.device:
    there = torch.cuda.device_count() if torch.cuda.is_available() else 0
    if name == "auto":
        return torch.device("cuda:0" if there else "cpu")
    device = torch.device(name)
    if device.type == "cuda" and (device.index or 0) >= there:
        problem = f"is not there: PyTorch sees {there} CUDA devices"
        raise SettingError("device", problem, name, "write cpu or auto")
    return device
