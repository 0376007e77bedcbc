"""The noise scale along one tuned run, as a first guess at the critical batch size."""

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from itertools import islice
from typing import Any

import numpy as np

from rightbatch.errors import RightbatchError
from rightbatch.measure.moments import Moments, from_examples, from_parts
from rightbatch.measure.noise import NoiseSums, NoiseTracker
from rightbatch.records import Batch
from rightbatch.rng import generator
from rightbatch.stats.noise import NoiseScale, noise_scale
from rightbatch.study.problem import Problem
from rightbatch.study.store import Store
from rightbatch.study.subject import Run, Subject
from rightbatch.train.loop import endless, train

_ROWS = 256
"""Of one of the two batches of a measurement; or half of all rows, where there are fewer."""

_MEASUREMENTS = 32
"""Over the run: 64 batches of 256 rows take less than the search for the learning rate took."""

_STRETCHES = 4
"""The scale grows over a run, so that it is estimated for each quarter of the steps."""

_PARTS = 4
"""Micro-batches of a measurement, where rows have no gradient of their own."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunNoise:
    """B_simple along a run, in examples, weighted as the steps of a large batch would be."""

    value: float
    low: float
    high: float
    """Infinite: "at least" `low`."""
    batch_size: int
    """Of the run."""
    cost: float
    """Seconds of measuring over seconds of training."""
    quarters: Sequence[Sequence[float]] = ()
    """Of each quarter of the steps: its last step, the scale in it, and the ends of its 95 % interval."""


def noise_along(subject: Subject, run: Run) -> RunNoise | None:
    """Train a run again, and measure the noise scale on the way.

    A step at B makes 1/(1 + b/B) of the progress of one with all of the gradient (McCandlish et al.
    2018, eq. 2.7), and B_crit is the mean of the scale b over that progress (their appendix D).

    Args:
        subject: what is trained.
        run: one that reached the target.

    Returns:
        `None`: the subject gives no gradients, or the run did not arrive.
    """
    if not isinstance(subject, Problem) or run.steps_to_target is None:
        return None
    steps = max(math.ceil(run.steps_to_target), _STRETCHES)
    for measure in _ways(subject.learner):
        try:
            sums, cost = _followed(subject, run, steps, measure)
        except RightbatchError:  # a learner may have gradients and refuse them, as with batch normalisation
            continue
        return _mean(sums, run.batch_size, subject.samples, steps, cost)
    return None


def noise_once(store: Store, subject: Subject, run: Callable[[], Run]) -> RunNoise | None:
    """`noise_along` a run, measured once for a study: what its store knows is not measured again."""
    if store.fact("noise") is None:
        noise = noise_along(subject, run())
        store.put(noise={} if noise is None else asdict(noise))
    known = store.fact("noise")
    return RunNoise(**known) if known else None


def _ways(learner: Any) -> Iterator[Callable[[Any, Batch], Moments]]:
    """Ways to measure, the surest first."""
    if hasattr(learner, "gradient_and_norms"):
        yield partial(from_examples, learner)
    if hasattr(learner, "gradient"):
        yield partial(from_parts, learner, parts=_PARTS)


def _followed(
    problem: Problem, run: Run, steps: int, measure: Callable[[Any, Batch], Moments]
) -> tuple[list[NoiseSums], float]:
    """The sums of every stretch, and what measuring cost."""
    looks = set(np.linspace(1, steps, min(steps, _MEASUREMENTS)).astype(int).tolist())
    ends = set(_ends(steps))
    other = int(generator("noise batches", run.seed).integers(2**32))
    tracker = NoiseTracker(
        measure,
        endless(problem.loader(min(_ROWS, max(problem.samples // 2, 1)), other)),
        when=looks.__contains__,
    )
    state = problem.learner.start([run.seed])
    batches = endless(problem.loader(run.batch_size, run.seed))
    events = tracker.follow(train(problem.learner, state, batches, np.full(1, run.lr, np.float32)))
    sums = [tracker.cut() for event in islice(events, steps) if event.step in ends]
    return sums, tracker.cost


def _ends(steps: int) -> list[int]:
    """The last step of every stretch."""
    ends: list[int] = np.linspace(0, steps, _STRETCHES + 1)[1:].astype(int).tolist()
    return ends


def _mean(sums: list[NoiseSums], batch_size: int, rows: int, steps: int, cost: float) -> RunNoise | None:
    whole = sums[0]
    for part in sums[1:]:
        whole += part
    # after the first pass the parameters depend on these rows, and theirs is the gradient followed
    data_rows = rows if steps * batch_size > rows else None
    found = [_scale(part, data_rows) for part in sums]
    pooled = _scale(whole, data_rows)

    def mean(name: str) -> float:
        """Of one of the scale's numbers; a stretch too noisy to tell counts as the whole run."""
        values = np.array([getattr(scale, name)[0] for scale in found])
        values = np.where(np.isfinite(values), values, getattr(pooled, name)[0])
        if not np.isfinite(values).all():
            return math.inf
        progress = 1 / (1 + values / batch_size)
        return float((values * progress).sum() / progress.sum())

    value, low, high = mean("value"), mean("lower"), mean("upper")
    if not 0 < value < math.inf:
        return None
    ends = {"low": min(low, value), "high": max(high, value)}
    quarters = [
        [end, *(float(getattr(scale, name)[0]) for name in ("value", "lower", "upper"))]
        for end, scale in zip(_ends(steps), found, strict=True)
    ]
    return RunNoise(value=value, **ends, batch_size=batch_size, cost=cost, quarters=quarters)


def _scale(sums: NoiseSums, data_rows: int | None) -> NoiseScale:
    return noise_scale(sums.means, sums.mean_deviations, data_rows=data_rows, rows_each=sums.rows_each)
