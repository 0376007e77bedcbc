"""Sentences and tables of a comparison."""

import io
from typing import Any

import pytest
from rich.console import Console

import compared
from rightbatch.report import comparison_series as series
from rightbatch.report import comparison_tables as tables
from rightbatch.report import comparison_words as words
from rightbatch.report.comparison_terminal import show_comparison


def terminal(document: dict[str, Any], width: int = 120) -> str:
    """What a terminal of this width shows."""
    out = io.StringIO()
    show_comparison(document, Console(file=out, width=width))
    return out.getvalue()


def test_houses_are_said_as_people_say_them() -> None:
    """Every method learns that the price is 200 times the size."""
    assert words.equations(compared.houses().to_dict()) == [
        f"{name}: price = 200 × size"
        for name in ("stochastic", "mini-batch 2", "full batch", "least squares")
    ]


def test_the_headline_is_the_winner_of_speed() -> None:
    """With all that cannot be told from it."""
    document = {"winners": [{"respect": "speed", "method": "full batch", "alike": ["stochastic"]}]}
    assert words.headline(document) == "Full batch and stochastic converge fastest."
    document["winners"][0]["alike"] = []
    assert words.headline(document) == "Full batch converges fastest."
    document["winners"][0]["method"] = None  # type: ignore[assignment]
    assert words.headline(document) == "No method converged."


def test_the_standfirst_says_what_diverged() -> None:
    """And at which learning rate."""
    assert words.standfirst(compared.some_diverge().to_dict()) == (
        "One model from one start, trained by 2 methods for 20 epochs, all at learning rate 0.8. "
        "Stochastic diverged at it."
    )


def test_how_learning_rates_were_chosen_is_said() -> None:
    """Searched for each, or the same for all as it was asked for."""
    searched, given = (words.fairness(found.to_dict())[1] for found in (compared.line(), compared.many()))
    assert searched.startswith("Learning rate: for each method the one that converges in the fewest updates")
    assert given.startswith("Learning rate: 0.05 for every method, as it was asked for.")


def test_what_converged_means_is_said() -> None:
    """With the three losses it comes from."""
    assert words.converged(compared.line().to_dict()) == (
        "Converged: the training loss is at most 0.238, which is 99 % of the way from 1 (untrained) to 0.231 "
        "(that of least squares), by the median of three evaluations in a row. Updates until then are the "
        "median over 3 orders of the rows."
    )


def test_noise_is_held_against_the_law_of_means() -> None:
    """From 10 to 90 of 100 rows: 3 times by the ratio, and 3 times for those that are left out."""
    noises = [
        series.Noise("a", 10, [1.0] * 5, 0.9),
        series.Noise("b", 90, [1.0] * 5, 0.1),
    ]
    assert words.noise(noises, 100).endswith(
        "a batch is off: a by 90 % and b by 10 %. From 10 to 90 rows a batch it falls by a factor of 9; "
        "if rows scattered alike in all runs, it would be 9."
    )


def test_the_table_says_diverged_and_never() -> None:
    """A row has numbers, or the word that says why not."""
    rows = tables.rows(compared.some_diverge().to_dict())
    assert rows[0].cells[6:] == ("diverged", "diverged", "diverged", "-", "-")
    assert "diverged" not in rows[1].cells
    document = compared.network().to_dict()
    assert {row.cells[6] for row in tables.rows(document)} == {"never"}


def test_tables_hold_every_mark() -> None:
    """The loss table has a row a mark, the paths table a row a place."""
    document = compared.line().to_dict()
    marks = sum(len(method["curve"]["updates"]) for method in document["methods"])
    assert len(tables.loss(document).rows) == marks
    assert len(tables.paths(document).rows) == sum(len(p["x"]) for p in document["paths"]["methods"])


@pytest.mark.parametrize("width", [60, 80, 160])
def test_a_terminal_of_any_width(width: int) -> None:
    """No line is wider, and the names, the fastest and the weights are there."""
    shown = terminal(compared.line().to_dict(), width)
    assert max(map(len, shown.splitlines())) <= width
    for word in ("stochastic", "full batch", "Who wins", "least squares", "intercept"):
        assert word in shown


def test_weights_of_a_network_are_not_shown() -> None:
    """There are too many, and they have no names."""
    assert tables.weights(compared.network().to_dict()) is None
    assert "weight" not in terminal(compared.network().to_dict())
