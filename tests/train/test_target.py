"""Targets: what can be written, what it means, what is refused."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rightbatch.errors import SettingError
from rightbatch.learners.metrics import METRICS, metrics_of
from rightbatch.train.target import Target, parse_target


@pytest.mark.parametrize(
    ("text", "task", "target", "written"),
    [
        ("val_loss=0.2", "classification", Target("loss", "validation", 0.2), "val_loss<=0.2"),
        ("val_loss<=0.2", "regression", Target("loss", "validation", 0.2), "val_loss<=0.2"),
        (" loss = 1e-3 ", "regression", Target("loss", "train", 0.001), "loss<=0.001"),
        ("accuracy=.9", "classification", Target("accuracy", "train", 0.9), "accuracy>=0.9"),
        ("val_acc>=0.95", "classification", Target("accuracy", "validation", 0.95), "val_accuracy>=0.95"),
        ("val_rmse=3", "regression", Target("rmse", "validation", 3.0), "val_rmse<=3"),
        ("mae<=12", "regression", Target("mae", "train", 12.0), "mae<=12"),
        ("val_r2=-0.5", "regression", Target("r2", "validation", -0.5), "val_r2>=-0.5"),
    ],
)
def test_what_can_be_written(text: str, task: str, target: Target, written: str) -> None:
    """The sign may be =, or the one of the metric's direction; the target is written with the latter."""
    parsed = parse_target(text, task)
    assert parsed == target
    assert str(parsed) == written


@given(
    st.sampled_from(sorted(METRICS)),
    st.sampled_from(["validation", "train"]),
    st.floats(-1e6, 1e6).map(lambda value: float(f"{value:.6g}")),
)
def test_what_is_written_is_read(metric: str, part: str, value: float) -> None:
    """A target written out is read as the same target."""
    target = Target(metric, part, min(value, 1.0) if metric in {"accuracy", "r2"} else value)
    assert parse_target(str(target), METRICS[metric].tasks[0]) == target


def test_a_target_is_itself() -> None:
    """One that is made already is taken as it is."""
    target = Target("loss", "train", 0.2)
    assert parse_target(target, "regression") is target


@pytest.mark.parametrize("metric", sorted(METRICS))
def test_when_it_is_met(metric: str) -> None:
    """At the value itself and on its better side; never by NaN."""
    target = Target(metric, "validation", 0.5)
    assert target.met(0.5)
    assert target.falls == (METRICS[metric].better == "lower")
    assert target.met(0.4) == target.falls
    assert target.met(0.6) != target.falls
    assert not target.met(float("nan"))
    assert target.met(float("-inf") if target.falls else float("inf"))


EXAMPLE = "write a target such as val_loss=0.2 or val_accuracy>=0.95."


@pytest.mark.parametrize(
    ("text", "task", "sentence"),
    [
        ("0.2", "regression", f"target must have the form METRIC=VALUE, got '0.2'; {EXAMPLE}"),
        ("val_loss", "regression", f"target must have the form METRIC=VALUE, got 'val_loss'; {EXAMPLE}"),
        ("", "regression", f"target must have the form METRIC=VALUE, got ''; {EXAMPLE}"),
        ("loss<0.2", "regression", f"target must have the form METRIC=VALUE, got 'loss<0.2'; {EXAMPLE}"),
        ("loss==0.2", "regression", f"target must have the form METRIC=VALUE, got 'loss==0.2'; {EXAMPLE}"),
        (0.2, "regression", f"target must have the form METRIC=VALUE, got 0.2; {EXAMPLE}"),
        ("loss=low", "regression", f"target must end in a finite number, got 'loss=low'; {EXAMPLE}"),
        ("loss=nan", "regression", f"target must end in a finite number, got 'loss=nan'; {EXAMPLE}"),
        ("loss=inf", "regression", f"target must end in a finite number, got 'loss=inf'; {EXAMPLE}"),
        (
            "val_accuracy=0.9",
            "regression",
            (
                "target names no metric of regression, got 'val_accuracy=0.9'; "
                "write one of val_r2, val_mae, val_rmse, val_loss."
            ),
        ),
        (
            "val_acuracy=0.9",
            "classification",
            (
                "target names no metric of classification, got 'val_acuracy=0.9'; "
                "write one of val_accuracy, val_loss."
            ),
        ),
        (
            "rmse=3",
            "classification",
            "target names no metric of classification, got 'rmse=3'; write one of val_loss, val_accuracy.",
        ),
        (
            "val_accuracy=90",
            "classification",
            (
                "target must be at most 1 for accuracy, got 'val_accuracy=90'; "
                "write val_accuracy=0.95, which is 95 %."
            ),
        ),
        ("r2=1.5", "regression", "target must be at most 1 for r2, got 'r2=1.5'; write r2=0.9."),
        (
            "val_loss>=0.2",
            "regression",
            "target points away: smaller loss is better, got 'val_loss>=0.2'; write val_loss<=0.2.",
        ),
        (
            "accuracy<=0.9",
            "classification",
            "target points away: larger accuracy is better, got 'accuracy<=0.9'; write accuracy>=0.9.",
        ),
        (
            Target("rmse", "validation", 3.0),
            "classification",
            (
                "target names no metric of classification, got 'val_rmse<=3'; "
                "write one of val_loss, val_accuracy."
            ),
        ),
    ],
)
def test_what_is_refused(text: Any, task: str, sentence: str) -> None:
    """The sentence shows what was written and what can be."""
    with pytest.raises(SettingError) as caught:
        parse_target(text, task)
    assert str(caught.value) == sentence


@pytest.mark.parametrize(
    ("settings", "text"),
    [
        (("los", "train", 1), "metric is not known, got 'los'; write one of loss, rmse, accuracy, mae, r2."),
        (("loss", "test", 1), "part is not known, got 'test'; write one of train, validation."),
        (
            ("loss", "train", float("nan")),
            "value must be a finite number, got nan; write a number such as 0.2.",
        ),
    ],
)
def test_parts_that_cannot_be_used(settings: Any, text: str) -> None:
    """A target that is made by hand is checked as well."""
    with pytest.raises(SettingError) as caught:
        Target(*settings)
    assert str(caught.value) == text


def test_every_metric_can_be_a_target() -> None:
    """Each metric of a task can be named, on both parts."""
    for task in ("regression", "classification"):
        for name in metrics_of(task):
            assert parse_target(f"{name}=1", task).name == name
            assert parse_target(f"val_{name}=1", task).name == f"val_{name}"
