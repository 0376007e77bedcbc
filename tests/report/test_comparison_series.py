"""What the charts of a comparison show."""

import math

import pytest

import compared
from rightbatch.report import comparison_series as series


def test_every_look_is_its_own() -> None:
    """Two dozen methods: no two have the same colour and dash."""
    looks = series.looks(24)
    assert len({(look.colour, look.dash) for look in looks}) == 24


def test_clocks_count_an_epoch() -> None:
    """As many updates as an epoch has are 1 epoch by the first clock, and so many seconds by the last."""
    document = compared.line().to_dict()
    epochs, updates, seconds = series.clocks(document)
    for place, method in enumerate(document["methods"]):
        count = method["updates_per_epoch"]
        assert count * epochs.per_update[place] == pytest.approx(1)
        assert count * updates.per_update[place] == count
        assert count * seconds.per_update[place] == pytest.approx(method["seconds_per_epoch"])


def test_runs_that_diverge_leave_the_chart_to_the_others() -> None:
    """The losses shown end at the start's, though one of the runs goes a million times as high."""
    low, high = series.loss_range(compared.some_diverge().to_dict())
    assert [low, high] == pytest.approx([0.2307, 1.0], rel=1e-3)


def test_the_mark_of_convergence_lies_on_the_curve() -> None:
    """It is one of the marks, and its loss is about the target or below."""
    document = compared.line().to_dict()
    for curve in series.curves(document):
        assert curve.converged is not None
        update, loss = curve.converged
        assert loss == curve.loss[curve.updates.index(update)]
        assert loss < 1.1 * document["convergence"]["loss"]


def test_heights_are_doublings_above_the_least_loss() -> None:
    """Losses 1 + 1, 2, 4, 8 above a least one of 1 are 0, 1, 2, 3 doublings; what overflows has none."""
    drawn, lowest, highest = series.heights({"loss": [[2.0, 3.0], [5.0, 9.0], [1.0, None]]}, 1.0)
    assert drawn[:2] == [[0.0, 1.0], [2.0, 3.0]]
    assert drawn[2][1] is None
    assert (lowest, highest) == (0, 3)


def test_the_reach_of_a_clock() -> None:
    """In epochs: from one update of one row, to the last epoch of all."""
    document = compared.line().to_dict()
    first, last = series.reach(document, series.clocks(document)[0])
    assert [first, last] == pytest.approx([0.01, 20])
    assert math.isfinite(last)
