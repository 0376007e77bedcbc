"""The paths of all methods in one picture, with the loss around them."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from rightbatch import units
from rightbatch.data.dataset import Dataset
from rightbatch.learners.linear import LinearRegression, LogisticRegression
from rightbatch.records import Array
from rightbatch.study.comparison import Compared, Comparing
from rightbatch.study.comparison_convergence import Convergence
from rightbatch.study.comparison_plane import Landscape, Plane, landscape, plane_of, window

_DIGITS = 6


def paths_of(
    asked: Comparing, compared: Sequence[Compared], convergence: Convergence
) -> dict[str, Any] | None:
    """Every path, the loss around them, and what the axes are; `None`: the learner has no parameters to tell.

    Two parameters are the axes themselves, in the data's own units for a linear model. Of more, the
    axes are the two leading directions of all paths together; the loss is that in this plane, from
    which the paths themselves keep away by what the two directions leave out.
    """
    if not all(one.track.places for one in compared):
        return None
    paths = [_finite(np.stack(one.track.places)) for one in compared]
    plane = plane_of(paths)
    two = paths[0].shape[1] == 2
    forth, back = _own_units(asked) if two else (_same, _same)
    drawn = [forth(plane.along(path)) for path in paths]
    goal = None
    if two and convergence.solution is not None:
        goal = forth(np.concatenate([part.ravel() for part in convergence.solution])[None])[0]
    sound = [path for path, one in zip(drawn, compared, strict=True) if one.track.diverged is None] or [
        path[:3] for path in drawn
    ]
    marked = [] if goal is None else [goal[None]]
    shown = window(np.concatenate([*sound, *marked]))
    learner = asked.learner(compared[0].method)
    found = landscape(
        learner,
        learner.start([asked.seed]),
        asked.data.train,
        shown,
        lambda grid: back(grid) @ plane.axes + plane.origin,
        many=not two,
    )
    return {
        "kind": "parameters" if two else "directions",
        "parameters": paths[0].shape[1],
        "axes": _axes(asked, plane, two=two),
        "shares": list(plane.shares),
        "window": [list(edges) for edges in shown],
        "landscape": None if found is None else _landscape(found),
        "least_squares": None if goal is None else goal.tolist(),
        "methods": [_path(one, path) for one, path in zip(compared, drawn, strict=True)],
    }


def _path(one: Compared, path: Array) -> dict[str, Any]:
    return {
        "name": one.method.name,
        "updates": one.track.placed[: len(path)],
        "x": [_short(value) for value in path[:, 0]],
        "y": [_short(value) for value in path[:, 1]],
    }


def _axes(asked: Comparing, plane: Plane, *, two: bool) -> list[str]:
    if not two:
        return [
            f"direction {number} ({units.percent(share)} of the variance)"
            for number, share in enumerate(plane.shares, start=1)
        ]
    if _linear(asked):
        return [f"weight of {asked.data.feature_names[0]}", "intercept"]
    return ["parameter 1", "parameter 2"]


def _linear(asked: Comparing) -> bool:
    return isinstance(asked.model, LinearRegression | LogisticRegression)


Change = Callable[[Array], Array]


def _own_units(asked: Comparing) -> tuple[Change, Change]:
    """From standardised (weight, bias) `(places, 2)` to the data's own units, and back."""
    if not _linear(asked):
        return _same, _same
    data: Dataset = asked.data

    def own(weight: float, bias: float) -> Array:
        weights, biases = data.in_own_units(np.array([[weight]]), np.array([bias]))
        return np.array([weights[0, 0], biases[0]])

    zero = own(0.0, 0.0)
    change = np.stack([own(1.0, 0.0) - zero, own(0.0, 1.0) - zero])  # the way is affine
    return (lambda places: places @ change + zero), (lambda places: (places - zero) @ np.linalg.inv(change))


def _same(places: Array) -> Array:
    return places


def _finite(path: Array) -> Array:
    """The path up to where it leaves the finite numbers."""
    gone = ~(np.abs(path) < _FAR).all(axis=1)
    return path[: gone.argmax()] if gone.any() else path


_FAR = 1e15
"""Squares of larger parameters overflow in float32."""


def _landscape(found: Landscape) -> dict[str, Any]:
    return {
        "x": [_short(value) for value in found.x],
        "y": [_short(value) for value in found.y],
        "loss": [[_short(value) for value in row] for row in found.loss],
    }


def _short(value: float) -> float | None:
    return float(f"{value:.{_DIGITS}g}") if np.isfinite(value) else None
