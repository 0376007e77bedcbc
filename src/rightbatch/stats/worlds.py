"""Draws of S(B) where the runs' scatter, and every run's steps, are taken as known: a world is one guess."""

from typing import NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

from rightbatch.stats.cells import Flags
from rightbatch.stats.curves import REACH, Floats

Places: TypeAlias = NDArray[np.int64]

TYPICAL_DEVIATION = 0.04
"""Sizes of exhaustive sweeps lie 2 to 17 % off the hyperbola, 6 % in the median (`bench/oracle.py --print`),
the scatter of their seeds included."""

DEVIATIONS = TYPICAL_DEVIATION * np.tan(np.pi / 2 * (np.arange(12) + 0.5) / 12)
"""Values of tau of equal prior weight: quantiles of a half-Cauchy, which is at its highest where the
hyperbola holds exactly and has room for one that is only a trend (Gelman 2006, "Prior distributions for
variance parameters in hierarchical models")."""


_COARSE = 0.25
"""Step in ln B_crit of the first look for the peak of its posterior."""

_NEARER = 8
"""Times as close is every look after it."""

_ROUGH, _EXACT = 3, 8
"""Looks that find it to 0.4 %, for cells about it, and to 1e-7."""

_FINE = 0.002
"""Within this of the peak, in ln B_crit, cells are equal; further out they grow with the distance."""


class Worlds(NamedTuple):
    """Guesses at what the runs do not tell, each with complete runs."""

    log_steps: Floats
    """ln of the steps to target, `(worlds, seeds, sizes)`; 0 where there was no run."""
    known: Floats
    """1.0 where there was a run, else 0.0, `(seeds, sizes)`."""
    sigma2: Floats
    """Variance of a run, `(worlds,)`."""
    omega2: Floats
    """Variance of a seed's luck, which it has at all sizes, `(worlds,)`."""


class Drawn(NamedTuple):
    """Draws of the curve, and of ln S at every size."""

    log_s_min: Floats
    log_b_crit: Floats
    log_steps: Floats
    """Shape `(draws, sizes)`."""
    edges: Floats
    """Of the cells in ln B_crit that B_crit was drawn from, `(cells + 1,)`."""


class _Effects(NamedTuple):
    """ln S of every measured size with its doubt, in the axes in which the doubts are independent."""

    mean: Floats
    """Shape `(worlds, axes)`."""
    variance: Floats
    axes: Floats
    """Sizes by axes, `(worlds, sizes, axes)`."""
    measured: Flags
    """Whether each size was run, bool `(sizes,)`."""


class _OnGrid(NamedTuple):
    """The posterior of tau and B_crit, by worlds, values of tau and values of ln B_crit."""

    log_weights: Floats
    """Its logarithm, S_min integrated out, up to a constant of each world."""
    log_s_min: Floats
    """The mean of ln S_min."""


