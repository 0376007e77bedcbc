"""The sentences of the report, word for word."""

from dataclasses import replace

import pytest

from report.example_document import (
    bare,
    example,
    nothing_reached,
    quick,
    with_cliff,
    with_missed,
    with_seldom,
)
from rightbatch.report import generalisation, noise, series, words


def test_headline_is_the_recommendation() -> None:
    """The first line is the document's own sentence."""
    assert words.headline(example()) == "Train with batch size 32 and learning rate 0.35."


def test_without_memory_the_limit_is_named() -> None:
    """Sizes reached the target, but none fits: it is the limit that must change, not the target."""
    document = example()
    document["recommendation"], document["settings"]["memory_limit_bytes"] = None, 1000
    assert words.headline(document) == "No batch size fits within the memory limit."
    assert words.standfirst(document) == (
        "Those that reached val_loss ≤ 0.3 need more memory than the limit allows. Give a larger limit."
    )


def test_standfirst_gives_target_interval_and_near_sizes() -> None:
    """Under the headline: when, how sure, what else would do."""
    assert words.standfirst(example()) == (
        "It reaches val_loss ≤ 0.3 in 1.57 ms. "
        "With 95 % probability the fastest batch size lies between 16 and 64; "
        "16 and 32 are within 5 % of the least time."
    )


def test_standfirst_without_interval() -> None:
    """An interval that is not known is not spoken of."""
    assert words.standfirst(bare()) == (
        "It reaches val_loss ≤ 0.3 in 1.57 ms. 16 and 32 are within 5 % of the least time."
    )


def test_standfirst_of_a_certain_choice() -> None:
    """An interval of one size, alone within 5 %, reads as such."""
    document = example()
    document["recommendation"].update(interval=[32, 32], within_5_percent=[32])
    assert words.standfirst(document) == (
        "It reaches val_loss ≤ 0.3 in 1.57 ms. With 95 % probability the fastest batch size is 32; "
        "32 alone is within 5 % of the least time."
    )


def test_standfirst_beside_a_faster_size_that_too_many_runs_miss() -> None:
    """The least time is that of the others; where the recommended one is missed as often, it says so."""
    document = with_seldom()
    assert words.standfirst(document).endswith(
        "16 and 32 are within 5 % of the least time of the sizes that seldom miss it."
    )
    document["recommendation"]["batch_size"] = 64
    assert words.standfirst(document) == (
        "It reaches val_loss ≤ 0.3 in 1.57 ms. At every batch size too many runs miss it; at this one the "
        "fewest do."
    )


def test_no_recommendation_says_what_to_change() -> None:
    """Where nothing reached the target, the headline says so and the next sentence the way out."""
    document = nothing_reached()
    assert words.headline(document) == "No batch size reached val_loss ≤ 0.3."
    assert words.standfirst(document) == (
        "So there is nothing to recommend yet. Choose a target that is easier to reach, or give the study a "
        "larger budget. Why it stopped: the budget of 60 s was spent; write a larger budget such as 120s."
    )


def test_facts() -> None:
    """The four numbers to be read first, with their doubt; without advice and fit there are none."""
    assert words.facts(example()) == [
        words.Fact("batch size", "32", "16 to 64"),
        words.Fact("learning rate", "0.35", "0.25 to 0.5"),
        words.Fact("time to target", "1.57 ms", "1.43 ms to 1.73 ms"),
        words.Fact("critical batch size", "27", "24 to 31"),
    ]
    assert words.facts(nothing_reached()) == []


def test_sentence_of_time_to_target() -> None:
    """13.6 / 1.573 = 8.65 and 16.4 / 1.573 = 10.4 times."""
    assert words.time_to_target(series.time_to_target(example())) == (
        "Batch size 32 is the fastest: 1.57 ms to the target. Batch size 1 takes 8.6 times as long, and "
        "batch size 1257 takes 10 times as long."
    )


