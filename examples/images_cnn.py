"""A small convolutional network on images of digits, augmented by shifts that repeat exactly.

How far an image is shifted depends on the seed, the epoch and the row alone (`augment` of `rb.fit`), so that
it is the same in batches of any size and wherever a training is resumed. Needs PyTorch.
"""

import argparse
import json
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

import rightbatch as rb

Array = NDArray[Any]
BATCH_SIZE, EPOCHS, LR = 32, 20, 3e-3


def cnn() -> nn.Module:
    """Two layers of convolutions on 8 x 8 pixels, one of pooling, two fully connected."""
    return nn.Sequential(
        nn.Unflatten(1, (1, 8, 8)),
        nn.Conv2d(1, 16, 3, padding=1),
        nn.ReLU(),
        nn.Conv2d(16, 32, 3, padding=1),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Flatten(),
        nn.Linear(32 * 4 * 4, 64),
        nn.ReLU(),
        nn.Dropout(0.3),
        nn.Linear(64, 10),
    )


def shifted(images: Array, draw: Any) -> Array:
    """Each image of 64 pixels moved by -1, 0 or 1 pixels down and right, by its own two random numbers."""
    padded = np.pad(images.reshape(-1, 8, 8), ((0, 0), (1, 1), (1, 1)), constant_values=images.min())
    down, right = draw.integers(0, 3, 2).T
    rows = np.arange(8)[None, :, None] + down[:, None, None]
    columns = np.arange(8)[None, None, :] + right[:, None, None]
    return padded[np.arange(len(images))[:, None, None], rows, columns].reshape(-1, 64)


def main(seed: int) -> None:
    """Train, test, and ask which batch size would have been best."""
    torch.set_num_threads(1)
    data = rb.load_data("digits", seed=seed)
    result = rb.fit(
        cnn,
        data,
        batch_size=BATCH_SIZE,
        epochs=EPOCHS,
        optimizer="adam",
        lr=LR,
        schedule="cosine",
        augment=shifted,
        seed=seed,
    )
    for row in result.history[4::5]:
        print(f"epoch {row['epoch']:2d}  loss {row['loss']:.4f}  val_accuracy {row['val_accuracy']:.4f}")
    accuracy = result.score(data.test)["accuracy"]
    print(f"Accuracy on the test part: {accuracy:.4f}")

    study = rb.study(
        cnn,
        data,
        optimizer="adam",
        target="val_accuracy=0.95",
        batch_sizes=[16, 64, 256],
        seeds=2,
        tolerance=0.2,
        complete=False,
        budget="20s",
        seed=seed,
    )
    assert study.recommendation is not None
    print(study.recommendation.sentence)

    assert accuracy >= 0.98
    print(json.dumps({"accuracy": accuracy, "batch_size": study.recommendation.batch_size}))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=int, default=0)
    main(parser.parse_args().seed)
