"""Does the batch size change how well the model generalises? Validation less training loss, seed by seed.

Batch sizes are compared twice: where each reached the target, and where each has seen as many examples.
A comparison at equal epochs alone would blame large batches for their fewer steps (Hoffer et al. 2017).
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import groupby, islice
from typing import Any

import numpy as np

from rightbatch import units
from rightbatch.learners.metrics import evaluate
from rightbatch.records import StepEvent
from rightbatch.stats.equivalence import DIFFERS, SAME, equivalence
from rightbatch.study.ahead import Ahead
from rightbatch.study.problem import Problem
from rightbatch.study.subject import Run
from rightbatch.train.loop import endless, train, train_apart
from rightbatch.train.memory import BatchTooLargeError

MARGIN = 0.05
"""A difference of less than this share of the validation loss does not matter."""

AT_TARGET, AT_EXAMPLES = "at_target", "at_examples"

_MOMENTS = {AT_TARGET: "At the target", AT_EXAMPLES: "After as many examples"}
_GAPS = {AT_TARGET: "the gap between validation and training loss", AT_EXAMPLES: "the gap"}
"""In full where it is named first."""

_TOGETHER = 4
"""Runs trained side by side at most: more hardly gain, and two processes that share a cache lose by it."""

_ROWS = 10_000
"""Of the training part, on which its loss is measured: the loss of so many is known to a per cent."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Losses:
    """Training and validation loss of one run at both moments."""

    batch_size: int
    seed: int
    at_target: tuple[float, float]
    at_examples: tuple[float, float]


def measure(
    problem: Problem, runs: Sequence[Run], examples: float, *, ahead: Ahead, deadline: float
) -> list[Losses]:
    """Train runs again, and evaluate both parts at the target and after so many examples.

    Args:
        problem: what is trained.
        runs: of several batch sizes and the same seeds, size after size; all reached the target.
        examples: seen by each at the second moment.
        ahead: makes several at once.
        deadline: `time.perf_counter()` after which no more are begun.

    Raises:
        DeadlineError: the deadline passed.
    """
    works = [partial(_losses, runs=stack, examples=examples) for stack in _stacks(problem, runs)]
    return [losses for made in ahead.each(problem, works, deadline=deadline) for losses in made]


def _stacks(problem: Problem, runs: Sequence[Run]) -> Iterator[Sequence[Run]]:
    """Runs of one batch size that are trained side by side; one by one where the learner cannot."""
    most = _TOGETHER if problem.stacks else 1
    for _, same in groupby(runs, key=lambda run: run.batch_size):
        while stack := list(islice(same, most)):
            yield stack


def _losses(problem: Problem, runs: Sequence[Run], examples: float) -> list[Losses]:
    """The losses of runs trained side by side, or one after the other where that does not fit in memory."""
    try:
        return _side_by_side(problem, runs, examples)
    except (BatchTooLargeError, MemoryError):
        if len(runs) == 1:
            raise
        return [losses for run in runs for losses in _losses(problem, [run], examples)]


def _side_by_side(problem: Problem, runs: Sequence[Run], examples: float) -> list[Losses]:
    size = runs[0].batch_size
    moments = [
        {
            AT_TARGET: max(1, math.ceil(run.steps_to_target or 0)),
            AT_EXAMPLES: max(1, round(examples / size)),
        }
        for run in runs
    ]
    last = max(step for steps in moments for step in steps.values())
    seen: list[dict[str, tuple[float, float]]] = [{} for _ in runs]
    for event in islice(_trained(problem, runs), last):
        due = [(k, name) for k, steps in enumerate(moments) for name in steps if steps[name] == event.step]
        losses = _both(problem, event.state) if due else []
        for k, name in due:
            seen[k][name] = losses[k]
    return [Losses(batch_size=size, seed=run.seed, **when) for run, when in zip(runs, seen, strict=True)]


def _trained(problem: Problem, runs: Sequence[Run]) -> Iterator[StepEvent]:
    """The steps of these runs, each with the batches of its seed."""
    streams = [endless(problem.loader(run.batch_size, run.seed)) for run in runs]
    state, lr = problem.learner.start([run.seed for run in runs]), np.array([run.lr for run in runs])
    if len(runs) == 1:
        return train(problem.learner, state, streams[0], lr)
    learner: Any = problem.learner
    return train_apart(learner, state, streams, (1,) * len(runs), lr)


def _both(problem: Problem, state: Any) -> list[tuple[float, float]]:
    """Training and validation loss of every replica."""
    x, y = problem.train
    parts = (x[:_ROWS], y[:_ROWS]), problem.validation
    training, validation = (evaluate(problem.learner, state, part, ["loss"])["loss"] for part in parts)
    return list(zip(training.tolist(), validation.tolist(), strict=True))


def compared(found: Sequence[Mapping[str, Any]], best: int) -> dict[str, Any] | None:
    """Every size against the recommended one, for the document; `None`: there is nothing to compare.

    Args:
        found: `Losses` as JSON holds them.
        best: the recommended size.
    """
    sizes = sorted({row["batch_size"] for row in found})
    if best not in sizes or len(sizes) < 2:
        return None
    loss = float(np.mean([row[AT_TARGET][1] for row in found if row["batch_size"] == best]))
    margin = MARGIN * abs(loss) or MARGIN
    rows = [
        {
            "batch_size": size,
            **{when: _row(found, size, best, when, margin) for when in (AT_TARGET, AT_EXAMPLES)},
        }
        for size in sizes
    ]
    return {
        "against": best,
        "margin": margin,
        "batch_sizes": rows,
        "sentence": _sentence(rows, best, margin, AT_TARGET),
        "sentence_at_examples": _sentence(rows, best, margin, AT_EXAMPLES),
    }


def _row(
    found: Sequence[Mapping[str, Any]], size: int, best: int, when: str, margin: float
) -> dict[str, Any]:
    gaps = {
        (row["batch_size"], row["seed"]): row[when][1] - row[when][0]
        for row in found
        if math.isfinite(sum(row[when]))
    }
    seeds = sorted({seed for _, seed in gaps})
    mine, other = ([gaps.get((which, seed), math.nan) for seed in seeds] for which in (size, best))
    result = equivalence(mine, other, margin)
    known = size != best and math.isfinite(result.low)
    return {
        "gap": float(np.nanmean(mine)) if gaps.keys() & {(size, seed) for seed in seeds} else None,
        "difference": result.difference if result.pairs else None,
        "interval": [float(result.low), float(result.high)] if known else None,
        "verdict": "" if size == best else result.verdict,
    }


def _sentence(rows: Sequence[Mapping[str, Any]], best: int, margin: float, when: str) -> str:
    """What of "small batches generalise better" is true here."""
    others = [row for row in rows if row["batch_size"] != best]
    differ = [row["batch_size"] for row in others if row[when]["verdict"] == DIFFERS]
    same = [row["batch_size"] for row in others if row[when]["verdict"] == SAME]
    said = []
    if same:
        sizes = units.listed([f"{size:,}" for size in same])
        said.append(f"{_GAPS[when]} is that of batch size {best:,} at {sizes}")
    if differ:
        gaps = [
            f"{row[when]['difference']:+.2g} at {row['batch_size']:,}"
            for row in others
            if row["batch_size"] in differ
        ]
        said.append(f"it differs from that of {best:,} by {units.listed(gaps)}")
    if len(same) + len(differ) < len(others):
        said.append("the runs are too few to tell" + (" of the others" if said else ""))
    return f"{_MOMENTS[when]}, within {margin:.2g}: {'; '.join(said)}."
