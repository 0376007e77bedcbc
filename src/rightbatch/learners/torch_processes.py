"""One training in several processes, each with rows of its own of every batch.

PyTorch's `DistributedDataParallel` averages the gradients while the backward pass is still running, every
process with the same weight. The rows of a batch may not be the same number in each, so that every process
multiplies its loss beforehand by what its rows count, m_r of Σ m_r in W processes::

    G = Σ m_r G_r / Σ m_r = mean over r of (W m_r / Σ m) G_r

which is the gradient of the whole batch's mean loss, as one process would have it.
"""

import atexit
import gc
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import numpy as np
import torch
import torch.distributed as dist

# DistributedDataParallel imports it. Imported once there is a process group it keeps that for ever, as a
# default argument of its functions, and with it the threads that `_leave` is to end.
import torch.distributed.nn.functional
from torch.nn.parallel import DistributedDataParallel

from rightbatch.data.ragged import rows_in
from rightbatch.errors import ProcessError, SettingError
from rightbatch.learners.torch import TorchLearner, TorchState
from rightbatch.learners.torch_explain import lost
from rightbatch.learners.torch_gradients import buffers_kept
from rightbatch.learners.torch_replica import Replica
from rightbatch.records import Array, Batch, StepResult


class TorchTeam:
    """The processes of one training: all of them call the same in the same order.

    Args:
        learner: this process's.
        rank: number of this process.
        world: processes.
    """

    def __init__(self, learner: TorchLearner, rank: int, world: int) -> None:
        learner.rank = rank
        self._group = Group(learner.device)
        self.steps = Shared(learner, self._group, world)
        self.judge = Divided(learner, self._group, rank, world)

    def clock(self) -> float:
        """Seconds by the clock of the first process."""
        return float(self.agreed(time.perf_counter()))

    def agreed(self, value: Any) -> Any:
        """The value that the first process gives."""
        return self._group.first(value)

    def settle(self, state: TorchState) -> None:
        """Give all processes the buffers of the first, such as running means; parameters are the same."""
        self._group.spread_buffers(state)
        for replica in _replicas(state):
            replica.runs = replica.module


class Group:
    """What processes exchange, on the device that they train on.

    PyTorch's process group is used where there is one, and made where there is none.

    Args:
        device: the CPU, where gloo carries it; or a GPU, where nccl does.
    """

    def __init__(self, device: torch.device) -> None:
        self._device = device
        if device.type == "cuda":
            torch.cuda.set_device(device)
        if not dist.is_initialized():
            with lost_is_said():
                dist.init_process_group("nccl" if device.type == "cuda" else "gloo")
            atexit.register(_leave)

    def sums(self, *values: float) -> list[float]:
        """Each added up over the processes; the same bits in all of them."""
        carried = torch.tensor(values, dtype=torch.float64, device=self._device)
        with lost_is_said():
            dist.all_reduce(carried)
        return [float(value) for value in carried.tolist()]

    def gathered(self, values: Array) -> list[Array]:
        """The arrays of all processes, of the same shape each."""
        own = torch.from_numpy(np.ascontiguousarray(values)).to(self._device)
        found = [torch.empty_like(own) for _ in range(dist.get_world_size())]
        with lost_is_said():
            dist.all_gather(found, own)
        return [tensor.cpu().numpy() for tensor in found]

    def first(self, value: Any) -> Any:
        """What the first process has."""
        carried = [value]
        with lost_is_said():
            dist.broadcast_object_list(carried, src=0, device=self._device)
        return carried[0]

    def spread_buffers(self, state: TorchState) -> None:
        """Copy the buffers of the first process to all."""
        with lost_is_said():
            for buffer in state.one().buffers():
                dist.broadcast(buffer, src=0)


