"""The engine of the built-in learners: a fully connected network, K replicas in one pass."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from rightbatch import units
from rightbatch.learners.layout import Block, blocks_of
from rightbatch.learners.losses import Loss
from rightbatch.learners.passes import Activation, Pass
from rightbatch.learners.shortage import ModelTooLargeError, short_of_memory
from rightbatch.learners.updates import Optimizer
from rightbatch.records import Array, Batch, StepResult
from rightbatch.rng import generator

_KEPT_PASSES = 4
"""Batch sizes whose buffers are kept: the batch, the shorter last one, and two of evaluation."""

_ROWS_BYTES = 4 << 20
"""Evaluation goes over rows in pieces whose widest layer takes about this much, to stay in cache."""

Initialiser = Callable[[np.random.Generator, int, int, bool], Array]
"""(generator, inputs, units, is the output layer) -> weights `(inputs, units)`."""


@dataclass(slots=True)
class NetworkState:
    """Parameters and optimizer memory of K replicas, and the buffers to work in."""

    blocks: tuple[Block, ...]
    parameters: Array
    """All parameters of all replicas, float32, flat; `blocks` says what lies where."""
    slots: tuple[Array, ...]
    replicas: int
    steps: int = 0
    gradient: Array = field(init=False)
    scratch: Array = field(init=False)
    passes: dict[tuple[int, tuple[int, ...]], Pass] = field(init=False, default_factory=dict)
    """By the rows of a batch, and how many replicas share each batch."""
    rates: tuple[bytes, Array] | None = field(init=False, default=None)
    """The bytes of the last learning rates, and the one of every parameter, flat."""

    def __post_init__(self) -> None:
        self.gradient = np.empty_like(self.parameters)
        self.scratch = np.empty_like(self.parameters)

    def __reduce__(self) -> tuple[Any, ...]:
        # The views in `passes` would come apart from the parameters when copied or pickled.
        values = self.blocks, self.parameters, self.slots, self.replicas, self.steps
        return type(self), values


@dataclass(frozen=True, slots=True, kw_only=True)
class Network:
    """A learner: layers of the given sizes, one activation, one loss, one update rule.

    Args:
        sizes: units of every layer, the input first, the output last; two sizes make a linear model.
        activation: of the hidden layers.
        loss: of the outputs.
        optimizer: the update rule.
        l2: penalty ½ l2 Σ w² over the weights (biases are free); its gradient is added, the
            reported loss is that of the data alone.
        initialise: draws the starting weights; biases start at 0.
    """

    sizes: tuple[int, ...]
    activation: Activation
    loss: Loss
    optimizer: Optimizer
    l2: float
    initialise: Initialiser

    @property
    def takes_several(self) -> bool:
        """Replicas may have batches of their own."""
        return True

    def start(self, seeds: Sequence[int]) -> NetworkState:
        """Fresh replicas, one a seed; equal seeds give equal parameters.

        Raises:
            ModelTooLargeError: they do not fit in memory.
        """
        try:
            return self._started(seeds)
        except (MemoryError, ValueError) as error:
            if not short_of_memory(error):
                raise
            named = units.listed([f"{size:,}" for size in self.sizes])
            raise ModelTooLargeError(f"a network of {named} units") from error

    def _started(self, seeds: Sequence[int]) -> NetworkState:
        blocks = blocks_of(self.sizes, len(seeds))
        flat = np.zeros(blocks[-1].stop, np.float32)
        drawn = {seed: self._weights(seed) for seed in seeds}
        for layer, block in enumerate(blocks[::2]):
            block.by_replica(flat)[:] = np.stack([drawn[seed][layer] for seed in seeds])
        slots = tuple(np.zeros_like(flat) for _ in range(self.optimizer.slots))
        return NetworkState(blocks, flat, slots, len(seeds))

    def step(self, state: NetworkState, batch: Batch, lr: Array) -> tuple[NetworkState, StepResult]:
        """One update of every replica, each with its own learning rate."""
        with np.errstate(all="ignore"):  # a diverging replica overflows, and its loss says so
            loss, _ = self._back(state, batch, _shares(batch))
            self._update(state, lr)
        return state, StepResult(loss)

    def step_apart(
        self, state: NetworkState, batches: Sequence[Batch], counts: tuple[int, ...], lr: Array
    ) -> tuple[NetworkState, StepResult]:
        """One update of every replica, so many with each batch, all of as many rows and without weights."""
        with np.errstate(all="ignore"):  # as in `step`
            work = self._pass(state, len(batches[0].index), counts)
            work.forward(*[_matrix(batch.data[0]) for batch in batches])
            targets = work.each([self.loss.targets(batch.data[1]) for batch in batches])
            loss = self._slope(state, work, targets, work.even)
            self._update(state, lr)
        return state, StepResult(loss)

    def select(self, state: NetworkState, keep: Sequence[int]) -> NetworkState:
        """A copy that holds the named replicas, in the order given."""
        blocks = blocks_of(self.sizes, len(keep))
        chosen = [_chosen(flat, state.blocks, blocks, keep) for flat in (state.parameters, *state.slots)]
        return NetworkState(blocks, chosen[0], tuple(chosen[1:]), len(keep), state.steps)

    def predict(self, state: NetworkState, x: Array) -> Array:
        """Raw outputs, float32, shape `(replicas, rows, outputs)`."""
        x = _matrix(x)
        outputs = np.empty((self.sizes[-1], state.replicas, len(x)), np.float32)
        piece = max(64, _ROWS_BYTES // (4 * state.replicas * max(self.sizes[1:])))
        with np.errstate(all="ignore"):
            for start in range(0, len(x), piece):
                rows = x[start : start + piece]
                work = self._pass(state, len(rows))
                work.forward(rows)
                outputs[:, :, start : start + piece] = work.outputs
        return outputs.transpose(1, 2, 0)

    def losses(self, outputs: Array, y: Array) -> Array:
        """Loss of every row, shape `(replicas, rows)`."""
        with np.errstate(all="ignore"):
            return self.loss.values(outputs.transpose(2, 0, 1), y)

    def parameters(self, state: NetworkState) -> dict[str, Array]:
        """The parameters by name, views: weights `(replicas, inputs, units)`, biases `(replicas, units)`."""
        return {block.name: block.by_replica(state.parameters) for block in state.blocks}

    def gradient(self, state: NetworkState, batch: Batch) -> Array:
        """Gradient of the batch's mean loss, the penalty in it, `(replicas, parameters)`; no step is made."""
        with np.errstate(all="ignore"):  # as in `step`
            self._back(state, batch, _shares(batch))
        return _by_replica(state.gradient, state)

    def gradient_and_norms(self, state: NetworkState, batch: Batch) -> tuple[Array, Array]:
        """The gradient, and |g|² of every row alone, `(replicas, rows)`, the penalty in both."""
        norms = np.zeros((state.replicas, len(batch.index)), np.float32)
        with np.errstate(all="ignore"):  # as in `step`
            _, work = self._back(state, batch, None)
            gradient = _by_replica(state.gradient, state)
            for block, (a, mean_slope) in zip(state.blocks[::2], work.factors(), strict=True):
                slope = mean_slope * np.float32(len(batch.index))
                norms += (np.vecdot(a, a) + 1) * np.vecdot(slope, slope)
                if self.l2:
                    penalty = np.float32(self.l2) * block.by_replica(state.parameters)
                    norms += (
                        2 * np.vecdot(a @ penalty, slope) + np.vecdot(penalty, penalty).sum(axis=1)[:, None]
                    )
        return gradient, norms

    def mass(self, batch: Batch) -> float:
        """What the batch counts in a mean over more rows: their number, or the sum of their weights."""
        return float(len(batch.index) if batch.weight is None else batch.weight.sum(dtype=np.float64))

    def slope(self, state: NetworkState, batch: Batch, *, share: float = 1.0, add: bool = False) -> Array:
        """Mean loss of the batch, `(replicas,)`; `share` times its gradient lies in the state then."""
        before = state.gradient.copy() if add else None
        with np.errstate(all="ignore"):  # as in `step`
            loss, _ = self._back(state, batch, _shares(batch))
            if share != 1:
                np.multiply(state.gradient, np.float32(share), out=state.gradient)
            if before is not None:
                np.add(state.gradient, before, out=state.gradient)
        return loss

    def norms(self, state: NetworkState) -> Array:
        """Euclidean norm of the gradient that lies in the state, float64 `(replicas,)`."""
        if state.replicas == 1:
            flat = state.gradient[None]
            with np.errstate(all="ignore"):  # as in `step`
                return np.sqrt(np.vecdot(flat, flat), dtype=np.float64)
        parts = (block.by_replica(state.gradient).reshape(state.replicas, -1) for block in state.blocks)
        with np.errstate(all="ignore"):  # as in `step`
            return np.sqrt(np.sum([np.vecdot(part, part) for part in parts], axis=0, dtype=np.float64))

    def shrink(self, state: NetworkState, factor: Array) -> None:
        """Multiply the gradient of every replica by its factor, `(replicas,)`."""
        with np.errstate(all="ignore"):  # as in `step`
            for block in state.blocks:
                view = block.by_replica(state.gradient)
                view *= factor.astype(np.float32).reshape(-1, *(1,) * (view.ndim - 1))

    def decay(self, state: NetworkState, rate: float) -> None:
        """Add rate times the parameters, biases too, to the gradient."""
        with np.errstate(all="ignore"):  # as in `step`
            np.multiply(state.parameters, np.float32(rate), out=state.scratch)
            np.add(state.gradient, state.scratch, out=state.gradient)

    def move(self, state: NetworkState, lr: Array) -> None:
        """Update every replica with the gradient that lies in the state."""
        with np.errstate(all="ignore"):  # as in `step`
            self._update(state, lr)

    def state_dict(self, state: NetworkState, copy: Callable[[Array], Array] = np.array) -> dict[str, Any]:
        """Parameters, optimizer memory and steps, copied."""
        named = {block.name: copy(block.by_replica(state.parameters)) for block in state.blocks}
        slots = [copy(slot) for slot in state.slots]
        return {"parameters": named, "slots": slots, "steps": state.steps}

    def load_state_dict(self, state: NetworkState, kept: Mapping[str, Any]) -> None:
        """Let the state go on from there."""
        for block in state.blocks:
            block.by_replica(state.parameters)[:] = kept["parameters"][block.name]
        for slot, values in zip(state.slots, kept["slots"], strict=True):
            slot[:] = values
        state.steps = kept["steps"]

    def trained(self, state: NetworkState) -> dict[str, Array]:
        """The parameters by name, views."""
        return self.parameters(state)

    def shifted(self, state: NetworkState, direction: Array) -> NetworkState:
        """A copy whose parameters, in the order of `gradient`, are moved by `(replicas, parameters)`."""
        moved = self.select(state, range(state.replicas))
        start = 0
        for block in moved.blocks:
            view = block.by_replica(moved.parameters)
            stop = start + view[0].size
            view += direction[:, start:stop].reshape(view.shape).astype(np.float32)
            start = stop
        return moved

    def _weights(self, seed: int) -> list[Array]:
        rng = generator("start", int(seed))
        last = len(self.sizes) - 2
        pairs = zip(self.sizes[:-1], self.sizes[1:], strict=True)
        return [self.initialise(rng, n, units, layer == last) for layer, (n, units) in enumerate(pairs)]

    def _back(self, state: NetworkState, batch: Batch, share: Array | None) -> tuple[Array, Pass]:
        """One pass forwards and backwards; the state's gradient holds that of the mean loss and penalty."""
        x, y = batch.data
        work = self._pass(state, len(x))
        work.forward(_matrix(x))
        even = work.even if share is None else share
        return self._slope(state, work, self.loss.targets(y), even), work

    def _slope(self, state: NetworkState, work: Pass, targets: Array, share: Array) -> Array:
        """Mean loss of every replica after the pass forwards; the gradient is in the state then."""
        loss = self.loss.to_gradient(work.outputs, targets, share)
        work.backward()
        if self.l2:
            self._add_penalty(state)
        return loss

    def _update(self, state: NetworkState, lr: Array) -> None:
        state.steps += 1
        direction = self.optimizer.direction(state.gradient, state.slots, state.steps, state.scratch)
        _move(state, direction, lr)

    def _pass(self, state: NetworkState, rows: int, counts: tuple[int, ...] = ()) -> Pass:
        """The buffers for so many rows; all replicas share one batch where `counts` is empty."""
        work = state.passes.get((rows, counts))
        if work is None:
            if len(state.passes) >= _KEPT_PASSES:
                state.passes.pop(next(iter(state.passes)))
            work = Pass(
                self.sizes,
                state.blocks,
                rows,
                parameters=state.parameters,
                gradient=state.gradient,
                activation=self.activation,
                counts=counts or (state.replicas,),
            )
            state.passes[rows, counts] = work
        return work

    def _add_penalty(self, state: NetworkState) -> None:
        for block in state.blocks[::2]:
            part = slice(block.start, block.stop)
            np.multiply(state.parameters[part], np.float32(self.l2), out=state.scratch[part])
            np.add(state.gradient[part], state.scratch[part], out=state.gradient[part])


