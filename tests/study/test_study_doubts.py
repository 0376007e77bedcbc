"""What speaks against a target, word for word."""

import re
from collections.abc import Sequence
from dataclasses import replace

import pytest

from rightbatch.study.doubts import doubts
from rightbatch.study.pool import Choice
from rightbatch.study.recommend import Size
from rightbatch.study.subject import Run
from study.hand_made import run


def doubted(
    text: str,
    steps: tuple[float | None, ...] = (100.0, 40.0),
    *,
    baseline: float | None = None,
    task: str = "classification",
    seeds: int = 3,
    runs: Sequence[Run] | None = None,
) -> list[str]:
    """What is said of a target by these steps, to which three of the seeds came; `None`: never reached."""
    metric, value = re.split("[<>]=", text)
    target = {"metric": metric, "value": float(value), "text": text, "baseline": baseline}
    known = [(2**k, count) for k, count in enumerate(steps)]
    sizes = [sized(batch_size, count, seeds) for batch_size, count in known]
    usual = [run(batch_size, -2, seed, count) for batch_size, count in known for seed in range(3)]
    return doubts({"task": task}, target, sizes, usual if runs is None else runs)


def sized(batch_size: int, steps: float | None, seeds: int) -> Size:
    """A batch size at which three of the seeds arrived, or none."""
    return Size(
        batch_size=batch_size,
        seconds_per_step=1e-4,
        choice=None if steps is None else Choice(point=-2, steps=steps, reached=3, seeds=seeds),
        estimate=None,
        steps_interval=None,
        seconds_interval=None,
    )


@pytest.mark.parametrize(
    ("text", "baseline", "task", "said"),
    [
        ("val_loss<=0.694", 0.69314, "classification", "the shares of the classes, val_loss 0.6931"),
        ("val_accuracy>=0.97", 0.98, "classification", "the shares of the classes, val_accuracy 0.98"),
        ("rmse<=1.1", 1.0, "regression", "the mean of the label, rmse 1"),
    ],
)
def test_a_target_worse_than_guessing(text: str, baseline: float, task: str, said: str) -> None:
    """It says what guessing gives, and what to do."""
    way_out = "check that the label can be told from the features, or choose a harder target"
    written = text.replace("<=", " ≤ ").replace(">=", " ≥ ")
    said = f"to guess {said.replace(',', ' for every row gives')}"
    assert doubted(text, baseline=baseline, task=task) == [
        f"The target {written} is worse than guessing: {said}; {way_out}."
    ]


@pytest.mark.parametrize(
    ("text", "baseline"), [("val_loss<=0.69", 0.69), ("val_accuracy>=0.98", 0.98), ("loss<=9", None)]
)
def test_a_target_that_guessing_does_not_beat(text: str, baseline: float | None) -> None:
    """As good as the guess, or nothing is known of that."""
    assert doubted(text, baseline=baseline) == []


@pytest.mark.parametrize(("steps", "said"), [((4.2, 1.0, None), "5 steps"), ((0.4,), "1 step")])
def test_a_target_that_is_reached_too_soon(steps: tuple[float | None, ...], said: str) -> None:
    """Within five steps at every size that reached it; six at one of them are enough."""
    assert doubted("val_loss<=0.3", steps) == [
        (
            f"No batch size needs more than {said} to val_loss ≤ 0.3, too few to tell them apart; "
            "choose a harder target."
        )
    ]
    assert doubted("val_loss<=0.3", (*steps, 5.1)) == []


def test_a_target_that_too_few_runs_reach() -> None:
    """At every size more than a fifth miss it: two of five; three of four are told apart from an accident."""
    assert doubted("val_loss<=0.3", seeds=5) == [
        (
            "At every batch size more than 20 % of the runs miss val_loss ≤ 0.3 (2 of 5 at 2, the most "
            "reliable); choose an easier target."
        )
    ]
    assert doubted("val_loss<=0.3", (4.0, 2.0), seeds=6) == [
        (
            "At every batch size more than 20 % of the runs miss val_loss ≤ 0.3 (3 of 6 at 2, the most "
            "reliable), and none needs more than 4 steps; train on more rows, or to another target."
        )
    ]
    assert doubted("val_loss<=0.3", seeds=4) == doubted("val_loss<=0.3", seeds=3) == []


def test_nothing_reached_is_no_doubt() -> None:
    """Then the target is too hard, and the headline says so."""
    assert doubted("val_loss<=0.3", (None, None)) == []


def reported(batch_size: int, first: int, arrivals: tuple[float, ...], point: int = -2) -> list[Run]:
    """Runs that were evaluated every so many steps, and there after these."""
    made = [run(batch_size, point, seed, steps, curve=(0.9, 0.2)) for seed, steps in enumerate(arrivals)]
    return [replace(each, curve_steps=(first, 2 * first)) for each in made]


def test_runs_that_arrive_by_their_first_report() -> None:
    """Most of those with the best learning rate of a size, with reports further apart than a step."""
    soon, later = reported(1, 40, (40.0, 60.0, 40.0)), reported(2, 20, (20.0, 24.0, 26.0))
    said = (
        "At batch size 1 most runs had met loss ≤ 0.3 by their first report, and may need far fewer steps "
        "than is said; report more often, or choose a harder target."
    )
    assert doubted("loss<=0.3", runs=soon + later) == [said]
    both = doubted("loss<=0.3", runs=soon + reported(2, 20, (20.0, 20.0, 26.0)))
    assert both == [said.replace("size 1", "sizes 1 and 2")]
    other = reported(1, 40, (50.0, 60.0, 40.0)) + reported(1, 40, (40.0, 40.0, 40.0), point=0)
    assert doubted("loss<=0.3", runs=other + later) == []
    every_step = reported(1, 1, (1.0, 1.0, 1.0)) + reported(2, 1, (1.0, 1.0, 1.0))
    assert doubted("loss<=0.3", runs=every_step) == []
