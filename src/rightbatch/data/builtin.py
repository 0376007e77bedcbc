"""The data sets that come with the package: `digits`, `houses` and `line`."""

import numpy as np
from sklearn.datasets import load_digits

from rightbatch.data.table import Column, Kind, Table, text_column
from rightbatch.records import Array


def digits() -> Table:
    """1,797 real handwritten digits of 8 x 8 pixels, from the UCI repository, as scikit-learn has them.

    Source: E. Alpaydin and C. Kaynak, Optical Recognition of Handwritten Digits, UCI Machine Learning
    Repository, 1998.
    """
    bunch = load_digits()
    pixels = zip(bunch.feature_names, bunch.data.T, strict=True)
    digit = text_column("digit", bunch.target, [str(name) for name in bunch.target_names])
    return Table(name="digits", columns=(*(_numbers(*pair, unit="pixel") for pair in pixels), digit))


def houses() -> Table:
    """Four houses, whose price is exactly 200 times their size."""
    size = np.array([1000.0, 1500.0, 2000.0, 2500.0])
    price = np.array([200_000.0, 300_000.0, 400_000.0, 500_000.0])
    return Table(name="houses", columns=(_numbers("size", size), _numbers("price", price)), teaching=True)


def line() -> Table:
    """100 points of y = 4 + 3x + noise; the line of least squares through them is y = 4.215 + 2.770x.

    They are drawn as in the well-known exercise (seed 42), so that results can be compared with it.
    """
    random = np.random.RandomState(42)
    x = 2 * random.rand(100, 1)
    y = 4 + 3 * x + random.randn(100, 1)
    return Table(name="line", columns=(_numbers("x", x[:, 0]), _numbers("y", y[:, 0])), teaching=True)


BUILT_IN = {"digits": digits, "houses": houses, "line": line}
"""Every built-in data set by its name."""


def _numbers(name: str, values: Array, unit: str = "") -> Column:
    return Column(name=name, kind=Kind.NUMBER, values=values, unit=unit)
