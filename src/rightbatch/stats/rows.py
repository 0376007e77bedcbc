"""The likelihood of whole seeds: every run of a seed shares its luck."""

from typing import NamedTuple

import numpy as np

from rightbatch.stats.cells import Cells, terms
from rightbatch.stats.curves import Floats

NODES = 11
"""Of the quadrature: exact for uncensored runs, and 60 nodes change nothing where half are censored."""

NEWTON = 12
"""Iterations to the most likely luck: the likelihood is log-concave, and the search ends early."""

_X, _W = np.polynomial.hermite.hermgauss(NODES)
_LOG_W = np.log(_W) + _X**2


class Rows(NamedTuple):
    """The log likelihood of all seeds, and its derivatives."""

    value: float
    by_curve: Floats
    """By ln S of the curve at each size, `(sizes,)`."""
    by_log_sigma: float
    by_log_omega: float


def log_likelihood(cells: Cells, curve: Floats, sigma: float, omega: float) -> Rows:
    """Of ln S_ij ~ N(curve_j + u_i, sigma²), u_i ~ N(0, omega²), with the luck u_i integrated out.

    The integral is Gauss-Hermite quadrature, centred and scaled by the most likely u_i of each
    seed (adaptive quadrature).

    Args:
        cells: the runs, `(seeds, sizes)`.
        curve: ln S, `(sizes,)`.
        sigma: scatter of a run.
        omega: scatter of a seed's luck; 0: seeds have none.

    Source: J. Pinheiro, D. Bates, "Approximations to the log-likelihood function in the nonlinear
    mixed-effects model", JCGS 4 (1995), section 2.3.
    """
    if omega == 0:
        found = terms(cells, curve, sigma)
        return Rows(float(found.value.sum()), found.by_mean.sum(axis=0), float(found.by_log_sigma.sum()), 0.0)
    centre, width = _most_likely(cells, curve, sigma, omega)
    luck = centre + np.sqrt(2) * width * _X[:, None]
    found = terms(cells, curve + luck[..., None], sigma)
    exponent = found.value.sum(axis=-1) - 0.5 * (luck / omega) ** 2 + _LOG_W[:, None]
    highest = exponent.max(axis=0)
    share = np.exp(exponent - highest)
    total = share.sum(axis=0)
    share /= total
    return Rows(
        float((highest + np.log(total) + np.log(width / omega) - 0.5 * np.log(np.pi)).sum()),
        np.einsum("ki,kij->j", share, found.by_mean),
        float(np.einsum("ki,kij->", share, found.by_log_sigma)),
        float((share * ((luck / omega) ** 2 - 1)).sum()),
    )


def _most_likely(cells: Cells, curve: Floats, sigma: float, omega: float) -> tuple[Floats, Floats]:
    """The most likely luck of every seed, and the width of the likelihood there, `(seeds,)`."""
    luck = np.zeros(len(cells.low))
    for _ in range(NEWTON):
        found = terms(cells, curve + luck[:, None], sigma)
        bend = 1 / omega**2 - found.curvature.sum(axis=1)
        step = (found.by_mean.sum(axis=1) - luck / omega**2) / bend
        luck = luck + step
        if np.abs(step * np.sqrt(bend)).max(initial=0) < 1e-6:
            break
    return luck, np.asarray(1 / np.sqrt(bend))
