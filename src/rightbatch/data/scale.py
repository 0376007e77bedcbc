"""Standardising: every column with mean 0 and standard deviation 1 on the training rows.

Columns that share a unit have one mean and one deviation: pixels at the rim of an image are nearly
always dark, and a deviation of their own would blow a rare grey up to the brightest thing in it.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from sklearn.preprocessing import StandardScaler

from rightbatch.data.table import place
from rightbatch.errors import DataError
from rightbatch.records import Array

FARTHEST = 1e15
"""Standard deviations a value may lie from the mean: its square must stay finite in float32."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Scaled:
    """Standardised columns and the way back: own units = values * scale + mean."""

    values: Array
    """float32, shape `(rows, columns)`."""
    mean: Array
    """float64, shape `(columns,)`."""
    scale: Array
    """float64, shape `(columns,)`; 1 where the training rows are all the same."""


def standardise(
    table: str, names: Sequence[str], values: Array, train: Array, units: Sequence[str] = ()
) -> Scaled:
    """Subtract the mean of the training rows and divide by their standard deviation (of the population).

    Args:
        table: the name of the data.
        names: of the columns, for a message.
        values: shape `(rows, columns)`, finite.
        train: numbers of the training rows.
        units: of the columns; those of the same one, not empty, are standardised together.

    Raises:
        DataError: a value lies too far out for float32.

    Example:
        >>> scaled = standardise("houses", ["size"], np.array([[1.0], [3.0], [5.0]]), np.array([0, 1]))
        >>> scaled.values.ravel().tolist(), scaled.mean.tolist(), scaled.scale.tolist()
        ([-1.0, 1.0, 3.0], [2.0], [1.0])
    """
    mean, scale = _moments(values[train], units)
    scaled = (values - mean) / scale
    far = np.abs(scaled) > FARTHEST
    if far.any():
        row, column = (int(i) for i in np.unravel_index(far.argmax(), far.shape))
        raise DataError(
            f"{table} has {values[row, column]:g} in {place(names[column], row)},"
            f" {abs(scaled[row, column]):.0e} times the spread of the training rows; correct this value."
        )
    return Scaled(values=np.ascontiguousarray(scaled, np.float32), mean=mean, scale=scale)


def _moments(train: Array, units: Sequence[str]) -> tuple[Array, Array]:
    """Mean and standard deviation of each column, float64; one for all columns of a unit."""
    scaler = StandardScaler().fit(train)
    mean, scale = np.array(scaler.mean_, np.float64), np.array(scaler.scale_, np.float64)
    for unit in set(units) - {""}:
        columns = [i for i, name in enumerate(units) if name == unit]
        together = StandardScaler().fit(train[:, columns].reshape(-1, 1))
        mean[columns], scale[columns] = together.mean_, together.scale_
    return mean, scale
