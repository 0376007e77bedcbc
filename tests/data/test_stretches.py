"""Which row a point falls into."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from rightbatch.data.stretches import Stretches


@given(st.integers(0, 10**6), st.integers(1, 400), st.integers(1, 60))
def test_the_row_is_that_of_bisection(seed: int, rows: int, skew: int) -> None:
    """For even and for very uneven weights, with zeros, and for points on the edges."""
    draw = np.random.default_rng(seed)
    weights = draw.random(rows) ** skew * (draw.random(rows) < 0.7)
    weights[draw.integers(rows)] = 1
    ends = np.cumsum(weights)
    shares = np.concatenate([draw.random(200), ends[ends < ends[-1]] / ends[-1], [0, 1 - 2**-53]])
    expected = np.searchsorted(ends, np.minimum(shares * ends[-1], np.nextafter(ends[-1], 0)), side="right")
    found = Stretches(weights).rows(shares)
    assert found.tolist() == expected.tolist()
    assert (weights[found] > 0).all()


def test_many_tiny_rows_in_one_cell_are_found() -> None:
    """A million rows that share a thousandth of the line, among them those no few steps lead to."""
    weights = np.full(10**6, 1e-9)
    weights[:: 10**5] = 1
    shares = np.linspace(0, 1, 10**5, endpoint=False)
    ends = np.cumsum(weights)
    expected = np.searchsorted(ends, shares * ends[-1], side="right")
    assert np.array_equal(Stretches(weights).rows(shares), expected)
