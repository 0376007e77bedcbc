"""How often the 95 % intervals of a study's posterior hold the truth, over made-up studies of many kinds.

Each study draws S_min, B_crit, the seeds' scatter and luck, which sizes were run, with how many seeds,
and the noise of its timings. The kinds differ in what else they do to the runs, most of it outside the model.
"""

import argparse
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rightbatch.stats import imputed
from rightbatch.stats.censored import fit_censored
from rightbatch.stats.posterior import steps_posterior
from rightbatch.stats.scaling import fit_scaling
from rightbatch.study.rounds import drawn_seconds

Floats = NDArray[Any]
Noise = Callable[[np.random.Generator, tuple[int, int]], Floats]

SIZES = 2.0 ** np.arange(13)
DRAWS, ROUNDS = 1000, 9


@dataclass(frozen=True, kw_only=True)
class Study:
    """A made-up study: the truth, and what was measured."""

    s_min: float
    b_crit: float
    truth: Floats
    """Mean ln S of every size."""
    table: Floats
    """ln of the steps to target, or of those made, `(seeds, sizes)`; NaN: not run."""
    missed: Floats
    seconds: Floats
    """True seconds per step."""
    rounds: Floats
    """Measured seconds per step, `(rounds, sizes)`."""


def normal(rng: np.random.Generator, shape: tuple[int, int]) -> Floats:
    """Standard normal."""
    return rng.standard_normal(shape)


def heavy(rng: np.random.Generator, shape: tuple[int, int]) -> Floats:
    """Student's t with 4 degrees of freedom, at unit variance."""
    return rng.standard_t(4, shape) / np.sqrt(2)


def skewed(rng: np.random.Generator, shape: tuple[int, int]) -> Floats:
    """Gumbel: late arrivals are further off than early ones."""
    return (rng.gumbel(size=shape) - np.euler_gamma) / (np.pi / np.sqrt(6))


def uneven(rng: np.random.Generator, shape: tuple[int, int]) -> Floats:
    """Twice the scatter at the smallest batch size, half at the largest."""
    return rng.standard_normal(shape) * np.linspace(1.6, 0.4, shape[1])


def plain(rng: np.random.Generator, noise: Noise = normal, off: float = 0.0) -> Study:
    """A hyperbola; 3 to 9 sizes, 2 to 5 seeds, 5 to 30 % scatter and up to 20 % luck."""
    s_min, b_crit = np.exp(rng.uniform(np.log([10, 8]), np.log([1000, 500])))
    shape = int(rng.integers(2, 6)), SIZES.size
    truth = np.log(s_min * (1 + b_crit / SIZES)) + off * rng.standard_normal(SIZES.size)
    luck = rng.uniform(0, 0.2) * rng.standard_normal((shape[0], 1))
    table = truth + luck + rng.uniform(0.05, 0.3) * noise(rng, shape)
    apart = [np.abs(SIZES - b_crit * ratio).argmin() for ratio in (1 / 8, 1, 8)]
    run = np.concatenate([apart, rng.permutation(SIZES.size)[: rng.integers(0, 7)]])
    table[:, ~np.isin(np.arange(SIZES.size), run)] = np.nan
    a, b = np.exp(rng.uniform(np.log([2e-5, 1e-7]), np.log([2e-3, 1e-5])))
    rounds = (a + b * SIZES) * np.exp(0.03 * rng.standard_normal((ROUNDS, SIZES.size)))
    rounds *= np.where(rng.random(rounds.shape) < 0.05, 3.0, 1.0)
    return Study(
        s_min=s_min,
        b_crit=b_crit,
        truth=truth,
        table=table,
        missed=np.zeros(table.shape, np.bool_),
        seconds=a + b * SIZES,
        rounds=rounds,
    )


def unequal(rng: np.random.Generator) -> Study:
    """A size in two has only its first one or two seeds, as where a study dropped it early."""
    study = plain(rng)
    least = np.where(rng.random(SIZES.size) < 0.5, rng.integers(1, 3, SIZES.size), 99)
    return replace(study, table=np.where(np.arange(len(study.table))[:, None] < least, study.table, np.nan))


def censored(rng: np.random.Generator) -> Study:
    """Runs end at some number of steps that 10 to 40 % of them do not get by with."""
    study = plain(rng)
    cap = np.nanquantile(study.table, 1 - rng.uniform(0.1, 0.4))
    late = study.table > cap
    if (np.isfinite(study.table) & ~late).any(axis=0).sum() < 2:
        return censored(rng)
    return replace(study, table=np.minimum(study.table, cap), missed=late)


def given_up(rng: np.random.Generator) -> Study:
    """At every size runs end at steps of that size's own, so that a fifth of all miss the target."""
    study = plain(rng)
    cap = study.truth + rng.uniform(0.05, 0.3)
    late = study.table > cap
    if (np.isfinite(study.table) & ~late).any(axis=0).sum() < 2:
        return given_up(rng)
    return replace(study, table=np.minimum(study.table, cap), missed=late)


def chosen(rng: np.random.Generator) -> Study:
    """Seven learning rates a factor 2 apart; the first seed chooses, and its runs count, too."""
    study = plain(rng)
    offset = rng.uniform(-0.5, 0.5, SIZES.size) + np.arange(-3, 4)[:, None]
    penalty = 0.1 * (offset**2 - (offset**2).min(axis=0))
    tried = study.table[0] + penalty + 0.1 * rng.standard_normal(penalty.shape)
    best = np.where(np.isnan(study.table[0]), 0, np.nan_to_num(tried, nan=np.inf).argmin(axis=0))
    column = np.arange(SIZES.size)
    table = study.table + penalty[best, column]
    table[0] = tried[best, column]
    return replace(study, table=table)


