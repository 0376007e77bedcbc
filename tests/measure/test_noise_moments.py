"""tr(Σ) and |G|² at one point: against closed forms, and against loops over pairs and rows."""

import itertools
import math
from functools import partial
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from measure.noise_problems import OTHERS, Regression, printed
from rightbatch.errors import DataError, SettingError
from rightbatch.measure.moments import cut_into, from_examples, from_parts, square_norms, unbiased
from rightbatch.records import Batch

REPLICAS = 4000

PROBLEMS = pytest.mark.parametrize(
    "problem", [printed(), printed(sigma=3.0), *OTHERS.values()], ids=["printed", "noisy", *OTHERS]
)


def test_the_problem_is_the_printed_one() -> None:
    """The closed forms give the values printed in the reference, section 4.1."""
    problem = printed()
    assert problem.square == pytest.approx(1.596163, abs=5e-7)
    assert problem.trace == pytest.approx(18.137634, abs=5e-7)
    assert (problem.b_simple, problem.b_noise) == pytest.approx((11.3633, 7.1112), abs=5e-5)


@PROBLEMS
@pytest.mark.parametrize("measure", [from_examples, partial(from_parts, parts=4)], ids=["rows", "parts"])
def test_both_halves_are_unbiased(problem: Regression, measure: Any) -> None:
    """Means over 4,000 batches lie within 4 standard errors of the closed forms, and those are small."""
    batch = problem.batch(np.random.default_rng(1), 40, REPLICAS)
    for found, truth in zip(
        measure(problem, problem.start(REPLICAS), batch), (problem.trace, problem.square), strict=True
    ):
        error = found.std() / np.sqrt(REPLICAS)
        assert error < 0.04 * truth
        assert found.mean() == pytest.approx(truth, abs=4 * error)


@given(st.integers(2, 6), st.integers(1, 4), st.integers(0, 10**6))
def test_halves_are_means_over_pairs(units: int, d: int, seed: int) -> None:
    """|G|² is the mean of u·v over pairs of units, tr(Σ) half their mean squared distance times the rows."""
    u = np.random.default_rng(seed).standard_normal((units, d))
    pairs = list(itertools.combinations(u, 2))
    total = u.sum(axis=0)
    found = unbiased(np.vecdot(total, total), np.vecdot(u, u).sum(), units, rows=3)
    assert found.square == pytest.approx(np.mean([a @ b for a, b in pairs]))
    assert found.trace == pytest.approx(3 * np.mean([(a - b) @ (a - b) / 2 for a, b in pairs]))


def test_as_many_parts_as_rows_are_the_examples() -> None:
    """Parts of one row each give what the norms of single gradients give."""
    problem = printed()
    batch = problem.batch(np.random.default_rng(2), 12, 3)
    by_rows, by_parts = (
        from_examples(problem, problem.start(3), batch),
        from_parts(problem, problem.start(3), batch, parts=12),
    )
    np.testing.assert_allclose(by_parts, by_rows)


@pytest.mark.parametrize("rows", [16, 64, 256])
def test_the_variance_of_the_square_is_the_one_predicted(rows: int) -> None:
    """For normal gradients Var = 4 GᵀΣG/n + 2 tr(Σ²)/(n(n-1)) (reference 4.6), within 4 standard errors."""
    rng = np.random.default_rng(rows)
    mean, spread = np.full(20, 0.2), 1 / np.sqrt(np.arange(1, 21))
    gradients = mean + spread * rng.standard_normal((rows, 3000, 20))
    total = gradients.sum(axis=0)
    square = unbiased(np.vecdot(total, total), np.vecdot(gradients, gradients).sum(axis=0), rows).square
    expected = 4 * (mean**2 * spread**2).sum() / rows + 2 * (spread**4).sum() / (rows * (rows - 1))
    deviations = (square - square.mean()) ** 2
    assert deviations.mean() == pytest.approx(expected, abs=4 * deviations.std() / np.sqrt(3000))


def test_without_replacement_the_population_is_meant() -> None:
    """Over all batches of 3 of 6 rows: E tr = S², E |G|² = |G_N|² - S²/N, exactly (reference 4.7)."""
    rows = np.random.default_rng(3).standard_normal((6, 4))
    found = []
    for chosen in itertools.combinations(rows, 3):
        some = np.array(chosen)
        total = some.sum(axis=0)
        found.append(unbiased(np.vecdot(total, total), np.vecdot(some, some).sum(), 3))
    mean = rows.mean(axis=0)
    s2 = ((rows - mean) ** 2).sum() / 5
    assert np.mean([moments.trace for moments in found]) == pytest.approx(s2)
    assert np.mean([moments.square for moments in found]) == pytest.approx(mean @ mean - s2 / 6)


def test_a_batch_is_cut_into_equal_parts() -> None:
    """Every part has the same rows, in order, and what is left over is in none."""
    batch = Batch({"x": np.arange(11), "y": np.arange(11) * 2}, np.arange(11) + 5, None, epoch=1, step=2)
    parts = cut_into(batch, 3)
    assert [part.data["x"].tolist() for part in parts] == [[0, 1, 2], [3, 4, 5], [6, 7, 8]]
    assert [part.index.tolist() for part in parts] == [[5, 6, 7], [8, 9, 10], [11, 12, 13]]
    assert parts[0].data["y"].tolist() == [0, 2, 4]


def test_what_cannot_be_measured_is_refused() -> None:
    """One part, too few rows, and rows of unequal weight: a sentence that says what to write."""
    problem = printed()
    batch = problem.batch(np.random.default_rng(0), 3, 1)
    with pytest.raises(SettingError) as one:
        from_parts(problem, problem.start(1), batch, parts=1)
    assert str(one.value) == "parts must be at least 2, got 1; write 2 or 4."
    with pytest.raises(DataError) as few:
        from_parts(problem, problem.start(1), batch, parts=4)
    assert str(few.value) == (
        "The noise scale needs a batch of at least 4 rows here, got 3; write a larger batch size for it."
    )
    weighted = Batch(batch.data, batch.index, np.ones(3, np.float32), epoch=0, step=0)
    with pytest.raises(DataError) as weights:
        from_examples(problem, problem.start(1), weighted)
    assert str(weights.value) == (
        "The noise scale needs rows of equal weight, and this batch has weights; "
        'write last="drop" for the loader of its batches.'
    )


def test_long_gradients_are_summed_in_float64() -> None:
    """10⁵ numbers of float32 in pieces: |g|² of every replica as math.fsum has it, to a part in a million."""
    gradient = np.random.default_rng(12).standard_normal((2, 100_003), dtype=np.float32)
    expected = [math.fsum(float(value) ** 2 for value in row) for row in gradient]
    assert square_norms(gradient) == pytest.approx(expected, rel=1e-6)
