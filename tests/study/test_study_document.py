"""The document of a study made by hand: every figure is known, and JSON can hold it."""

import json
import math
from typing import Any

import pytest

from rightbatch.measure.clock import Timing
from rightbatch.records import Outcome
from rightbatch.study.document import document_of
from rightbatch.study.store import Store
from rightbatch.study.sweep import Run
from study.hand_made import run, timings

SECONDS = {1: 1.0, 10: 1.9, 100: 10.9}
ABOUT = {
    "data": {"name": "made.csv", "train": 100, "validation": 20, "test": 20},
    "machine": {"cpu": "one that counts", "cores": 2},
}
SETTINGS = {"model": "MLP()", "optimizer": "SGD()", "target": "val_loss<=0.2", "batch_sizes": [1, 10, 100],
            "seeds": 2, "seed": 0, "data": "f00d", "threads": 1}  # fmt: skip
TARGET = {"metric": "val_loss", "value": 0.2, "text": "val_loss<=0.2", "how": "as given"}
LOST = (math.nan, math.inf)


def all_runs() -> list[Run]:
    """S = 220, 40 and 22 at point -2; half as fast at point 0; diverged at point 2."""
    return [
        made
        for size, steps in {1: 220.0, 10: 40.0, 100: 22.0}.items()
        for seed in (0, 1)
        for made in (
            run(size, -2, seed, steps),
            run(size, 0, seed, 2 * steps),
            run(size, 2, seed, None, outcome=Outcome.DIVERGED, curve=LOST, reason="the loss was infinite"),
        )
    ]


def documented(runs: list[Run], times: list[Timing] | None = None, **settings: Any) -> dict[str, Any]:
    """The document of these runs; it must pass through JSON unchanged."""
    with Store() as store:
        store.put(
            about=ABOUT, settings=SETTINGS, target=TARGET, budget=60.0, stopped="every planned run is done"
        )
        store.put(memory={"1": 1000, "10": 2000, "100": 3000})
        store.add_timings(timings(SECONDS) if times is None else times, seconds=12.5)
        store.add_runs(runs)
        document = document_of(store, version="9.9", **settings)
    assert json.loads(json.dumps(document, allow_nan=False)) == document
    return document


def test_the_keys() -> None:
    """Schema 1 has these and no others."""
    assert list(documented(all_runs())) == [
        "schema", "version", "data", "settings", "target", "recommendation", "fit", "step_time",
        "batch_sizes", "curves", "stopped", "cost", "machine",
    ]  # fmt: skip


def test_what_was_asked() -> None:
    """The settings, the target's own entry and the data's own entry apart, and what this call chose."""
    document = documented(all_runs(), prefer="cheapest", memory_limit=10_000)
    assert document["settings"] == {
        "model": "MLP()", "optimizer": "SGD()", "batch_sizes": [1, 10, 100], "seeds": 2, "seed": 0,
        "threads": 1, "prefer": "cheapest", "memory_limit_bytes": 10_000, "budget_seconds": 60.0,
    }  # fmt: skip
    assert (document["schema"], document["version"], document["target"]) == (1, "9.9", TARGET)
    assert (document["data"], document["machine"]) == (ABOUT["data"], ABOUT["machine"])


def test_the_row_of_a_batch_size() -> None:
    """Every figure of the table, from runs of 40 steps of 1.9 s at batch size 10 of 100 rows."""
    row = documented(all_runs())["batch_sizes"][1]
    rates = row.pop("learning_rates")
    exact = {name: row.pop(name) for name in ("steps_interval", "seconds_interval", "steps_to_target")}
    assert exact["steps_to_target"] == pytest.approx(40)
    assert exact["steps_interval"] == pytest.approx([40, 40])
    assert exact["seconds_interval"] == pytest.approx([76, 76])
    assert row == {
        "batch_size": 10,
        "method": "mini-batch",
        "learning_rate": 0.5,
        "seconds_per_step": 1.9,
        "seconds_per_epoch": 19.0,
        "memory_bytes": 2000,
        "examples_to_target": pytest.approx(400),
        "seconds_to_target": pytest.approx(76),
        "final_metric": pytest.approx(0.2),
        "reached": True,
        "runs": 6,
        "seeds_reached": 2,
        "note": "",
    }
    lost = {"learning_rate": 2.0, "steps_to_target": None, "reached": 0, "runs": 2, "outcome": "diverged"}
    arrived = {"reached": 2, "runs": 2, "outcome": "reached"}
    assert rates == [
        {"learning_rate": 0.5, "steps_to_target": pytest.approx(40), **arrived},
        {"learning_rate": 1.0, "steps_to_target": pytest.approx(80), **arrived},
        lost,
    ]


def test_the_methods_stand_side_by_side() -> None:
    """Batch size 1 is stochastic, all rows are the full batch."""
    methods = [row["method"] for row in documented(all_runs())["batch_sizes"]]
    assert methods == ["stochastic", "mini-batch", "full batch"]