def test_sentence_of_time_to_target_where_too_many_runs_miss_it() -> None:
    """The fastest is one that is recommended, or might be; the others are named."""
    assert words.time_to_target(series.time_to_target(with_seldom())) == (
        "Batch size 32 is the fastest: 1.57 ms to the target. Batch size 1 takes 8.6 times as long, and "
        "batch size 1257 takes 10 times as long. Batch size 64 missed the target too often to be recommended."
    )


def test_sentence_of_a_single_size() -> None:
    """A study of one batch size has nothing to compare with."""
    document = example()
    document["batch_sizes"] = document["batch_sizes"][5:6]
    assert words.time_to_target(series.time_to_target(document)) == (
        "Batch size 32 is the fastest: 1.57 ms to the target."
    )


def test_sentence_of_steps_to_target() -> None:
    """The fall of the steps, what B_crit means, lack of fit, and who failed."""
    document = with_missed()
    document["fit"]["lack_of_fit"] = "The law misses batch size 16 by 8 %."
    assert words.steps_to_target(series.steps_to_target(document), document["fit"]) == (
        "From batch size 1 to 512, the examples per step grow 512-fold, and the steps fall from 631 to 22.6. "
        "At the critical batch size, 27, they are twice the fewest possible, 22.1; beyond it a larger batch "
        "saves little. The law misses batch size 16 by 8 %. "
        "Batch sizes 1024 and 1257 never reached the target (\u00d7)."
    )


def test_sentence_of_step_time() -> None:
    """The fixed part equals the examples' at a / b = 21 / 0.55 = 38 examples."""
    assert words.step_time(series.step_time(example())) == (
        "A step costs 21 µs however small the batch, and 550 ns more per example; above 38 examples, the "
        "examples cost the larger part. Of the curves tried, the line foretells a size that is left out "
        "best, to within 2.1 %."
    )


@pytest.mark.parametrize(("factor", "said"), [(1.3, "1.3 times as slow"), (0.5, "2 times as fast")])
def test_a_change_of_pace_is_told(factor: float, said: str) -> None:
    """Slower or faster, with how much."""
    shown = replace(series.step_time(example()), drift={"round": 12, "factor": factor})
    assert words.step_time(shown).endswith(
        f"During the study the machine became {said} as before: its pace is taken out of every round."
    )


def test_a_change_of_one_size_is_told() -> None:
    """With the first round that counts."""
    shown = replace(series.step_time(example()), timed_anew={"round": 12, "until": 20})
    assert words.step_time(shown).endswith(
        "One size changed beside the others: what counts is timed from round 13 on."
    )


def test_sentence_of_step_time_without_a_fixed_part() -> None:
    """A line through the origin or below it has no fixed part to speak of."""
    assert words.step_time(replace(series.step_time(bare()), line=(0.0, 1e-6))) == (
        "A step costs 1 µs per example, and nothing beside that."
    )


def test_sentence_of_step_time_without_a_line() -> None:
    """Too few sizes for a line: what a step of the one takes is said."""
    assert words.step_time(series.step_time(bare())) == "A step of batch size 1 takes 21.5 µs."


def test_sentences_of_what_is_foretold() -> None:
    """A quick answer says so in the charts, and what a full study would add."""
    document = quick()
    assert words.time_to_target(series.time_to_target(document)) == (
        "Batch size 32 is the fastest: 1.57 ms to the target. Batch size 1 takes 8.6 times as long, and "
        "batch size 1257 takes 10 times as long. Hollow marks are foretold: these sizes were not run."
    )
    assert "are foretold to fall from 631 to 23." in words.steps_to_target(
        series.steps_to_target(document), None
    )
    assert words.facts(document)[2].doubt == "foretold"
    assert words.full_study(document) == [
        "Runs at the sizes that bear on the answer: 11 of 12 are only foretold here.",
        "A learning rate tuned at each, and 5 seeds or more: 95 % intervals.",
        "How well the sizes generalise, and after how many trainings the study has paid.",
        "The same study without the quick answer goes on from what is stored.",
    ]
    assert words.full_study(example()) == []


def test_sentence_of_the_cliff() -> None:
    """Where most runs miss, with the ends that are known."""
    document = with_cliff()
    assert words.steps_to_target(series.steps_to_target(document), None).endswith(
        "Beyond batch size 700 (at least 512) most runs do not reach the target."
    )


