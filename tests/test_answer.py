"""The main job as a Python caller has it: `study`, `open_study`, and what they refuse."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import rightbatch as rb
from rightbatch.answer import Study, open_study, store_name, study
from rightbatch.records import Progress
from rightbatch.study import costs
from rightbatch.study.problem import Problem
from rightbatch.study.store import Store


@pytest.fixture(autouse=True)
def few_rounds(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two rounds of timing are enough here."""
    monkeypatch.setattr(costs, "ROUNDS", 2)
    monkeypatch.setattr(costs, "AGAIN", 0)


FINISHED = {
    "every planned run is done",
    "the recommended batch size is within 5 % of the fastest with 95 % probability",
}
"""Which of them depends on the timings."""


def studied(**settings: Any) -> Study:
    """A quick study: linear regression on the 100 points of the line."""
    usual: dict[str, Any] = {"target": "val_loss=0.25", "batch_sizes": [4, 16], "seeds": 2}
    return study("linear", "line", **{**usual, **settings})


@pytest.fixture(scope="module")
def found() -> Study:
    """One study to look at from all sides."""
    return studied()


def test_the_recommendation_is_one_of_the_sizes(found: Study) -> None:
    """It has all its parts, and its figures are those of its row."""
    advice = found.recommendation
    assert advice is not None
    row = next(row for row in found.table() if row["batch_size"] == advice.batch_size)
    assert (row["learning_rate"], row["seconds_to_target"]) == (
        advice.learning_rate,
        advice.seconds_to_target,
    )
    assert advice.batch_size in advice.within_5_percent
    assert advice.sentence.startswith(f"Train with batch size {advice.batch_size} ")
    assert advice.reasons
    assert advice.would_change_if
    assert repr(found) == f"Study({advice.sentence!r})"


def test_the_fit_has_its_doubt(found: Study) -> None:
    """S_min and B_crit with both intervals."""
    assert found.fit is not None
    assert set(found.fit.interval) == {"s_min", "b_crit"}
    assert found.fit.e_min == pytest.approx(found.fit.s_min * found.fit.b_crit)


def test_the_document_is_json(found: Study) -> None:
    """Without NaN; the table is its list of batch sizes, copied."""
    document = found.to_dict()
    assert json.loads(json.dumps(document, allow_nan=False)) == document
    found.table()[0]["batch_size"] = 0
    assert [row["batch_size"] for row in found.table()] == [4, 16]
    assert document["settings"]["model"] == "LinearRegression(l2=0.0)"
    assert document["data"]["name"] == "line"
    assert document["data"]["train"] == 100


def test_the_report_is_written(found: Study, tmp_path: Path) -> None:
    """One file, at the path that comes back."""
    path = found.to_html(tmp_path / "report.html")
    assert path.read_text(encoding="utf-8").startswith("<!doctype html>")


def test_the_learnt_model_is_the_least_squares_one(found: Study) -> None:
    """What is recommended does reach the target when `fit` trains with it."""
    advice = found.recommendation
    assert advice is not None
    result = rb.fit(
        rb.LinearRegression(),
        rb.load_data("line"),
        batch_size=advice.batch_size,
        lr=advice.learning_rate,
        schedule="constant",
        target="val_loss=0.25",
        epochs=50,
    )
    assert result.outcome is rb.Outcome.REACHED


def test_all_ways_to_name_the_same_study_agree() -> None:
    """A model or its name, arrays or a data set, an optimizer or its name."""
    x = np.linspace(-1, 1, 60)[:, None]
    arrays = (x, 3 * x[:, 0] + 1)
    settings: dict[str, Any] = {"target": "val_loss<=0.1", "batch_sizes": (8,), "seeds": 2}
    first = study("linear", arrays, optimizer="momentum", **settings)
    again = study(rb.LinearRegression(), rb.load_data(arrays), optimizer=rb.Momentum(), **settings)
    for name in ("settings", "target", "data"):
        assert first.to_dict()[name] == again.to_dict()[name]
    assert first.table()[0]["steps_to_target"] == again.table()[0]["steps_to_target"]


def test_nothing_reached() -> None:
    """There is no recommendation and no fit, and the study says so."""
    found = studied(target="val_loss=-1", batch_sizes=[16])
    assert (found.recommendation, found.fit) == (None, None)
    assert repr(found) == "Study('no batch size reached the target')"