def draw(
    sizes: Floats, worlds: Worlds, random: np.random.Generator, draws: int, cells: int | Floats
) -> Drawn:
    """Draws of S(B), as many from each world.

    Given the scatter, the sizes' mean ln S are normal around the curve, with the covariance that
    seeds shared between sizes give them (generalised least squares; a seed that was not run at a size
    is allowed for). B_crit and tau are drawn from their joint posterior on a grid, ln S_min and the
    sizes' deviations from their normal ones.

    Args:
        sizes: batch sizes, `(n,)`.
        worlds: what to take as known.
        random: the generator.
        draws: how many.
        cells: of the grid in ln B_crit: how many, placed by where its posterior is high, or their edges.
    """
    effects = _effects(worlds)
    world = np.tile(np.arange(len(worlds.sigma2)), -(-draws // len(worlds.sigma2)))
    edges = _edges(effects, sizes, cells) if isinstance(cells, int) else cells
    width = np.diff(edges)
    weights = _on_grid(effects, sizes, edges[:-1] + width / 2).log_weights + np.log(width)
    tau, place = _cells(weights, world, random)
    log_b_crit = edges[place] + width[place] * random.random(len(world))
    level = np.log1p(np.exp(log_b_crit)[:, None] / sizes)
    log_s_min, log_steps = _levels(effects, level, DEVIATIONS[tau] ** 2, random)
    return Drawn(log_s_min[:draws], log_b_crit[:draws], log_steps[:draws], edges)


def peak(sizes: Floats, worlds: Worlds) -> tuple[float, float]:
    """Ln S_min and ln B_crit of the likeliest curve.

    ln B_crit is where its posterior is highest, by the mean of the logarithm over the worlds; ln S_min is
    its mean there. Runs that lie on a hyperbola give its constants back exactly, as the mean and the
    median of draws do not: what such runs leave open is not symmetric about them.
    """
    effects = _effects(worlds)
    log_b_crit = _highest(effects, sizes, _EXACT)
    at = _on_grid(effects, sizes, np.array([log_b_crit]))
    share = np.exp(at.log_weights - np.logaddexp.reduce(at.log_weights, axis=1, keepdims=True))
    return float((share * at.log_s_min).sum(axis=1).mean()), log_b_crit


def _effects(worlds: Worlds) -> _Effects:
    """The sizes' means by generalised least squares, and the eigenvectors of their covariance."""
    measured = np.asarray(worlds.known.any(axis=0))
    known, table = worlds.known[:, measured], worlds.log_steps[:, :, measured]
    sigma2, omega2 = worlds.sigma2[:, None], worlds.omega2[:, None]
    shared = omega2 / (sigma2 * (sigma2 + known.sum(axis=1) * omega2))
    precision = -(shared[:, None, :] * known.T) @ known
    diagonal = np.arange(known.shape[1])
    precision[:, diagonal, diagonal] += known.sum(axis=0) / sigma2
    sums = (known * table).sum(axis=2)
    total = (known * table).sum(axis=1) / sigma2 - np.einsum("qi,ij->qj", shared * sums, known)
    inverse, axes = np.linalg.eigh(precision)
    variance = 1 / np.maximum(inverse, np.finfo(float).tiny)
    return _Effects(np.einsum("qja,qj->qa", axes, total) * variance, variance, axes, measured)


def _edges(effects: _Effects, sizes: Floats, cells: int) -> Floats:
    """Edges of cells in ln B_crit, from less than 1 % wide at the peak of its posterior to wide far off.

    So both what many exact runs know to 0.1 % is resolved and what few runs leave open to a factor of 100.
    """
    middle = _highest(effects, sizes, _ROUGH)
    low, high = np.arcsinh((_ends(sizes) - middle) / _FINE)
    return np.asarray(middle + _FINE * np.sinh(np.linspace(low, high, cells + 1)))


def _ends(sizes: Floats) -> Floats:
    """Of the range in which ln B_crit is looked for."""
    return np.log([sizes.min() / REACH, sizes.max() * REACH])


def _highest(effects: _Effects, sizes: Floats, looks: int) -> float:
    """The ln B_crit at which the mean log posterior of the worlds is highest."""
    (low, high), apart = _ends(sizes).tolist(), _COARSE
    grid = np.append(np.arange(low, high, apart), high)
    for _ in range(looks):
        height = np.logaddexp.reduce(_on_grid(effects, sizes, grid).log_weights, axis=1).sum(axis=0)
        middle = grid[height.argmax()]
        grid = np.clip(np.linspace(middle - apart, middle + apart, 2 * _NEARER + 1), low, high)
        apart /= _NEARER
    return float(middle)


def _on_grid(effects: _Effects, sizes: Floats, grid: Floats) -> _OnGrid:
    """The posterior at these values of ln B_crit."""
    shapes = np.log1p(np.exp(grid)[:, None] / sizes[effects.measured])
    weight = 1 / (effects.variance[:, None, :] + DEVIATIONS[:, None] ** 2)
    ones = effects.axes.sum(axis=1)
    rest = effects.mean[:, :, None] - np.swapaxes(effects.axes, 1, 2) @ shapes.T
    total = (weight * ones[:, None, :] ** 2).sum(axis=2)
    along = (weight * ones[:, None, :]) @ rest
    squares = weight @ rest**2 - along**2 / total[:, :, None]
    constant = np.log(weight).sum(axis=2) - np.log(total)
    return _OnGrid(0.5 * (constant[:, :, None] - squares), along / total[:, :, None])


def _cells(log_weights: Floats, world: Places, random: np.random.Generator) -> tuple[Places, Places]:
    """A tau and a place on the grid for each draw."""
    flat = log_weights.reshape(len(log_weights), -1)
    weight = np.exp(flat - flat.max(axis=1, keepdims=True))
    edges = np.cumsum(weight, axis=1)
    edges = edges / edges[:, -1:] + np.arange(len(edges))[:, None]
    found = np.searchsorted(edges.reshape(-1), world + random.random(len(world)), side="right")
    cell = np.minimum(found - world * flat.shape[1], flat.shape[1] - 1)
    tau, place = np.unravel_index(cell, log_weights.shape[1:])
    return tau, place


def _levels(
    effects: _Effects, level: Floats, tau2: Floats, random: np.random.Generator
) -> tuple[Floats, Floats]:
    """Ln S_min and ln S of each size, given the shape of the curve and tau; draws take the worlds in turn."""
    deviation2 = _by_world(tau2[:, None], effects)
    mean, variance, ones = effects.mean[:, None], effects.variance[:, None], effects.axes.sum(axis=1)[:, None]
    weight = 1 / (variance + deviation2)
    shape = _by_world(level[:, effects.measured], effects) @ effects.axes
    total = weight @ np.swapaxes(ones**2, 1, 2)
    middle = (weight * (mean - shape)) @ np.swapaxes(ones, 1, 2) / total
    log_s_min = middle + random.standard_normal(middle.shape) / np.sqrt(total)
    curve = shape + log_s_min * ones
    trust = deviation2 * weight
    there = curve + trust * (mean - curve) + np.sqrt(trust * variance) * random.standard_normal(curve.shape)
    lowest = _in_turn(log_s_min)
    log_steps = lowest + level + np.sqrt(tau2)[:, None] * random.standard_normal(level.shape)
    log_steps[:, effects.measured] = _in_turn(there @ np.swapaxes(effects.axes, 1, 2))
    return lowest[:, 0], log_steps


def _by_world(draws: Floats, effects: _Effects) -> Floats:
    """`(worlds, draws of each, ...)` of the draws of all worlds in turn, so that a world is taken once."""
    return np.swapaxes(draws.reshape(-1, len(effects.mean), draws.shape[1]), 0, 1)


def _in_turn(draws: Floats) -> Floats:
    """The other way round."""
    return np.swapaxes(draws, 0, 1).reshape(-1, draws.shape[2])
