"""The loader feeds `model.fit` of Keras, and the study a loop. Without Keras it says so and ends.

Keras computes with JAX or PyTorch here, whichever is installed, unless KERAS_BACKEND says otherwise.
"""

import argparse
import importlib.util
import json
import os
import time
from collections.abc import Iterator
from typing import Any

import rightbatch as rb

BACKENDS = [name for name in ("jax", "torch", "tensorflow") if importlib.util.find_spec(name)]
if importlib.util.find_spec("keras") is None or not BACKENDS:
    print("Skipped: Keras is not installed (pip install keras jax).")
    raise SystemExit
os.environ.setdefault("KERAS_BACKEND", BACKENDS[0])

import keras  # noqa: E402 (it reads the backend when it is imported)

BATCH_SIZE, EPOCHS, LR = 32, 15, 3e-3


def compiled(lr: float, seed: int) -> Any:
    """A small network that is ready to be trained."""
    keras.utils.set_random_seed(seed)
    layers = [keras.layers.Dense(64, activation="relu"), keras.layers.Dense(10)]
    model = keras.Sequential([keras.Input((64,)), *layers])
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(keras.optimizers.Adam(lr), loss, metrics=["accuracy"])
    return model


def main(seed: int) -> None:
    """Train, test, and ask which batch size would have been best."""
    data = rb.load_data("digits", seed=seed)
    loader = rb.Loader(data.train, BATCH_SIZE, shuffle=True, seed=seed)
    model = compiled(LR, seed)
    model.fit(loader.keras(), epochs=EPOCHS, verbose=0)
    accuracy = float(model.evaluate(*data.test, verbose=0)[1])
    print(f"Accuracy on the test part: {accuracy:.3f}")

    def training(batch_size: int, lr: float, seed: int) -> Iterator[tuple[int, float, float]]:
        """What the study asks for: images seen, seconds spent, and the metric, about four times an epoch."""
        model, seen, spent = compiled(lr, seed), 0, 0.0
        loader = rb.Loader(data.train, batch_size, shuffle=True, seed=seed, last="drop")
        evaluated_at, started = 0, time.perf_counter()
        while True:
            for x, t in loader:
                model.train_on_batch(x, t)
                seen += len(t)
                if seen - evaluated_at >= 256:
                    spent += time.perf_counter() - started
                    yield seen, spent, model.evaluate(*data.validation, batch_size=270, verbose=0)[0]
                    evaluated_at, started = seen, time.perf_counter()

    study = rb.study(
        training,
        samples=len(data.train[1]),
        target="val_loss<=0.5",
        learning_rates=(2e-3, 3e-2),
        batch_sizes=[16, 64],
        seeds=2,
        tolerance=0.2,
        complete=False,
        budget="60s",
        seed=seed,
    )
    assert study.recommendation is not None
    print(study.recommendation.sentence)

    assert accuracy >= 0.94
    print(json.dumps({"accuracy": accuracy, "batch_size": study.recommendation.batch_size}))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=int, default=0)
    main(parser.parse_args().seed)
