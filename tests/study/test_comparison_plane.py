"""The plane of the paths and the loss on it."""

import numpy as np
import pytest
from sklearn.decomposition import PCA

from rightbatch.learners.linear import LinearRegression
from rightbatch.learners.updates import SGD
from rightbatch.records import Shape
from rightbatch.study.comparison_plane import landscape, plane_of, window


def test_two_parameters_are_the_axes() -> None:
    """Coordinates are the parameters themselves."""
    path = np.random.default_rng(0).normal(size=(7, 2))
    np.testing.assert_array_equal(plane_of([path]).along(path), path)


def test_more_parameters_have_the_directions_of_principal_components() -> None:
    """Coordinates and shares of the variance are scikit-learn's, but for the sign of a direction."""
    paths = [np.random.default_rng(seed).normal(size=(20, 5)).cumsum(axis=0) for seed in (1, 2)]
    whole = np.concatenate(paths)
    theirs = PCA(2).fit(whole)
    ours = plane_of(paths)
    assert ours.shares == pytest.approx(tuple(theirs.explained_variance_ratio_))
    np.testing.assert_allclose(np.abs(ours.along(whole)), np.abs(theirs.transform(whole)), atol=1e-9)


def test_one_parameter_has_no_second_direction() -> None:
    """All the variance is along the first axis, and the second coordinate is 0."""
    path = np.array([[0.0], [1.0], [3.0]])
    plane = plane_of([path])
    assert plane.shares == (1.0, 0.0)
    assert plane.along(path)[:, 1].tolist() == [0.0, 0.0, 0.0]


def test_a_run_that_flies_off_does_not_decide_the_window() -> None:
    """Of a hundred places near the middle and one a thousand times as far, the near ones are shown."""
    places = np.random.default_rng(0).normal(size=(100, 2))
    (left, right), (low, high) = window(np.vstack([places, [[5000.0, 5000.0]], [[np.inf, 0.0]]]))
    assert -6 < left < -1 < 1 < right < 6
    assert -6 < low < -1 < 1 < high < 6


def test_the_landscape_is_the_loss() -> None:
    """Mean squared error over the grid, from the formula."""
    learner = LinearRegression().build(Shape(features=1, outputs=1, task="regression"), SGD())
    x, y = np.array([[0.0], [1.0], [2.0]], np.float32), np.array([[1.0], [0.0], [4.0]], np.float32)
    found = landscape(
        learner, learner.start([0]), (x, y), ((-1.0, 2.0), (0.0, 3.0)), lambda grid: grid, many=False
    )
    assert found is not None
    w, b = np.meshgrid(found.x, found.y)
    wanted = np.mean((w[..., None] * x[:, 0] + b[..., None] - y[:, 0]) ** 2, axis=-1)
    np.testing.assert_allclose(found.loss, wanted, rtol=1e-4, atol=1e-6)


def test_a_learner_that_cannot_be_moved_has_no_landscape() -> None:
    """Without `shifted` there is nothing to compute."""
    rows = (np.zeros((1, 1)), np.zeros((1, 1)))
    found = landscape(object(), None, rows, ((0, 1), (0, 1)), lambda grid: grid, many=True)  # type: ignore[arg-type]
    assert found is None
