"""The mini-batch loop: batches x learner -> a stream of StepEvents."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import numpy as np

from rightbatch.data.loader import Loader
from rightbatch.learners.protocol import Learner, TakesSeveral
from rightbatch.learners.shortage import short_of_memory
from rightbatch.records import Array, Batch, StepEvent
from rightbatch.train.memory import BatchTooLargeError
from rightbatch.train.schedule import Constant, Schedule


def endless(loader: Loader) -> Iterator[Batch]:
    """The batches of one epoch after another, for ever."""
    while True:
        yield from loader.batches()


def train(
    learner: Learner[Any],
    state: Any,
    batches: Iterable[Batch],
    lr: Array,
    *,
    schedule: Schedule | None = None,
    step: int = 0,
    samples: int = 0,
) -> Iterator[StepEvent]:
    """One `StepEvent` a batch, until the batches end or the caller stops listening.

    A caller that stops may go on later with other replicas on the same iterator of batches, as
    the study does when it drops hopeless learning rates.

    Args:
        learner: what learns.
        state: its replicas; their memory is reused.
        batches: the batches, such as `endless(loader)`.
        lr: learning rate of each replica, shape `(replicas,)`.
        schedule: factor of each step on the learning rates; none: constant.
        step: steps done before.
        samples: samples seen before; padding, rows of weight 0, is not counted.

    Yields:
        The event of each step, just done.

    Raises:
        BatchTooLargeError: a step needed more memory than there is.

    Example:
        >>> from rightbatch.learners.linear import LinearRegression
        >>> from rightbatch.learners.updates import SGD
        >>> from rightbatch.records import Shape
        >>> learner = LinearRegression().build(Shape(features=1, outputs=1, task="regression"), SGD())
        >>> x = np.array([[-1.0], [1.0]])
        >>> batches = endless(Loader((x, 3 * x), batch_size=2))
        >>> for event in train(learner, learner.start([0]), batches, np.array([0.5])):
        ...     print(event.step, event.result.loss)
        ...     if event.step == 2:
        ...         break
        1 [9.]
        2 [0.]
    """
    base = rate = np.asarray(lr, np.float32)
    factor = None if isinstance(schedule, Constant) else schedule
    for batch in batches:
        if factor is not None:
            rate = np.multiply(base, factor(step), dtype=np.float32)
        try:
            state, result = learner.step(state, batch, rate)
        except Exception as error:
            if not short_of_memory(error):
                raise
            raise BatchTooLargeError(state, batch, step) from error
        step += 1
        samples += _samples(batch)
        yield StepEvent(state, result, batch, step, samples, rate)


def train_apart(
    learner: TakesSeveral,
    state: Any,
    batches: Sequence[Iterator[Batch]],
    counts: tuple[int, ...],
    lr: Array,
    *,
    step: int = 0,
) -> Iterator[StepEvent]:
    """One `StepEvent` for a batch of each stream, replicas in groups that have a stream of their own.

    Args:
        learner: what learns.
        state: its replicas, those of the first stream first; their memory is reused.
        batches: a stream for each group; all batches have as many rows, and no weights.
        counts: replicas of each group.
        lr: learning rate of each replica, shape `(replicas,)`.
        step: steps done before.

    Yields:
        The event of each step, just done, with the batch and the samples of the first group.

    Raises:
        BatchTooLargeError: a step needed more memory than there is.
    """
    rate = np.asarray(lr, np.float32)
    samples = 0
    for several in zip(*batches, strict=False):
        try:
            state, result = learner.step_apart(state, several, counts, rate)
        except Exception as error:
            if not short_of_memory(error):
                raise
            raise BatchTooLargeError(state, several[0], step) from error
        step += 1
        samples += _samples(several[0])
        yield StepEvent(state, result, several[0], step, samples, rate)


def _samples(batch: Batch) -> int:
    """Of the batch, those of all processes that share it."""
    if batch.whole is not None:
        return batch.whole
    return len(batch.index) if batch.weight is None else int(np.count_nonzero(batch.weight))