def test_when_the_study_pays() -> None:
    """21.3 s over 7 ms a training; nothing where nothing is saved."""
    document = example()
    assert words.pays(document) == ""
    document["recommendation"]["break_even"] = {"against": 32, "saves_seconds": 0.007, "trainings": 3043}
    assert words.pays(document) == (
        "This study took 21.3 s; it saves 7 ms per training against batch size 32 at its best learning rate: "
        "pays after 3,043 trainings."
    )


def test_the_largest_batch_that_fits() -> None:
    """All of them, or up to one; and how a larger one is made."""
    document = example()
    assert words.memory(document) == ("The largest batch that fits is 1257 (2.33 MB), the largest asked for.")
    document["largest_that_fits"] = {"batch_size": 256, "memory_bytes": 1_430_000}
    document["recommendation"]["accumulation"] = {
        "batch_size": 1024,
        "micro_batch": 256,
        "steps": 4,
        "seconds_to_target": 0.012,
    }
    assert words.memory(document) == (
        "The largest batch that fits is 256 (1.43 MB). Batch size 1024 is made of 4 micro-batches of 256: "
        "12 ms to the target."
    )
    assert words.memory(bare()) == ""


def test_sentence_of_the_noise_scale() -> None:
    """From the first to the last quarter that could be told, the mean, and what it cost."""
    along = noise.series(example())
    assert along is not None
    assert noise.words(along) == (
        "Along the tuned run of batch size 32 the noise scale goes from 17.4 to 52.7 examples: usually it "
        "grows as the loss falls. Its mean, weighted by progress, is 37.4 (32 to 43.9), a first guess at the "
        "critical batch size; the steps of all sizes put it at 27. Measuring took 0.5 times the seconds of "
        "that run."
    )
    assert noise.series(bare()) is None


def test_a_noise_scale_that_falls_is_not_said_to_grow() -> None:
    """What usually happens is then said to happen elsewhere."""
    document = example()
    document["noise_scale"]["quarters"][3]["value"] = 9.5
    along = noise.series(document)
    assert along is not None
    assert ("goes from 17.4 to 9.5 examples: elsewhere it mostly grows as the loss falls. ") in noise.words(
        along
    )


def test_sentence_of_generalisation() -> None:
    """Both moments, in the words of the equivalence test."""
    document = example()
    said = generalisation.words(document)
    found = document["generalisation"]
    assert f"{found['sentence']} {found['sentence_at_examples']} That two gaps are the same" in said


def test_sentence_of_curves() -> None:
    """The thick line is named where there is one."""
    said = "One run per batch size, at its best learning rate: val_loss against the examples seen so far."
    assert words.curves(series.curves(example()), "val_loss") == f"{said} The thick line is batch size 32."
    assert words.curves(series.curves(nothing_reached()), "val_loss") == said


def test_sentence_of_learning_rates() -> None:
    """The two ends of the best line; without any success, how many were tried."""
    assert words.learning_rates(series.learning_rates(example())) == (
        "The best learning rate is 0.02 at batch size 1 and 0.7 at 1257. "
        "84 pairs of batch size and learning rate were tried."
    )
    assert words.learning_rates(series.learning_rates(example()), series.rate_law(example())).endswith(
        "Below the bend of the law the best learning rate grows with the batch size to the power 0.9 "
        "(0.6 to 1); the band holds the best rate of a size with 95 % probability."
    )
    assert words.learning_rates(series.learning_rates(nothing_reached())) == (
        "None of 84 pairs of batch size and learning rate reached the target."
    )


def test_keys_explain_only_what_is_there() -> None:
    """The strip's key speaks of failed sizes only where there are some."""
    assert words.sizes_key(example()) == (
        "Filled: recommended; tinted: within 5 % of the least time; underlined: where the fastest may lie."
    )
    assert words.sizes_key(with_missed()).endswith("struck through: never reached the target.")
    assert words.table_key(nothing_reached()) == ""
