"""The quick answer: the formula's batch size, and a document that says what it is."""

import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from sklearn.linear_model import SGDClassifier

import rightbatch as rb
from rightbatch.errors import SettingError
from rightbatch.study.noise import RunNoise
from rightbatch.study.quick import Estimate, estimate
from study.hand_made import run

SIZES = (1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024)
A, B = 1e-3, 1e-5
"""Seconds of a step and of a sample; B* = sqrt(100 x B_crit)."""


def estimated(
    b_crit: float, *, law: float = 1.0, fixed: float = A, fits: tuple[int, ...] | None = None
) -> Estimate:
    """From a run of 40 steps at 32 with learning rate 1/8."""
    rounds = np.tile(fixed + B * np.array(SIZES), (5, 1))
    noise = RunNoise(value=b_crit, low=b_crit / 2, high=2 * b_crit, batch_size=32, cost=0.1)
    return estimate(SIZES, rounds, run(32, -6, 0, 40.0), noise, law=law, fits=fits)


@pytest.mark.parametrize("b_crit", [4.0, 41.0, 655.0])
def test_the_batch_size_is_the_formulas(b_crit: float) -> None:
    """The nearest size to B* in time to target; seconds by S(B) t(B) with S(32) = 40."""
    found = estimated(b_crit)
    assert found.ideal == pytest.approx(math.sqrt(A / B * b_crit), rel=0.01)

    def seconds(size: int) -> float:
        return 40 / (1 + b_crit / 32) * (1 + b_crit / size) * (A + B * size)

    assert found.batch_size == min(SIZES, key=seconds)
    assert found.seconds_to_target == pytest.approx(seconds(found.batch_size))
    assert dict(found.steps)[32] == pytest.approx(40)


@pytest.mark.parametrize("law", [1.0, 0.5])
def test_the_learning_rate_follows_its_law(law: float) -> None:
    """lr(B) = lr(32) ((1 + B_crit/32) / (1 + B_crit/B))^law, to the nearest half octave."""
    found = estimated(655.0, law=law)
    exact = 0.125 * ((1 + 655 / 32) / (1 + 655 / found.batch_size)) ** law
    assert abs(math.log2(found.learning_rate / exact)) <= 0.25 + 1e-9


def test_its_interval_is_that_of_a_scale_four_times_off() -> None:
    """Where a sample costs nothing against the step, the largest size is the fastest at any scale."""
    found = estimated(41.0)
    low, high = found.interval
    assert low <= math.sqrt(100 * 41 / 4) * math.sqrt(2)
    assert high >= math.sqrt(100 * 41 * 4) / math.sqrt(2)
    assert estimated(41.0, fixed=1e9).interval == (1024, 1024)


def test_only_sizes_that_fit_in_memory_are_chosen() -> None:
    """The best of them, and the one that would be faster is named."""
    free, held = estimated(655.0), estimated(655.0, fits=SIZES[:6])
    assert (free.batch_size, free.too_large) == (256, None)
    assert (held.batch_size, held.too_large) == (32, 256)
    assert held.interval == (32, 32)
    assert held.within == (32,)
    assert estimated(655.0, fits=SIZES[:10]) == free


def quick(**settings: Any) -> rb.Study:
    """A quick study of the digits."""
    return rb.study("logistic", "digits", **{"target": "val_loss=0.3", "quick": True, **settings})


def test_the_document_is_marked(tmp_path: Path) -> None:
    """The recommendation says that it is an estimate, one size was trained, and the others are foretold."""
    found = quick()
    document = found.to_dict()
    assert found.recommendation is not None
    assert found.recommendation.estimate
    assert found.recommendation.sentence.startswith("An estimate: train with batch size ")
    assert document["stopped"] == "a quick answer was asked for"
    assert document["noise_scale"]["value"] > 0
    assert len(document["noise_scale"]["quarters"]) == 4
    assert [row["batch_size"] for row in document["batch_sizes"] if row["runs"]] == [32]
    assert all((row["foretold_steps"] is None) == (row["runs"] > 0) for row in document["batch_sizes"])
    assert "rests on one tuned run" in found.to_html(tmp_path / "quick.html").read_text()


def test_the_memory_limit_is_kept(tmp_path: Path) -> None:
    """What is recommended takes less, whatever would be faster."""
    free = quick(store=tmp_path / "s.db")
    assert free.recommendation is not None
    needs = {row["batch_size"]: row["memory_bytes"] for row in free.to_dict()["batch_sizes"]}
    limit = needs[free.recommendation.batch_size] - 1
    held = quick(memory_limit=f"{limit}B", store=tmp_path / "s.db").recommendation
    assert held is not None
    assert needs[held.batch_size] <= limit
    assert f"Batch size {free.recommendation.batch_size} is foretold to be faster" in held.reasons[-1]


def test_a_full_study_goes_on_from_it_and_is_not_undone(tmp_path: Path) -> None:
    """Its runs are used; asked quickly again, the store answers with the full study."""
    store = tmp_path / "s.db"
    settings: dict[str, Any] = {"store": store, "batch_sizes": [8, 32, 128], "seeds": 2}
    first = quick(**settings)
    full = rb.study("logistic", "digits", target="val_loss=0.3", **settings)
    assert full.recommendation is not None
    assert not full.recommendation.estimate
    assert full.to_dict()["cost"]["runs"] > first.to_dict()["cost"]["runs"]
    assert quick(**settings).to_dict() == full.to_dict()


def test_a_target_out_of_reach_has_no_estimate() -> None:
    """As in a full study."""
    assert quick(target="val_loss=-1", batch_sizes=[32], budget="5s").recommendation is None


def test_without_gradients_it_is_refused() -> None:
    """In a sentence."""
    with pytest.raises(SettingError) as caught:
        rb.study(SGDClassifier(loss="log_loss"), "digits", target="val_accuracy=0.9", quick=True)
    assert str(caught.value) == (
        "quick needs a model that gives gradients, got True; leave it out for a full study."
    )
