"""Validation against training loss, batch size by batch size, compared."""

from typing import Any

import pytest

from rightbatch.study.generalisation import compared

SEEDS = 4
SCATTER = (0.001, -0.001, 0.0005, -0.0005)


def losses(size: int, gap: float, seeds: int = SEEDS) -> list[dict[str, Any]]:
    """A training loss of 0.5 and a validation loss that is larger by the gap, give or take a little."""
    return [
        {
            "batch_size": size,
            "seed": seed,
            "at_target": [0.5, 0.5 + gap + size.bit_length() * SCATTER[seed]],
            "at_examples": [0.4, 0.4 + 2 * gap + size.bit_length() * SCATTER[seed]],
        }
        for seed in range(seeds)
    ]


def test_equal_gaps_are_the_same_and_others_differ() -> None:
    """The margin is 5 % of the recommended size's validation loss: 0.03 at a loss of 0.6."""
    found = compared([*losses(8, 0.1), *losses(32, 0.101), *losses(512, 0.2)], best=32)
    assert found is not None
    assert found["margin"] == pytest.approx(0.05 * 0.601)
    verdicts = {row["batch_size"]: row["at_target"]["verdict"] for row in found["batch_sizes"]}
    assert verdicts == {8: "same within margin", 32: "", 512: "differs"}
    rows = {row["batch_size"]: row["at_examples"] for row in found["batch_sizes"]}
    assert rows[512]["difference"] == pytest.approx(2 * 0.099)
    assert rows[512]["interval"][0] < 0.198 < rows[512]["interval"][1]
    assert found["sentence"] == (
        "At the target, within 0.03: the gap between validation and training loss is that of batch size 32 "
        "at 8; it differs from that of 32 by +0.099 at 512."
    )
    assert found["sentence_at_examples"] == (
        "After as many examples, within 0.03: the gap is that of batch size 32 at 8; it differs from that of "
        "32 by +0.2 at 512."
    )


def test_few_runs_say_nothing() -> None:
    """One seed shows no sameness, however equal the numbers."""
    found = compared([*losses(8, 0.1, seeds=1), *losses(32, 0.1, seeds=1)], best=32)
    assert found is not None
    assert found["sentence"] == "At the target, within 0.03: the runs are too few to tell."
    assert found["batch_sizes"][0]["at_target"]["interval"] is None


def test_one_size_has_nothing_to_be_compared_with() -> None:
    """Nor is there anything where the recommended size has no runs."""
    assert compared(losses(8, 0.1), best=8) is None
    assert compared([*losses(8, 0.1), *losses(16, 0.1)], best=32) is None
