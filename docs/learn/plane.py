"""A line fitted by descent: its slope and intercept after every step, and the loss over the plane of both."""

from itertools import islice
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

import rightbatch as rb
from rightbatch.records import Shape
from rightbatch.study.comparison_convergence import least_squares
from rightbatch.train.loop import endless, train

Floats = NDArray[Any]

_SIDE = 61
"""Points of the loss on a side of the plane."""


class Points(NamedTuple):
    """Rows x with their y, and the line of least squares through them."""

    x: Floats
    """float32 `(rows, 1)`."""
    y: Floats
    """float32 `(rows, 1)`."""
    best: Floats
    """Slope and intercept, float64 `(2,)`."""

    def loss(self, places: Floats) -> Floats:
        """Mean squared error at places `(..., 2)`."""
        slope, intercept = places[..., :1], places[..., 1:]
        return np.mean((slope * self.x[:, 0] + intercept - self.y[:, 0]) ** 2, axis=-1)

    @property
    def length(self) -> float:
        """How long the ellipses of equal loss are for their width: the root of the condition number."""
        return float(np.linalg.cond(np.column_stack([self.x[:, 0], np.ones(len(self.x))]).astype(np.float64)))

    def away(self, places: Floats) -> Floats:
        """Distance of places `(..., 2)` from the best line, in the plane."""
        return np.linalg.norm(places - self.best, axis=-1)


def points(x: Floats, y: Floats) -> Points:
    """The rows with their best line."""
    weights, bias = least_squares(x, y)
    return Points(x.astype(np.float32), y.astype(np.float32), np.array([weights[0, 0], bias[0]]))


def path(
    rows: Points, batch_size: int, lr: float, *, steps: int, optimizer: Any = None, seed: int = 0
) -> Floats:
    """Slope and intercept at the start, (0, 0), and after every step, `(steps + 1, 2)`."""
    learner = rb.LinearRegression().build(
        Shape(features=1, outputs=1, task="regression"), optimizer or rb.SGD()
    )
    batches = islice(endless(rb.Loader((rows.x, rows.y), batch_size, shuffle=True, seed=seed)), steps)
    events = train(learner, learner.start([0]), batches, np.full(1, lr, np.float32))
    # the parameters of the next step overwrite those of this one
    places = [[float(value.item()) for value in learner.parameters(event.state).values()] for event in events]
    return np.array([[0.0, 0.0], *places])


def surface(rows: Points, places: Floats) -> tuple[list[float], list[float], Floats]:
    """Slopes, intercepts and the loss at each pair of them, `(intercepts, slopes)`, around the places."""
    low, high = places.min(axis=0), places.max(axis=0)
    margin = 0.12 * (high - low)
    slopes, intercepts = np.linspace(low - margin, high + margin, _SIDE).T
    grid = np.stack(np.meshgrid(slopes, intercepts), axis=-1)
    return slopes.tolist(), intercepts.tolist(), np.log(rows.loss(grid))
