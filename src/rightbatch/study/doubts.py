"""What speaks against a study's target, in words: each sentence is computed from the runs."""

import math
from collections.abc import Mapping, Sequence
from statistics import median
from typing import Any

from rightbatch import units
from rightbatch.study.pool import ARRIVES
from rightbatch.study.recommend import Size
from rightbatch.study.subject import Run

_FEW_STEPS = 5
"""Steps to target up to which a size says little: one step more or less is then a fifth of the way."""


def doubts(
    data: Mapping[str, Any], target: Mapping[str, Any], sizes: Sequence[Size], runs: Sequence[Run]
) -> list[str]:
    """What speaks against the target: guessing reaches it, too few runs do, or all do too soon to tell.

    Args:
        data: what the document says of the data.
        target: what it says of the target.
        sizes: what is known of every batch size.
        runs: all of them.
    """
    written = units.target(target["text"])
    guessed, soon = _guessed(data["task"], target, written), _before_reports(sizes, runs, written)
    return [*guessed, *_arrivals(sizes, written), *soon]


def _arrivals(sizes: Sequence[Size], written: str) -> list[str]:
    """That too few runs reach the target, or all so soon that the sizes cannot be told apart."""
    known = [size.estimate if size.choice is None else size.steps for size in sizes]
    most = max((steps for steps in known if steps is not None), default=math.inf)
    soon = f"needs more than {units.plural(math.ceil(most), 'step')}" if most <= _FEW_STEPS else ""
    seldom = _seldom(sizes, written)
    if seldom and soon:
        return [f"{seldom}, and none {soon}; train on more rows, or to another target."]
    if seldom:
        return [f"{seldom}; choose an easier target."]
    if soon:
        return [f"No batch size {soon} to {written}, too few to tell them apart; choose a harder target."]
    return []


def _seldom(sizes: Sequence[Size], written: str) -> str:
    """That at every batch size more runs miss the target than may where one is recommended."""
    reached = [
        (size.share_reached, size.batch_size, size.choice) for size in sizes if size.choice is not None
    ]
    if not reached or not all(choice.fails for _, _, choice in reached):
        return ""
    _, size, choice = max(reached, key=lambda known: known[:2])
    least = f"{choice.seeds - choice.reached} of {choice.seeds} at {size:,}, the most reliable"
    return f"At every batch size more than {units.percent(1 - ARRIVES)} of the runs miss {written} ({least})"


def _guessed(task: str, target: Mapping[str, Any], written: str) -> list[str]:
    """That the target is worse than a guess that is the same for every row, where that is known."""
    baseline, metric = target.get("baseline"), target["metric"]
    if baseline is None:
        return []
    short = baseline - target["value"] if ">=" in target["text"] else target["value"] - baseline
    if short <= 0:
        return []
    same = "the mean of the label" if task == "regression" else "the shares of the classes"
    way_out = "check that the label can be told from the features, or choose a harder target"
    guessed = f"to guess {same} for every row gives {metric} {baseline:.4g}"
    return [f"The target {written} is worse than guessing: {guessed}; {way_out}."]


def _before_reports(sizes: Sequence[Size], runs: Sequence[Run], written: str) -> list[str]:
    """That most runs of a size are there as soon as it can be told, with no evaluation long before."""
    soon = [size for size in sizes if size.choice is not None and _too_seldom(size, runs)]
    if not soon:
        return []
    where = f"batch size{'s' * (len(soon) > 1)} {units.listed([f'{size.batch_size:,}' for size in soon])}"
    but = "may need far fewer steps than is said; report more often, or choose a harder target"
    return [f"At {where} most runs had met {written} by their first report, and {but}."]


def _too_seldom(size: Size, runs: Sequence[Run]) -> bool:
    reached = [run for run in runs if run.batch_size == size.batch_size and run.steps_to_target is not None]
    soonest = min(run.curve_steps[0] for run in reached)
    best = [run.steps_to_target or 0.0 for run in reached if run.lr == size.lr]
    return soonest > 1 and median(best) <= soonest
