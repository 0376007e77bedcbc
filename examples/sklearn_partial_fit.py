"""The loader feeds scikit-learn: `partial_fit` on batches, which the study takes as it is."""

import argparse
import json

import numpy as np
from sklearn.neural_network import MLPClassifier

import rightbatch as rb

BATCH_SIZE, EPOCHS, LR = 32, 15, 3e-3


def main(seed: int) -> None:
    """Train batch by batch, test, and ask which batch size would have been best."""
    data = rb.load_data("digits", seed=seed)
    estimator = MLPClassifier(hidden_layer_sizes=(64,), learning_rate_init=LR, random_state=seed)
    classes = np.unique(data.train[1])
    loader = rb.Loader(data.train, BATCH_SIZE, shuffle=True, seed=seed)
    for _ in range(EPOCHS):
        for x, t in loader:
            estimator.partial_fit(x, t, classes=classes)
    accuracy = float(estimator.score(*data.test))
    print(f"Accuracy on the test part: {accuracy:.3f}")

    study = rb.study(
        MLPClassifier(hidden_layer_sizes=(64,)),
        data,
        target="val_loss=0.3",
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
