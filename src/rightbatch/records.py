"""The values that travel between the stages; the vocabulary of the package.

What travels once a step is a `NamedTuple` or a plain slotted class: each is made in a fifth of
a microsecond, where a frozen dataclass takes a whole one (docs/decisions/0003).
"""

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, NamedTuple, TypeAlias

from numpy.typing import NDArray

Array: TypeAlias = NDArray[Any]
Tree: TypeAlias = Any
"""One array, or tuples, lists and dicts of trees; all arrays of a tree have the same length."""


@dataclass(slots=True, eq=False)
class Batch:
    """The rows of one update."""

    data: Tree
    """The rows: the same tree as the data set, every array `(rows, ...)`, dtypes unchanged."""
    index: Array
    """Row numbers in the data set, int64, shape `(rows,)`."""
    weight: Array | None
    """Weight of each row in the batch mean, float32, shape `(rows,)`; `None`: all 1; 0: padding."""
    epoch: int
    """Passes over the data completed before this one."""
    step: int
    """Batches of this epoch before this one."""
    whole: int | None = None
    """Samples of the batch in all shards together, padding not counted; `None`: those here are all."""


class StepResult(NamedTuple):
    """What one step of a learner tells about itself."""

    loss: Array
    """Mean loss of the batch *before* the update, per replica, float32, shape `(replicas,)`."""


class StepEvent(NamedTuple):
    """One step of the training loop, just done."""

    state: Any
    """The learner's state after the step; its memory is reused by the next step."""
    result: StepResult
    batch: Batch
    """The batch of the step."""
    step: int
    """Steps done since the start, this one included."""
    samples: int
    """Samples seen since the start."""
    lr: Array
    """Learning rate of the step, per replica, float32, shape `(replicas,)`."""


class Outcome(StrEnum):
    """How a run ended; everything but `REACHED` is a censored run."""

    REACHED = "reached"
    DIVERGED = "diverged"
    HOPELESS = "hopeless"
    OUT_OF_STEPS = "out of steps"
    OUT_OF_MEMORY = "out of memory"


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape:
    """What a model must know of the data before it can start."""

    features: int
    """Columns of the input."""
    outputs: int
    """Classes, or columns of the regression target; 1 for two classes (one logit)."""
    task: str
    """`"regression"` or `"classification"`."""
    row: tuple[int, ...] = field(default=(), repr=False, compare=False)
    """Axes of one row of the input as it was given, such as `(1, 8, 8)`; empty: not known.

    Neither compared nor shown: `features` is all that most models look at.
    """


class Progress(NamedTuple):
    """How far a study is; one for every piece of work done."""

    stage: str
    """What is being done: ``"timing"``, ``"pilot"``, ``"learning rates"``, ``"seeds"`` or ``"fit"``."""
    detail: str
    """Such as ``"batch size 32, seed 2 of 5, 7 learning rates"``."""
    done: int
    """Pieces of work done."""
    total: int
    """Pieces of work foreseen now; may grow when a grid is extended."""
    best: str
    """The best so far in words, such as ``"batch size 32 with learning rate 0.3: 1.9 ms"``; may be empty."""
    elapsed: float
    """Seconds spent, earlier sessions of the same study included."""
    left: float | None
    """Seconds left, by the pace so far; `None` while unknown."""
