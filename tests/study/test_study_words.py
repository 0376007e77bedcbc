"""The sentences of a known case, word for word."""

import math
from dataclasses import replace

from rightbatch.stats.cliff import Cliff
from rightbatch.stats.stepcurve import fit_step_curve
from rightbatch.stats.steptime import StepTime
from rightbatch.study.pool import Choice
from rightbatch.study.recommend import Analysis, Fit, Size
from rightbatch.study.words import reasons, recommendation_sentence, would_change_if

TARGET = "val_loss ≤ 0.2"


def size(
    batch_size: int, steps: float | None, seconds_per_step: float, point: int = -2, *, seeds: int = 3
) -> Size:
    """A batch size that arrived in so many steps from three seeds of these, or never."""
    choice = None if steps is None else Choice(point=point, steps=steps, reached=3, seeds=seeds)
    return Size(
        batch_size=batch_size,
        seconds_per_step=seconds_per_step,
        choice=choice,
        estimate=None,
        steps_interval=None,
        seconds_interval=None,
    )


SIZES = (
    size(1, 610.0, 20.7e-6),
    size(8, 101.0, 25.9e-6),
    size(32, 43.0, 38.4e-6),
    size(1024, 24.0, 584e-6),
    size(4096, None, 2.3e-3),
)
FIT = Fit(s_min=22.0, b_crit=27.0, e_min=594.0, interval={}, rms_log_residual=0.03, lack_of_fit=None)
ANALYSIS = Analysis(
    sizes=SIZES,
    step_time=StepTime(a=20e-6, b=0.55e-6, rms_log_residual=0.05),
    fit=FIT,
    recommended=SIZES[2],
    interval=(16, 64),
    within=(32,),
    regret=0.02,
    step_curve=fit_step_curve(
        [1, 8, 32, 1024, 4096], [[20e-6 + 0.55e-6 * b for b in (1, 8, 32, 1024, 4096)]]
    ),
)


def test_recommendation() -> None:
    """What to do, with the learning rate as people write it."""
    assert recommendation_sentence(SIZES[2]) == "Train with batch size 32 and learning rate 0.5."
    assert (
        recommendation_sentence(size(4096, 1.0, 1.0, point=-31))
        == "Train with batch size 4,096 and learning rate 2.16e-5."
    )


def test_reasons() -> None:
    """The size itself, its nearest slower neighbours on both sides, and the critical batch size."""
    assert reasons(ANALYSIS, TARGET) == [
        "Batch size 32 reaches val_loss ≤ 0.2 in 1.65 ms: 43 steps of 38.4 µs.",
        "Batch size 8 takes 1.6 times as long: a step costs 25.9 µs, and it needs 101 of them.",
        "Batch size 1,024 takes 8.5 times as long: it saves steps (24 instead of 43), but each costs 584 µs.",
        (
            "The critical batch size is 27 for this target: well below it, twice the batch halves the "
            "steps; well above it, more samples in a batch save hardly any. "
            "With the cost of a step, it puts the fastest batch size at about 31."
        ),
    ]


def test_a_larger_size_that_needs_more_steps_saves_none() -> None:
    """Where runs are short or scatter, twice the batch may take more of them."""
    sizes = (SIZES[2], size(64, 60.0, 50e-6))
    assert reasons(replace(ANALYSIS, sizes=sizes), TARGET)[1] == (
        "Batch size 64 takes 1.8 times as long: it saves no steps (60 instead of 43), and each costs 50 µs."
    )


def test_a_critical_batch_size_below_one_is_no_figure() -> None:
    """There is no batch that is well below it, and its digits mean nothing."""
    assert reasons(replace(ANALYSIS, fit=replace(FIT, b_crit=0.01)), TARGET)[-1] == (
        "The critical batch size is below 1 for this target: more samples in a batch save hardly any steps, "
        "at any batch size."
    )


def test_a_cliff_is_named() -> None:
    """Where larger batches stop reaching the target."""
    said = would_change_if(replace(ANALYSIS, cliff=Cliff(at=2048.0, low=1024.0, high=4096.0)), TARGET)
    assert said[-2] == (
        "Beyond batch size 1,024 most runs no longer reach val_loss ≤ 0.2; for an easier target larger "
        "batches would."
    )


