"""Standardising."""

import numpy as np
import pytest

from rightbatch.data.scale import standardise
from rightbatch.errors import DataError

TRAIN = np.arange(50)


def test_training_rows_alone_give_mean_and_deviation() -> None:
    """Mean and standard deviation are those of the training rows, whatever the others hold."""
    values = np.random.default_rng(0).normal(3, 7, (80, 4))
    scaled = standardise("t", list("abcd"), values, TRAIN)
    np.testing.assert_allclose(scaled.mean, values[:50].mean(axis=0), rtol=1e-12)
    np.testing.assert_allclose(scaled.scale, values[:50].std(axis=0), rtol=1e-12)
    np.testing.assert_allclose(scaled.values * scaled.scale + scaled.mean, values, rtol=1e-5)
    assert scaled.values.dtype == np.float32
    assert scaled.values.flags.c_contiguous


def test_large_numbers_keep_their_differences() -> None:
    """Seconds since 1970 are larger than float32 can count, but not their distance from the mean."""
    values = 1.7e9 + np.arange(50.0).reshape(-1, 1)
    scaled = standardise("t", ["time"], values, TRAIN)
    np.testing.assert_allclose(scaled.values[:, 0], (np.arange(50) - 24.5) / np.arange(50).std(), rtol=1e-6)


def test_a_value_out_of_reach_is_refused() -> None:
    """The sentence names the value, its place and how far it lies."""
    values = np.arange(80.0).reshape(-1, 1)
    values[60] = -1e60
    with pytest.raises(DataError) as caught:
        standardise("t.csv", ["a"], values, TRAIN)
    assert str(caught.value) == (
        't.csv has -1e+60 in column "a", row 61 (the first row is 1),'
        " 7e+58 times the spread of the training rows; correct this value."
    )
