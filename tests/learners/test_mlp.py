"""The multi-layer perceptron: how it starts, what it can learn, which settings it takes."""

from typing import Any

import numpy as np
import pytest
from scipy import stats

from learners.cases import batch_of, of_replica
from rightbatch.errors import SettingError
from rightbatch.learners.mlp import MLP
from rightbatch.learners.updates import SGD, Adam
from rightbatch.records import Shape


@pytest.mark.parametrize(
    ("activation", "bounds"),
    [
        ("relu", {"weight1": 6 / 300, "weight2": 6 / 200, "weight3": 6 / (100 + 40)}),
        ("tanh", {"weight1": 6 / (300 + 200), "weight2": 6 / (200 + 100), "weight3": 6 / (100 + 40)}),
    ],
)
def test_weights_start_uniform(activation: str, bounds: dict[str, float]) -> None:
    """He's bound sqrt(6 / inputs) before relu, Glorot's sqrt(6 / (inputs + units)) else; biases are 0."""
    shape = Shape(features=300, outputs=40, task="classification")
    learner = MLP(hidden=(200, 100), activation=activation).build(shape, SGD())
    parameters = of_replica(learner, learner.start([0]), 0)
    for name, square in bounds.items():
        bound = np.sqrt(square)
        assert np.abs(parameters[name]).max() <= bound * (1 + 1e-6)
        drawn = stats.kstest(parameters[name].ravel(), stats.uniform(-bound, 2 * bound).cdf)
        assert drawn.pvalue > 0.01, name
    assert all((parameters[f"bias{layer}"] == 0).all() for layer in (1, 2, 3))


@pytest.mark.parametrize("activation", ["relu", "tanh"])
def test_signals_keep_their_size(activation: str) -> None:
    """Through six layers the mean square of what goes on stays within a factor of ten."""
    shape = Shape(features=200, outputs=200, task="regression")
    learner = MLP(hidden=(200,) * 6, activation=activation).build(shape, SGD())
    x = np.random.default_rng(0).normal(scale=0.5, size=(500, 200)).astype(np.float32)
    outputs = learner.predict(learner.start([0]), x)
    assert 0.1 < np.mean(outputs**2) / np.mean(x**2) < 10


@pytest.mark.parametrize("activation", ["relu", "tanh"])
def test_it_learns_what_a_line_cannot(activation: str) -> None:
    """Exclusive or: every one of five seeds tells all four points apart."""
    x = np.array([[0, 0], [0, 1], [1, 0], [1, 1]], np.float32)
    y = np.array([0, 1, 1, 0])
    model = MLP(hidden=(16,), activation=activation)
    learner = model.build(Shape(features=2, outputs=1, task="classification"), Adam())
    state = learner.start(range(5))
    for _ in range(300):
        learner.step(state, batch_of(x, y), np.full(5, 0.03, np.float32))
    assert ((learner.predict(state, x)[..., 0] > 0) == y).all()


def test_settings_are_kept_in_one_form() -> None:
    """Lists, ranges and NumPy's numbers are the same setting as a tuple, for stores compare them by text."""
    expected = "MLP(hidden=(8, 4), activation='relu', l2=0.0)"
    for hidden in ((8, 4), [8, 4], np.array([8, 4]), range(8, 3, -4)):
        given: Any = hidden
        assert repr(MLP(hidden=given)) == expected
    assert MLP() == MLP(hidden=(64,), activation="relu", l2=0.0)


WRITE = "write the units of each layer, such as (64,)."


@pytest.mark.parametrize(
    ("settings", "text"),
    [
        ({"hidden": 64}, f"hidden must be a tuple of whole numbers, got 64; {WRITE}"),
        ({"hidden": "64"}, f"hidden must be a tuple of whole numbers, got '64'; {WRITE}"),
        ({"hidden": None}, f"hidden must be a tuple of whole numbers, got None; {WRITE}"),
        ({"hidden": (64, 0)}, f"hidden must be at least 1, got 0; {WRITE}"),
        ({"hidden": (6.5,)}, f"hidden must be a whole number, got 6.5; {WRITE}"),
        ({"activation": "rely"}, "activation is not known, got 'rely'; write one of relu, tanh."),
        ({"activation": "tan"}, "activation is not known, got 'tan'; write one of tanh, relu."),
        ({"l2": -0.1}, "l2 must not be negative, got -0.1; write 0 or a number such as 0.001."),
    ],
)
def test_settings_that_cannot_be_used(settings: Any, text: str) -> None:
    """The sentence names the setting and says what to write."""
    with pytest.raises(SettingError) as caught:
        MLP(**settings)
    assert str(caught.value) == text
