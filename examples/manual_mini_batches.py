"""Mini-batch gradient descent written by hand, then the same by rightbatch: equal to the last digit.

Softmax regression on 1,797 real images of digits. An *epoch* is one pass over the training rows; a *step*
(or iteration) is one update, from one *batch* of rows; an epoch of N rows has ceil(N / B) steps.
"""

import argparse
import json
import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

import rightbatch as rb

BATCH_SIZE, EPOCHS, LR = 32, 5, 0.3


Array = NDArray[Any]


def by_hand(X: Array, y: Array, seed: int) -> tuple[list[float], Array, Array]:
    """The loop, with nothing but arrays; gives the mean loss of every epoch, the weights and the biases."""
    rows, classes = len(X), int(y.max()) + 1
    # 1. Initialise: a row of weights and a bias for each class.
    W = np.zeros((classes, X.shape[1]), np.float32)
    b = np.zeros(classes, np.float32)
    lr, losses = np.float32(LR), []
    for epoch in range(EPOCHS):
        # A new random order every epoch: the one that rightbatch takes, to compare with it.
        order = rb.Shuffled(seed).row_numbers(epoch, rows)[0:rows]
        total = 0.0
        for step in range(math.ceil(rows / BATCH_SIZE)):
            # 2. The batch: the next rows of the order. The last one is smaller.
            batch = order[step * BATCH_SIZE : (step + 1) * BATCH_SIZE]
            x, t, size = X[batch], y[batch], len(batch)
            # 3. The loss: mean of -log p of the right class, p = softmax(W x + b).
            z = W @ x.T + b[:, None]
            z -= z.max(axis=0)
            p = np.exp(z)
            sums = p.sum(axis=0)
            p /= sums
            share = np.full(size, 1 / size, np.float32)
            total += size * float((np.log(sums) - z[t, np.arange(size)]) @ share)
            # 4. The gradient of that mean: of z it is (p - 1 at the right class) / size.
            p[t, np.arange(size)] -= 1
            p *= share
            gradient_W, gradient_b = p @ x, p @ np.ones(size, np.float32)
            # 5. The update.
            W -= lr * gradient_W
            b -= lr * gradient_b
        losses.append(total / rows)
    return losses, W, b


def by_rightbatch(X: Array, y: Array, seed: int) -> tuple[list[float], Array, Array]:
    """The same."""
    result = rb.fit(
        rb.LogisticRegression(),
        (X, y),
        batch_size=BATCH_SIZE,
        epochs=EPOCHS,
        lr=LR,
        schedule="constant",
        seed=seed,
    )
    found = result.parameters()
    return [entry["loss"] for entry in result.history], found["weight1"].T, found["bias1"]


def main(seed: int) -> None:
    """Train both ways, compare, and ask which batch size would have been best."""
    data = rb.load_data("digits", seed=seed)
    X, y = data.train
    losses, W, b = by_hand(X, y, seed)
    their_losses, their_W, their_b = by_rightbatch(X, y, seed)
    print("epoch  loss by hand  by rightbatch")
    for epoch, (one, other) in enumerate(zip(losses, their_losses, strict=True), start=1):
        print(f"{epoch:5d}  {one:12.6f}  {other:13.6f}")
    same = losses == their_losses and np.array_equal(W, their_W) and np.array_equal(b, their_b)
    print(f"All losses and all {W.size + b.size} parameters are the same to the last digit: {same}")
    X, y = data.test
    accuracy = float(((X @ W.T + b).argmax(axis=1) == y).mean())
    print(f"Accuracy on the test part: {accuracy:.3f}")

    study = rb.study(rb.LogisticRegression(), data, target="val_loss=0.2", budget="20s", seed=seed)
    assert study.recommendation is not None
    print(study.recommendation.sentence)

    assert same
    assert accuracy >= 0.93
    print(json.dumps({"same": same, "accuracy": accuracy, "batch_size": study.recommendation.batch_size}))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=int, default=0)
    main(parser.parse_args().seed)