class Shared:
    """A learner whose steps are those of the rows of all processes; one replica alone.

    It gives its steps in halves, as `GivesHalves` says, of all processes' rows too.

    Args:
        learner: this process's.
        group: the processes.
        world: how many there are.
    """

    def __init__(self, learner: TorchLearner, group: Group, world: int) -> None:
        self._learner, self._group, self._world = learner, group, world
        # Gradients are the same in all processes, so that each does the same with them.
        self.norms, self.shrink = learner.norms, learner.shrink
        self.decay, self.move = learner.decay, learner.move

    def step(self, state: TorchState, batch: Batch, lr: Array) -> tuple[TorchState, StepResult]:
        """One update with the rows of all processes."""
        loss = self.slope(state, batch)
        self._learner.move(state, lr)
        return state, StepResult(loss)

    def mass(self, batch: Batch) -> float:
        """What the rows of all processes count in a mean over more."""
        return self._whole(batch, self._counted(batch)[1])

    def slope(self, state: TorchState, batch: Batch, *, share: float = 1.0, add: bool = False) -> Array:
        """Mean loss of the rows of all processes; `share` times its gradient is in the state then."""
        rows, mass = self._counted(batch)
        whole = self._whole(batch, mass)
        part = mass / whole if whole else float("nan")  # where nothing counts, there is no mean
        self._connect(state, rows)
        loss = self._learner.slope(state, rows, share=share * part * self._world, add=add)
        for replica in _replicas(state):
            _check_used(replica)
        (total,) = self._group.sums(part * float(loss[0]) if part else 0.0)
        return np.array([total], np.float32)

    @contextmanager
    def holding(self, state: TorchState) -> Iterator[None]:
        """Gradients of slopes inside stay here; the next slope outside exchanges them with its own."""
        with ExitStack() as held:
            for replica in _replicas(state):
                if isinstance(replica.runs, DistributedDataParallel):
                    held.enter_context(replica.runs.no_sync())
            yield

    def _whole(self, batch: Batch, mass: float) -> float:
        """What the batch counts in all processes: the loader knows, unless the loss weights its classes."""
        if batch.whole is not None and not self._learner.weighs:
            return float(batch.whole)
        return self._group.sums(mass)[0]

    def _counted(self, batch: Batch) -> tuple[Batch, float]:
        """The rows that are no padding, and what they count; where there is none, all, which count 0."""
        if batch.weight is None:
            return batch, self._learner.mass(batch)
        real = np.flatnonzero(batch.weight)
        if not len(real):
            return _rows(batch, slice(None)), 0.0
        rows = _rows(batch, slice(None) if len(real) == len(batch.index) else real)
        mass = self._learner.mass(rows)
        if not mass:  # of rows whose class counts nothing there is no mean; with this weight it is 0
            rows.weight = np.zeros(len(real), np.float32)
        return rows, mass

    def _connect(self, state: TorchState, batch: Batch) -> None:
        """Let the gradients of the replica be exchanged from now on."""
        for replica in _replicas(state):
            if replica.runs is not replica.module:
                continue
            with buffers_kept(replica.module):
                self._learner.slope(state, batch)
            unused = sum(parameter.grad is None for parameter in replica.parameters)
            replica.forget()
            (found,) = self._group.sums(unused)
            with lost_is_said():
                replica.runs = DistributedDataParallel(replica.module, find_unused_parameters=found > 0)


class Divided:
    """A learner that evaluates with all processes: each predicts a part of the rows, all get the whole.

    Every row is predicted once and counts once, as metrics are taken of the whole.

    Args:
        learner: this process's.
        group: the processes.
        rank: number of this process.
        world: how many there are.
    """

    def __init__(self, learner: TorchLearner, group: Group, rank: int, world: int) -> None:
        self._learner, self._group, self._rank, self._world = learner, group, rank, world
        self.losses = learner.losses

    def predict(self, state: TorchState, x: Array) -> Array:
        """Raw outputs of all rows, `(1, rows, outputs)`."""
        self._group.spread_buffers(state)
        own = self._learner.predict(state, rows_in(x, part_of(len(x), self._rank, self._world)))
        found = self._group.gathered(own)
        parts = [part[:, fresh_rows(len(x), rank, self._world)] for rank, part in enumerate(found)]
        return np.concatenate(parts, axis=1)


@contextmanager
def lost_is_said() -> Iterator[None]:
    """Where another process has ended meanwhile, a sentence says so."""
    try:
        yield
    except RuntimeError as error:
        sentence = lost(error)
        if sentence is None:
            raise
        raise ProcessError(sentence) from error


def device_of(name: str, local_rank: int) -> str:
    """The device of a process: on GPUs each process has its own.

    Raises:
        ProcessError: all of them are to use the same GPU.

    Example:
        >>> device_of("cpu", 1)
        'cpu'
    """
    if name == "cpu" or (name == "auto" and not torch.cuda.is_available()):
        return "cpu"
    if name.startswith("cuda:"):
        raise ProcessError(f"Every process has a GPU of its own, got device={name!r}; write device='cuda'.")
    return f"cuda:{local_rank}"


def _replicas(state: TorchState) -> list[Replica]:
    return state.body if isinstance(state.body, list) else []


def _check_used(replica: Replica) -> None:
    """Refuse a step without some parameter that others had: the other processes would wait for its gradient.

    Where the first step left one out, PyTorch looks for such parameters in every step.
    """
    runs: Any = replica.runs
    if runs.find_unused_parameters or all(parameter.grad is not None for parameter in replica.parameters):
        return
    named = replica.module.named_parameters()
    unused = [name for name, parameter in named if parameter.requires_grad and parameter.grad is None]
    problem = "must use all of its parameters in every step where several processes train it"
    instead = "freeze those that it leaves out, or add 0 times their sum to its outputs"
    raise SettingError("model", problem, ", ".join(unused[:4]), instead)


def _rows(batch: Batch, which: Any) -> Batch:
    data = tuple(rows_in(field, which) for field in batch.data)
    return Batch(data, batch.index[which], None, batch.epoch, batch.step)


def _start(rows: int, rank: int, size: int) -> int:
    return max(0, min(rank * size, rows - size))


def part_of(rows: int, rank: int, world: int) -> slice:
    """The rows that a process predicts: as many in each, so that the last ones overlap."""
    size = -(-rows // world)
    start = _start(rows, rank, size)
    return slice(start, start + size)


def fresh_rows(rows: int, rank: int, world: int) -> slice:
    """Those of a process's rows that none before it has predicted."""
    size = -(-rows // world)
    return slice(rank * size - _start(rows, rank, size), None)


def _leave() -> None:
    """At the end of the process: threads of gloo that are left running would abort it."""
    if dist.is_initialized():
        gc.collect()
        dist.destroy_process_group()
