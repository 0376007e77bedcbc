"""Problems whose noise scale is known in closed form, as learners; replicas are independent repetitions."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rightbatch.records import Batch

Floats = NDArray[Any]


@dataclass(frozen=True, kw_only=True)
class Regression:
    """x ~ N(0, diag h), y = xᵀw* + sigma ε, loss ½(xᵀw - y)²; the state is Δ = w - w*, `(replicas, d)`."""

    h: Floats
    delta: Floats
    sigma: float

    @property
    def square(self) -> float:
        """|G|², G = HΔ."""
        return float(((self.h * self.delta) ** 2).sum())

    @property
    def _error(self) -> float:
        return float((self.h * self.delta**2).sum() + self.sigma**2)

    @property
    def trace(self) -> float:
        """tr(Σ), Σ = HΔΔᵀH + (ΔᵀHΔ + σ²) H by Isserlis."""
        return self.square + self._error * float(self.h.sum())

    @property
    def b_simple(self) -> float:
        """1 + (ΔᵀHΔ + σ²) tr(H) / |HΔ|²."""
        return 1 + self._error * float(self.h.sum()) / self.square

    @property
    def b_noise(self) -> float:
        """1 + (ΔᵀHΔ + σ²) tr(H²) / ΔᵀH³Δ."""
        return 1 + self._error * float((self.h**2).sum()) / float((self.h**3 * self.delta**2).sum())

    @property
    def covariance(self) -> Floats:
        """Σ itself."""
        gradient = self.h * self.delta
        return np.outer(gradient, gradient) + self._error * np.diag(self.h)

    def start(self, replicas: int) -> Floats:
        """All replicas at Δ."""
        return np.tile(self.delta, (replicas, 1))

    def batch(self, rng: np.random.Generator, rows: int, replicas: int) -> Batch:
        """Fresh rows, every replica's its own."""
        x = rng.standard_normal((rows, replicas, len(self.h))) * np.sqrt(self.h)
        return Batch((x, rng.standard_normal((rows, replicas))), np.arange(rows), None, epoch=0, step=0)

    def gradient(self, state: Floats, batch: Batch) -> Floats:
        """The mean of x (xᵀΔ - σε)."""
        x, noise = batch.data
        error = np.einsum("nrd,rd->nr", x, state) - self.sigma * noise
        return np.asarray(np.einsum("nrd,nr->rd", x, error) / len(x))

    def gradient_and_norms(self, state: Floats, batch: Batch) -> tuple[Floats, Floats]:
        """The gradient, and |x|² (xᵀΔ - σε)² of every row."""
        x, noise = batch.data
        error = np.einsum("nrd,rd->nr", x, state) - self.sigma * noise
        return self.gradient(state, batch), (np.vecdot(x, x) * error**2).T

    def parameters(self, state: Floats) -> dict[str, Floats]:
        """Δ."""
        return {"delta": state}

    def shifted(self, state: Floats, direction: Floats) -> Floats:
        """Δ moved."""
        return state + direction


PRINTED_H = 1 / np.arange(1, 21)


def printed(h: Floats = PRINTED_H, sigma: float = 1.0) -> Regression:
    """The case whose values are printed in the reference: d = 20, h_i = 1/i, Δ = 1, noise 1."""
    return Regression(h=h, delta=np.ones(20), sigma=sigma)


OTHERS = {
    "isotropic": Regression(h=np.ones(50), delta=np.full(50, 0.3), sigma=1.0),
    "steep": Regression(h=2.0 ** -np.arange(5), delta=np.array([1.0, -1.0, 2.0, 0.5, 0.0]), sigma=2.0),
    "quiet": Regression(h=1 / np.arange(1, 9), delta=np.ones(8), sigma=0.3),
}
"""Other dimensions, spectra and levels of noise."""


@dataclass(frozen=True)
class Descent:
    """SGD on ½|θ|² with gradients θ + ξ, ξ ~ N(0, I) per row; the state is θ, `(replicas, d)`."""

    d: int
    batch_size: int
    alpha: float

    @property
    def b_simple(self) -> float:
        """B (2 - alpha)/alpha once settled: E θ² = alpha/(B (2 - alpha)) per coordinate, and tr(Σ) = d."""
        return self.batch_size * (2 - self.alpha) / self.alpha

    def settled(self, rng: np.random.Generator, replicas: int) -> Floats:
        """θ drawn from the stationary distribution."""
        spread = np.sqrt(self.alpha / (self.batch_size * (2 - self.alpha)))
        return rng.standard_normal((replicas, self.d)) * spread

    def batch(self, rng: np.random.Generator, replicas: int) -> Batch:
        """The noise of fresh rows, every replica's its own."""
        noise = rng.standard_normal((self.batch_size, replicas, self.d), dtype=np.float32)
        return Batch(noise, np.arange(self.batch_size), None, epoch=0, step=0)

    def gradient(self, state: Floats, batch: Batch) -> Floats:
        """θ plus the mean noise."""
        return np.asarray(state + batch.data.mean(axis=0))
