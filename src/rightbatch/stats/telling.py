"""Which values to measure next, to know a quantity that hangs on them all."""

import numpy as np

from rightbatch.records import Array


def most_telling(
    covariance: Array, noise: float, seconds: Array, *, most: Array, within: float, known: float
) -> list[int]:
    """Values to measure, each as often as it is named, chosen one by one as if all were normal.

    The next is the one that takes away most of the variance of the quantity q per second; a measurement of
    value j, of variance noise, takes away

        cov(q, v_j)^2 / (var v_j + noise)

    of it. How the covariances change does not hang on what is found, so that several are chosen before any
    is made.

    Args:
        covariance: of the quantity and the values, float64 `(1 + values, 1 + values)`, the quantity first.
        noise: variance of a measurement.
        seconds: that a measurement takes, `(values,)`.
        most: how often each may be measured, int `(values,)`.
        within: seconds that all may take.
        known: variance at which the quantity is known, so that no more are chosen.

    Returns:
        Indices of values; empty: the quantity is known, or there are no seconds for any.

    Example:
        >>> covariance = np.array([[1.0, 0.8, 0.1], [0.8, 1.0, 0.0], [0.1, 0.0, 1.0]])
        >>> most_telling(covariance, 0.1, np.ones(2), most=np.full(2, 9), within=9.0, known=0.4)
        [0, 0]

    Source: A. Krause, A. Singh and C. Guestrin, "Near-Optimal Sensor Placements in Gaussian Processes"
    (2008), for the greedy choice; the normal distribution conditioned on a noisy value.
    """
    covariance, left, found = covariance.copy(), most.copy(), []
    while covariance[0, 0] > known and (may := (left > 0) & (seconds <= within)).any():
        gain = covariance[0, 1:] ** 2 / (np.diag(covariance)[1:] + noise)
        best = int(np.where(may, gain / seconds, -1.0).argmax())
        there = covariance[:, 1 + best]
        covariance -= np.outer(there, there) / (there[1 + best] + noise)
        left[best] -= 1
        within -= seconds[best]
        found.append(best)
    return found
