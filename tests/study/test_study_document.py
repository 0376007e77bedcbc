"""The document of a study made by hand: every figure is known, and JSON can hold it."""

import json
import math
from typing import Any

import numpy as np
import pytest

from rightbatch import units
from rightbatch.measure.clock import Timing
from rightbatch.records import Outcome
from rightbatch.study.document import document_of
from rightbatch.study.store import Store
from rightbatch.study.subject import Run
from study.hand_made import run, timings

SECONDS = {1: 1.0, 10: 1.9, 100: 10.9}
ABOUT = {
    "data": {"name": "made.csv", "task": "classification", "train": 100, "validation": 20, "test": 20,
             "outputs": 1},
    "machine": {"cpu": "one that counts", "cores": 2},
}  # fmt: skip
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
        "schema", "version", "data", "settings", "target", "doubts", "noise_scale", "recommendation",
        "generalisation", "fit",
        "step_time", "learning_rate_law", "cliff", "largest_that_fits",
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
    """Every figure of the table, from runs of 40 steps of 1.9 s at batch size 10 of 100 rows.

    Steps to target are the median of the draws, 2 % from the runs' mean at most; those measured are it.
    """
    row = documented(all_runs())["batch_sizes"][1]
    rates = row.pop("learning_rates")
    (low, high), seconds = row.pop("steps_interval"), row.pop("seconds_interval")
    assert 25 < low < 35
    assert 45 < high < 65
    assert seconds == pytest.approx([1.9 * low, 1.9 * high])
    assert row == {
        "batch_size": 10,
        "method": "mini-batch",
        "learning_rate": 0.5,
        "seconds_per_step": 1.9,
        "seconds_per_epoch": 19.0,
        "memory_bytes": 2000,
        "steps_to_target": pytest.approx(40, rel=0.02),
        "steps_measured": pytest.approx(40),
        "examples_to_target": pytest.approx(400, rel=0.02),
        "seconds_to_target": pytest.approx(76, rel=0.02),
        "final_metric": pytest.approx(0.2),
        "reached": True,
        "foretold_steps": None,
        "runs": 6,
        "seeds_reached": 2,
        "seeds_missed": 0,
        "misses_too_often": False,
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
    assert (advice["interval"], advice["within_5_percent"], advice["regret"]) == ([10, 10], [10], 0)
    seconds = advice["seconds_to_target"]
    assert seconds == pytest.approx(76, rel=0.02)
    assert advice["sentence"] == "Train with batch size 10 and learning rate 0.5."
    assert advice["reasons"][0] == (
        f"Batch size 10 reaches val_loss ≤ 0.2 in {units.seconds(seconds)}: "
        f"{units.count(seconds / 1.9)} steps of 1.9 s."
    )
    assert "val_loss ≤ 0.2" in advice["would_change_if"][-1]


def test_the_fits() -> None:
    """S = 20 (1 + 10/B) and t = 0.9 + 0.1 B, with all rounds of timing kept."""
    document = documented(all_runs())
    fit, time = document["fit"], document["step_time"]
    assert [fit[name] for name in ("s_min", "b_crit", "e_min")] == pytest.approx([20, 10, 200], rel=1e-6)
    for name, value in (("s_min", 20), ("b_crit", 10)):
        low, high = fit["interval"][name]
        assert value / 4 < low < value < high < value * 4
    assert [time["a"], time["b"]] == pytest.approx([0.9, 0.1], rel=1e-6)
    assert time["points"] == [{"batch_size": size, "seconds": [value] * 3} for size, value in SECONDS.items()]


def test_a_curve_of_step_time_that_is_no_line_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """Flat up to 64, then in proportion: from the smallest to the largest size, within 3 % at each."""
    seconds = {4**power: max(1.0, 4**power / 64) for power in range(7)}
    monkeypatch.setitem(SETTINGS, "batch_sizes", list(seconds))
    made = [run(size, -2, seed, 20 * (1 + 10 / size)) for size in seconds for seed in (0, 1)]
    time = documented(made, timings(seconds))["step_time"]
    assert time["form"] != "affine"
    at, found = time["curve"]["batch_size"], time["curve"]["seconds"]
    assert (at[0], at[-1]) == (1, pytest.approx(4096))
    assert np.interp(list(seconds), at, found) == pytest.approx(list(seconds.values()), rel=0.03)
    assert documented(all_runs()[:6], timings({1: 1.0, 4: 1.3}))["step_time"]["curve"] is None


def test_the_curves() -> None:
    """One a size: its first seed at its best rate, against examples; 40 steps with three evaluations."""
    curves = documented(all_runs())["curves"]
    assert curves[1] == {
        "batch_size": 10,
        "seed": 0,
        "learning_rate": 0.5,
        "samples": [140, 270, 400],
        "metric": [0.9, 0.5, 0.2],
    }
    assert [curve["batch_size"] for curve in curves] == [1, 10, 100]


def test_the_cost() -> None:
    """Runs and samples of all runs: two seeds of S steps, of 2 S, and of 2 until divergence."""
    cost = documented(all_runs())["cost"]
    samples = sum(2 * (steps + 2 * steps + 2) * size for size, steps in {1: 220, 10: 40, 100: 22}.items())
    assert cost == {"seconds": 12.5, "runs": 18, "samples": samples}


def test_one_seed_leaves_more_doubt_than_two() -> None:
    """From a single seed the scatter is taken to be the usual one: intervals are wider, and none is open."""
    two, one = documented(all_runs()), documented([made for made in all_runs() if made.seed == 0])
    for wide, narrow in zip(one["batch_sizes"], two["batch_sizes"], strict=True):
        for name in ("steps_interval", "seconds_interval"):
            assert wide[name][0] < narrow[name][0] < narrow[name][1] < wide[name][1]
    assert one["recommendation"]["interval"] == [10, 10]


def test_a_size_that_was_not_run_is_foretold() -> None:
    """Its row has intervals about 40 steps and 76 s, by the curve, but no figure of its own."""
    runs = [made for made in all_runs() if made.batch_size != 10]
    row = documented(runs)["batch_sizes"][1]
    assert row["steps_interval"][0] < 40 < row["steps_interval"][1]
    assert row["seconds_interval"][0] < 76 < row["seconds_interval"][1]
    assert row["foretold_steps"] == pytest.approx(40, rel=0.1)
    assert row["note"] == ""
    assert (row["reached"], row["runs"], row["seeds_reached"], row["learning_rates"]) == (False, 0, 0, [])
    for name in ("learning_rate", "steps_to_target", "steps_measured", "seconds_to_target", "final_metric"):
        assert row[name] is None


def test_an_open_end_is_null() -> None:
    """Steps as 1/B bound S_min from above and B_crit from below alone; equal steps bound B_crit from above.

    Of the former S(100) = 40 is the most S_min can be, and at B_crit = 10 they would fall by 10, not 100.
    """
    falling, level = (
        documented([run(size, -2, seed, steps) for size, steps in made.items() for seed in range(3)])["fit"]
        for made in ({1: 4000.0, 10: 400.0, 100: 40.0}, dict.fromkeys(SECONDS, 40.0))
    )
    assert falling["interval"]["s_min"][0] is None
    assert falling["interval"]["s_min"][1] < 40 * 1.3
    assert falling["interval"]["b_crit"][0] > 10
    assert falling["interval"]["b_crit"][1] is None
    low, high = level["interval"]["s_min"]
    assert 40 / 1.5 < low < 40 < high < 40 * 1.5
    assert level["interval"]["b_crit"][0] is None
    assert level["interval"]["b_crit"][1] < 1


def test_nothing_reached() -> None:
    """No recommendation, no fit, no curve; every row says why."""
    reason = "not there after 100 steps"
    far = run(1, 0, 0, None, reason=reason, curve=(0.9, 0.25, 0.3))
    runs = [far, run(10, 0, 0, None, outcome=Outcome.DIVERGED, curve=LOST)]
    document = documented(runs)
    assert (document["recommendation"], document["fit"], document["curves"]) == (None, None, [])
    rows = document["batch_sizes"]
    assert [row["note"] for row in rows] == [
        f"{reason}; the nearest was val_loss 0.25",
        "diverged at every learning rate",
        "not run",
    ]
    for name in ("learning_rate", "steps_to_target", "steps_measured", "seconds_to_target",
                 "steps_interval", "seconds_interval", "final_metric"):  # fmt: skip
        assert [row[name] for row in rows] == [None] * 3
    assert [row["reached"] for row in rows] == [False] * 3
    assert [row["seeds_reached"] for row in rows] == [0] * 3


def test_a_size_that_is_missed_too_often_says_so() -> None:
    """By two of four seeds; one of four may be an accident."""
    runs = [run(1, 0, seed, 10.0 if seed else None) for seed in range(4)]
    runs += [run(10, 0, seed, 5.0 if seed > 1 else None) for seed in range(4)]
    rows = documented(runs)["batch_sizes"]
    assert [row["note"] for row in rows[:2]] == [
        "",
        "2 of 4 runs missed the target with the best learning rate",
    ]
    assert [(row["seeds_reached"], row["seeds_missed"]) for row in rows[:2]] == [(3, 1), (2, 2)]
    assert [row["misses_too_often"] for row in rows] == [False, True, False]


def test_sizes_above_the_memory_limit_say_so() -> None:
    """They keep their figures and are not recommended."""
    document = documented(all_runs(), memory_limit=1500)
    assert document["recommendation"]["batch_size"] == 1
    assert [row["note"] for row in document["batch_sizes"]] == [
        "",
        "needs 2,000 bytes, above the memory limit",
        "needs 3,000 bytes, above the memory limit",
    ]
    assert document["batch_sizes"][1]["seconds_to_target"] == pytest.approx(76, rel=0.02)


def test_a_rate_that_missed_once_counts_its_arrivals() -> None:
    """Seeds that arrived and seeds that were run are told apart; the estimate counts the steps of a miss.

    Steps measured are 10, of the arrival alone; the estimate is above sqrt(10 · 100): 100 were too few.
    """
    runs = [run(1, 0, 0, 10.0), run(1, 0, 1, None), run(10, 0, 0, 5.0), run(10, 0, 1, 5.0)]
    document = documented(runs)
    row = document["batch_sizes"][0]
    assert document["recommendation"]["within_5_percent"] == [10]
    assert row["learning_rates"] == [
        {
            "learning_rate": 1.0,
            "steps_to_target": pytest.approx(10),
            "reached": 1,
            "runs": 2,
            "outcome": "reached",
        }
    ]
    assert (row["seeds_reached"], row["steps_measured"]) == (1, pytest.approx(10))
    assert math.sqrt(10 * 100) < row["steps_to_target"] < 100


def test_doubts_follow_from_what_is_stored() -> None:
    """A target that two classes by lot have too, and that two steps reach; the recommendation is the same."""
    with Store() as store:
        store.put(about=ABOUT, settings=SETTINGS, budget=60.0, stopped="every planned run is done")
        store.put(memory={}, target=TARGET | {"value": 0.7, "text": "val_loss<=0.7", "baseline": 0.6931})
        store.add_timings(timings(SECONDS), seconds=12.5)
        store.add_runs([run(size, -2, seed, 2.0) for size in SECONDS for seed in (0, 1)])
        document = document_of(store, version="9.9")
    guess, few = document["doubts"]
    assert guess.startswith("The target val_loss ≤ 0.7 is worse than guessing: ")
    assert few.startswith("No batch size needs more than ")
    assert document["recommendation"]["batch_size"] == 1
    assert documented(all_runs())["doubts"] == []


def test_the_largest_size_that_fits() -> None:
    """Under a limit of 2,500 bytes it is the one of 2,000; without a limit the largest; under 10 none."""
    assert documented(all_runs(), memory_limit=2500)["largest_that_fits"] == {
        "batch_size": 10,
        "memory_bytes": 2000,
    }
    assert documented(all_runs())["largest_that_fits"]["batch_size"] == 100
    assert documented(all_runs(), memory_limit=10)["largest_that_fits"] is None


def test_open_ends_of_the_noise_scale_are_null() -> None:
    """Infinity is no JSON; a store from before the quarters has none."""
    noise = {"value": 5.0, "low": 2.0, "high": math.inf, "batch_size": 10, "cost": 0.1}
    with Store() as store:
        store.put(
            about=ABOUT, settings=SETTINGS, target=TARGET, budget=60.0, stopped="every planned run is done"
        )
        store.put(
            memory={}, noise={**noise, "quarters": [[3, 5.0, 2.0, math.inf], [6, math.nan, 0.0, math.inf]]}
        )
        store.add_timings(timings(SECONDS), seconds=12.5)
        store.add_runs(all_runs())
        found = document_of(store, version="9.9")["noise_scale"]
        store.put(noise=noise)
        assert document_of(store, version="9.9")["noise_scale"]["quarters"] == []
    assert found["high"] is None
    assert found["quarters"] == [
        {"step": 3, "value": 5.0, "low": 2.0, "high": None},
        {"step": 6, "value": None, "low": 0.0, "high": None},
    ]
