"""`rb.compare`: the whole way from data to the document."""

import json
from typing import Any

import numpy as np
import pytest
from sklearn.linear_model import LinearRegression as Sklearn

import compared
from rightbatch.compare import compare
from rightbatch.data.dataset import load_data
from rightbatch.errors import DataError, SettingError
from rightbatch.learners.linear import LogisticRegression
from rightbatch.learners.mlp import MLP
from rightbatch.records import Progress


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (
            ("logistic", "digits"),
            (
                "data must come first and the model after it, got 'logistic'; "
                "write rb.compare(data, model='logistic')."
            ),
        ),
        (
            (LogisticRegression(), "digits"),
            (
                "data must come first and the model after it, got 'LogisticRegression(l2=0.0)'; "
                "write rb.compare(data, model)."
            ),
        ),
    ],
)
def test_the_data_come_first(words: tuple[Any, ...], said: str) -> None:
    """A caller who has them the other way round, as `study` has them, is told."""
    with pytest.raises(SettingError) as caught:
        compare(*words)
    assert str(caught.value) == said


def test_the_model_may_be_the_second() -> None:
    """Without its name."""
    by_place = compare("houses", "linear", epochs=1, lr=0.1).to_dict()
    by_name = compare("houses", model="linear", epochs=1, lr=0.1).to_dict()
    assert by_place["settings"] == by_name["settings"]


def test_houses_end_exactly() -> None:
    """Price is 200 times size for every method, and for least squares."""
    for row in compared.houses().table():
        assert row["weights"]["size"] == pytest.approx(200, rel=1e-5)
        assert row["weights"]["intercept"] == pytest.approx(0, abs=2)


def test_least_squares_is_beside_the_weights() -> None:
    """On line that is scikit-learn's line, and full-batch descent ends on it."""
    x = load_data("line").train[0] * load_data("line").x_scale + load_data("line").x_mean
    data = load_data("line")
    theirs = Sklearn().fit(x, data.train[1] * data.y_scale + data.y_mean)
    wanted = {"x": pytest.approx(theirs.coef_.item(), rel=1e-4)}
    wanted["intercept"] = pytest.approx(theirs.intercept_.item(), rel=1e-4)
    assert compared.line().to_dict()["least_squares"] == wanted
    assert compared.line().table()[-1]["weights"] == wanted


def test_the_table_counts_as_the_vocabulary_does() -> None:
    """Updates per epoch are rows over batch size, rounded up, and an epoch takes as many times a step."""
    rows = {row["name"]: row for row in compared.line().table()}
    assert {name: row["updates_per_epoch"] for name, row in rows.items()} == {
        "stochastic": 100,
        "mini-batch 10": 10,
        "mini-batch 50": 2,
        "full batch": 1,
    }
    for row in rows.values():
        assert row["seconds_per_epoch"] == row["seconds_per_update"] * row["updates_per_epoch"]
        assert row["converged"]["epochs"] == row["converged"]["updates"] / row["updates_per_epoch"]


def test_all_methods_start_alike() -> None:
    """The loss before the first update is the same, and so is the first place of every path."""
    document = compared.network().to_dict()
    assert len({method["curve"]["loss"][0] for method in document["methods"]}) == 1
    assert len({(path["x"][0], path["y"][0]) for path in document["paths"]["methods"]}) == 1


def test_paths_of_two_parameters_are_in_own_units() -> None:
    """They begin at slope 0 and the label's mean, and end at the final weights."""
    document = compared.line().to_dict()
    assert document["paths"]["axes"] == ["weight of x", "intercept"]
    for path, row in zip(document["paths"]["methods"], document["methods"], strict=True):
        assert path["x"][0] == pytest.approx(0, abs=1e-6)
        assert path["y"][0] == pytest.approx(float(load_data("line").y_mean[0]), rel=1e-5)
        assert [path["x"][-1], path["y"][-1]] == pytest.approx([*row["weights"].values()], rel=1e-4)


def test_the_landscape_is_the_loss_of_own_units() -> None:
    """At every fifth point of the grid: mean squared error of that line, over the label's variance."""
    data, ground = load_data("line"), compared.line().to_dict()["paths"]["landscape"]
    x = data.train[0][:, 0] * data.x_scale[0] + data.x_mean[0]
    y = data.train[1][:, 0] * data.y_scale[0] + data.y_mean[0]
    for row in range(0, 101, 20):
        for column in range(0, 101, 20):
            error = ground["x"][column] * x + ground["y"][row] - y
            assert ground["loss"][row][column] == pytest.approx(np.mean(error**2) / np.var(y), rel=1e-3)


