"""A small convolutional network on images of digits, augmented by shifts that repeat exactly.

How far an image is shifted depends on the seed, the epoch and the row alone (`rb.row_uniforms`), so that
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


def shifted(images: Array, uniforms: Array) -> Array:
    """Each image of 64 pixels moved by -1, 0 or 1 pixels down and right, by its own two random numbers."""
    padded = np.pad(images.reshape(-1, 8, 8), ((0, 0), (1, 1), (1, 1)), constant_values=images.min())
    down, right = (uniforms * 3).astype(int).T
    rows = np.arange(8)[None, :, None] + down[:, None, None]
    columns = np.arange(8)[None, None, :] + right[:, None, None]
    return padded[np.arange(len(images))[:, None, None], rows, columns].reshape(-1, 64)


def train(images: Array, labels: Array, seed: int) -> nn.Module:
    """Adam with a learning rate that falls to 0, on shifted images."""
    torch.manual_seed(seed)
    net = cnn()
    loader = rb.Loader((images, labels), BATCH_SIZE, shuffle=True, seed=seed)
    optimizer = torch.optim.Adam(net.parameters(), lr=LR)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, EPOCHS * len(loader))
    for epoch in range(1, EPOCHS + 1):
        total = 0.0
        for batch in loader.batches():
            x, t = batch.data
            x = shifted(x, rb.row_uniforms(batch.index, 2, seed=seed, epoch=batch.epoch))
            loss = nn.functional.cross_entropy(net(torch.from_numpy(x)), torch.from_numpy(t))
            optimizer.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            optimizer.step()
            schedule.step()
            total += loss.item() * len(t)
        if epoch % 5 == 0:
            print(f"epoch {epoch:2d}  loss {total / loader.rows:.4f}")
    return net.eval()


def check_that_shifts_repeat(images: Array, seed: int) -> None:
    """Batches of 1 and of 100 rows, in another order: every image is shifted in the same way."""
    found = []
    for loader in (rb.Loader(images, 1), rb.Loader(images, 100, shuffle=True, seed=9)):
        every = np.empty_like(images)
        for batch in loader.batches():
            every[batch.index] = shifted(batch.data, rb.row_uniforms(batch.index, 2, seed=seed, epoch=0))
        found.append(every)
    assert (found[0] == found[1]).all()
    print("Shifts are the same in batches of 1 and of 100 rows in another order.")


def main(seed: int) -> None:
    """Train, test, and ask which batch size would have been best."""
    torch.set_num_threads(1)
    data = rb.load_data("digits", seed=seed)
    check_that_shifts_repeat(data.train[0], seed)
    images, labels = data.train
    net = train(images, labels, seed)
    images, labels = data.test
    with torch.no_grad():
        right = net(torch.from_numpy(images)).argmax(dim=1).numpy() == labels
    accuracy = float(right.mean())
    print(f"Accuracy on the test part: {accuracy:.4f} ({(~right).sum()} of {len(right)} wrong)")

    study = rb.study(
        cnn,
        data,
        optimizer="adam",
        target="val_accuracy=0.95",
        batch_sizes=[16, 64, 256],
        seeds=2,
        tolerance=0.2,
        complete=False,
        budget="30s",
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
