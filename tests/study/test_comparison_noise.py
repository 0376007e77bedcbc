"""The noise of the loss, where it is known."""

import numpy as np
import pytest

from rightbatch.study.comparison_noise import loss_noise


def test_no_noise() -> None:
    """Batches of all rows have the loss of all rows: every ratio is 1."""
    found = loss_noise([0, 1, 2, 3], [4.0, 2.0, 1.0, 0.5], [4.0, 2.0, 1.0])
    assert found is not None
    assert (found.quantiles, found.spread, found.updates) == ([1.0] * 5, 0.0, 3)


def test_the_spread_is_that_of_the_draws() -> None:
    """Batch losses scattered by a known deviation give that deviation back."""
    scatter = np.random.default_rng(1).normal(1.0, 0.2, 20_000)
    found = loss_noise([0, 20_000], [3.0, 3.0], list(3.0 * scatter))
    assert found is not None
    assert found.spread == pytest.approx(0.2, rel=0.02)
    assert found.quantiles[2] == pytest.approx(1.0, abs=0.01)


def test_between_marks_the_loss_is_linear() -> None:
    """From 4 to 2 in two updates, the loss before the second is 3."""
    found = loss_noise([0, 2], [4.0, 2.0], [4.0, 3.0])
    assert found is not None
    assert found.spread == pytest.approx(0.0, abs=1e-12)


def test_what_float32_rounds_is_left_out() -> None:
    """Losses below a millionth of the start say nothing, and infinite ones neither."""
    found = loss_noise([0, 1, 2], [1.0, 1e-9, 1e-9], [1.0, 5e-9])
    assert found is not None
    assert found.updates == 1
    assert loss_noise([0, 1], [float("inf")] * 2, [1.0]) is None
