"""The law of the best learning rates in the document, on rates that follow one exactly."""

import pytest

from rightbatch.study.document_rates import rate_law

SIZES = [2**power for power in range(12)]


@pytest.mark.parametrize("alpha", [0.4, 1.0])
def test_a_law_is_found_again(alpha: float) -> None:
    """Exponent within its interval, and every rate within the band, which is tight where there are many."""
    rates = {size: 0.8 / (1 + 100 / size) ** alpha for size in SIZES}
    law = rate_law(dict(rates))
    assert law is not None
    low, high = law["exponent_interval"]
    assert low - 1e-9 <= alpha <= high + 1e-9
    for row in law["batch_sizes"]:
        assert row["low"] < rates[row["batch_size"]] < row["high"] < 3 * row["low"]
        assert row["learning_rate"] == pytest.approx(rates[row["batch_size"]], rel=0.15)


def test_sizes_without_a_rate_are_foretold_with_more_doubt() -> None:
    """Beyond those that were tuned the band is wider."""
    law = rate_law({size: 0.01 * size if size <= 64 else None for size in SIZES})
    assert law is not None
    widths = {row["batch_size"]: row["high"] / row["low"] for row in law["batch_sizes"]}
    assert list(widths) == SIZES
    assert widths[2048] > 2 * widths[16]


def test_one_size_is_no_law() -> None:
    """Two are needed to speak of a change with the batch size."""
    assert rate_law({32: 0.5, 64: None}) is None