def test_a_stored_study_is_opened_without_running(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The same document comes back, and another preference is another reading of the same runs."""
    path = tmp_path / "s.db"
    found = studied(store=path, memory_limit="1GB")
    monkeypatch.setattr(Problem, "runs", None)
    assert open_study(path, memory_limit="1GB").to_dict() == found.to_dict()
    smallest = open_study(str(path), prefer="smallest").to_dict()
    assert smallest["settings"]["prefer"] == "smallest"
    assert smallest["batch_sizes"] == found.to_dict()["batch_sizes"]


def test_a_finished_study_comes_back_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The same call again runs nothing, tells of nothing, and gives the same document, its cost included."""
    path = tmp_path / "s.db"
    first = studied(store=path)
    monkeypatch.setattr(Problem, "runs", None)
    told: list[Progress] = []
    assert studied(store=path, progress=told.append).to_dict() == first.to_dict()
    assert told == []


def test_a_larger_budget_goes_on(tmp_path: Path) -> None:
    """The store of a study whose budget was too small for a run is no loss: with more it goes on."""
    path = tmp_path / "s.db"
    with pytest.raises(rb.SettingError) as caught:
        studied(store=path, budget=0.001)
    assert str(caught.value) == (
        "budget was spent before the first run, got 0.001; write a larger one such as 60s."
    )
    with pytest.raises(rb.StoreError) as empty:
        open_study(path)
    assert str(empty.value) == (
        f"{path} holds no run yet; let its study go on, with the command that began it."
    )
    assert studied(store=path, budget="1m").to_dict()["stopped"] in FINISHED


OTHERS: list[tuple[str, dict[str, Any], str]] = [
    ("seeds", {"seeds": 3}, "seeds 2 there and 3 now"),
    ("batch_sizes", {"batch_sizes": [4]}, "batch_sizes [4, 16] there and [4] now"),
    ("target", {"target": "val_loss=0.3"}, "target 'val_loss<=0.25' there and 'val_loss<=0.3' now"),
    ("no target", {"target": None}, "target 'val_loss<=0.25' there and 'auto' now"),
    ("optimizer", {"optimizer": "momentum"}, "optimizer 'SGD()' there and 'Momentum(momentum=0.9)' now"),
    ("threads", {"threads": 2}, "threads 1 there and 2 now"),
    ("several", {"seeds": 3, "threads": 2}, "seeds 2 there and 3 now and threads 1 there and 2 now"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("settings", "difference"), [case[1:] for case in OTHERS], ids=[case[0] for case in OTHERS]
)
def test_a_store_of_another_study_names_the_difference(
    tmp_path: Path, settings: dict[str, Any], difference: str
) -> None:
    """Every setting that differs, with both its values; and nothing in the store changes."""
    path = tmp_path / "s.db"
    before = studied(store=path).to_dict()
    with pytest.raises(rb.StoreError) as caught:
        studied(store=path, **settings)
    assert str(caught.value) == (
        f"{path} belongs to another study, of 'line': {difference}; write another store."
    )
    assert open_study(path).to_dict() == before


def test_a_store_of_other_data_names_both(tmp_path: Path) -> None:
    """The data it was made from by its name, both by their fingerprints; the model differs, too."""
    path = tmp_path / "s.db"
    studied(store=path)
    line, houses = rb.load_data("line"), rb.load_data("houses")
    with pytest.raises(rb.StoreError) as caught:
        study(rb.MLP(hidden=(3,)), houses, target="val_loss=0.25", batch_sizes=[4], seeds=2, store=path)
    assert str(caught.value) == (
        f"{path} belongs to another study, of 'line': model 'LinearRegression(l2=0.0)' there and "
        f"{repr(rb.MLP(hidden=(3,)))!r} now, batch_sizes [4, 16] there and [4] now and "
        f"data {line.fingerprint!r} there and {houses.fingerprint!r} now; write another store."
    )


def test_budget_preference_and_limit_may_change(tmp_path: Path) -> None:
    """They are no part of a study: the same store goes on."""
    path = tmp_path / "s.db"
    studied(store=path)
    changed = studied(store=path, budget=1000, prefer="smallest", memory_limit="1GB").to_dict()["settings"]
    assert (changed["budget_seconds"], changed["prefer"]) == (1000.0, "smallest")
    assert changed["memory_limit_bytes"] == 10**9


TIME = "write a time such as 60s, 5m or 1h."
SIZES = 'write sizes such as [1, 8, 64], or "auto".'


@pytest.mark.parametrize(("tolerance", "said"), [(0, "above 0"), (-0.05, "above 0"), (5, "below 1")])
def test_a_tolerance_is_a_share(tmp_path: Path, tolerance: float, said: str) -> None:
    """One sentence, and no store is begun."""
    path = tmp_path / "s.db"
    with pytest.raises(rb.SettingError) as caught:
        studied(store=path, tolerance=tolerance)
    assert str(caught.value) == (
        f"tolerance must be {said}, got {tolerance}; write a share such as 0.05, which is 5 %."
    )
    assert not path.exists()


def test_the_last_sentence_agrees_with_the_regret(found: Study) -> None:
    """A study ends sure when its regret is within the tolerance, and else when every run is done."""
    for one, tolerance in ((found, 0.05), (studied(tolerance=0.9, complete=False), 0.9)):
        advice = one.recommendation
        assert advice is not None
        assert advice.regret is not None
        sure = one.to_dict()["stopped"] != "every planned run is done"
        assert sure == (advice.regret <= tolerance)


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        ({"seeds": 1}, "seeds must be at least 2, got 1; write a number such as 5."),
        ({"seeds": 2.5}, "seeds must be a whole number, got 2.5; write a number such as 5."),
        ({"seed": -1}, "seed must be at least 0, got -1; write a whole number such as 0."),
        ({"threads": 0}, "threads must be at least 1, got 0; write a number of threads such as 1."),
        ({"batch_sizes": [101]},
         "batch_sizes must not be above the 100 training rows, got 101; write at most 100."),
        ({"batch_sizes": [0]}, f"batch_sizes must be at least 1, got 0; {SIZES}"),
        ({"budget": "soon"}, f"budget must be a number with a unit, got 'soon'; {TIME}"),
        ({"memory_limit": 0}, "memory_limit must be above 0, got 0; write a size such as 500MB or 4GB."),
        ({"prefer": "best"}, "prefer is not known, got 'best'; write one of fastest, cheapest, smallest."),
        ({"optimizer": "adm"},
         "optimizer is not known, got 'adm'; write one of adam, sgd, momentum, nesterov."),
        ({"target": "val_acc=0.9"}, ("target names no metric of regression, got 'val_acc=0.9'; "
                                     "write one of val_r2, val_mae, val_rmse, val_loss.")),
    ],
)  # fmt: skip
def test_settings_that_cannot_be_used(tmp_path: Path, settings: dict[str, Any], sentence: str) -> None:
    """One sentence in the words of a Python caller; no store is begun, and its name cannot be had either."""
    path = tmp_path / "s.db"
    with pytest.raises(rb.SettingError) as caught:
        studied(store=path, **settings)
    assert str(caught.value) == sentence
    assert not path.exists()
    with pytest.raises(rb.SettingError) as named:
        store_name("linear", rb.load_data("line", seed=max(settings.get("seed", 0), 0)), **settings)
    assert str(named.value) == sentence


