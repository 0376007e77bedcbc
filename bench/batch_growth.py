"""`batch_size="auto"` against fixed batch sizes: loss and seconds after as many epochs, digits, MLP 64-64-10.

python bench/batch_growth.py
"""

import argparse
import statistics
from typing import Any

from threadpoolctl import threadpool_limits

from rightbatch.learners.mlp import MLP
from rightbatch.train.fit import fit


def main() -> None:
    """Print one line an optimizer and batch size."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--epochs", type=int, default=40)
    parser.add_argument("--seeds", type=int, default=5)
    arguments = parser.parse_args()
    print(f"medians of {arguments.seeds} seeds, {arguments.epochs} epochs, constant learning rate")
    print(f"{'optimizer':>9} {'batch':>6} {'val_loss':>8} {'steps':>6} {'seconds':>8} {'last batch':>10}")
    with threadpool_limits(1):
        for optimizer in ("sgd", "momentum", "adam"):
            sizes: tuple[Any, ...] = (32, 64, "auto")
            for size in sizes:
                runs = [
                    fit(
                        MLP(),
                        "digits",
                        batch_size=size,
                        optimizer=optimizer,
                        epochs=arguments.epochs,
                        seed=seed,
                        schedule="constant",
                    ).history[-1]
                    for seed in range(arguments.seeds)
                ]
                loss, steps, seconds, last = (
                    statistics.median(run[name] for run in runs)
                    for name in ("val_loss", "step", "seconds", "batch_size")
                )
                print(f"{optimizer:>9} {size:>6} {loss:8.4f} {steps:6.0f} {seconds:8.3f} {last:10.0f}")


if __name__ == "__main__":
    main()