def test_the_recommendation() -> None:
    """Batch size 10: 76 s against 220 and 240; its sentences hold the target as people write it."""
    advice = documented(all_runs())["recommendation"]
    assert (advice["batch_size"], advice["learning_rate"]) == (10, 0.5)
    assert (advice["interval"], advice["within_5_percent"]) == ([10, 10], [10])
    assert advice["seconds_to_target"] == pytest.approx(76)
    assert advice["sentence"] == "Train with batch size 10 and learning rate 0.5."
    assert advice["reasons"][0] == "Batch size 10 reaches val_loss ≤ 0.2 in 76 s: 40 steps of 1.9 s."
    assert "val_loss ≤ 0.2" in advice["would_change_if"][-1]


def test_the_fits() -> None:
    """S = 20 (1 + 10/B) and t = 0.9 + 0.1 B, with all rounds of timing kept."""
    document = documented(all_runs())
    fit, time = document["fit"], document["step_time"]
    assert [fit[name] for name in ("s_min", "b_crit", "e_min")] == pytest.approx([20, 10, 200], rel=1e-6)
    assert fit["interval"]["s_min"] == pytest.approx([20, 20], rel=1e-6)
    assert [time["a"], time["b"]] == pytest.approx([0.9, 0.1], rel=1e-6)
    assert time["points"] == [{"batch_size": size, "seconds": [value] * 3} for size, value in SECONDS.items()]


def test_the_curves() -> None:
    """One a size: its first seed at its best rate, against examples."""
    curves = documented(all_runs())["curves"]
    assert curves[1] == {
        "batch_size": 10,
        "seed": 0,
        "learning_rate": 0.5,
        "samples": [10, 20, 30],
        "metric": [0.9, 0.5, 0.2],
    }
    assert [curve["batch_size"] for curve in curves] == [1, 10, 100]


def test_the_cost() -> None:
    """Runs and samples of all runs: 3 evaluations at steps 1 to 3 of arrived ones, 2 of diverged ones."""
    cost = documented(all_runs())["cost"]
    samples = sum(2 * (3 + 3 + 2) * size for size in SECONDS)
    assert cost == {"seconds": 12.5, "runs": 18, "samples": samples}


def test_what_is_not_known_is_null() -> None:
    """From a single seed no interval has an end."""
    document = documented([made for made in all_runs() if made.seed == 0])
    assert document["batch_sizes"][0]["seconds_interval"] is None
    assert document["fit"]["interval"] == {"s_min": None, "b_crit": None}
    assert document["recommendation"]["interval"] == [1, 100]


def test_an_open_end_is_null() -> None:
    """One seed's steps go as 1/B or steeper, which bounds B_crit from below alone; the other's bend."""
    tilt = {0: 0.9, 1: 1.15}
    runs = [
        run(size, -2, seed, 4000 / size * tilt[seed] ** (place - 1))
        for place, size in enumerate(SECONDS)
        for seed in (0, 1)
    ]
    interval = documented(runs)["fit"]["interval"]
    assert interval["s_min"] == [None, pytest.approx(9.68, rel=0.01)]
    assert interval["b_crit"] == [pytest.approx(379, rel=0.01), None]


def test_nothing_reached() -> None:
    """No recommendation, no fit, no curve; every row says why."""
    reason = "not there after 100 steps"
    runs = [run(1, 0, 0, None, reason=reason), run(10, 0, 0, None, outcome=Outcome.DIVERGED, curve=LOST)]
    document = documented(runs)
    assert (document["recommendation"], document["fit"], document["curves"]) == (None, None, [])
    rows = document["batch_sizes"]
    assert [row["note"] for row in rows] == [
        reason,
        "diverged at every learning rate",
        "not run: the budget was spent before",
    ]
    for name in ("learning_rate", "steps_to_target", "seconds_to_target", "seconds_interval", "final_metric"):
        assert [row[name] for row in rows] == [None] * 3
    assert [row["reached"] for row in rows] == [False] * 3
    assert [row["seeds_reached"] for row in rows] == [0] * 3


def test_sizes_above_the_memory_limit_say_so() -> None:
    """They keep their figures and are not recommended."""
    document = documented(all_runs(), memory_limit=1500)
    assert document["recommendation"]["batch_size"] == 1
    assert [row["note"] for row in document["batch_sizes"]] == [
        "",
        "needs 2,000 bytes, above the memory limit",
        "needs 3,000 bytes, above the memory limit",
    ]
    assert document["batch_sizes"][1]["seconds_to_target"] == pytest.approx(76)


def test_a_rate_that_missed_once_counts_its_arrivals() -> None:
    """Seeds that arrived and seeds that were run are told apart."""
    runs = [run(1, 0, 0, 10.0), run(1, 0, 1, None), run(10, 0, 0, 5.0), run(10, 0, 1, 5.0)]
    row = documented(runs)["batch_sizes"][0]
    assert row["learning_rates"] == [
        {
            "learning_rate": 1.0,
            "steps_to_target": pytest.approx(10),
            "reached": 1,
            "runs": 2,
            "outcome": "reached",
        }
    ]
    assert (row["seeds_reached"], row["steps_to_target"]) == (1, pytest.approx(10))
