"""How long a run goes on before it is given up, and from where it is looked at."""

import math

import numpy as np
import pytest

from rightbatch.study.patience import MOST, Spread, patience, scatters, spread_of, unseen
from rightbatch.study.pool import pool
from rightbatch.study.subject import HOPELESS, Run
from study.hand_made import run

WANTED = {0.05: 2, 0.2: 2, 0.45: 4, 0.65: 8, 1.0: 16, 2.0: 16}
"""e^(2.5 sigma) for each sigma, up to a power of two, from 2 to 16."""


def scattered(size: int, sigma: float, seeds: int = 200) -> list[Run]:
    """Runs whose ln S have exactly this standard deviation."""
    z = np.random.default_rng(size).normal(size=seeds)
    logs = 5 + sigma * (z - z.mean()) / z.std(ddof=1)
    return [run(size, 0, seed, math.exp(value)) for seed, value in enumerate(logs)]


def spreads(runs: list[Run]) -> dict[int, Spread]:
    """Of every size that was run."""
    sizes = sorted({run.batch_size for run in runs})
    return {size: spread_of(pool([run for run in runs if run.batch_size == size], [size])) for size in sizes}


@pytest.mark.parametrize("sigma", WANTED)
def test_patience_grows_with_scatter(sigma: float) -> None:
    """A power of two, at least as large as a run of a hundred asks for."""
    assert patience(scatters(spreads(scattered(8, sigma)), [8])[8]) == WANTED[sigma]


def test_without_runs_seeds_are_taken_to_scatter_as_usual() -> None:
    """By ten per cent: twice the steps of the fastest are too many."""
    assert patience(scatters({}, [8])[8]) == HOPELESS


def test_a_size_with_few_seeds_takes_after_the_others() -> None:
    """A new one has the patience of all, one with many seeds its own."""
    known = spreads([*scattered(8, 1.0), *scattered(64, 0.05)])
    assert patience(scatters(known, [8])[8]) == MOST
    assert patience(scatters(known, [64])[64]) == HOPELESS
    assert patience(scatters(known, [32])[32]) == 8


def test_scatter_is_rounded_up_to_steps_of_five_per_cent() -> None:
    """Of several hundred runs it is that of the runs themselves."""
    for sigma, rounded in {0.21: 0.25, 0.24: 0.25, 0.26: 0.3}.items():
        assert scatters(spreads(scattered(8, sigma, 1000)), [8])[8] == pytest.approx(rounded)
    assert scatters({}, [8])[8] == pytest.approx(0.1)


def test_a_missed_run_counts_with_the_steps_it_made() -> None:
    """One that was given up after 100 steps beside others of 5 says that seeds scatter widely."""
    runs = [run(8, 0, seed, 5.0) for seed in range(5)]
    assert patience(scatters(spreads(runs), [8])[8]) == HOPELESS
    assert patience(scatters(spreads([*runs, run(8, 0, 5, None)]), [8])[8]) > HOPELESS


def test_hardly_a_run_arrives_before_it_is_looked_at() -> None:
    """One of two runs is that early once in 740 times, by the tail of a normal distribution."""
    random = np.random.default_rng(0)
    for sigma in (0.2, 0.3):
        first, second = sigma * random.standard_normal((2, 100_000))
        early = np.mean(second < first + math.log(unseen(sigma, known=True)))
        assert early == pytest.approx(1 / 740, rel=0.3)


def test_what_a_size_has_not_shown_is_taken_with_care() -> None:
    """At most a quarter before its own seeds tell, 0.7 after; and no less than the patience allows."""
    assert unseen(0.05, known=False) == 0.25
    assert unseen(0.05, known=True) == 0.7
    assert unseen(0.8, known=True) == unseen(0.8, known=False) == 1 / (HOPELESS * patience(0.8))
