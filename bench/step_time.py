"""How well t(B) is known from a short probe: measured at powers of two, judged at sizes in between.

Median relative error at the sizes in between, by each form and by the one that the probe itself chose; all
are timed in the same rounds, so that the machine is as fast for the one as for the other. The machine's own
noise is the error of one half of the rounds at the sizes between against the other half.
"""

import argparse
import time
from functools import partial
from typing import Any

import numpy as np
from threadpoolctl import threadpool_limits

from rightbatch.data.dataset import load_data
from rightbatch.data.loader import Loader
from rightbatch.learners.linear import LogisticRegression
from rightbatch.learners.mlp import MLP
from rightbatch.learners.updates import SGD, Adam
from rightbatch.measure.clock import time_steps
from rightbatch.records import Shape
from rightbatch.stats.drift import drift
from rightbatch.stats.pace import paced
from rightbatch.stats.stepcurve import fit_step_curve
from rightbatch.stats.steptime import fit_step_time

PROBED = tuple(2**power for power in range(11))
BETWEEN = (3, 6, 12, 23, 45, 91, 181, 300, 500, 724, 1000)

LEARNERS: dict[str, tuple[Any, Any]] = {
    "softmax, sgd": (LogisticRegression(), SGD()),
    "MLP 64, sgd": (MLP(hidden=(64,)), SGD()),
    "MLP 64, adam": (MLP(hidden=(64,)), Adam()),
    "MLP 512-512, sgd": (MLP(hidden=(512, 512)), SGD()),
}


def timed(learner: Any, loader: Any, sizes: tuple[int, ...], rounds: int) -> Any:
    """Seconds per step, `(rounds, sizes)`."""
    found = [
        {timing.batch_size: timing.seconds for timing in row}
        for row in time_steps(learner, loader, sizes, rounds=rounds, lr=1e-6)
    ]
    return np.array([[row[size] for size in sizes] for row in found])


def judged(name: str, rounds: int) -> None:
    """One line of the table."""
    model, optimizer = LEARNERS[name]
    data = load_data("digits").train
    learner = model.build(Shape(features=64, outputs=10, task="classification"), optimizer)
    loader = partial(Loader, data, shuffle=True, seed=0, last="drop")
    started = time.perf_counter()
    probe, truth = np.split(timed(learner, loader, PROBED + BETWEEN, rounds), [len(PROBED)], axis=1)
    seconds = time.perf_counter() - started
    line, curve = fit_step_time(PROBED, probe), fit_step_curve(PROBED, probe)
    seen = paced(truth).seconds
    halves = paced(truth[::2]).seconds / paced(truth[1::2]).seconds

    def off(found: Any) -> float:
        return float(np.median(np.abs(found / seen - 1)))

    print(
        f"{name:20}{seconds:7.1f}{off(line.predict(BETWEEN)):9.1%}{off(curve.predict(BETWEEN)):9.1%}"
        f"{curve.error:10.1%}{off(halves * seen):9.1%}  {curve.kind:14}{drift(paced(probe).pace) or 'none'}"
    )


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=20)
    settings = parser.parse_args()
    print("Digits; probed at powers of two to 1024, judged at 11 sizes between; goal 5 % in 20 s")
    print(f"{'':20}{'seconds':>7}{'a + bB':>9}{'chosen':>9}{'foretold':>10}{'noise':>9}  {'form':14}drift")
    with threadpool_limits(1):
        for name in LEARNERS:
            judged(name, settings.rounds)


if __name__ == "__main__":
    main()