def test_larger_models_have_their_share_of_variance() -> None:
    """It is told for both directions, the first has more, and they are named by it."""
    paths = compared.network().to_dict()["paths"]
    first, second = paths["shares"]
    assert 1 >= first >= second > 0
    assert paths["axes"][0].startswith("direction 1 (")
    assert paths["parameters"] == 64 * 64 + 64 + 64 * 10 + 10


def test_a_method_that_diverges_is_part_of_the_comparison() -> None:
    """One row an update diverges at 0.8, all rows do not (2 / curvature is 1); the winners are the rest."""
    found = compared.some_diverge()
    alone, whole = found.table()
    assert alone["diverged"] is not None
    assert (alone["weights"], set(alone["final"].values())) == (None, {None})
    assert whole["diverged"] is None
    assert {winner.method for name, winner in found.winners.items() if name != "memory"} == {"full batch"}
    json.dumps(found.to_dict(), allow_nan=False)


def test_the_model_suits_the_data() -> None:
    """Numbers have linear regression, classes an MLP, unless another is asked for."""
    assert "LinearRegression" in compared.line().to_dict()["settings"]["model"]
    assert "MLP" in compared.network().to_dict()["settings"]["model"]
    blobs = (np.repeat([[-1.0], [1.0]], 20, axis=0), np.repeat([0, 1], 20))
    found = compare(blobs, model="logistic", lr=0.1, epochs=2, batch_sizes=[8, 28])
    assert found.to_dict()["paths"]["kind"] == "parameters"
    assert repr(LogisticRegression()) == found.to_dict()["settings"]["model"]


def test_the_same_seed_gives_the_same_curves() -> None:
    """Everything but the timings repeats."""
    one, other = (compare("houses", epochs=5, seed=3).to_dict() for _ in range(2))
    for first, second in zip(one["methods"], other["methods"], strict=True):
        assert first["curve"] == second["curve"]
        assert first["learning_rate"] == second["learning_rate"]
    assert one["paths"] == other["paths"]


def test_progress_ends_when_all_is_done() -> None:
    """The last event says that every piece foreseen is done."""
    told: list[Progress] = []
    compare("houses", epochs=2, progress=told.append)
    assert told[-1].done == told[-1].total == 8
    assert {event.stage for event in told} == {"convergence", "learning rates", "timing", "training"}


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ({"epochs": 0}, "epochs must be at least 1, got 0; write a number of epochs such as 100."),
        ({"lr": -1}, "lr must be above 0, got -1; write a number such as 0.1."),
        ({"seed": -1}, "seed must be at least 0, got -1; write a whole number such as 0."),
        ({"threads": 0}, "threads must be at least 1, got 0; write a number of threads such as 1."),
        (
            {"optimizers": ["sgdd"]},
            "optimizers is not known, got 'sgdd'; write one of sgd, adam, nesterov, momentum.",
        ),
    ],
)
def test_settings_that_cannot_be_used(asked: dict[str, Any], said: str) -> None:
    """Each is refused in a sentence."""
    with pytest.raises(SettingError) as error:
        compare("houses", **asked)
    assert str(error.value) == said


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (
            ([[1.0]], [2.0]),
            "arrays has one row, and one row cannot show a trend; give at least 2 rows.",
        ),
        (
            (np.ones((30, 2)), np.arange(30.0)),
            'arrays has no column to learn from (2 constant ("x0", "x1")); add one that varies.',
        ),
    ],
)
def test_data_that_cannot_be_used(data: Any, said: str) -> None:
    """One sample, and features that never change."""
    with pytest.raises(DataError) as error:
        compare(data)
    assert str(error.value) == said


def test_a_constant_feature_among_others_is_left_out() -> None:
    """The comparison is of what is left, and the notes say so."""
    x = np.column_stack([np.ones(30), np.arange(30.0)])
    found = compare((x, 2 * x[:, 1] + np.sin(x[:, 1])), epochs=2, lr=0.1)
    assert found.to_dict()["data"]["features"] == 1


def test_a_network_for_three_classes() -> None:
    """Its paths are shown along two directions, and there is no least squares beside it."""
    draws = np.random.default_rng(0).normal(size=(40, 2))
    found = compare((draws, np.digitize(draws[:, 0], [-0.5, 0.5])), model=MLP(hidden=(3,)), epochs=2, lr=0.1)
    assert found.to_dict()["paths"]["kind"] == "directions"
    assert found.to_dict()["least_squares"] is None
    assert found.to_dict()["settings"]["model"] == repr(MLP(hidden=(3,)))


def test_progress_is_a_function() -> None:
    """`True`, as other libraries have it, is none."""
    with pytest.raises(SettingError) as caught:
        compare("houses", progress=True)  # type: ignore[arg-type]
    assert str(caught.value) == (
        "progress must be a function, got True; write a function of a Progress, or leave it out."
    )
