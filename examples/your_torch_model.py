"""Your own PyTorch module: trained, tested, and given the batch size that suits it. Needs PyTorch."""

import argparse
import json

from torch import nn

import rightbatch as rb


def net(features: int, outputs: int) -> nn.Module:
    """Any function or class that makes a module; what it asks for by name it is given."""
    return nn.Sequential(
        nn.Linear(features, 64), nn.ReLU(), nn.LayerNorm(64), nn.Dropout(0.2), nn.Linear(64, outputs)
    )


def main(seed: int) -> None:
    """The ten lines."""
    data = rb.load_data("digits", seed=seed)
    study = rb.study(net, data, optimizer="AdamW", target="val_loss=0.2", complete=False, seed=seed)
    assert study.recommendation is not None
    batch_size, lr = study.recommendation.batch_size, study.recommendation.learning_rate

    result = rb.fit(
        net, data, optimizer="AdamW", batch_size=batch_size, lr=lr, epochs=40, patience=8, seed=seed
    )
    accuracy = result.score(data.test)["accuracy"]
    print(f"{result.stopped} Accuracy on the test part: {accuracy:.3f}")
    print(study.recommendation.sentence)

    assert accuracy >= 0.94
    print(json.dumps({"accuracy": accuracy, "batch_size": batch_size}))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=int, default=0)
    main(parser.parse_args().seed)
