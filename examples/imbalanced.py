"""Classes of 1 : 20 : 200: plain, stratified, balanced and weighted batches, and which of them helped.

Three classes of points that overlap, 30, 600 and 6,000 of them to train with, and as many of each
class to validate and test with, so that the recall of the rare class is known well. An MLP is trained on
each kind of batches by as many steps, from five seeds; data, start and order are the same for all four.
"""

import argparse
import json
import math
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import stats

import rightbatch as rb

Array = NDArray[Any]
TRAIN, HELD_OUT = (30, 600, 6000), (1000, 1000, 1000)
FEATURES, BATCH_SIZE, STEPS, LR, SEEDS = 8, 64, 1500, 0.05, 5
ORDERS: dict[str, Callable[[Array, int], Any]] = {
    "plain": lambda _, seed: rb.Shuffled(seed),
    "stratified": rb.Stratified,
    "balanced": rb.Balanced,
    "weighted": lambda y, seed: rb.Weighted(weights(y), seed=seed),
}


def weights(y: Array) -> Array:
    """One over the root of the class's size: between plain and balanced."""
    weight: Array = 1 / np.sqrt(np.bincount(y)[y])
    return weight


def points(sizes: tuple[int, ...], draw: np.random.Generator) -> tuple[Array, Array]:
    """Normal points: the first and last class 2.5 deviations apart, the one between them wider."""
    centres = np.zeros((3, FEATURES))
    centres[0, 0], centres[2, 0] = -1.25, 1.25
    y = np.repeat(np.arange(3), sizes)
    x = centres[y] + draw.normal(size=(len(y), FEATURES))
    x[y == 1] *= 1.7
    return x.astype(np.float32), y


def recalls(kind: str, seed: int) -> Array:
    """Share of each class's test points that are found, after training with one kind of batches."""
    draw = np.random.default_rng(seed)
    train, test = points(TRAIN, draw), points(HELD_OUT, draw)
    loader = rb.Loader(train, BATCH_SIZE, order=ORDERS[kind](train[1], seed))
    result = rb.fit(rb.MLP(hidden=(32,)), loader, steps=STEPS, optimizer="momentum", lr=LR, seed=seed)
    found = result.predict(test[0]) == test[1]
    return np.array([found[test[1] == label].mean() for label in range(3)])


def interval(values: Array) -> tuple[float, float, float]:
    """Mean, and the ends of its 95 % interval over seeds (Student's t)."""
    mean = float(values.mean())
    half = float(stats.t.ppf(0.975, len(values) - 1) * values.std(ddof=1) / math.sqrt(len(values)))
    return mean, mean - half, mean + half


def training(batch_size: int, lr: float, seed: int) -> Iterator[tuple[float, float, float]]:
    """For the study: balanced draws, 512 an epoch, and the loss on equally many of each class."""
    draw = np.random.default_rng(seed)
    train, validation = points(TRAIN, draw), points(HELD_OUT, draw)
    order = rb.Weighted(1 / np.bincount(train[1])[train[1]], length=512, seed=seed)
    loader = rb.Loader(train, batch_size, order=order)
    result = rb.fit(
        rb.MLP(hidden=(32,)), loader, validation, epochs=20, lr=lr, schedule="constant", seed=seed
    )
    for entry in result.history:
        yield entry["samples"], entry["seconds"], entry["val_loss"]


def main(seed: int) -> None:
    """Compare the batches, say which helped, and ask for the best batch size."""
    seeds = range(seed * SEEDS, (seed + 1) * SEEDS)
    found = {kind: np.array([recalls(kind, s) for s in seeds]) for kind in ORDERS}
    print("Recall of each class on the test part, with its 95 % interval over 5 seeds")
    print(f"{'batches':<11}", *(f"{f'class of {size}':^20}" for size in TRAIN), f"{'mean':^20}")
    for kind, values in found.items():
        columns = [interval(values[:, label]) for label in range(3)] + [interval(values.mean(axis=1))]
        print(
            f"{kind:<11}",
            *(f"{mean:.2f} ({low:.2f} to {high:.2f})".center(20) for mean, low, high in columns),
        )

    plain, gains = found["plain"].mean(axis=1), {}
    for kind in list(ORDERS)[1:]:
        mean, low, high = gains[kind] = interval(found[kind].mean(axis=1) - plain)
        verdict = (
            "helped" if low > 0 else "made it worse" if high < 0 else "made no difference that can be told"
        )
        print(f"{kind} batches {verdict}: mean recall {mean:+.3f} ({low:+.3f} to {high:+.3f}) against plain")

    study = rb.study(
        training, samples=512, target="val_loss<=0.9", batch_sizes=[4, 16, 64, 256], seeds=3,
        budget="20s", seed=seed,
    )  # fmt: skip
    assert study.recommendation is not None
    print(study.recommendation.sentence)

    rare = {kind: float(values[:, 0].mean()) for kind, values in found.items()}
    assert rare["balanced"] >= rare["plain"] + 0.2
    assert gains["balanced"][1] > 0
    figures = {"rare_recall": rare, "gain": {kind: gain[0] for kind, gain in gains.items()}}
    print(json.dumps(figures | {"batch_size": study.recommendation.batch_size}))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=int, default=0)
    main(parser.parse_args().seed)