KINDS: dict[str, Callable[[np.random.Generator], Study]] = {
    "plain": plain,
    "off the curve 5 %": lambda rng: plain(rng, off=0.05),
    "off the curve 12 %": lambda rng: plain(rng, off=0.12),
    "heavy tails": lambda rng: plain(rng, heavy),
    "skewed": lambda rng: plain(rng, skewed),
    "uneven scatter": lambda rng: plain(rng, uneven),
    "unequal seeds": unequal,
    "one cap": censored,
    "given up": given_up,
    "learning rate chosen": chosen,
}


def covered(study: Study, seed: int, *, ignore: bool = False) -> tuple[Floats, Floats]:
    """Whether B_crit, S_min and T at the recommended size lie in their intervals, and the lengths (ln).

    B_crit twice: of the hyperbola that the sizes scatter around, and of the fit to the truth at all sizes.
    """
    missed = np.zeros_like(study.missed) if ignore else study.missed
    steps = steps_posterior(SIZES, study.table, draws=DRAWS, seed=seed, missed=missed)
    seconds = np.exp(steps.log_steps) * drawn_seconds(study.rounds, SIZES.astype(int).tolist(), DRAWS, seed)
    reached = (np.isfinite(study.table) & ~study.missed).any(axis=0)
    regret = (seconds / seconds[:, reached].min(axis=1, keepdims=True)).mean(axis=0)
    best = int(np.where(reached, regret, np.inf).argmin())
    pairs = (
        (steps.b_crit, study.b_crit),
        (steps.b_crit, float(fit_scaling(SIZES, np.exp(study.truth)).b_crit)),
        (steps.s_min, study.s_min),
        (seconds[:, best], np.exp(study.truth[best]) * study.seconds[best]),
    )
    ends = [(np.quantile(draws, [0.025, 0.975]), truth) for draws, truth in pairs]
    held = np.array([low <= truth <= high for (low, high), truth in ends])
    return held, np.array([np.log(high / low) for (low, high), _ in ends])


def table_of(
    kinds: dict[str, Callable[[np.random.Generator], Study]], count: int, seed: int = 1, **how: Any
) -> None:
    """Print a line for each kind of study."""
    head = "".join(f"{name:>9}{'length':>8}" for name in ("B_crit", "of fit", "S_min", "T"))
    print(f"{'95 % intervals that hold':24}{head}   ms a study")
    total = np.zeros(4)
    for name, kind in kinds.items():
        rng = np.random.default_rng([seed, *name.encode()])
        studies = [kind(rng) for _ in range(count)]
        started = time.perf_counter()
        found = [covered(study, draw, **how) for draw, study in enumerate(studies)]
        each = (time.perf_counter() - started) / count
        held = np.mean([hit for hit, _ in found], axis=0)
        total += held / len(kinds)
        long = np.median([length for _, length in found], axis=0)
        line = "".join(f"{share:9.1%}{length:8.2f}" for share, length in zip(held, long, strict=True))
        print(f"{name:24}{line}{each * 1e3:13.1f}", flush=True)
    print(f"{'all':24}" + "".join(f"{share:9.1%}{'':8}" for share in total))


def rounds_of(count: int) -> None:
    """The interval of B_crit by the sampler's rounds."""
    kinds, usual = {name: KINDS[name] for name in ("one cap", "given up")}, imputed.ROUNDS
    for rounds in (5, 10, 20, 40, 80):
        imputed.ROUNDS = rounds
        print(f"\n{rounds} rounds of the sampler")
        table_of(kinds, count)
    imputed.ROUNDS = usual


def likelihood(count: int) -> None:
    """The profile likelihood's intervals, where the hyperbola holds."""
    print(f"\n{'profile likelihood':24}{'B_crit':>9}{'S_min':>9}{'E_min':>9}")
    for name in ("plain", "unequal seeds", "one cap", "given up"):
        rng = np.random.default_rng([2, *name.encode()])
        held = np.zeros(3)
        for _ in range(count):
            study = KINDS[name](rng)
            steps = np.exp(study.table)
            fit = fit_censored(SIZES, steps, np.where(study.missed, np.inf, steps))
            truth = {"b_crit": study.b_crit, "s_min": study.s_min, "e_min": study.s_min * study.b_crit}
            held += [fit.interval[key][0] <= value <= fit.interval[key][1] for key, value in truth.items()]
        print(f"{name:24}" + "".join(f"{share:9.1%}" for share in held / count), flush=True)


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--studies", type=int, default=500, help="of each kind")
    parser.add_argument("--seed", type=int, default=1, help="of the studies")
    parser.add_argument(
        "--only",
        nargs="*",
        choices=("posterior", "ignored", "rounds", "likelihood"),
        default=["posterior", "ignored", "likelihood"],
    )
    settings = parser.parse_args()
    if "posterior" in settings.only:
        print(f"{settings.studies} studies of each kind; an error of a share is about 1 % at 500")
        table_of(KINDS, settings.studies, settings.seed)
    if "ignored" in settings.only:
        print("\nThe same with missed runs taken for arrivals")
        table_of({name: KINDS[name] for name in ("one cap", "given up")}, settings.studies, ignore=True)
    if "rounds" in settings.only:
        rounds_of(settings.studies)
    if "likelihood" in settings.only:
        likelihood(settings.studies // 5)


if __name__ == "__main__":
    main()
