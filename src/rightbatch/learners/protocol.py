"""What learns: the contract between a model, the training loop and the study."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol, TypeVar

import numpy as np

from rightbatch.records import Array, Batch, Shape, StepResult

State = TypeVar("State")


class Learner(Protocol[State]):
    """K replicas of one model, trained side by side on the same batches.

    Replicas share the batch and nothing else: each has its own parameters, learning rate and
    optimizer memory. A single training is K = 1. A state is a value: `select` forks a run, and
    `step` may reuse the memory of the state it is given.
    """

    def start(self, seeds: Sequence[int]) -> State:
        """Fresh replicas, one a seed; equal seeds give equal parameters."""
        ...

    def step(self, state: State, batch: Batch, lr: Array) -> tuple[State, StepResult]:
        """One update of every replica, each with its own learning rate, float32 `(replicas,)`."""
        ...

    def select(self, state: State, keep: Sequence[int]) -> State:
        """A copy that holds the named replicas, in the order given; repeats are allowed."""
        ...

    def predict(self, state: State, x: Array) -> Array:
        """Raw outputs (logits or predicted values), float32, shape `(replicas, rows, outputs)`."""
        ...

    def losses(self, outputs: Array, y: Array) -> Array:
        """Loss of every row, float32, shape `(replicas, rows)`, from raw outputs as `predict` gives them."""
        ...


class TakesSeveral(Protocol):
    """Optional for a learner: groups of replicas with batches of their own, so that seeds train together."""

    @property
    def takes_several(self) -> bool:
        """Whether it does, with these settings."""
        ...

    def step_apart(
        self, state: Any, batches: Sequence[Batch], counts: tuple[int, ...], lr: Array
    ) -> tuple[Any, StepResult]:
        """One update of every replica.

        Args:
            state: the replicas, those of the first batch first.
            batches: one a group, all of as many rows, without weights.
            counts: replicas of each group.
            lr: of each replica, float32 `(replicas,)`.
        """
        ...


class GivesHalves(Protocol):
    """Optional for a learner: a step in two halves, so that rules of training can stand between them.

    The gradient lies in the state from `slope` to `move`; a state that was copied or stored has none.
    `slope` and `move` alone are `step`.
    """

    def mass(self, batch: Batch) -> float:
        """What the batch counts in a mean over more rows: their number, or the sum of their weights."""
        ...

    def slope(self, state: Any, batch: Batch, *, share: float = 1.0, add: bool = False) -> Array:
        """Mean loss of the batch, float32 `(replicas,)`; `share` times its gradient lies in the state then.

        Args:
            state: the replicas; their parameters are left as they are.
            batch: the rows.
            share: factor on the gradient; the loss is returned without it.
            add: add it to the gradient that lies there.
        """
        ...

    def norms(self, state: Any) -> Array:
        """Euclidean norm of the gradient that lies in the state, float64 `(replicas,)`."""
        ...

    def shrink(self, state: Any, factor: Array) -> None:
        """Multiply the gradient of every replica by its factor, `(replicas,)`."""
        ...

    def decay(self, state: Any, rate: float) -> None:
        """Add rate times the parameters to the gradient."""
        ...

    def move(self, state: Any, lr: Array) -> None:
        """Update every replica with the gradient that lies in the state."""
        ...


class GivesGradient(Protocol):
    """Optional for a learner: gradients without a step, as the noise scale needs them."""

    def gradient(self, state: Any, batch: Batch) -> Array:
        """Gradient of the batch's mean loss, a new array `(replicas, parameters)`; no step is made."""
        ...


class GivesRowNorms(GivesGradient, Protocol):
    """Optional for a learner: how large every row's own gradient is, in the same pass."""

    def gradient_and_norms(self, state: Any, batch: Batch) -> tuple[Array, Array]:
        """The gradient, and |g|² of the loss of every row alone, `(replicas, rows)`; weights are ignored."""
        ...


class GivesCurvature(GivesGradient, Protocol):
    """Optional for a learner: gradients at parameters moved a little."""

    def parameters(self, state: Any) -> dict[str, Array]:
        """The parameters by name, arrays `(replicas, ...)`."""
        ...

    def shifted(self, state: Any, direction: Array) -> Any:
        """A copy whose parameters, in the order of `gradient`, are moved by `(replicas, parameters)`."""
        ...


class Storable(Protocol):
    """Optional for a learner: its state can be stored, and go on from there."""

    def state_dict(self, state: Any, copy: Callable[[Array], Array] = np.array) -> dict[str, Any]:
        """All that the state is, its arrays copied by `copy`: a tree of them, numbers, strings and `None`."""
        ...

    def load_state_dict(self, state: Any, kept: Mapping[str, Any]) -> None:
        """Let the state, one that this learner began, go on from there; its memory is reused."""
        ...

    def trained(self, state: Any) -> dict[str, Array]:
        """The parameters that steps change, by name, those of the first replica at least; no copies."""
        ...


class Model(Protocol):
    """A model before it has seen data: its settings alone."""

    def build(self, shape: Shape, optimizer: Any) -> Learner[Any]:
        """A learner for data of this shape, updated by this optimizer."""
        ...
