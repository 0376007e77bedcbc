"""Whole studies of random train functions whose answer is known: regret, and what the intervals hold.

    python bench/random_functions.py [--studies 125] [--seed 0] [--only KIND] [--complete]

Each draws S_min, B_crit, the law of the best learning rate, how much a wrong one costs and where it diverges,
how runs scatter, and a t(B) that is a line, or flat and then a line, or jumps. The study knows none of it: it
searches the learning rates, chooses its runs and stops, as for any train function. B_crit is, where S(B) is
no hyperbola, that of the one through the true steps at all sizes. Seconds are simulated.
"""

import argparse
import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

import rightbatch as rb
from rightbatch.measure.crossing import next_check
from rightbatch.stats.scaling import fit_scaling
from rightbatch.study.function import TrainFunction

SIZES = tuple(2**power for power in range(13))
TARGET = 0.1


@dataclass(frozen=True)
class Kind:
    """What S(B) and the reports are like."""

    off: float = 0.0
    """Scatter of the sizes around the curve, in ln S."""
    knees: tuple[float, ...] = (1.0,)
    """S^q = S_min^q (1 + (B_crit/B)^q)."""
    batches: bool = False
    """Every step is reported, by the loss of its batch."""


KINDS = {
    "hyperbola": Kind(),
    "sizes off by 4 %": Kind(off=0.04),
    "sharper or softer knee": Kind(knees=(0.7, 1.5)),
    "loss of every batch": Kind(batches=True),
}


@dataclass(frozen=True)
class Truth:
    """One train function."""

    kind: Kind
    seed: int
    steps: dict[int, float]
    """To target at the best learning rate."""
    seconds: dict[int, float]
    """Of a step."""
    best_lr: Callable[[int], float]
    curvature: float
    """By which ln S rises for an octave of the learning rate, squared."""
    cliff: float
    """Times the best learning rate from which runs diverge."""
    scatter: float
    luck: float
    """Standard deviation of ln S over runs, and over seeds at all sizes alike."""

    def b_crit(self) -> float:
        """Of the hyperbola through the steps."""
        return float(fit_scaling(list(self.steps), list(self.steps.values())).b_crit)

    def times(self) -> dict[int, float]:
        """Seconds to target."""
        return {size: steps * self.seconds[size] for size, steps in self.steps.items()}


def drawn(kind: Kind, seed: int) -> Truth:
    """A random one."""
    random = np.random.default_rng([11, seed])
    s_min, b_crit = _between(random, 20, 500), _between(random, 2, 800)
    fixed, half = _between(random, 1e-4, 0.05), _between(random, 2, 2000)
    form, knee = random.integers(3), random.choice(kind.knees)
    power = (1.0, random.uniform(1.5, 6), 1.0)[form]
    jump = 1.3 if form == 2 else 1.0
    off = kind.off * random.standard_normal(len(SIZES))
    eps, bend, alpha = (
        _between(random, 1e-4, 3),
        b_crit * math.exp(0.7 * random.standard_normal()),
        random.choice([0.5, 0.7, 1.0]),
    )
    return Truth(
        kind,
        seed,
        {
            b: s_min * (1 + (b_crit / b) ** knee) ** (1 / knee) * math.exp(e)
            for b, e in zip(SIZES, off, strict=True)
        },
        {b: fixed * (1 + (b / half) ** power) ** (1 / power) * (jump if b > half else 1) for b in SIZES},
        lambda size: float(eps / (1 + bend / size) ** alpha),
        random.uniform(0.03, 0.5),
        random.uniform(1.2, 4),
        random.choice([0.02, 0.05, 0.1, 0.2, 0.35]),
        random.choice([0, 0.05, 0.15]),
    )


def train_of(truth: Truth) -> TrainFunction:
    """What is handed to the study."""

    def train(batch_size: int, lr: float, seed: int) -> Iterator[tuple[float, float, float]]:
        octaves = math.log2(lr / truth.best_lr(batch_size))
        level = truth.luck * _normal(truth, seed)
        level += (
            truth.scatter
            * 0.7
            * (
                _normal(truth, seed, batch_size)
                + _normal(truth, seed, batch_size, round(1e4 * octaves) + 10**6)
            )
        )
        steps = max(0.6, truth.steps[batch_size] * math.exp(truth.curvature * octaves**2 + level))
        random, step = np.random.default_rng([truth.seed, seed, batch_size, 1]), 0
        while True:
            step = step + 1 if truth.kind.batches else next_check(step)
            loss = math.exp(min(0.05 * step, 700)) if 2**octaves > truth.cliff else TARGET ** (step / steps)
            if truth.kind.batches:
                loss *= random.gamma(batch_size / 2, 2 / batch_size)
            yield step * batch_size, step * truth.seconds[batch_size], loss if loss < 1e6 else math.inf

    return train


def judged(truth: Truth, complete: bool) -> dict[str, float]:
    """One study against the truth."""
    found = rb.study(
        train_of(truth),
        samples=100_000,
        target=f"loss<={TARGET}",
        batch_sizes=list(SIZES),
        seed=1000 * truth.seed,
        budget="5m",
        complete=complete,
    )
    chosen, fit = found.recommendation, found.fit
    if chosen is None or fit is None:
        raise SystemExit(f"no recommendation for {truth}")
    times, b_crit = truth.times(), truth.b_crit()
    row = next(row for row in found.to_dict()["batch_sizes"] if row["batch_size"] == chosen.batch_size)
    return {
        "regret": times[chosen.batch_size] / min(times.values()) - 1,
        "b_crit": fit.b_crit / b_crit,
        "b_crit held": _holds(fit.interval.get("b_crit"), b_crit),
        "T held": _holds(row["seconds_interval"], times[chosen.batch_size]),
    }


def main() -> None:
    """Print a line a kind."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--studies", type=int, default=125, help="of each kind")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--only", default="")
    parser.add_argument("--complete", action="store_true", help="the whole table, too")
    arguments = parser.parse_args()
    print(
        f"{'kind':24} studies   regret: median    95 %  over 5 %   B_crit: median  in 1.25   held    T held"
    )
    everything = []
    for name, kind in KINDS.items():
        if arguments.only in name:
            first = arguments.seed * arguments.studies
            rows = [judged(drawn(kind, first + k), arguments.complete) for k in range(arguments.studies)]
            everything += rows
            print(_line(name, rows), flush=True)
    print(_line("all", everything))


def _line(name: str, rows: list[dict[str, float]]) -> str:
    regret, ratio, of_b_crit, of_seconds = (np.array([row[key] for row in rows]) for key in rows[0])
    near = np.abs(np.log(ratio)) <= math.log(1.25)
    return (
        f"{name:24} {len(rows):7} {np.median(regret):16.1%} {np.quantile(regret, 0.95):7.1%} "
        f"{(regret > 0.05).mean():9.1%} {np.median(ratio):16.2f} {near.mean():8.1%} "
        f"{of_b_crit.mean():6.1%} {of_seconds.mean():9.1%}"
    )


def _between(random: np.random.Generator, low: float, high: float) -> float:
    return math.exp(random.uniform(math.log(low), math.log(high)))


def _normal(truth: Truth, *keys: int) -> float:
    return float(np.random.default_rng([truth.seed, *keys]).standard_normal())


def _holds(interval: Any, value: float) -> bool:
    low, high = interval or (None, None)
    return (low or 0) <= value <= (high or math.inf)


if __name__ == "__main__":
    main()
