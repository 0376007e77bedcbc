"""A thousand probes under random limits: how near the largest feasible batch is to the truth.

The truth is known by construction: a probe takes so many bytes for the model and so many a row. One in five
does something worse than running out of memory at sizes of its own: it is killed, leaves, aborts or raises.
"""

import argparse
import ctypes
import os
import signal
import time
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np

from rightbatch.measure import feasible
from rightbatch.measure.feasible import Trial, largest_feasible

WAYS_TO_DIE: tuple[Callable[[], object], ...] = (
    lambda: os.kill(os.getpid(), signal.SIGKILL),
    lambda: os._exit(0),
    os.abort,
    lambda: ctypes.string_at(0),
    lambda: 1 / 0,
)


@dataclass
class Counted:
    """Every probe made, and the sizes that were run and fit."""

    probes: int = 0
    fit: set[int] = field(default_factory=set)

    def trial(self, probe: feasible.Probe, batch_size: int, limit: float, *, patience: float) -> Trial:
        """As `feasible.trial`, counted."""
        found = ORIGINAL(probe, batch_size, limit, patience=patience)
        self.probes += 1
        if found.fits:
            self.fit.add(batch_size)
        return found


ORIGINAL = feasible.trial


def search(rng: np.random.Generator, counted: Counted) -> tuple[float, bool, bool]:
    """Relative error of one search, whether its answer was run, and whether it could be killed."""
    limit = float(np.exp(rng.uniform(np.log(30e6), np.log(800e6))))
    model, row = int(limit * rng.uniform(0.05, 0.5)), int(np.exp(rng.uniform(np.log(1e3), np.log(300e3))))
    truth = int((limit - model) // row)
    dies = rng.random() < 0.2
    last = int(truth * rng.uniform(0.3, 0.9)) if dies else truth
    end = WAYS_TO_DIE[rng.integers(len(WAYS_TO_DIE))]

    def probe(size: int) -> None:
        if dies and size > last:
            end()
        kept = np.empty(model, np.uint8), np.empty(size * row, np.uint8)
        del kept

    counted.fit.clear()
    found = largest_feasible(probe, range(1, 3 * truth), limit)
    return found / last - 1, found in counted.fit, dies


def main() -> None:
    """Print what a thousand probes found."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--probes", type=int, default=1000)
    wanted = parser.parse_args().probes
    counted, rng, started = Counted(), np.random.default_rng(0), time.perf_counter()
    feasible.trial = counted.trial  # type: ignore[assignment]
    found = []
    while counted.probes < wanted:
        found.append(search(rng, counted))
    errors, run, died = (np.array(column) for column in zip(*found, strict=True))
    each = (time.perf_counter() - started) / counted.probes
    print(f"{counted.probes} probes in {len(found)} searches, {died.sum()} of them with probes that die")
    print(f"largest feasible batch over the truth: {errors.min():+.2%} to {errors.max():+.2%}; goal 3 %")
    print(f"answers that were not run: {(~run).sum()}; crashes of this process: 0 (it is still here)")
    print(f"{each * 1e3:.0f} ms a probe")


if __name__ == "__main__":
    main()
