"""The track of one training, against gradient descent written out."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rightbatch.learners.linear import LinearRegression
from rightbatch.learners.updates import SGD
from rightbatch.records import Shape
from rightbatch.study.comparison_track import EVERY, Course, marks
from rightbatch.train.target import Target

X = np.array([[-1.0], [0.0], [1.0], [2.0]], np.float32)
Y = np.array([[-2.0], [1.0], [2.0], [6.0]], np.float32)


def course(*, batch_size: int = 4, lr: float = 0.1, updates: int = 30) -> Course:
    """Linear regression on four rows."""
    learner = LinearRegression().build(Shape(features=1, outputs=1, task="regression"), SGD())
    return Course(
        learner=learner,
        train=(X, Y),
        validation=(X[:2], Y[:2]),
        batch_size=batch_size,
        lr=lr,
        start=0,
        updates=updates,
        names=("loss", "rmse"),
    )


def by_hand(updates: int, lr: float) -> list[tuple[float, float, float]]:
    """Weight, bias and loss before each update of full-batch descent."""
    w = b = 0.0
    found = []
    for _ in range(updates + 1):
        error = X[:, 0] * w + b - Y[:, 0]
        found.append((w, b, float(np.mean(error**2))))
        w, b = w - lr * float(np.mean(2 * error * X[:, 0])), b - lr * float(np.mean(2 * error))
    return found


def test_full_batch_descent_is_followed_update_by_update() -> None:
    """Places and losses are those of descent by hand, the start included."""
    track, hand = course().run(0), by_hand(30, 0.1)
    assert track.updates == track.placed == list(range(31))
    np.testing.assert_allclose(np.stack(track.places), [place[:2] for place in hand], rtol=1e-4, atol=1e-6)
    np.testing.assert_allclose(track.scores["loss"], [place[2] for place in hand], rtol=1e-4)
    np.testing.assert_allclose(track.batch_losses, [place[2] for place in hand[:-1]], rtol=1e-4)


def test_the_end_is_told() -> None:
    """The final parameters are the last place, and validation is that of its own rows."""
    track = course().run(0)
    last = [track.final["weight1"].item(), track.final["bias1"].item()]
    np.testing.assert_allclose(last, track.places[-1])
    error = X[:2, 0] * last[0] + last[1] - Y[:2, 0]
    assert track.scores["val_rmse"][-1] == pytest.approx(float(np.sqrt(np.mean(error**2))), rel=1e-4)


def test_convergence_is_where_the_curve_crosses() -> None:
    """The crossing of the noted losses, and the same from a run that stops there."""
    wanted, target = course(updates=60), Target("loss", "train", 0.5)
    losses = [place[2] for place in by_hand(60, 0.1)]
    after = next(step for step, loss in enumerate(losses) if loss <= 0.5)
    found = wanted.run(0).converged(target)
    assert found is not None
    assert after - 1 < found <= after
    assert wanted.converges(0, target) == pytest.approx(found)


def test_never_converging_is_told() -> None:
    """A target below the least loss is not reached, and that is no number."""
    assert course().converges(0, Target("loss", "train", 0.01)) is None


@pytest.mark.parametrize("lr", [1.5, 1e30])
def test_a_run_that_diverges_ends(lr: float) -> None:
    """The update is told, and the last note is the only one that is far away."""
    track = course(lr=lr, updates=5000).run(0)
    assert track.diverged == track.updates[-1] < 5000
    assert all(np.isfinite(track.scores["loss"][:-1]))
    assert track.final == {}


@given(st.integers(1, 10**6))
def test_marks_begin_end_and_rise(updates: int) -> None:
    """Every one of the first updates, the last, and none that is more than 2 % (rounded up) from the next."""
    found = marks(updates)
    assert found[: EVERY + 1] == list(range(min(EVERY, updates) + 1))
    assert found[-1] == updates
    assert all(0 < after - before <= 0.02 * before + 1 for before, after in pairwise(found))
