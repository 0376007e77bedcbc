"""Problems whose steps to target follow from a formula or an exact recursion; no training is involved.

The noise scales of the same regression are in `measure/noise_problems.py`.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[Any]

FOREVER = 10_000_000


@dataclass(frozen=True, kw_only=True)
class Regression:
    """SGD with fresh rows on x ~ N(0, diag h), y = xᵀw* + sigma ε, from w - w* = delta, to an excess risk.

    The expected squares m_i = E(w - w*)_i² follow a linear recursion (Isserlis), so S(B, lr) is exact.
    """

    h: Floats
    delta: Floats
    sigma: float
    target: float

    def steps(self, batch_size: float, lrs: Any, most: int = FOREVER) -> Floats:
        """Whole steps until the expected excess risk is at the target; infinite: not within `most`."""
        lr = np.atleast_1d(np.asarray(lrs, np.float64))[:, None]
        keep = 1 - 2 * lr * self.h + lr**2 * (1 + 1 / batch_size) * self.h**2
        add = lr**2 / batch_size * self.h
        m = np.tile(self.delta**2, (len(lr), 1))
        found = np.full(len(lr), np.inf)
        for step in range(1, most + 1):
            m = np.minimum(keep * m + add * (m @ self.h + self.sigma**2)[:, None], 1e30)
            arrived = (0.5 * m @ self.h <= self.target) & np.isinf(found)
            found[arrived] = step
            if not np.isinf(found).any() or (np.isinf(found) & ~np.isfinite(m).all(axis=1)).any():
                break
        return found

    def cliff(self, batch_size: float) -> float:
        """The largest learning rate that ever reaches the target: stable, with a floor under it."""
        low, high = 0.0, 2 / self.h.max()
        for _ in range(60):
            middle = (low + high) / 2
            low, high = (middle, high) if self.floor(batch_size, middle) <= self.target else (low, middle)
        return low

    def floor(self, batch_size: float, lr: float) -> float:
        """The stationary excess risk; infinite: unstable."""
        matrix = np.diag(1 - 2 * lr * self.h + lr**2 * (1 + 1 / batch_size) * self.h**2)
        matrix += lr**2 / batch_size * np.outer(self.h, self.h)
        if np.abs(np.linalg.eigvals(matrix)).max() >= 1:
            return np.inf
        added = lr**2 * self.sigma**2 / batch_size * self.h
        return float(0.5 * self.h @ np.linalg.solve(np.eye(len(self.h)) - matrix, added))

    def best(self, batch_size: float, points: int = 60) -> tuple[float, float]:
        """The fewest steps, and the learning rate that takes them."""
        lrs = self.cliff(batch_size) * np.linspace(0.3, 0.999, points)
        first = int(self.steps(batch_size, lrs[points * 3 // 5 : points * 3 // 5 + 1])[0])
        found = self.steps(batch_size, lrs, most=2 * first)
        least = found.min()
        return float(least), float(np.median(lrs[found == least]))

    def risks(self, batch_size: int, lr: float, steps: int, repeats: int, seed: int) -> Floats:
        """Simulated excess risks after `steps`, `(repeats,)`."""
        rng = np.random.default_rng(seed)
        off = np.tile(self.delta, (repeats, 1))
        for _ in range(steps):
            x = rng.standard_normal((repeats, batch_size, len(self.h))) * np.sqrt(self.h)
            error = np.einsum("rbd,rd->rb", x, off) - self.sigma * rng.standard_normal((repeats, batch_size))
            off = off - lr / batch_size * np.einsum("rbd,rb->rd", x, error)
        return np.asarray(0.5 * off**2 @ self.h)


PRINTED = Regression(h=1 / np.arange(1, 21), delta=np.ones(20), sigma=1.0, target=0.02)
PRINTED_BEST = {
    1: (2059, 0.0169, 0.0207),
    2: (1033, 0.0336, 0.0415),
    4: (520, 0.0664, 0.0831),
    8: (264, 0.128, 0.162),
    16: (136, 0.242, 0.310),
    32: (72, 0.445, 0.576),
    64: (40, 0.795, 0.969),
    128: (25, 1.16, 1.41),
    256: (18, 1.47, 1.71),
    512: (15, 1.58, 1.85),
    1024: (14, 1.57, 1.94),
    4096: (13, 1.62, 1.94),
}
"""Batch size: fewest steps, the learning rate that takes them, and the largest that ever arrives."""


@dataclass(frozen=True, kw_only=True)
class Isotropic:
    """Noiseless regression with h = 1 at kappa times the best learning rate: the noise scale is d + 1.

    The risk of a step is multiplied by (1 - lr a)² + lr² (a/B) c with a ~ chi²_B / B and c ~ chi²_(d-1),
    so a run is a sum of logarithms.
    """

    d: int
    ratio: float
    """Risk at the start over the target."""
    kappa: float = 1.0

    def lr(self, batch_size: float) -> float:
        """Kappa times the learning rate of the fewest steps."""
        return self.kappa / (1 + (self.d + 1) / batch_size)

    def exact(self, batch_sizes: Any) -> Floats:
        """Steps until the expected risk is at the target: ln R / -ln(1 - (2 kappa - kappa²) lr*)."""
        sizes = np.asarray(batch_sizes, np.float64)
        share = (2 * self.kappa - self.kappa**2) / (1 + (self.d + 1) / sizes)
        return np.asarray(np.log(self.ratio) / -np.log1p(-share))

    def runs(self, batch_sizes: Any, seeds: int, seed: int) -> Floats:
        """Steps to target of simulated runs, crossings interpolated in the log risk, `(seeds, sizes)`."""
        rng = np.random.default_rng(seed)
        return np.stack([self._runs(int(size), seeds, rng) for size in batch_sizes], axis=1)

    def _runs(self, size: int, seeds: int, rng: np.random.Generator) -> Floats:
        chunk = int(1.5 * float(self.exact(size)) + 20)
        lr, risk = self.lr(size), np.zeros((seeds, 1))
        while (risk[:, -1] > -np.log(self.ratio)).any():
            a = rng.chisquare(size, (seeds, chunk)) / size
            more = np.log((1 - lr * a) ** 2 + lr**2 * a / size * rng.chisquare(self.d - 1, (seeds, chunk)))
            risk = np.hstack([risk, risk[:, -1:] + np.cumsum(more, axis=1)])
        after = (risk <= -np.log(self.ratio)).argmax(axis=1)
        row = np.arange(seeds)
        before, here = risk[row, after - 1], risk[row, after]
        return np.asarray(after - 1 + (before + np.log(self.ratio)) / (before - here))


@dataclass(frozen=True, kw_only=True)
class NoisyQuadratic:
    """L = ½ Σ h θ², gradient noise of variance h/B, h_i = 1/i, θ from N(0, 1), best constant learning rate.

    Source: G. Zhang et al., "Which Algorithmic Choices Matter at Which Batch Sizes?" (2019).
    """

    d: int
    target: float

    def loss(self, lr: float, batch_size: float, step: float) -> float:
        """Expected loss after some steps."""
        h = 1 / np.arange(1, self.d + 1)
        decay = np.exp(2 * step * np.log(np.maximum(np.abs(1 - lr * h), 1e-300)))
        return float(0.5 * (decay * h + (1 - decay) * lr * h / (batch_size * (2 - lr * h))).sum())

    def best(self, batch_size: float, points: int = 80) -> tuple[float, float]:
        """The fewest steps over a grid of learning rates, refined once, and the learning rate of them."""
        coarse = np.geomspace(1e-4, 1.999, points)
        found = [self._steps(lr, batch_size) for lr in coarse]
        place = int(np.argmin(found))
        fine = np.geomspace(coarse[max(place - 1, 0)], coarse[min(place + 1, points - 1)], points // 2)
        least, lr = min((self._steps(lr, batch_size), lr) for lr in fine)
        return float(least), float(lr)

    def _steps(self, lr: float, batch_size: float) -> float:
        if self.loss(lr, batch_size, 1e9) > self.target:
            return np.inf
        low, high = 0.0, 1.0
        while self.loss(lr, batch_size, high) > self.target:
            low, high = high, 2 * high
        while high - low > 0.5 and high - low > 1e-5 * high:
            middle = (low + high) / 2
            low, high = (middle, high) if self.loss(lr, batch_size, middle) > self.target else (low, middle)
        return high
