"""The winners, from runs whose numbers are made up."""

from typing import Any

import pytest

from rightbatch.study.comparison import Compared
from rightbatch.study.comparison_methods import Method
from rightbatch.study.comparison_track import Track
from rightbatch.study.comparison_winners import Winner, winners


def compared(name: str, **facts: Any) -> Compared:
    """A method that converged in 10 updates of a millisecond, unless told otherwise."""
    told = {"orders": [10, 11, 9], "seconds": 1e-3, "memory": 1000, "final": 0.9, "diverged": None, **facts}
    metric = told.get("metric", "val_accuracy")
    track = Track(scores={metric: [0.1 if metric == "val_accuracy" else 1.0, told["final"]]})
    track.diverged = told["diverged"]
    return Compared(
        method=Method(name=name, kind="mini-batch", batch_size=8, optimizer="sgd", rule=None),
        learning_rate=0.1,
        found=True,
        track=track,
        updates_per_epoch=4,
        seconds_per_update=told["seconds"],
        memory_bytes=told["memory"],
        orders=told["orders"],
    )


def won(*runs: Compared, task: str = "classification", rows: int = 1000) -> dict[str, Winner]:
    """The winners by what they win."""
    return {found.respect: found for found in winners(runs, task, rows, 2.0)}


def test_speed_is_updates_by_seconds() -> None:
    """Ten updates of 1 ms lose to twenty of 0.2 ms, and the sentence has the numbers."""
    found = won(compared("a"), compared("b", orders=[20, 20, 20], seconds=2e-4))["speed"]
    assert found.sentence == (
        "B is the fastest: it converges in 4 ms, 20 updates of 200 µs; a, the next, takes 2.5 times as long."
    )
    assert (found.method, found.value, found.alike) == ("b", "4 ms", [])


def test_speed_that_other_orders_could_turn_is_called_close() -> None:
    """Where the slowest order of the first is slower than the fastest of the second, both are named."""
    found = won(compared("a", orders=[10, 10, 16]), compared("b", orders=[12, 13, 14]))["speed"]
    assert (found.method, found.alike) == ("a", ["b"])
    assert found.sentence.endswith("In other orders of the rows it may be otherwise: this is close.")


def test_what_did_not_converge_cannot_be_the_fastest() -> None:
    """It is named, and so is what diverged."""
    late, gone = compared("late", orders=[None, None, 9]), compared("gone", orders=[None], diverged=7)
    found = won(compared("a"), late, gone)["speed"]
    assert found.sentence == (
        "A is the fastest: it converges in 10 ms, 10 updates of 1 ms. Not converged: late. Diverged: gone."
    )


@pytest.mark.parametrize(
    ("diverged", "said"),
    [
        (None, "give them more epochs. Not converged: a and b."),
        (3, "write a smaller learning rate. Diverged: a and b."),
    ],
)
def test_none_converged(diverged: int | None, said: str) -> None:
    """There is no winner, and the sentence says what to do."""
    found = won(*(compared(name, orders=[None], diverged=diverged) for name in "ab"))["speed"]
    assert found.method is None
    assert found.sentence == f"None of the methods converged, so there is no winner for speed; {said}"


def test_memory() -> None:
    """The least wins; less than 1 % more is as good, and the first of those in the table is named first."""
    found = won(compared("a", memory=1009), compared("b", memory=1000), compared("c", memory=5000))["memory"]
    assert found.sentence == "A and b take the least memory beyond the data, 1.01 kB; c takes the most, 5 kB."
    assert (found.method, found.alike) == ("a", ["b"])


def test_quality_within_a_standard_error_is_no_victory() -> None:
    """Of 1,000 rows, accuracies 0.90 and 0.89 cannot be told apart (standard error 0.013), 0.85 can."""
    found = won(compared("a"), compared("b", final=0.89), compared("c", final=0.85))["quality"]
    assert found.alike == ["b"]
    assert found.sentence == (
        "A ends with the best val_accuracy, 0.9, but b cannot be told from it (less than a standard error "
        "apart); c ends with 0.85."
    )


def test_quality_of_regression_is_the_least_error_in_own_units() -> None:
    """An error of 0.2 of a label whose deviation is 2 is 0.4."""
    runs = [compared(name, metric="val_rmse", final=value) for name, value in (("a", 0.3), ("b", 0.2))]
    found = won(*runs, task="regression")["quality"]
    assert found.sentence == "B ends with the best val_rmse, 0.4; a ends with 0.6."


def test_quality_where_all_diverged() -> None:
    """There is none to be told."""
    found = won(*(compared(name, orders=[None], diverged=3) for name in "ab"))["quality"]
    assert found.method is None
