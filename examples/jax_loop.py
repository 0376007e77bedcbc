"""The loader feeds a loop in JAX, and the study takes that loop as it is. Without JAX it says so and ends."""

import argparse
import importlib.util
import json
import time
from collections.abc import Iterator
from typing import Any

import numpy as np

import rightbatch as rb

if importlib.util.find_spec("jax") is None:
    print("Skipped: JAX is not installed (pip install jax).")
    raise SystemExit

import jax
import jax.numpy as jnp

BATCH_SIZE, EPOCHS, LR = 32, 20, 0.2
Parameters = dict[str, Any]


def start(seed: int) -> Parameters:
    """A hidden layer of 64 units between 64 pixels and 10 digits."""
    first, second = jax.random.split(jax.random.key(seed))
    return {
        "W1": jax.random.normal(first, (64, 64)) * np.sqrt(2 / 64),
        "b1": jnp.zeros(64),
        "W2": jax.random.normal(second, (64, 10)) * np.sqrt(2 / 64),
        "b2": jnp.zeros(10),
    }


def scores(parameters: Parameters, x: Any) -> Any:
    """One row of ten scores for each image."""
    hidden = jax.nn.relu(x @ parameters["W1"] + parameters["b1"])
    return hidden @ parameters["W2"] + parameters["b2"]


def loss(parameters: Parameters, x: Any, t: Any) -> Any:
    """Mean cross-entropy."""
    return -jnp.take_along_axis(jax.nn.log_softmax(scores(parameters, x)), t[:, None], axis=1).mean()


def update(parameters: Parameters, x: Any, t: Any, lr: float) -> Parameters:
    """One step of gradient descent."""
    gradient = jax.grad(loss)(parameters, x, t)
    return jax.tree.map(lambda value, slope: value - lr * slope, parameters, gradient)


compiled_loss, compiled_update = jax.jit(loss), jax.jit(update)


def training(train: Any, *, batch_size: int, lr: float, seed: int) -> Iterator[tuple[Parameters, int]]:
    """The parameters after each update, and the images seen, for ever.

    JAX compiles anew for every shape, so batches that are not full are left out.
    """
    parameters, seen = start(seed), 0
    loader = rb.Loader(train, batch_size, shuffle=True, seed=seed, last="drop", output="jax")
    while True:
        for x, t in loader:
            parameters = compiled_update(parameters, x, t, lr)
            seen += len(t)
            yield parameters, seen


def main(seed: int) -> None:
    """Train, test, and ask which batch size would have been best."""
    data = rb.load_data("digits", seed=seed)
    rows = len(data.train[1])
    updates = training(data.train, batch_size=BATCH_SIZE, lr=LR, seed=seed)
    parameters = next(found for found, seen in updates if seen >= EPOCHS * rows)
    accuracy = float((np.asarray(scores(parameters, data.test[0])).argmax(axis=1) == data.test[1]).mean())
    print(f"Accuracy on the test part: {accuracy:.3f}")

    def steps(batch_size: int, lr: float, seed: int) -> Iterator[tuple[int, float, float]]:
        """What the study asks for: images seen, seconds spent, and the metric, about four times an epoch."""
        spent, started, evaluated_at = 0.0, time.perf_counter(), 0
        for parameters, seen in training(data.train, batch_size=batch_size, lr=lr, seed=seed):
            if seen - evaluated_at >= 256:
                jax.block_until_ready(parameters)  # type: ignore[no-untyped-call]
                spent += time.perf_counter() - started
                yield seen, spent, float(compiled_loss(parameters, *data.validation))
                evaluated_at, started = seen, time.perf_counter()

    study = rb.study(
        steps,
        samples=rows,
        target="val_loss<=0.3",
        learning_rates=(0.03, 1.0),
        batch_sizes=[8, 32, 128],
        seeds=2,
        tolerance=0.2,
        complete=False,
        budget="20s",
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
