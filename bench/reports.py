"""Steps to target of a train function that reports noisy losses, over the true: every report, and averaged.

    python bench/reports.py

The mean loss falls from 2.3 to 0.1 in 60 (1 + 50 / B) steps. What is reported is the loss of the batch just
seen, of which a single row's loss scatters by twice its mean, or an accuracy of 100 rows after every step, or
a loss of many rows 8 times a run. "Every report" is the median of three reports in a row.
"""

import math
from collections.abc import Callable, Iterator

import numpy as np

from rightbatch.measure.crossing import crossing
from rightbatch.study.function import Function, TrainFunction
from rightbatch.study.subject import Sweep
from rightbatch.train.target import Target, own_target

SIZES = (1, 4, 16, 64, 256)
SEEDS = range(50)
POINT = -6
"""One learning rate: it makes no difference."""

START, END = 2.3, 0.1
SHAPE = 0.25
"""Of the gamma distribution of a row's loss."""

Metric = Callable[[np.random.Generator, int, float], float]
"""What is reported at a batch size after this share of the way."""


def true_steps(batch_size: int) -> int:
    """Steps in which the mean loss comes to its end."""
    return round(60 * (1 + 50 / batch_size))


def batch_loss(random: np.random.Generator, batch_size: int, share: float) -> float:
    """The mean loss of a batch."""
    mean = START * (END / START) ** share
    return random.gamma(SHAPE * batch_size, mean / (SHAPE * batch_size))


def accuracy(random: np.random.Generator, batch_size: int, share: float) -> float:
    """Right answers among 100 rows that stay the same: 0 to 0.9, each a little uncertain."""
    del batch_size
    return round(100 * (1 - 0.1**share) + 1.5 * random.standard_normal()) / 100


def loss(random: np.random.Generator, batch_size: int, share: float) -> float:
    """The mean loss of many rows."""
    del batch_size
    return START * (END / START) ** share * math.exp(0.02 * random.standard_normal())


KINDS: dict[str, tuple[Metric, str, Callable[[int], int]]] = {
    "loss of the batch, every step": (batch_loss, "loss<=0.1", lambda _: 1),
    "loss of the batch, every 10th": (batch_loss, "loss<=0.1", lambda _: 10),
    "accuracy, every step": (accuracy, "accuracy>=0.9", lambda _: 1),
    "loss of many rows, 8 a run": (loss, "loss<=0.1", lambda steps: math.ceil(steps / 8)),
}
"""What is reported, the target, and steps from one report to the next."""


def train_of(metric: Metric, between: Callable[[int], int]) -> TrainFunction:
    """As a train function; each call draws the same numbers again."""

    def train(batch_size: int, lr: float, seed: int) -> Iterator[tuple[float, float, float]]:
        del lr
        random, steps = np.random.default_rng([seed, batch_size]), true_steps(batch_size)
        step = 0
        while True:
            step += between(steps)
            yield step * batch_size, step * 1e-3, metric(random, batch_size, step / steps)

    return train


def by_every_report(train: TrainFunction, target: Target, batch_size: int, seed: int) -> float:
    """The crossing by the median of three reports in a row."""
    steps: list[float] = []
    values: list[float] = []
    for examples, _, value in train(batch_size, 1.0, seed):
        steps.append(examples / batch_size)
        values.append(value)
        found = crossing(steps[-4:], values[-4:], target)
        if found is not None:
            return found
    return math.nan


def averaged(train: TrainFunction, target: Target, batch_size: int) -> list[float]:
    """As a study finds them."""
    work = Sweep(target=target, batch_size=batch_size, seeds=tuple(SEEDS), points=(POINT,), most_steps=10**7)
    runs, _ = Function(train=train, samples=1000, name="train").runs(work)
    return [run.steps_to_target or math.nan for run in runs]


def main() -> None:
    """Print a row a kind and batch size: median, and 5th to 95th percentile."""
    print(f"{'reported':31}  batch size  every report            averaged")
    for name, (metric, text, between) in KINDS.items():
        train, target = train_of(metric, between), own_target(text)
        for size in SIZES:
            true = true_steps(size)
            every = [by_every_report(train, target, size, seed) for seed in SEEDS]
            said = [_said(np.array(found) / true) for found in (every, averaged(train, target, size))]
            print(f"{name:31}  {size:10}  {said[0]:22}  {said[1]}", flush=True)


def _said(ratios: np.ndarray) -> str:
    low, middle, high = np.quantile(ratios, [0.05, 0.5, 0.95])
    return f"{middle:.2f} ({low:.2f} to {high:.2f})"


if __name__ == "__main__":
    main()
