"""Batches for Keras."""

import os

import numpy as np
import pytest

from rightbatch.data.loader import Loader
from rightbatch.errors import SettingError

os.environ.setdefault("KERAS_BACKEND", "torch")
keras = pytest.importorskip("keras")

X = np.arange(60, dtype=np.float32).reshape(20, 3)
Y = np.arange(20)


def test_keras_gets_every_row_once_an_epoch() -> None:
    """By number, and another order in the next epoch; `fit` takes it."""
    loader = Loader((X, Y.astype(np.float32)), 6, shuffle=True)
    batches = loader.keras()
    assert len(batches) == 4
    orders = []
    for _ in range(2):
        rows = np.concatenate([batches[number][1] for number in (2, 0, 3, 1)])
        assert sorted(rows) == list(range(20))
        orders.append(rows.tolist())
        batches.on_epoch_end()
    assert orders[0] != orders[1]
    model = keras.Sequential([keras.layers.Dense(1)])
    model.compile("sgd", "mse")
    assert len(model.fit(loader.keras(), epochs=2, verbose=0).history["loss"]) == 2


def test_keras_gets_no_padding() -> None:
    """It would count as rows."""
    with pytest.raises(SettingError) as caught:
        Loader((X, Y), 6, last="pad").keras()
    assert str(caught.value) == (
        "last must not be pad for Keras, which counts padding as rows, got 'pad'; write keep or drop."
    )


def test_epochs_of_keras_move_the_loader() -> None:
    """Afterwards it is where two passes of its own would have left it, and so is one that loads its state."""
    made = [Loader((X, Y.astype(np.float32)), 6, shuffle=True, seed=3) for _ in range(3)]
    of_keras, by_itself, resumed = made
    model = keras.Sequential([keras.layers.Dense(1)])
    model.compile("sgd", "mse")
    model.fit(of_keras.keras(), epochs=2, verbose=0)
    for _ in range(2):
        list(by_itself)
    assert of_keras.state_dict() == by_itself.state_dict()
    resumed.load_state_dict(of_keras.state_dict())
    expected = np.concatenate([y for _, y in by_itself])
    for loader in (of_keras, resumed):
        batches = loader.keras()
        assert np.array_equal(np.concatenate([batches[number][1] for number in range(4)]), expected)