def test_a_cliff_that_few_runs_tell_of_lies_beyond_what_arrived() -> None:
    """Not beyond batch size 0, from which on it may lie by one run; nor is one named that is nowhere."""
    last = max(size.batch_size for size in SIZES if size.choice is not None)
    unsure = replace(ANALYSIS, cliff=Cliff(at=last * 1.4, low=0.0, high=2.0 * last))
    assert f"Beyond batch size {last:,} most runs" in would_change_if(unsure, TARGET)[-2]
    for at in (0.0, math.inf):
        nowhere = replace(ANALYSIS, cliff=Cliff(at=at, low=0.0, high=math.inf))
        assert not any("Beyond" in sentence for sentence in would_change_if(nowhere, TARGET))


def test_reasons_without_rivals_or_fit() -> None:
    """A size alone has its own figures to show, and nothing to compare."""
    alone = replace(ANALYSIS, sizes=SIZES[2:3], fit=None)
    assert reasons(alone, TARGET) == ["Batch size 32 reaches val_loss ≤ 0.2 in 1.65 ms: 43 steps of 38.4 µs."]


def test_a_misfit_takes_the_place_of_the_critical_batch_size() -> None:
    """What cannot be trusted is not told as if it could."""
    odd = replace(ANALYSIS, fit=replace(FIT, lack_of_fit="The steps lie 20 % off the curve."))
    assert reasons(odd, TARGET)[-1] == "The steps lie 20 % off the curve."


def test_what_would_change_it() -> None:
    """With ten times the fixed cost: 43 · 218 µs = 9.4 ms at 32, 24 · 763 µs at 1,024; a tenth: 8 wins.

    In proportion to the fitted line: at 8 samples 25.9 · 6.4 / 24.4 = 6.8 µs, 0.69 ms for 101 steps;
    at 32 it is 38.4 · 19.6 / 37.6 = 20 µs, 0.86 ms for 43.
    """
    harder = (
        "The critical batch size usually grows as training goes on: for a harder target than "
        "val_loss ≤ 0.2, expect a larger batch to be fastest."
    )
    assert would_change_if(ANALYSIS, TARGET) == [
        "If a step's fixed cost were a tenth (a larger model, a faster loop), batch size 8 would be fastest.",
        harder,
    ]
    between = replace(ANALYSIS, sizes=(*SIZES[:3], size(128, 27.0, 90.4e-6), *SIZES[3:]))
    assert would_change_if(between, TARGET)[0] == (
        "If a step's fixed cost were ten times as large (a slower loop, a network, an accelerator that "
        "small batches do not fill), batch size 128 would be fastest."
    )


def test_a_step_shorter_than_the_line_stays_above_nothing() -> None:
    """A measured step under the fitted fixed cost does not become free when that cost is cut."""
    quick = replace(ANALYSIS, sizes=(size(1, 100_000.0, 15e-6), SIZES[2]), recommended=SIZES[2])
    assert "batch size 1 " not in " ".join(would_change_if(quick, TARGET))


def test_without_a_recommendation_there_is_nothing_to_say() -> None:
    """Neither reasons nor conditions."""
    nothing = replace(ANALYSIS, recommended=None)
    assert reasons(nothing, TARGET) == would_change_if(nothing, TARGET) == []


def test_what_would_change_it_is_no_size_that_runs_miss() -> None:
    """The smaller one, which a cheaper step would favour, if two of its five runs miss the target."""
    failing = replace(SIZES[1], choice=Choice(point=0, steps=101.0, reached=3, seeds=5))
    missed = replace(ANALYSIS, sizes=(SIZES[0], failing, *SIZES[2:]))
    assert "batch size 8 would be fastest" in would_change_if(ANALYSIS, TARGET)[0]
    assert "batch size 8" not in " ".join(would_change_if(missed, TARGET))
    alone = replace(ANALYSIS, sizes=(failing,), recommended=failing)
    assert len(would_change_if(alone, TARGET)) == 1


def test_without_timings_of_several_sizes_only_the_target_matters() -> None:
    """One size has no line of seconds against batch size."""
    assert len(would_change_if(replace(ANALYSIS, step_time=None), TARGET)) == 1


def test_a_faster_size_that_is_passed_over_says_why() -> None:
    """Of those that miss the target too often only the fastest, and only if it would be faster."""
    failing = [replace(one, choice=Choice(point=0, steps=20.0, reached=3, seeds=5)) for one in SIZES[:3:2]]
    passed = replace(ANALYSIS, sizes=(failing[0], SIZES[1], failing[1]), recommended=SIZES[1])
    assert reasons(passed, TARGET)[1] == "Batch size 1 would take 414 µs, but 2 of 5 runs missed the target."
    slower = replace(failing[0], choice=Choice(point=0, steps=900.0, reached=3, seeds=5))
    kept = replace(passed, sizes=(slower, *SIZES[1:]))
    assert "missed" not in " ".join(reasons(kept, TARGET))
