"""Where the paths run: the plane of two parameters, or the two leading directions of many."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from rightbatch.learners.metrics import evaluate
from rightbatch.learners.protocol import Learner
from rightbatch.records import Array

PLACES = 120
"""Of each path, so that all count the same when the directions are found."""

_POINTS_OF_TWO, _POINTS_OF_MANY = 101, 25
"""A side of the grid on which the loss is computed."""

_MARGIN = 0.15
"""Beyond the paths on every side, as a share of their width."""

_REPLICAS = 64
"""Places of the grid whose loss is computed together."""

_ROWS = 2_000
"""Rows that the loss of a large model's grid is computed of, at most."""

_FAR = 4.0
"""Places farther from the middle than this many times what most are away are left out of the picture."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plane:
    """Two axes through all paths: a place is origin + along @ axes."""

    origin: Array
    """`(parameters,)`."""
    axes: Array
    """Orthonormal rows, `(2, parameters)`."""
    shares: tuple[float, float]
    """Of the variance of all paths along each axis."""

    def along(self, places: Array) -> Array:
        """Coordinates of places `(places, parameters)`, shape `(places, 2)`."""
        return (places - self.origin) @ self.axes.T


@dataclass(frozen=True, slots=True, kw_only=True)
class Landscape:
    """The loss of all rows on a grid."""

    x: list[float]
    y: list[float]
    loss: Array
    """`(len(y), len(x))`; infinite where it overflows."""


def plane_of(paths: Sequence[Array]) -> Plane:
    """The plane of all paths: the parameters themselves where there are two, else the leading directions.

    Args:
        paths: places `(places, parameters)` of each method.

    Example:
        >>> plane = plane_of([np.array([[0.0, 0.0, 0.0], [4.0, 0.0, 3.0]])])
        >>> [round(share, 9) for share in plane.shares]
        [1.0, 0.0]
    """
    count = paths[0].shape[1]
    if count == 2:
        return Plane(origin=np.zeros(2), axes=np.eye(2), shares=_variances(np.concatenate(paths)))
    chosen = np.concatenate([path[_evenly(len(path))] for path in paths]).astype(np.float64)
    origin = chosen.mean(axis=0)
    _, lengths, directions = np.linalg.svd(chosen - origin, full_matrices=False)
    axes = np.zeros((2, count))
    found = min(2, len(directions))
    axes[:found] = directions[:found]
    whole = float(np.sum(lengths**2)) or 1.0
    shares = [float(length**2) / whole for length in lengths[:2]] + [0.0, 0.0]
    return Plane(origin=origin, axes=axes, shares=(shares[0], shares[1]))


def window(places: Array) -> tuple[tuple[float, float], tuple[float, float]]:
    """The part of the plane to show, from and to on each axis; a path that ran away does not decide it.

    Args:
        places: coordinates `(places, 2)` of all paths that matter.

    Example:
        >>> window(np.array([[0.0, 0.0], [1.0, 2.0]]))
        ((-0.15, 1.15), (-0.3, 2.3))
    """
    finite = places[np.isfinite(places).all(axis=1)]
    middle = np.median(finite, axis=0)
    away = np.abs(finite - middle)
    near = finite[(away <= _FAR * np.maximum(np.quantile(away, 0.9, axis=0), away[0])).all(axis=1)]
    low, high = near.min(axis=0), near.max(axis=0)
    margin = _MARGIN * np.where(high > low, high - low, 1.0)
    edges = np.round(np.stack([low - margin, high + margin]), 12)
    return (float(edges[0, 0]), float(edges[1, 0])), (float(edges[0, 1]), float(edges[1, 1]))


def landscape(
    learner: Learner[Any],
    start: Any,
    rows: tuple[Array, Array],
    shown: tuple[tuple[float, float], tuple[float, float]],
    to_parameters: Callable[[Array], Array],
    *,
    many: bool,
) -> Landscape | None:
    """The loss over a window of the plane.

    Args:
        learner: computes the loss.
        start: a state of one replica, from which others are moved.
        rows: of which the loss is computed.
        shown: the window.
        to_parameters: from coordinates `(places, 2)` to parameters `(places, parameters)`.
        many: whether the model has more than two parameters: a coarser grid, and fewer rows.

    Returns:
        `None`: the learner cannot be moved.
    """
    if not hasattr(learner, "shifted"):
        return None
    points = _POINTS_OF_MANY if many else _POINTS_OF_TWO
    x, y = (np.linspace(*edges, points) for edges in shown)
    grid = np.stack([axis.ravel() for axis in np.meshgrid(x, y)], axis=1)
    places = to_parameters(grid)
    part = (rows[0][:_ROWS], rows[1][:_ROWS]) if many else rows
    pieces = [
        _losses(learner, start, part, places[at : at + _REPLICAS]) for at in range(0, len(grid), _REPLICAS)
    ]
    loss = np.concatenate(pieces).reshape(points, points)
    return Landscape(x=x.tolist(), y=y.tolist(), loss=loss)


def _losses(learner: Any, start: Any, rows: tuple[Array, Array], places: Array) -> Array:
    here = np.concatenate([values[0].ravel() for values in learner.parameters(start).values()])
    state = learner.shifted(learner.select(start, [0] * len(places)), places - here)
    return evaluate(learner, state, rows, ["loss"])["loss"]


def _evenly(places: int) -> Array:
    return np.unique(np.linspace(0, places - 1, PLACES).round().astype(np.int64))


def _variances(places: Array) -> tuple[float, float]:
    spread = places.astype(np.float64).var(axis=0)
    whole = float(spread.sum()) or 1.0
    return float(spread[0]) / whole, float(spread[1]) / whole