def test_unknown_models() -> None:
    """The nearest name comes first."""
    with pytest.raises(rb.SettingError) as caught:
        study("liner", "line")
    assert str(caught.value) == "model is not known, got 'liner'; write one of linear, logistic, mlp."


@pytest.mark.parametrize("where", ["nowhere.db", "."])
def test_a_store_that_is_not_there(tmp_path: Path, where: str) -> None:
    """Opening makes no file."""
    path = tmp_path / where
    with pytest.raises(rb.StoreError) as caught:
        open_study(path)
    assert str(caught.value) == f'There is no file "{path}"; write the file that a study was stored in.'
    assert list(tmp_path.iterdir()) == []


def test_every_study_has_its_own_file() -> None:
    """Data and settings make the name; what may change from call to call does not."""
    data = rb.load_data("line")
    name = store_name("linear", data)
    assert name.startswith("study-line-")
    assert name.endswith(".db")
    assert store_name("linear", data, budget="5m", prefer="smallest", memory_limit="1GB") == name
    others = [
        store_name("mlp", data),
        store_name("linear", rb.load_data("houses")),
        store_name("linear", data, seeds=3),
        store_name("linear", data, target="val_loss=0.3"),
        store_name("linear", data, optimizer="adam"),
    ]
    assert len({name, *others}) == 6


def test_interrupting_leaves_a_store_that_goes_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Ctrl-C reaches the caller, what was done is in the store, and the report of that can be drawn."""
    path, calls = tmp_path / "s.db", iter(range(100))

    def stop(progress: Progress) -> None:
        if progress.stage == "seeds" and next(calls) == 1:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        studied(store=path, progress=stop)
    half = open_study(path)
    assert half.to_dict()["stopped"] == "it was interrupted; the same command goes on from there"
    half.to_html(tmp_path / "half.html")
    with Store(path) as store:
        done = store.runs()
    found = studied(store=path)
    with Store(path) as store:
        assert store.runs()[: len(done)] != []
        assert {(run.batch_size, run.point, run.seed) for run in done} < {
            (run.batch_size, run.point, run.seed) for run in store.runs()
        }
    assert found.to_dict()["stopped"] in FINISHED


@pytest.mark.parametrize(
    ("settings", "text"),
    [
        (
            {"progress": True},
            "progress must be a function, got True; write a function of a Progress, or leave it out.",
        ),
        ({"quick": "yes"}, "quick must be true or false, got 'yes'; write True or False."),
        ({"complete": 1}, "complete must be true or false, got 1; write True or False."),
    ],
)
def test_switches_and_progress(settings: dict[str, Any], text: str, tmp_path: Path) -> None:
    """What Python would take for true, or call in the middle of a study, is refused before it begins."""
    with pytest.raises(rb.SettingError) as caught:
        study("mlp", "digits", store=tmp_path / "study.db", **settings)
    assert str(caught.value) == text
    assert not list(tmp_path.iterdir())
