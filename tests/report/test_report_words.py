"""The sentences of the report, word for word."""

from report.example_document import bare, example, nothing_reached, with_missed
from rightbatch.report import series, words


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
        "examples cost the larger part."
    )


def test_sentence_of_step_time_without_a_fixed_part() -> None:
    """A line through the origin or below it has no fixed part to speak of."""
    assert words.step_time(series.StepTime([(1, [1e-6])], (0.0, 1e-6))) == (
        "A step costs 1 µs per example, and nothing beside that."
    )


def test_sentence_of_step_time_without_a_line() -> None:
    """Too few sizes for a line: what was measured is said."""
    assert words.step_time(series.step_time(bare())) == "A step of batch size 1 takes 21.5 µs."


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