def _shares(batch: Batch) -> Array | None:
    """Share of each row in the mean; `None`: all the same."""
    return None if batch.weight is None else batch.weight / np.add.reduce(batch.weight)


def _move(state: NetworkState, direction: Array, lr: Array) -> None:
    """Parameters minus learning rate times direction, each replica with its own rate."""
    rate = lr[0] if state.replicas == 1 else _rates(state, lr)
    # The gradient has done its work, and a product into memory just read costs half as much.
    np.multiply(direction, rate, out=state.gradient)
    np.subtract(state.parameters, state.gradient, out=state.parameters)


def _rates(state: NetworkState, lr: Array) -> Array:
    """The learning rate of every parameter, made anew only when the rates have changed."""
    known = lr.tobytes()  # compared in a twentieth of the time that `np.array_equal` takes
    if state.rates is None or state.rates[0] != known:
        flat = np.empty_like(state.parameters)
        for block in state.blocks:
            block.by_replica(flat).T[:] = lr
        state.rates = known, flat
    return state.rates[1]


def _chosen(flat: Array, old: tuple[Block, ...], new: tuple[Block, ...], keep: Sequence[int]) -> Array:
    copy = np.empty(new[-1].stop, np.float32)
    for source, target in zip(old, new, strict=True):
        target.by_replica(copy)[:] = source.by_replica(flat)[list(keep)]
    return copy


def _by_replica(flat: Array, state: NetworkState) -> Array:
    """A flat array as one row a replica, `(replicas, parameters)`, block after block."""
    parts = [block.by_replica(flat).reshape(state.replicas, -1) for block in state.blocks]
    return np.concatenate(parts, axis=1)


def _matrix(x: Array) -> Array:
    x = x if x.ndim == 2 else x.reshape(len(x), -1)
    return x if x.dtype == np.float32 else x.astype(np.float32)
